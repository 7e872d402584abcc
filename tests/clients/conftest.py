"""The servers and the client programs, one each for the tests of a client."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from clients.peer import PROGRAMS, Peer
from posthouse.testing import Server

DEMO = "demo@example.org"


@pytest.fixture(scope="module")
def tls_server() -> Iterator[Server]:
    with Server(tls=True) as server:
        yield server


@pytest.fixture(scope="module")
def jmapc(tls_server: Server) -> Iterator[Peer]:
    """Jmapc in its own environment; it speaks to https://HOST/.well-known/jmap and nothing else."""
    user = tls_server.users[DEMO]
    assert tls_server.ca is not None
    host = tls_server.url.removeprefix("https://")
    python = PROGRAMS.parent / ".venv" / "bin" / "python"
    command: list[str | Path] = [python, PROGRAMS / "jmapc_user.py", host, user.name, user.password]
    with Peer(command, os.environ | {"REQUESTS_CA_BUNDLE": tls_server.ca}) as peer:
        yield peer


@pytest.fixture(scope="module")
def plain_server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture(scope="module")
def jam(plain_server: Server) -> Iterator[Peer]:
    """Jmap-jam on Node; it signs in by Bearer and nothing else."""
    token = plain_server.users[DEMO].token
    with Peer(["node", PROGRAMS / "jam.mjs", plain_server.session_url, token], dict(os.environ)) as peer:
        yield peer


@pytest.fixture(scope="module")
def jmaplib(plain_server: Server) -> Iterator[Peer]:
    """Jmaplib in the environment of the clients, signed in by Basic."""
    user = plain_server.users[DEMO]
    python = PROGRAMS.parent / ".venv" / "bin" / "python"
    command: list[str | Path] = [python, PROGRAMS / "jmaplib_user.py", plain_server.session_url]
    with Peer([*command, user.name, user.password], dict(os.environ)) as peer:
        yield peer
