"""Each test of the store's contract runs on each store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TypeVar

import pytest

from bakery.kitchen import BAKER, HOME, STORES, TYPES
from posthouse.model.caller import Access
from posthouse.store.account import Store
from posthouse.store.txn import Transaction

T = TypeVar("T")


class Pantry:
    """A store with an event loop to wait in."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._runner = asyncio.Runner()

    def read(self, unit: Callable[[Transaction], T], at: Access = HOME, person: int = BAKER.person) -> T:
        """Run a unit on a snapshot."""
        return self._runner.run(self.store.read(at, person, unit))

    def write(self, unit: Callable[[Transaction], T], at: Access = HOME, person: int = BAKER.person) -> T:
        """Run a unit that writes."""
        return self._runner.run(self.store.write(at, person, unit))

    def write_all(self, *units: Callable[[Transaction], T]) -> list[T | BaseException]:
        """Hand in many units at once and give what each gave or raised."""

        async def together() -> list[T | BaseException]:
            writes = [self.store.write(HOME, BAKER.person, unit) for unit in units]
            return await asyncio.gather(*writes, return_exceptions=True)

        return self._runner.run(together())

    def erase(self, at: Access) -> None:
        """Erase an account."""
        self._runner.run(self.store.erase(at))

    def close(self) -> None:
        """Close the store."""
        self.store.close()
        self._runner.close()


Open = Callable[[], Pantry]


@pytest.fixture(params=list(STORES))
def kind(request: pytest.FixtureRequest) -> str:
    """The name of a kind of store."""
    return str(request.param)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the store keeps its rows."""
    return tmp_path / "rows"


@pytest.fixture
def open_again(kind: str, folder: Path) -> Iterator[Open]:
    """A function that opens the same store once more, as another process would."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(closing(Pantry(STORES[kind](folder, TYPES))))


@pytest.fixture
def pantry(open_again: Open) -> Pantry:
    """An empty store."""
    return open_again()
