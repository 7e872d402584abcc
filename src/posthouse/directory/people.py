"""People: who may sign in, each with one account of his own (DESIGN D15)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from posthouse.bus import SignedOut
from posthouse.directory.addresses import parse
from posthouse.directory.error import DirectoryError
from posthouse.directory.passwords import Passwords
from posthouse.directory.tokens import unknown
from posthouse.kit import clock
from posthouse.store.directory import DirectoryStore, Person


class People:
    """Adds, finds and removes people.

    `shards` is how many shards new accounts are spread over. `furnish` puts into a new account what each
    account is born with; it may be called again for the same account if it failed or was interrupted.
    `announce` tells every process whose credentials changed.
    """

    def __init__(
        self,
        store: DirectoryStore,
        passwords: Passwords,
        *,
        shards: int,
        furnish: Callable[[Person], None],
        announce: Callable[[Sequence[SignedOut]], None],
        now: Callable[[], float] = clock.now,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._shards = shards
        self._furnish = furnish
        self._announce = announce
        self._now = now

    def add(self, name: str, password: str | None) -> Person:
        """Add a person whose login and primary address is `name`; without a password only tokens let him in.

        He can sign in once his account is furnished; where that was interrupted, adding him again goes on.
        Raises `DirectoryError`.
        """
        address = parse(name)
        if self._store.person_by_address(address.key) is not None:
            raise _taken(address.shown)
        hashed = None if password is None else self._passwords.hash(password)
        person = self._store.add_person(
            address.shown, address.key, address.domain, hashed, shards=self._shards, now=int(self._now())
        )
        if person is None:
            raise _taken(address.shown)
        self._furnish(person)
        self._store.open_person(person.id)
        return person

    def find(self, name: str) -> Person:
        """Return whose address this is. Raises `DirectoryError` if it is no one's."""
        person = self._store.person_by_address(parse(name).key)
        if person is None:
            raise unknown(name)
        return person

    def list(self) -> list[Person]:
        """Return everyone, in order of their names."""
        return self._store.people()

    def remove(self, name: str) -> Person:
        """Remove a person and all that lets him in; his account's number is never used again.

        What the account holds is for the caller to delete. Raises `DirectoryError`.
        """
        person = self.find(name)
        self._store.remove_person(person.id, int(self._now()))
        self._announce([SignedOut(person.id, None)])
        return person

    def set_password(self, name: str, password: str) -> None:
        """Change a password; the old one is refused from the next request on. Raises `DirectoryError`."""
        person = self.find(name)
        self._store.set_password(person.id, self._passwords.hash(password), int(self._now()))
        self._announce([SignedOut(person.id, None)])


def _taken(name: str) -> DirectoryError:
    return DirectoryError(f"{name} exists already: posthouse account password {name} changes its password")
