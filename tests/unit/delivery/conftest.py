"""A post office on an empty folder."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from posthouse.app import wiring
from posthouse.directory.passwords import Passwords
from postoffice.office import PostOffice


@pytest.fixture
def office(tmp_path: Path) -> Iterator[PostOffice]:
    passwords = Passwords(passes=1, memory=8, threads=1)
    with (
        closing(wiring.build(tmp_path, passwords=passwords)) as app,
        ThreadPoolExecutor(2) as pool,
    ):
        yield PostOffice(app, pool)
