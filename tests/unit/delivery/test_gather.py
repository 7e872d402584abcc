"""What waits together is done together, and each piece has its own outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from posthouse.delivery.gather import Gather


class Bench:
    """Work that goes on when it is told to; notes its batches."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()

    async def work(self, pieces: Sequence[int]) -> list[int | Exception]:
        self.batches.append([*pieces])
        await self.gate.wait()
        if 13 in pieces:
            raise OSError("all of them")
        return [ValueError("odd") if piece == 7 else -piece for piece in pieces]


async def begun(gather: Gather[int, int], pieces: Sequence[int]) -> list[asyncio.Task[int]]:
    """Begin with the first piece, and bring the others when it is under way."""
    tasks = []
    for some in (pieces[:1], pieces[1:]):
        tasks += [asyncio.ensure_future(gather.do(piece)) for piece in some]
        for _ in range(3):
            await asyncio.sleep(0)
    return tasks


def test_what_comes_meanwhile_is_one_batch() -> None:
    async def run() -> None:
        bench = Bench()
        gather = Gather(bench.work, at_once=1, most=3)
        tasks = await begun(gather, [1, 2, 3, 4, 5])
        assert [[1]] == bench.batches
        assert not gather.is_idle
        bench.gate.set()
        assert [-1, -2, -3, -4, -5] == await asyncio.gather(*tasks)
        assert [[1], [2, 3, 4], [5]] == bench.batches
        assert gather.is_idle

    asyncio.run(run())


def test_what_comes_at_the_same_moment_is_one_batch() -> None:
    async def run() -> None:
        bench = Bench()
        bench.gate.set()
        gather = Gather(bench.work, at_once=1, most=3)
        assert [-1, -2] == await asyncio.gather(gather.do(1), gather.do(2))
        assert [[1, 2]] == bench.batches

    asyncio.run(run())


def test_a_batch_that_is_heavy_enough_takes_no_more() -> None:
    async def run() -> None:
        bench = Bench()
        gather = Gather(bench.work, at_once=1, most=9, weigh=lambda piece: piece, heaviest=10)
        tasks = await begun(gather, [1, 6, 5, 2])
        bench.gate.set()
        await asyncio.gather(*tasks)
        assert [[1], [6, 5], [2]] == bench.batches

    asyncio.run(run())


def test_each_has_his_own_fault_and_a_fault_of_the_work_is_that_of_all() -> None:
    async def run() -> None:
        bench = Bench()
        bench.gate.set()
        gather = Gather(bench.work, at_once=1, most=9)
        outcomes = await asyncio.gather(*await begun(gather, [1, 6, 7, 8]), return_exceptions=True)
        assert [-1, -6, "odd", -8] == [str(one) if isinstance(one, Exception) else one for one in outcomes]
        outcomes = await asyncio.gather(*await begun(gather, [1, 12, 13]), return_exceptions=True)
        assert [-1, "all of them", "all of them"] == [
            str(one) if isinstance(one, Exception) else one for one in outcomes
        ]
        assert gather.is_idle

    asyncio.run(run())


def test_who_goes_away_stops_nothing() -> None:
    async def run() -> None:
        bench = Bench()
        gather = Gather(bench.work, at_once=1, most=9)
        tasks = await begun(gather, [1, 2, 3])
        tasks[0].cancel()
        tasks[1].cancel()
        await asyncio.sleep(0)
        bench.gate.set()
        assert -3 == await tasks[2]
        assert [[1], [2, 3]] == bench.batches
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]

    asyncio.run(run())
