"""Aliases: further addresses of an account, beside the one that it was made with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from posthouse.directory.addresses import Address, parse, parse_domain
from posthouse.directory.error import DirectoryError
from posthouse.directory.people import People, taken
from posthouse.kit import clock
from posthouse.store.addresses import AddressStore, Alias, Domain
from posthouse.store.directory import Person


class Furnisher(Protocol):
    """Keeps an account in step with its aliases; raises `OSError`.

    It may hear of the same alias again, after a command that failed or was interrupted.
    """

    def gained(self, holder: Person, address: str) -> None:
        """Hear that an account has an alias."""

    def lost(self, holder: Person, address: str) -> None:
        """Hear that an account has it no more."""


class Aliases:
    """Adds and removes aliases, and says who has what is sent to addresses that nobody has.

    shards: how many shards accounts are spread over; a domain that is new has one.
    """

    def __init__(
        self,
        store: AddressStore,
        people: People,
        furnisher: Furnisher,
        *,
        shards: int,
        now: Callable[[], float] = clock.now,
    ) -> None:
        self._store = store
        self._people = people
        self._furnisher = furnisher
        self._shards = shards
        self._now = now

    def add(self, alias: str, name: str) -> None:
        """Give the account of a person or a group an alias, which may be in another domain.

        Done again, it completes what was interrupted. Raises `DirectoryError`.
        """
        address = parse(alias)
        holder = self._people.holder(name)
        is_new = self._store.add(
            address.key,
            address.shown,
            address.domain,
            holder.account,
            shards=self._shards,
            now=int(self._now()),
        )
        other = None if is_new else self._store.holder(address.key)
        if not is_new and (other is None or other.id != holder.id or _is_login(address, holder)):
            raise taken(address, other)
        self._furnisher.gained(holder, address.shown)

    def remove(self, alias: str) -> Person:
        """Take an alias away; gives whose it was. Raises `DirectoryError`."""
        address = parse(alias)
        holder = self._store.holder(address.key)
        if holder is None:
            raise DirectoryError(f"there is no alias {alias}: posthouse alias list shows those there are")
        if _is_login(address, holder):
            raise DirectoryError(f"{alias} is no alias: the account was made with it, and ends with it")
        self._furnisher.lost(holder, address.shown)
        self._store.remove(address.key)
        return holder

    def list(self, name: str | None = None) -> Sequence[Alias]:
        """Return the aliases of an account, or of all. Raises `DirectoryError`."""
        login = None if name is None else self._people.holder(name).login
        return [one for one in self._store.aliases() if login in (None, one.login)]

    def domains(self) -> Sequence[Domain]:
        """Return the domains that mail is taken for, in order of their names."""
        return self._store.domains()

    def set_catch_all(self, domain: str, name: str | None) -> None:
        """Let an account have what is sent to addresses of a domain that nobody has; None: it is refused.

        Raises `DirectoryError`.
        """
        holder = None if name is None else self._people.holder(name)
        if not self._store.set_catch_all(parse_domain(domain), None if holder is None else holder.account):
            raise DirectoryError(
                f"there is no domain {domain}: posthouse domain list shows those there are, and one is made "
                "with the first address in it"
            )


def _is_login(address: Address, holder: Person) -> bool:
    return parse(holder.login).key == address.key
