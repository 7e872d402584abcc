"""A read that computes for long makes way for others."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from bakery.kitchen import HOME, STORES, TYPES, OpenStore
from posthouse.store.lanes import BUDGET
from posthouse.store.txn import Transaction


@pytest.fixture(params=list(STORES))
def open_store(request: pytest.FixtureRequest) -> OpenStore:
    return STORES[request.param]


def test_a_long_computation_starts_again_in_a_thread(open_store: OpenStore, tmp_path: Path) -> None:
    threads: list[int] = []

    def unit(txn: Transaction) -> str:
        threads.append(threading.get_ident())
        end = time.thread_time() + 2 * BUDGET
        while time.thread_time() < end:
            pass
        txn.pause()
        return "done"

    with closing(open_store(tmp_path, TYPES)) as store:
        assert "done" == asyncio.run(store.read(HOME, 7, unit))
    assert [True, False] == [thread == threading.get_ident() for thread in threads]


def test_a_short_computation_is_not_disturbed(open_store: OpenStore, tmp_path: Path) -> None:
    runs: list[None] = []

    def unit(txn: Transaction) -> str:
        runs.append(None)
        txn.pause()
        return "done"

    with closing(open_store(tmp_path, TYPES)) as store:
        assert "done" == asyncio.run(store.read(HOME, 7, unit))
    assert 1 == len(runs)
