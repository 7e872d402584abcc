"""Units of work: groups, snapshots, lanes (DESIGN D2, D3)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bakery import order, shelf
from bakery.kitchen import OTHER
from posthouse.kit.json import JsonObject
from posthouse.store.txn import Transaction

from .conftest import Open, Pantry


def a_shelf(name: str) -> JsonObject:
    return {"name": name, "parentId": None, "sortOrder": 0, "isFavourite": True}


def put_up(name: str, fault: BaseException | None = None) -> Callable[[Transaction], tuple[int, int]]:
    """A unit that makes a shelf and then fails if told to."""

    def unit(txn: Transaction) -> tuple[int, int]:
        id = txn.allocate()
        txn.insert(shelf, id, a_shelf(name))
        if fault is not None:
            raise fault
        return id, txn.state(shelf)

    return unit


def names(txn: Transaction) -> list[str]:
    return [values["name"] for values in txn.values(shelf).values()]


def test_units_handed_in_together_are_done_in_order(pantry: Pantry) -> None:
    results = pantry.write_all(*(put_up(f"n{at}") for at in range(150)))
    assert [(at + 1, at + 1) for at in range(150)] == results
    assert [f"n{at}" for at in range(150)] == pantry.read(names)


def test_a_unit_that_fails_is_undone_alone(pantry: Pantry) -> None:
    faults = {at: ValueError(at) for at in (0, 3, 4, 9)}
    results = pantry.write_all(*(put_up(f"n{at}", faults.get(at)) for at in range(10)))
    assert faults == {at: result for at, result in enumerate(results) if isinstance(result, Exception)}
    assert ["n1", "n2", "n5", "n6", "n7", "n8"] == pantry.read(names)
    assert 6 == pantry.read(lambda txn: txn.state(shelf))


def test_a_commit_that_fails_fails_every_unit_of_its_group(kind: str, pantry: Pantry) -> None:
    if kind != "sqlite":
        pytest.skip("only the embedded store commits units in groups")
    pantry.write(put_up("before"))
    connection = pantry.store._shards[0].writer._database.connection
    connection.set_commit_hook(lambda: True)
    results = pantry.write_all(put_up("one"), put_up("two", ValueError()), put_up("three"))
    assert all(isinstance(result, Exception) for result in results)
    assert ["before"] == pantry.read(names)
    connection.set_commit_hook(None)
    assert (2, 2) == pantry.write(put_up("after"))
    assert ["before", "after"] == pantry.read(names)


class Alarm(BaseException):
    """What no one expects."""


@pytest.mark.parametrize("fault", [StopIteration(), Alarm(), RecursionError(), MemoryError()])
def test_whatever_a_unit_raises_the_writer_goes_on(pantry: Pantry, fault: BaseException) -> None:
    with pytest.raises(RuntimeError if isinstance(fault, StopIteration) else type(fault)):
        pantry.write(put_up("bad", fault))
    pantry.write(put_up("good"))
    assert ["good"] == pantry.read(names)


def test_a_writer_who_went_away_is_written_all_the_same(pantry: Pantry) -> None:
    async def leave() -> None:
        writing = asyncio.ensure_future(pantry.store.write(OTHER, 7, put_up("left")))
        await asyncio.sleep(0)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing

    pantry._runner.run(leave())
    pantry.write(put_up("next"), at=OTHER)
    assert ["left", "next"] == pantry.read(names, at=OTHER)


def test_a_closed_store_takes_no_more_writes(open_again: Open) -> None:
    pantry = open_again()
    pantry.write(put_up("one"))
    pantry.store.close()
    with pytest.raises(RuntimeError):
        pantry.write(put_up("two"))
    assert ["one"] == open_again().read(names)


def test_a_reader_sees_one_snapshot_while_a_writer_commits(open_again: Open) -> None:
    reader, writer = open_again(), open_again()
    writer.write(put_up("old"))
    with ThreadPoolExecutor(1) as aside:

        def unit(txn: Transaction) -> list[object]:
            before = names(txn)
            aside.submit(writer.write, put_up("new")).result()
            return [before, names(txn), len(txn.ids(shelf)), txn.state(shelf), txn.changes(shelf, 0, 9).until]

        assert [["old"], ["old"], 1, 1, 1] == reader.read(unit)
    assert ["old", "new"] == reader.read(names)


def test_a_unit_that_failed_leaves_no_snapshot_behind(open_again: Open) -> None:
    reader, writer = open_again(), open_again()
    writer.write(put_up("old"))

    def fail(txn: Transaction) -> None:
        assert ["old"] == names(txn)
        raise ValueError

    with pytest.raises(ValueError):
        reader.read(fail)
    writer.write(put_up("new"))
    assert ["old", "new"] == reader.read(names)


def test_a_read_that_takes_long_is_answered_by_the_slow_lane(kind: str, pantry: Pantry) -> None:
    if kind != "sqlite":
        pytest.skip("only the embedded store reads in the caller's thread")
    pantry.write(put_up("one"))
    threads = []

    def unit(txn: Transaction) -> tuple[list[str], Any]:
        threads.append(threading.current_thread().name)
        endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300000) SELECT sum(i) FROM n"
        return names(txn), txn._database.one(endless)

    assert (["one"], (45000150000,)) == pantry.read(unit)
    assert ["MainThread", "slow_0"] == threads
    assert ["one"] == pantry.read(names)


def test_a_failure_in_the_slow_lane_reaches_the_caller(kind: str, pantry: Pantry) -> None:
    if kind != "sqlite":
        pytest.skip("only the embedded store reads in the caller's thread")

    def unit(txn: Transaction) -> None:
        endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300000) SELECT sum(i) FROM n"
        txn._database.one(endless)
        raise StopIteration

    with pytest.raises(RuntimeError):
        pantry.read(unit)


WRITES: list[Callable[[Transaction], object]] = [
    lambda txn: txn.allocate(),
    lambda txn: txn.insert(shelf, 9, a_shelf("x")),
    lambda txn: txn.update(shelf, 1, a_shelf("one"), a_shelf("x")),
    lambda txn: txn.delete(shelf, 1),
    lambda txn: txn.count(shelf, 1, {"totalCakes": 1}),
    lambda txn: txn.put_keys("space", 1, [1]),
    lambda txn: txn.drop_keys("space", 1),
    lambda txn: txn.hold_blob(b"x" * 32, shelf, 1),
    lambda txn: txn.note_upload(b"x" * 32, 9),
    lambda txn: txn.put_note("x", 1),
]


@pytest.mark.parametrize("number", range(len(WRITES)))
def test_a_unit_that_reads_may_not_write(pantry: Pantry, number: int) -> None:
    pantry.write(put_up("one"))
    with pytest.raises(RuntimeError):
        pantry.read(WRITES[number])
    assert ["one"] == pantry.read(names)
    pantry.write(WRITES[number])


def test_accounts_are_strangers(pantry: Pantry) -> None:
    pantry.write(put_up("home"))
    assert (1, 1) == pantry.write(put_up("other"), at=OTHER)
    pantry.write(lambda txn: txn.put_note("x", 1))
    assert (["home"], ["other"]) == (pantry.read(names), pantry.read(names, at=OTHER))
    assert pantry.read(lambda txn: txn.note("x"), at=OTHER) is None
    pantry.write(lambda txn: txn.delete(shelf, 1), at=OTHER)
    assert ["home"] == pantry.read(names)
    assert (0, 0) == pantry.read(lambda txn: (txn.state(order), txn.floor(order)))
