"""The sockets of a server: where they are, and how a worker gets them."""

from __future__ import annotations

import os
import socket
from contextlib import closing
from pathlib import Path

import pytest

from posthouse.app.config import Config, ConfigError
from posthouse.app.listening import adopt, listen, opened


def test_each_place_that_is_configured_is_listened_at_and_closed_again(tmp_path: Path) -> None:
    path = tmp_path / "lmtp"
    with closing(listen("127.0.0.1", 0)) as http:
        config = Config(smtp="127.0.0.1:0", lmtp=f"unix:{path}")
        with opened(config, http) as sockets:
            assert {"smtp", "lmtp"} == sockets.mail.keys()
            port = sockets.mail["smtp"].getsockname()[1]
            assert [f"SMTP: 127.0.0.1:{port}", f"LMTP: {path}"] == sockets.describe()
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(path))
            assert 0o666 == path.stat().st_mode & 0o777
        assert not path.exists()
        assert -1 == sockets.mail["smtp"].fileno()
        assert -1 != http.fileno()
        with opened(Config(), http) as sockets:
            assert {} == sockets.mail


def test_a_worker_takes_over_what_its_parent_listens_at() -> None:
    with closing(listen("127.0.0.1", 0)) as http, opened(Config(smtp="127.0.0.1:0"), http) as sockets:
        written = [
            f"{role}={os.dup(int(number))}"
            for role, number in (one.split("=") for one in sockets.inherited())
        ]
        taken = adopt(written)
        with closing(taken.http), closing(taken.mail["smtp"]):
            assert http.getsockname() == taken.http.getsockname()
            assert sockets.address("smtp") == taken.address("smtp")
        assert [http.fileno(), sockets.mail["smtp"].fileno()] == sockets.numbers()


def test_a_path_that_is_served_is_not_taken(tmp_path: Path) -> None:
    config = Config(lmtp=f"unix:{tmp_path}/lmtp")
    with closing(listen("127.0.0.1", 0)) as http, opened(config, http):
        with pytest.raises(ConfigError, match="cannot be listened on"), opened(config, http):
            pass
        assert (tmp_path / "lmtp").exists()
