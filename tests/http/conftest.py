"""One real server for all tests of HTTP; who changes something does it in an account of his own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import httpx
import pytest

from posthouse.testing import Server
from wire.person import Person

_numbers = itertools.count(1)

Sign = Callable[..., Person]


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture(scope="session")
def sign_in(server: Server) -> Iterator[Sign]:
    """Sign a user in, a new one if none is named."""
    clients: list[httpx.Client] = []

    def signed(name: str | None = None) -> Person:
        user = server.users[name] if name else server.add_account(f"user{next(_numbers)}@example.org")
        client = httpx.Client(base_url=server.url, auth=(user.name, user.password), timeout=30)
        clients.append(client)
        return Person(client, user, client.get("/.well-known/jmap").raise_for_status().json())

    yield signed
    for client in clients:
        client.close()


@pytest.fixture(scope="session")
def demo(sign_in: Sign) -> Person:
    """The user with the sample mail; tests only read it."""
    return sign_in("demo@example.org")


@pytest.fixture(scope="session")
def friend(sign_in: Sign) -> Person:
    """Another user, for what he must not see."""
    return sign_in("friend@example.org")
