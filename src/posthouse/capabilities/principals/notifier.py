"""Notifier: whoever may do more or less than he was last told is told so (RFC 9670 §3).

Each account keeps what was granted in it, and of what the Principal was told; where the two differ, something
is left to do. First the ShareNotifications are written, and then the account learns that they are: what is
interrupted between the two is done again, and finds its notification there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import chain, islice
from typing import Final, Protocol, TypeAlias

from posthouse.capabilities.principals.notice import Notice, notify
from posthouse.kit import clock
from posthouse.kit.json import JsonObject
from posthouse.model.caller import Access
from posthouse.model.rights import Rights
from posthouse.model.type import Type
from posthouse.store.account import Place, Store
from posthouse.store.grants import Granted
from posthouse.store.txn import Transaction

_GRANTS_AT_ONCE: Final = 10_000
_NOTICES_AT_ONCE: Final = 200


class Circle(Protocol):
    """Who stands behind Principals, as the directory knows it; it answers at once."""

    def home_of(self, principal: int) -> Place | None:
        """Give the account that holds a Principal and those of its domain; None if there is none."""
        ...

    def people_of(self, principals: Iterable[int]) -> set[int]:
        """Give the persons who are some Principals: in place of a group its members, for one gone nobody."""
        ...


People: TypeAlias = Callable[[int], set[int]]
"""Gives the persons who are a Principal."""


@dataclass(frozen=True, slots=True)
class _Container:
    """A container of which not all is told.

    told, now: the bits that each Principal was told of, and has. by: for those who were not told, who changed it.
    """

    type: Type
    id: int
    name: str
    rights: Rights
    told: Mapping[int, int]
    now: Mapping[int, int]
    by: Mapping[int, int]

    def notices(self, account: int, owner: int, people: People) -> Iterator[tuple[int, Notice]]:
        """Give for each person whose rights are others what to tell him."""
        # What one may do is what all Principals together may that he is: himself and his groups.
        old: defaultdict[int, int] = defaultdict(int)
        new: defaultdict[int, int] = defaultdict(int)
        by: dict[int, int] = {}
        for principal in self.told.keys() | self.now.keys():
            for person in people(principal):
                old[person] |= self.told.get(principal, 0)
                new[person] |= self.now.get(principal, 0)
                if principal in self.by:
                    by[person] = self.by[principal]
        # To those who own the account all was and is open; and what one did himself he knows.
        for person in sorted(by.keys() - people(owner)):
            if old[person] != new[person] and by[person] != person:
                yield person, self._notice(account, by[person], old[person], new[person])

    def _notice(self, account: int, by: int, old: int, new: int) -> Notice:
        return Notice(
            account,
            self.type.name,
            self.type.wire(self.id),
            self.name,
            by,
            self._object(old),
            self._object(new),
        )

    def _object(self, bits: int) -> JsonObject | None:
        """Write bits as ``myRights``; None for none, for then the object can't be seen."""
        uses = (self.rights.sharing,) if self.rights.sharing else ()
        return dict(self.rights.object(bits, uses)) if bits else None


class Notifier:
    """Tells people of what has been granted to them, and taken from them.

    types: every declared type by its name. now: gives the time in Unix seconds.
    """

    def __init__(
        self,
        store: Store,
        circle: Circle,
        types: Mapping[str, Type],
        now: Callable[[], float] = clock.now,
    ) -> None:
        self._store = store
        self._circle = circle
        self._types = types
        self._now = now

    async def tell(self, place: Access) -> None:
        """Tell of all that has changed in an account, until nothing is left to tell; from any event loop."""
        home = self._circle.home_of(place.owner)
        while True:
            grants, containers = await self._store.read(place, 0, self._untold, inline=False)
            if not grants:
                return
            if home is not None:
                await self._write(home, place, containers)  # else there is nobody to tell
            await self._store.write(place, 0, partial(_note, grants))

    def _untold(self, txn: Transaction) -> tuple[list[Granted], list[_Container]]:
        """Read what is not told yet, with all that concerns the same containers."""
        grants = _whole(txn.untold(_GRANTS_AT_ONCE))
        by_type: defaultdict[str, defaultdict[int, list[Granted]]] = defaultdict(lambda: defaultdict(list))
        for grant in grants:
            by_type[grant.type][grant.id].append(grant)
        containers: list[_Container] = []
        for name, untold in by_type.items():
            type = self._types.get(name)
            if (
                type is not None and type.rights is not None
            ):  # else its capability is gone, and nobody sees it
                containers += _containers(txn, type, type.rights, untold)
        return grants, containers

    async def _write(self, home: Place, place: Access, containers: Sequence[_Container]) -> None:
        people = cache(lambda principal: self._circle.people_of([principal]))
        waiting = chain.from_iterable(
            container.notices(place.account, place.owner, people) for container in containers
        )
        # Some at a time, for a group may have many members, and others want to write too.
        while batch := list(islice(waiting, _NOTICES_AT_ONCE)):
            await self._store.write(home, 0, partial(_notify, batch, int(self._now())))


def _whole(grants: list[Granted]) -> list[Granted]:
    """Leave out the last container if there may be more of it, unless it is the only one."""
    if len(grants) < _GRANTS_AT_ONCE:
        return grants
    last = (grants[-1].type, grants[-1].id)
    return [grant for grant in grants if (grant.type, grant.id) != last] or grants


def _containers(
    txn: Transaction, type: Type, rights: Rights, untold: Mapping[int, Sequence[Granted]]
) -> Iterator[_Container]:
    """Read the containers of a type of which not all is told; one that is gone is called as its grants say."""
    shares, stored = txn.shares(type, untold), txn.values(type, untold, ["name"])
    for id, grants in untold.items():
        now = shares.get(id, {})
        name = stored.get(id, {}).get("name", grants[0].name)
        told = {**now, **{grant.principal: grant.told for grant in grants}}
        by = {grant.principal: grant.by for grant in grants}
        yield _Container(type, id, name, rights, told, now, by)


def _notify(notices: Sequence[tuple[int, Notice]], now: int, txn: Transaction) -> None:
    for person, notice in notices:
        notify(txn, person, notice, now)


def _note(grants: Sequence[Granted], txn: Transaction) -> None:
    txn.told(grants)
