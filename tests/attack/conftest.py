"""One real server for all attacks; each attacker has an account of his own, and a victim watches."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from posthouse.testing import Server
from wire.person import Person

Enter = Callable[[], Person]


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with Server(messages=20) as server:
        yield server


@pytest.fixture(scope="session")
def enter(server: Server) -> Iterator[Enter]:
    """Sign in a user whom nobody else is."""
    numbers = itertools.count(1)
    with ExitStack() as stack:

        def entered() -> Person:
            user = server.add_account(f"attacker{next(numbers)}@example.org")
            client = stack.enter_context(
                httpx.Client(base_url=server.url, auth=(user.name, user.password), timeout=60)
            )
            return Person(client, user, client.get("/.well-known/jmap").raise_for_status().json())

        yield entered


@pytest.fixture
def attacker(enter: Enter) -> Person:
    return enter()


@pytest.fixture(scope="session")
def victim(enter: Enter) -> Person:
    return enter()
