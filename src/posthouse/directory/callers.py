"""Callers: all that is open to a person, gathered (RFC 8620 §1.6.1, RFC 9670 §1.4, §1.5).

That is his own account, those of the groups he is in, the one with the Principals of his domain, and of other
people's what they share with him or his groups.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Final, TypeAlias

from posthouse.kit import log
from posthouse.model.caller import Access, Caller
from posthouse.store.directory import DirectoryStore, Person
from posthouse.store.principals import Home, PrincipalStore

Look: TypeAlias = Callable[[int, Sequence[Access]], Awaitable[Sequence[Access]]]
"""Gives of accounts that may be open to a person those that are, with what is open in them filled in."""

_log = log.get("directory")

_PATIENCE: Final = 3  # how often it is begun anew when it changes meanwhile


async def nothing_shared(person: int, accounts: Sequence[Access]) -> Sequence[Access]:
    """Give the `Look` of a server where nothing can be shared."""
    return ()


class Callers:
    """Makes Callers. look: asked for the accounts of others; may raise `OSError` where they cannot be read."""

    def __init__(
        self, store: DirectoryStore, principals: PrincipalStore, look: Look = nothing_shared
    ) -> None:
        self._store = store
        self._principals = principals
        self._look = look

    async def make(self, person: Person, key: Hashable, expires: int | None) -> tuple[Caller, bool]:
        """Return the Caller for a person's credential, and whether he can be remembered.

        He cannot if he may lack something: what is open to him changed again and again, or could not be read.
        Raises `OSError`.
        """
        for _ in range(_PATIENCE):
            before = self._store.reach(person.id)
            caller, is_whole = await self._gather(person, key, expires, before)
            if before == self._store.reach(person.id):
                return caller, is_whole
        return caller, False

    async def _gather(
        self, person: Person, key: Hashable, expires: int | None, reach: int
    ) -> tuple[Caller, bool]:
        groups = self._principals.groups_of(person.id)
        principals = frozenset([person.id, *(group.id for group in groups)])
        home = self._principals.home_of(person.id)
        visited = [_of_other(owner, principals) for owner in self._principals.owners(principals)]
        is_whole = True
        accounts = [
            Access(person.account, person.shard, person.login, owner=person.id, subscribed=True),
            *map(_of_group, groups),
            *([] if home is None else [_of_domain(home, person.id)]),
        ]
        if visited:
            try:
                accounts += await self._look(person.id, visited)
            except OSError as error:
                # The damaged file of somebody else must not keep him out of his own account.
                _log.error("directory.look", error=str(error))
                is_whole = False
        caller = Caller(
            person.id,
            person.login,
            {access.wire: access for access in accounts},
            key,
            expires,
            principals,
            0 if home is None else home.account,
            reach,
        )
        return caller, is_whole


def _of_group(group: Person) -> Access:
    return Access(group.account, group.shard, group.login, is_personal=False, owner=group.id, subscribed=True)


def _of_domain(home: Home, person: int) -> Access:
    return Access(
        home.account,
        home.shard,
        home.name,
        is_personal=False,
        through=frozenset([person]),
        kinds=frozenset(["Principal"]),
    )


def _of_other(owner: Person, principals: frozenset[int]) -> Access:
    return Access(
        owner.account, owner.shard, owner.login, is_personal=False, owner=owner.id, through=principals
    )
