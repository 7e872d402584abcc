"""Every protocol test of the engine runs on every store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bakery.kitchen import STORES, Kitchen, OpenStore


@pytest.fixture(params=list(STORES))
def open_store(request: pytest.FixtureRequest) -> OpenStore:
    """The function that opens a store of one kind."""
    return STORES[request.param]


@pytest.fixture
def kitchen(open_store: OpenStore, tmp_path: Path) -> Iterator[Kitchen]:
    """An engine over an empty store."""
    with closing(Kitchen(open_store, tmp_path)) as kitchen:
        yield kitchen
