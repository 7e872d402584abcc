"""Erasing an account: nothing of it stays, and its neighbours notice nothing."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import apsw
import pytest

from bakery import cake, order, recipe, shelf
from bakery.kitchen import HOME, OTHER
from posthouse.store import erase
from posthouse.store.txn import ID_BITS, Transaction

from .conftest import Pantry
from .test_txn import DIGEST, bake, put_up


def furnish(txn: Transaction) -> None:
    """Leave rows in every table."""
    on = put_up(txn)
    txn.share(shelf, on, {8: 1}, 7, 0)
    group = txn.allocate()
    txn.insert(order, group, {"cakeIds": []})
    for number in range(7):
        id = bake(txn, on, group, f"tag{number}")
        txn.hold_blob(DIGEST, cake, id)
        txn.put_keys("orders", group, [number])
        shelves = {shelf.wire(on): True}
        txn.insert(recipe, txn.allocate(), {"shelfIds": shelves, "steps": ["mix"], "picture": DIGEST.hex()})
    txn.note_upload(DIGEST, 2**40)
    txn.put_note("x", 1)
    for number in range(7):
        txn.put_job("bake", number, {}, keeps=[DIGEST])


def rows(folder: Path, account: int) -> dict[str, int]:
    """Count an account's rows in each table of the shard that it shares with the others."""
    with closing(apsw.Connection(str(folder / "0.db"))) as connection:
        found = {}
        for (table,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            if "account" in columns:
                sql = f"SELECT count(*) FROM {table} WHERE account = {account}"
            elif table in ("search_cake", "search_recipe"):
                low = account << ID_BITS
                sql = f"SELECT count(*) FROM {table} WHERE rowid BETWEEN {low} AND {low + 2**ID_BITS - 1}"
            else:
                continue
            found[table] = connection.execute(sql).get
    return found


@pytest.mark.parametrize("at_once", [3, erase.AT_ONCE])
def test_an_erased_account_has_no_row_and_its_neighbour_has_all(
    pantry: Pantry, folder: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(erase, "AT_ONCE", at_once)
    for place in (HOME, OTHER):
        pantry.write(furnish, at=place)
    before = rows(folder, OTHER.account)
    assert before == rows(folder, HOME.account)
    assert all(before.values())
    pantry.erase(HOME)
    assert dict.fromkeys(before, 0) == rows(folder, HOME.account)
    assert before == rows(folder, OTHER.account)


def test_an_account_that_is_not_there_can_be_erased(pantry: Pantry) -> None:
    pantry.erase(HOME)
