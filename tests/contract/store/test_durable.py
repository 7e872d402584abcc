"""What was acknowledged is there: after a restart, a kill, a full disk; with several processes at work."""

from __future__ import annotations

import subprocess
import sys
from itertools import islice
from pathlib import Path

import apsw
import pytest

from bakery import shelf
from bakery.rows import recounted
from posthouse.store.tables import WrongSchema
from posthouse.store.txn import Transaction

from .conftest import Open, Pantry

TESTS = Path(__file__).parents[2]


def start(kind: str, folder: Path, name: str, most: int) -> subprocess.Popen[str]:
    program = Path(__file__).with_name("programs") / "writing.py"
    arguments = [sys.executable, str(program), str(TESTS), kind, str(folder), name, str(most)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


def pairs(lines: list[str]) -> list[tuple[int, int]]:
    """Read what a program acknowledged: ids and numbers; a torn last line was not."""
    whole = [line.split() for line in lines if line.endswith("\n")]
    return [(int(id), int(number)) for id, number in whole]


def test_what_was_acknowledged_is_there_after_opening_again(open_again: Open) -> None:
    open_again().write(lambda txn: txn.put_note("x", [1, "ü"]))
    assert [1, "ü"] == open_again().read(lambda txn: txn.note("x"))


def test_a_kill_loses_nothing_that_was_acknowledged(kind: str, folder: Path, open_again: Open) -> None:
    acknowledged: list[tuple[int, int]] = []
    for life in range(5):
        with start(kind, folder, f"life{life}-", 0) as program:
            assert program.stdout is not None
            lines = list(islice(program.stdout, 7 + 11 * life))
            program.kill()
            lines += program.stdout.readlines()
        acknowledged += pairs(lines)
    pantry = open_again()
    ids = [id for id, _ in acknowledged]
    assert len(ids) == len(set(ids))
    assert set(ids) <= set(pantry.read(lambda txn: txn.ids(shelf)))
    assert max(number for _, number in acknowledged) <= pantry.read(lambda txn: txn.state(shelf))
    stored, right = pantry.read(recounted)
    assert right == stored


def test_writers_in_two_processes_never_draw_the_same_number_or_id(
    kind: str, folder: Path, open_again: Open
) -> None:
    """They start together on a folder that is not there yet."""
    with start(kind, folder, "one", 60) as one, start(kind, folder, "two", 60) as two:
        drawn = pairs([*(one.stdout or ()), *(two.stdout or ())])
    assert [0, 0] == [one.returncode, two.returncode]
    ids, numbers = zip(*drawn, strict=True)
    assert [120, 120, 120] == [len(drawn), len(set(ids)), len(set(numbers))]
    pantry = open_again()
    assert sorted(ids) == pantry.read(lambda txn: txn.ids(shelf))
    assert max(numbers) == pantry.read(lambda txn: txn.state(shelf))


def test_a_full_disk_leaves_what_was_acknowledged_and_later_writes_work(
    kind: str, pantry: Pantry, open_again: Open
) -> None:
    if kind != "sqlite":
        pytest.skip("only the embedded store can be told how large its file may be")
    pantry.write(lambda txn: txn.put_note("before", 1))
    connection = pantry.store._shards[0].writer._database.connection
    pages = connection.pragma("page_count")
    connection.pragma("max_page_count", pages + 20)
    written = 0
    with pytest.raises(OSError, match="no space"):
        while True:
            pantry.write(put_large(written))
            written += 1
    assert 0 < written
    connection.pragma("max_page_count", 2**30)
    pantry.write(put_large(1000))
    for reader in (pantry, open_again()):
        assert 1 == reader.read(lambda txn: txn.note("before"))
        assert [True] * written == [
            reader.read(lambda txn, at=at: txn.note(f"n{at}") is not None) for at in range(written)
        ]  # type: ignore[misc]
        assert reader.read(lambda txn: txn.note(f"n{written}")) is None
        assert reader.read(lambda txn: txn.note("n1000")) is not None


def put_large(at: int):  # type: ignore[no-untyped-def]
    def unit(txn: Transaction) -> None:
        txn.put_note(f"n{at}", "x" * 20_000)

    return unit


def test_a_full_disk_in_a_group_fails_no_unit_in_silence(kind: str, pantry: Pantry) -> None:
    if kind != "sqlite":
        pytest.skip("only the embedded store can be told how large its file may be")
    pantry.write(lambda txn: txn.put_note("before", 1))
    connection = pantry.store._shards[0].writer._database.connection
    connection.pragma("max_page_count", connection.pragma("page_count") + 20)
    results = pantry.write_all(*(put_large(at) for at in range(12)))
    for at, result in enumerate(results):
        there = pantry.read(lambda txn, at=at: txn.note(f"n{at}"))  # type: ignore[misc]
        assert (result is None) == (there is not None)
    assert any(isinstance(result, OSError) for result in results)


def test_what_a_newer_version_wrote_is_refused_in_one_line(kind: str, folder: Path, open_again: Open) -> None:
    if kind != "sqlite":
        pytest.skip("written for files")
    open_again().write(lambda txn: txn.put_note("x", 1))
    file = apsw.Connection(str(folder / "0.db"))
    file.execute("UPDATE schema SET version = 99, readable_by = 98")
    for _ in range(2):
        with pytest.raises(WrongSchema) as refused:
            open_again().read(lambda txn: txn.note("x"))
        assert "99" in str(refused.value)
        assert "\n" not in str(refused.value)
    file.execute("UPDATE schema SET version = 99, readable_by = 1")
    assert 1 == open_again().read(lambda txn: txn.note("x"))
    file.close()


def test_what_was_written_before_the_first_release_is_refused_when_it_is_opened(
    kind: str, folder: Path, open_again: Open
) -> None:
    if kind != "sqlite":
        pytest.skip("written for files")
    open_again().write(lambda txn: txn.put_note("x", 1))
    file = apsw.Connection(str(folder / "0.db"))
    file.execute("UPDATE schema SET version = 1, readable_by = 1")
    # The tables of that time were others.
    file.execute("ALTER TABLE account RENAME TO account_of_old")
    with pytest.raises(WrongSchema) as refused:
        open_again()
    assert "export it with that version" in str(refused.value)
    assert "\n" not in str(refused.value)
    file.close()
