"""People who visit each other's accounts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bakery.kitchen import STORES
from village.village import ANNA, Village, wire


@pytest.fixture(params=list(STORES))
def village(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Village]:
    """A server with people of two domains."""
    with closing(Village(STORES[request.param], tmp_path)) as village:
        yield village


@pytest.fixture
def boxes(village: Village) -> dict[str, str]:
    """Anna's Mailboxes, by their roles."""
    return {box["role"]: box["id"] for box in village.ask(ANNA, "Mailbox/get", wire(ANNA))["list"]}
