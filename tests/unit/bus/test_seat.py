from __future__ import annotations

import errno
import fcntl
from pathlib import Path

import pytest

from posthouse.bus import open_bus


def test_a_folder_that_has_no_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(fd: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(OSError, match="No locks") as caught:
        open_bus(str(tmp_path / "bus"))
    assert str(tmp_path / "bus") == caught.value.filename
