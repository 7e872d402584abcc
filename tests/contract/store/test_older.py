"""What an older version wrote is brought up to this one when its file is opened."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from bakery import shelf
from bakery.kitchen import BAKER, HOME
from posthouse.model.caller import Access
from posthouse.model.condition import Leaf, Query
from posthouse.store.txn import Transaction

from .conftest import Open
from .test_txn import put_up

VISITED = Access(HOME.account, HOME.shard, "home", through=frozenset({8}))

AS_IN_4 = """
DROP TABLE job;
DELETE FROM kind WHERE name = '#job';
UPDATE schema SET version = 4, readable_by = 4;
"""
# The tables of that version which have become others.
AS_IN_3 = f"""
{AS_IN_4}
CREATE TABLE account_3(
    account INTEGER PRIMARY KEY, seq INTEGER NOT NULL, next INTEGER NOT NULL, levels BLOB NOT NULL);
INSERT INTO account_3 SELECT account, seq, next, levels FROM account;
DROP TABLE account;
ALTER TABLE account_3 RENAME TO account;
CREATE TABLE overlay_3(
    account INTEGER NOT NULL, type INTEGER NOT NULL, person INTEGER NOT NULL, id INTEGER NOT NULL,
    name TEXT NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (account, type, person, id, name)) WITHOUT ROWID;
INSERT INTO overlay_3 SELECT account, type, person, id, name, value FROM overlay;
DROP TABLE overlay;
ALTER TABLE overlay_3 RENAME TO overlay;
DROP TABLE granted;
DROP TABLE heard;
UPDATE schema SET version = 3, readable_by = 3;
"""


@pytest.fixture(params=[AS_IN_3, AS_IN_4], ids=["3", "4"])
def old_shelf(request: pytest.FixtureRequest, kind: str, folder: Path, open_again: Open) -> int:
    """A shelf that its owner likes, in a file as an older version wrote it."""
    if kind != "sqlite":
        pytest.skip("written for files")
    pantry = open_again()
    id = pantry.write(put_up)
    pantry.store.close()
    file = apsw.Connection(str(folder / "0.db"))
    file.execute(request.param)
    file.close()
    return id


def liked(txn: Transaction) -> list[int]:
    return [*txn.find(shelf, Query(Leaf(shelf.filters["isFavourite"], True))).all()]


def test_all_is_still_there_and_no_state_has_moved(old_shelf: int, open_again: Open) -> None:
    pantry = open_again()
    assert [old_shelf] == pantry.read(liked)
    assert {"Shelf": 1} == pantry.read(lambda txn: txn.levels())
    assert [] == pantry.read(lambda txn: txn.changes(shelf, 1, 10).updated)
    assert {} == pantry.read(lambda txn: txn.shares(shelf, [old_shelf]))


def test_what_is_new_can_be_done_at_once(old_shelf: int, open_again: Open) -> None:
    pantry = open_again()
    assert [] == pantry.read(lambda txn: txn.ids(shelf), at=VISITED, person=8)
    pantry.write(lambda txn: txn.share(shelf, old_shelf, {8: 1}, BAKER.person, 0))

    def like_no_more(txn: Transaction) -> None:
        old = txn.values(shelf, [old_shelf])[old_shelf]
        txn.update(shelf, old_shelf, old, old | {"isFavourite": False})

    pantry.write(like_no_more)
    pantry.write(lambda txn: txn.put_job("bake", 1, {}))
    assert 1 == pantry.read(lambda txn: txn.count_jobs("bake"))
    assert [] == pantry.read(liked)
    assert [old_shelf] == pantry.read(lambda txn: txn.changes(shelf, 2, 10).updated)
    for again in (pantry, open_again()):
        assert [old_shelf] == again.read(lambda txn: txn.ids(shelf), at=VISITED, person=8)
