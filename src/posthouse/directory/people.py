"""People: who may sign in, each with one account of his own (DESIGN D15)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from posthouse.bus import Reached, SignedOut
from posthouse.directory.addresses import Address, parse
from posthouse.directory.error import DirectoryError
from posthouse.directory.passwords import Passwords
from posthouse.directory.place import place_of
from posthouse.directory.register import NoRegister, Register
from posthouse.directory.tokens import is_group, unknown
from posthouse.kit import clock
from posthouse.store.directory import INDIVIDUAL, DirectoryStore, Person


class People:
    """Adds, finds and removes people, and does for `Groups` what is the same for a group.

    `shards` is how many shards new accounts are spread over. `furnish` puts into a new account what each
    account is born with; it may be called again for the same account if it failed or was interrupted.
    `announce` tells every process whose credentials changed, and to whom other accounts are open.
    `register` hears who comes and goes.
    """

    def __init__(
        self,
        store: DirectoryStore,
        passwords: Passwords,
        *,
        shards: int,
        furnish: Callable[[Person], None],
        announce: Callable[[Sequence[SignedOut | Reached]], None],
        register: Register = NoRegister(),  # noqa: B008  it has no state
        now: Callable[[], float] = clock.now,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._shards = shards
        self._furnish = furnish
        self._announce = announce
        self._register = register
        self._now = now

    def add(self, name: str, password: str | None) -> Person:
        """Add a person whose login and primary address is `name`; without a password only tokens let him in.

        He can sign in once his account is furnished; where that was interrupted, adding him again goes on.
        Raises `DirectoryError`.
        """
        self._demand_free(name)
        return self.enroll(name, INDIVIDUAL, None if password is None else self._passwords.hash(password))

    def enroll(self, name: str, type: str, password_hash: str | None) -> Person:
        """Add a person or a group with a furnished account; see `add`. Raises `DirectoryError`."""
        address = self._demand_free(name)
        principal = self._store.add_person(
            address.shown,
            address.key,
            address.domain,
            password_hash,
            shards=self._shards,
            now=int(self._now()),
            type=type,
        )
        if principal is None:
            raise taken(address, self._store.person_by_address(address.key))
        self._furnish(principal)
        self._register.publish(principal)
        self._store.open_person(principal.id)
        return principal

    def find(self, name: str) -> Person:
        """Return whose address this is. Raises `DirectoryError` if it is no one's."""
        found = self.holder(name)
        if found.type != INDIVIDUAL:
            raise is_group(name)
        return found

    def holder(self, name: str) -> Person:
        """Return the person or the group whose address this is. Raises `DirectoryError` if it is no one's."""
        found = self.search(name)
        if found is None:
            raise unknown(name)
        return found

    def search(self, name: str) -> Person | None:
        """Return the person or the group whose address this is, or None. Raises `DirectoryError` if it is none."""
        return self._store.person_by_address(parse(name).key)

    def list(self) -> list[Person]:
        """Return everyone, in order of their names."""
        return self._store.people()

    def remove(self, name: str) -> Person:
        """Remove a person and all that lets him in; his account's number is never used again.

        What the account holds is for the caller to delete. Raises `DirectoryError`.
        """
        person = self.find(name)
        self.demand_own(name, person)
        self.strike(person)
        return person

    def demand_own(self, name: str, principal: Person) -> None:
        """Refuse, with `DirectoryError`, an alias where the address that the account was made with is meant."""
        if parse(name).key != parse(principal.login).key:
            raise DirectoryError(
                f"{name} is an alias of {principal.login}: name that one, or see posthouse alias remove"
            )

    def strike(self, principal: Person) -> None:
        """Remove a person or a group; see `remove`."""
        removed = self._store.remove_person(principal.id, int(self._now()))
        places = [place_of(owner) for owner in removed.visited]
        if removed.members and places:
            self._register.touch(places, removed.members)
        self._announce([SignedOut(principal.id, None), *map(Reached, removed.reached)])
        self._register.withdraw(principal, places)

    def set_password(self, name: str, password: str) -> None:
        """Change a password; the old one is refused from the next request on. Raises `DirectoryError`."""
        person = self.find(name)
        self._store.set_password(person.id, self._passwords.hash(password), int(self._now()))
        self._announce([SignedOut(person.id, None)])

    def _demand_free(self, name: str) -> Address:
        address = parse(name)
        holder = self._store.person_by_address(address.key)
        if holder is not None:
            raise taken(address, holder)
        return address


def taken(address: Address, holder: Person | None) -> DirectoryError:
    """Make the error for an address that somebody has."""
    name = address.shown
    if holder is not None and parse(holder.login).key != address.key:
        return DirectoryError(f"{name} exists already: it is an alias of {holder.login}")
    if holder is not None and holder.type != INDIVIDUAL:
        return DirectoryError(f"{name} exists already: it is a group, and posthouse group list shows all")
    return DirectoryError(f"{name} exists already: posthouse account password {name} changes its password")
