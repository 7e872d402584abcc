"""Turns: a pool in which owners take turns."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from posthouse.kit.turns import Turns


@pytest.fixture
def turns() -> Iterator[Turns]:
    with ThreadPoolExecutor(2) as pool:
        yield Turns(pool)


def test_work_gives_what_it_returns(turns: Turns) -> None:
    assert 7 == asyncio.run(turns.run("a", lambda: 7))


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_work_raises_what_it_raises(turns: Turns, error: type[BaseException]) -> None:
    def work() -> None:
        raise error

    async def attempt() -> None:
        with pytest.raises(error):
            await turns.run("a", work)
        assert 1 == await turns.run("a", lambda: 1)

    asyncio.run(attempt())


def test_an_iterator_that_ends_leaves_nobody_waiting(turns: Turns) -> None:
    with pytest.raises(RuntimeError):
        asyncio.run(turns.run("a", lambda: next(iter(()))))


def test_who_brings_much_leaves_a_thread_to_others(turns: Turns) -> None:
    blocked = threading.Event()

    async def go() -> None:
        greedy = [asyncio.create_task(turns.run("greedy", blocked.wait)) for _ in range(10)]
        await asyncio.sleep(0)
        assert "served" == await turns.run("modest", lambda: "served")
        blocked.set()
        assert [True] * 10 == await asyncio.gather(*greedy)

    asyncio.run(go())


def test_owners_take_turns_and_each_keeps_his_order() -> None:
    done: list[str] = []
    started = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        turns = Turns(pool)

        async def go() -> None:
            first = asyncio.create_task(turns.run("z", started.wait))
            await asyncio.sleep(0)
            tasks = [
                asyncio.create_task(turns.run(owner, lambda name=f"{owner}{number}": done.append(name)))  # type: ignore[misc]
                for owner in "ab"
                for number in range(3)
            ]
            await asyncio.sleep(0)
            started.set()
            await asyncio.gather(first, *tasks)

        asyncio.run(go())
    assert ["a0", "b0", "a1", "b1", "a2", "b2"] == done


def test_work_of_who_went_away_is_left_undone(turns: Turns) -> None:
    blocked = threading.Event()
    done: list[int] = []

    async def go() -> None:
        first = asyncio.create_task(turns.run("a", blocked.wait))
        second = asyncio.create_task(turns.run("a", lambda: done.append(1)))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.wait([second])  # it is cancelled only when the loop has come round to it
        blocked.set()
        await first
        await turns.run("a", lambda: done.append(2))

    asyncio.run(go())
    assert [2] == done
