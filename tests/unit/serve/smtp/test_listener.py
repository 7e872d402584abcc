"""Sockets that wait for mail."""

from __future__ import annotations

from pathlib import Path

import pytest

from posthouse.serve.smtp.listener import bind, bind_unix


def test_a_path_is_open_to_whom_its_mode_names(tmp_path: Path) -> None:
    path = tmp_path / "lmtp"
    with bind_unix(path, 0o600):
        assert 0o600 == path.stat().st_mode & 0o777
        assert [path] == list(tmp_path.iterdir())


def test_what_is_no_socket_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "lmtp"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match="no socket"):
        bind_unix(path)
    assert "mine" == path.read_text()


def test_a_socket_in_use_is_not_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "lmtp"
    with bind_unix(path), pytest.raises(FileExistsError, match="in use"):
        bind_unix(path)
    with bind_unix(path):  # it was left over
        pass


def test_a_port_of_ipv6() -> None:
    with bind("::1", 0) as listening:
        assert "::1" == listening.getsockname()[0]
