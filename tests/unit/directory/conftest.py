"""A directory on disk, with passwords that are cheap to check."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from posthouse.bus import SignedOut
from posthouse.directory.passwords import Passwords
from posthouse.directory.people import People
from posthouse.directory.tokens import Tokens
from posthouse.store.directory import DirectoryStore


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.seconds = 1_000_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def wait(clock: Clock) -> Callable[[float], None]:
    """A function that lets seconds pass."""

    def wait(seconds: float) -> None:
        clock.seconds += seconds

    return wait


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "directory.db"


@pytest.fixture
def store(path: Path) -> Iterator[DirectoryStore]:
    with closing(DirectoryStore(path)) as store:
        yield store


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    with closing(Passwords(passes=1, memory=8, threads=1)) as passwords:
        yield passwords


@pytest.fixture
def told() -> list[SignedOut]:
    """What the bus was told."""
    return []


@pytest.fixture
def people(store: DirectoryStore, passwords: Passwords, clock: Clock, told: list[SignedOut]) -> People:
    return People(store, passwords, shards=4, furnish=lambda person: None, announce=told.extend, now=clock)


@pytest.fixture
def tokens(store: DirectoryStore, clock: Clock, told: list[SignedOut]) -> Tokens:
    return Tokens(store, told.extend, now=clock)
