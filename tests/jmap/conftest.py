"""Every protocol test of mail, of contacts and of sharing runs on every store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bakery.kitchen import STORES
from mailroom.room import Room
from rolodex.rolodex import Rolodex
from townhall.hall import Hall


@pytest.fixture(params=list(STORES))
def room(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Room]:
    """An engine with the mail types over a new account."""
    with closing(Room(STORES[request.param], tmp_path)) as room:
        yield room


@pytest.fixture(params=list(STORES))
def rolodex(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rolodex]:
    """An engine with the contact types over a new account."""
    with closing(Rolodex(STORES[request.param], tmp_path)) as rolodex:
        yield rolodex


@pytest.fixture(params=list(STORES))
def hall(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hall]:
    """An engine with the Principals of a domain, asked by one of them."""
    with closing(Hall(STORES[request.param], tmp_path)) as hall:
        yield hall
