"""The model runs on every store."""

from __future__ import annotations

import pytest

from bakery.kitchen import STORES, OpenStore


@pytest.fixture(params=list(STORES))
def open_store(request: pytest.FixtureRequest) -> OpenStore:
    """The function that opens a store of one kind."""
    return STORES[request.param]
