"""Groups: principals that stand for several people, with an account of their own (RFC 9670 §2).

Nobody signs in as a group; whoever is in it has its account, and what was shared with it. Groups, resources and
locations differ in their type alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from posthouse.bus import Reached
from posthouse.directory.error import DirectoryError
from posthouse.directory.people import People
from posthouse.directory.register import NoRegister, Register
from posthouse.directory.sharing import Sharing
from posthouse.store.directory import INDIVIDUAL, Person
from posthouse.store.principals import PrincipalStore

TYPES: Final = ("group", "resource", "location", "other")
"""What a group may be, as RFC 9670 §2 names it."""


class Groups:
    """Adds and removes groups, and puts people into them.

    `people` knows everyone. `announce` tells every process to whom other accounts are open. `register` hears
    who joins and leaves.
    """

    def __init__(
        self,
        store: PrincipalStore,
        people: People,
        sharing: Sharing,
        *,
        announce: Callable[[Sequence[Reached]], None],
        register: Register = NoRegister(),  # noqa: B008  it has no state
    ) -> None:
        self._store = store
        self._people = people
        self._sharing = sharing
        self._announce = announce
        self._register = register

    def add(self, name: str, type: str = TYPES[0]) -> Person:
        """Add a group of one of the `TYPES`, with `name` as its address. Raises `DirectoryError`."""
        return self._people.enroll(name, type, None)

    def find(self, name: str) -> Person:
        """Return the group with this address. Raises `DirectoryError` if there is none."""
        group = self._people.search(name)
        if group is None or group.type == INDIVIDUAL:
            raise DirectoryError(f"there is no group {name}: posthouse group list shows those there are")
        return group

    def list(self) -> list[Person]:
        """Return all groups, in order of their names."""
        return self._store.groups()

    def members(self, name: str) -> Sequence[Person]:
        """Return who is in a group, in order of their names. Raises `DirectoryError`."""
        return self._store.members(self.find(name).id)

    def remove(self, name: str) -> Person:
        """Remove a group; its account's number is never used again.

        What the account holds is for the caller to delete. Raises `DirectoryError`.
        """
        group = self.find(name)
        self._people.demand_own(name, group)
        self._people.strike(group)
        return group

    def join(self, name: str, members: Sequence[str]) -> None:
        """Put people into a group of their domain, all or none of them. Raises `DirectoryError`."""
        group = self.find(name)
        people = [self._people.holder(member) for member in members]
        for person in people:
            if person.type != INDIVIDUAL:
                raise DirectoryError(f"{person.login} is a group: only people can be in a group")
            if _domain(person) != _domain(group):
                raise DirectoryError(
                    f"{person.login} is of another domain than {group.login}, and domains are strangers"
                )
        numbers = [person.id for person in people]
        self._store.join(group.id, numbers)
        self._tell(group, numbers)

    def leave(self, name: str, members: Sequence[str]) -> None:
        """Take people out of a group. Raises `DirectoryError`."""
        group = self.find(name)
        numbers = [self._people.find(member).id for member in members]
        self._store.leave(group.id, numbers)
        self._tell(group, numbers)

    def _tell(self, group: Person, people: Sequence[int]) -> None:
        # Also of those for whom nothing changed: so a command that was interrupted is completed by the next.
        places = self._sharing.shared_with([group.id])
        if places:
            self._register.touch(places, people)
        self._announce([Reached(person) for person in people])


def _domain(principal: Person) -> str:
    return principal.login.rpartition("@")[2]
