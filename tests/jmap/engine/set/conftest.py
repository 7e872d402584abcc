"""A shelf to put cakes on."""

from __future__ import annotations

import pytest

from bakery.kitchen import Kitchen


@pytest.fixture
def top(kitchen: Kitchen) -> str:
    """The id of a shelf."""
    return kitchen.shelves("top")[0]


@pytest.fixture
def bun(kitchen: Kitchen, top: str) -> str:
    """The id of a cake on the shelf, with a tag and a price."""
    return kitchen.cakes({"shelfIds": {top: True}, "tags": {"fresh": True}, "price": 3})[0]
