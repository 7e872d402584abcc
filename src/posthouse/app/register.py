"""Register: what accounts hold of Principals is kept in step with the directory (RFC 9670 §2)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from posthouse.capabilities.principals import upkeep
from posthouse.capabilities.principals.upkeep import Entry
from posthouse.directory.place import place_of_home
from posthouse.directory.sharing import Sharing
from posthouse.kit import clock
from posthouse.model.caller import Access
from posthouse.model.type import Type
from posthouse.store.account import Store
from posthouse.store.directory import Person
from posthouse.store.txn import Transaction


class Register:
    """The directory's `Register`, and what puts right at the start what it was never told.

    Used where no event loop runs: by commands, and by a server that begins.
    """

    def __init__(self, circle: Sharing, store: Store, types: Mapping[str, Type]) -> None:
        self._circle = circle
        self._store = store
        self._types = types

    def publish(self, principal: Person) -> None:
        """See `register.Register.publish`."""
        home = self._circle.home_of(principal.id)
        if home is not None:
            self._write(home, lambda txn: upkeep.put_principal(txn, principal.id, _entry(principal)))

    def withdraw(self, principal: Person, places: Sequence[Access]) -> None:
        """See `register.Register.withdraw`."""
        for place in places:
            asyncio.run(self._revoke(place, principal.id))
        home = self._circle.home_of(principal.id)
        if home is not None:
            self._write(home, lambda txn: upkeep.drop_principal(txn, principal.id))

    def touch(self, places: Sequence[Access], people: Sequence[int]) -> None:
        """See `register.Register.touch`."""
        asyncio.run(_all(self._store.write(place, 0, _touching(people)) for place in places))

    def reconcile(self) -> None:
        """Make the Principals of each domain those that the directory has."""
        for home in self._circle.homes():
            entries = {one.id: _entry(one) for one in self._circle.principals(home.domain)}
            self._write(place_of_home(home), partial(upkeep.reconcile, entries=entries))

    def _write(self, place: Access, unit: Callable[[Transaction], None]) -> None:
        asyncio.run(_all([self._store.write(place, 0, unit)]))

    async def _revoke(self, place: Access, principal: int) -> None:
        """Take back what was granted to a Principal in an account."""
        his = replace(place, through=frozenset([principal]))
        held = await self._store.read(his, principal, lambda txn: txn.grants())
        now = int(clock.now())

        def unit(txn: Transaction) -> None:
            for name, bits in held.items():
                for id, shares in txn.shares(self._types[name], bits).items():
                    others = {who: rights for who, rights in shares.items() if who != principal}
                    txn.share(self._types[name], id, others, 0, now)

        if held:
            await self._store.write(place, 0, unit)


def _entry(principal: Person) -> Entry:
    return Entry(principal.type, principal.login, principal.login, principal.account)


def _touching(people: Sequence[int]) -> Callable[[Transaction], None]:
    def unit(txn: Transaction) -> None:
        for person in people:
            txn.touch(person)

    return unit


async def _all(writes: Iterable[Coroutine[Any, Any, None]]) -> None:
    await asyncio.gather(*writes)
