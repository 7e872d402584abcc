from __future__ import annotations

import asyncio
import fcntl
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from bakery import shelf
from bakery.kitchen import HOME, STORES, TYPES
from posthouse.bus import Moved
from posthouse.store.txn import Transaction


def test_no_process_commits_before_the_last_commit_was_told(tmp_path: Path) -> None:
    """So that news come in the order of their numbers, on which the positions of clients rely."""
    could_commit: list[bool] = []

    def announce(moved: Sequence[Moved]) -> None:
        [lock] = tmp_path.rglob("*.lock")
        with lock.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                could_commit.append(True)
            except BlockingIOError:
                could_commit.append(False)

    def add(txn: Transaction) -> None:
        txn.insert(shelf, txn.allocate(), {"name": "shelf", "parentId": None})

    with closing(STORES["sqlite"](tmp_path, TYPES, announce)) as store:
        asyncio.run(store.write(HOME, 1, add))
    assert [False] == could_commit


def test_units_that_may_run_twice_fail_alone_and_each_is_done_once(tmp_path: Path) -> None:
    """They share a savepoint, with one among them that fails, and one of another kind."""

    def add(name: str) -> Callable[[Transaction], str]:
        def unit(txn: Transaction) -> str:
            txn.insert(shelf, txn.allocate(), {"name": name, "parentId": None})
            if name == "bad":
                raise ValueError(name)
            return name

        return unit

    async def run() -> list[str | BaseException]:
        names = ["first", "a", "b", "bad", "c", "once", "bad"]
        return await asyncio.gather(
            *[store.write(HOME, 1, add(name), again=name not in ("first", "once")) for name in names],
            return_exceptions=True,
        )

    moved: list[Moved] = []
    with closing(STORES["sqlite"](tmp_path, TYPES, moved.extend)) as store:
        outcomes = asyncio.run(run())
        assert ["first", "a", "b", "bad", "c", "once", "bad"] == [str(one) for one in outcomes]
        assert [3, 6] == [at for at, one in enumerate(outcomes) if isinstance(one, ValueError)]
        there = asyncio.run(store.read(HOME, 1, lambda txn: txn.values(shelf, None, ["name"])))
        assert ["a", "b", "c", "first", "once"] == sorted(one["name"] for one in there.values())
        assert asyncio.run(store.levels(HOME)) == moved[-1].levels
