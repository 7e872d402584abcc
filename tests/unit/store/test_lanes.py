from __future__ import annotations

import asyncio
import fcntl
from collections.abc import Sequence
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
