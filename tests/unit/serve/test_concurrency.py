"""How much of one caller runs at once."""

from __future__ import annotations

import asyncio

import pytest

from posthouse.serve.http.concurrency import Full, Gate


def test_those_in_line_pass_in_order() -> None:
    async def run() -> list[int]:
        gate, passed = Gate(1, 10), []

        async def one(number: int) -> None:
            await gate.enter("a")
            passed.append(number)
            await asyncio.sleep(0)
            gate.leave("a")

        await asyncio.gather(*(one(number) for number in range(10)))
        return passed

    assert list(range(10)) == asyncio.run(run())


def test_callers_do_not_wait_for_each_other() -> None:
    async def run() -> None:
        gate = Gate(1, 0)
        await gate.enter("a")
        await gate.enter("b")
        with pytest.raises(Full):
            await gate.enter("a")

    asyncio.run(run())


def test_nothing_is_remembered_of_who_left() -> None:
    async def run() -> Gate:
        gate = Gate(2, 0)
        for key in range(1000):
            await gate.enter(key)
            gate.leave(key)
        return gate

    assert {} == asyncio.run(run())._places


@pytest.mark.parametrize("moment", ["waiting", "just called"])
def test_who_gives_up_waiting_takes_no_place(moment: str) -> None:
    async def run() -> None:
        gate = Gate(1, 10)
        await gate.enter("a")
        gives_up = asyncio.ensure_future(gate.enter("a"))
        waits = asyncio.ensure_future(gate.enter("a"))
        await asyncio.sleep(0)
        if moment == "just called":
            gate.leave("a")
        gives_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gives_up
        if moment == "waiting":
            gate.leave("a")
        await waits
        gate.leave("a")
        assert {} == gate._places

    asyncio.run(run())
