from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from posthouse.bus import open_bus, seat


def test_a_folder_that_has_no_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(fd: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(OSError, match="No locks") as caught:
        open_bus(str(tmp_path / "bus"))
    assert str(tmp_path / "bus") == caught.value.filename


def test_who_holds_the_folder_for_too_long_is_waited_for_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seat, "PATIENCE", 0.0)
    folder = tmp_path / "bus"
    folder.mkdir()
    with folder_lock(folder), pytest.raises(TimeoutError, match="stopped half-way") as caught:
        open_bus(str(folder))
    assert str(folder) == caught.value.filename
    assert [] == os.listdir(folder)
    open_bus(str(folder)).close()


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    fd = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
