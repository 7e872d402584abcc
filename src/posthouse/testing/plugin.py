"""The pytest plugin: a fixture that gives a Posthouse to test a client against.

It is loaded at the start of every pytest where Posthouse is installed, so it imports nothing of the server
before a test asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from posthouse.testing.server import Server


@pytest.fixture(scope="session")
def posthouse_server() -> Iterator[Server]:
    """A running `Server` with sample mail; one for all tests of the session, which share its data."""
    with Server() as server:
        yield server
