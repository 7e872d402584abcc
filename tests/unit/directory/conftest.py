"""A directory on disk, with passwords that are cheap to check."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from posthouse.bus import Reached, SignedOut
from posthouse.directory.callers import Callers
from posthouse.directory.groups import Groups
from posthouse.directory.passwords import Passwords
from posthouse.directory.people import People
from posthouse.directory.sharing import Sharing
from posthouse.directory.tokens import Tokens
from posthouse.model.caller import Access
from posthouse.store.directory import DirectoryStore, Person
from posthouse.store.principals import PrincipalStore


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
def told() -> list[SignedOut | Reached]:
    """What the bus was told."""
    return []


class Ledger:
    """A `Register` that writes down what it hears; accounts by their names."""

    def __init__(self, heard: list[tuple[object, ...]]) -> None:
        self.heard = heard

    def publish(self, principal: Person) -> None:
        self.heard.append(("publish", principal.login))

    def withdraw(self, principal: Person, places: Sequence[Access]) -> None:
        self.heard.append(("withdraw", principal.login, [place.name for place in places]))

    def touch(self, places: Sequence[Access], people: Sequence[int]) -> None:
        self.heard.append(("touch", [place.name for place in places], list(people)))


@pytest.fixture
def heard() -> list[tuple[object, ...]]:
    """What the register was told."""
    return []


@pytest.fixture
def ledger(heard: list[tuple[object, ...]]) -> Ledger:
    return Ledger(heard)


@pytest.fixture
def principals(store: DirectoryStore) -> PrincipalStore:
    return PrincipalStore(store)


@pytest.fixture
def callers(store: DirectoryStore, principals: PrincipalStore) -> Callers:
    return Callers(store, principals)


@pytest.fixture
def people(
    store: DirectoryStore, passwords: Passwords, clock: Clock, told: list[SignedOut | Reached], ledger: Ledger
) -> People:
    return People(
        store,
        passwords,
        shards=4,
        furnish=lambda person: None,
        announce=told.extend,
        register=ledger,
        now=clock,
    )


@pytest.fixture
def sharing(principals: PrincipalStore, told: list[SignedOut | Reached]) -> Sharing:
    return Sharing(principals, told.extend)


@pytest.fixture
def groups(
    principals: PrincipalStore,
    people: People,
    sharing: Sharing,
    told: list[SignedOut | Reached],
    ledger: Ledger,
) -> Groups:
    return Groups(principals, people, sharing, announce=told.extend, register=ledger)


@pytest.fixture
def tokens(store: DirectoryStore, clock: Clock, told: list[SignedOut | Reached]) -> Tokens:
    return Tokens(store, told.extend, now=clock)
