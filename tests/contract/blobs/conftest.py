"""Each test of the port runs on each implementation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from posthouse.blobs import Blobs, open_blobs

Open = Callable[[], Blobs]


@pytest.fixture(params=["file"])
def open_again(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """A function that opens the same blobs once more, as another process would."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(closing(open_blobs(f"{request.param}:{tmp_path}/blobs")))


@pytest.fixture
def blobs(open_again: Open) -> Blobs:
    """Empty blobs."""
    return open_again()
