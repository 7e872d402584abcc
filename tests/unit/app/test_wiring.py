"""Opening a data folder that is not whole."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from posthouse.app import wiring
from posthouse.directory.passwords import Passwords
from posthouse.directory.place import place_of


def make(folder: Path) -> Path:
    """Make a folder with one account and give the file of its shard."""
    app = wiring.build(folder, passwords=Passwords(passes=1, memory=8, threads=1))
    person = app.people.add("ada@example.org", None)
    app.close()
    return folder / "shards" / f"{person.shard}.db"


def test_accounts_without_their_directory_are_not_taken_for_a_new_folder(tmp_path: Path) -> None:
    make(tmp_path)
    directory = tmp_path / "directory.db"
    kept = directory.read_bytes()
    for file in tmp_path.glob("directory.db*"):
        file.unlink()
    with pytest.raises(OSError, match="restore it from a backup"):
        wiring.build(tmp_path)
    assert not directory.exists()
    directory.write_bytes(kept)
    wiring.build(tmp_path).close()


def test_a_damaged_shard_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    shard = make(tmp_path)
    for file in shard.parent.glob(f"{shard.name}*"):
        file.unlink()
    shard.write_bytes(b"no database" * 1000)
    with pytest.raises(OSError, match="damaged") as caught:
        app = wiring.build(tmp_path)
        person = app.people.find("ada@example.org")
        asyncio.run(app.store.read(place_of(person), person.id, lambda txn: txn.levels()))
    assert str(shard) == caught.value.filename
