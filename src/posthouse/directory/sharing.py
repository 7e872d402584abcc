"""Sharing: what those who grant, and those who tell of it, have to know of principals (RFC 9670)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from posthouse.bus import Reached
from posthouse.directory.place import place_of, place_of_home
from posthouse.model.caller import Access
from posthouse.store.directory import Person
from posthouse.store.principals import Home, PrincipalStore


class Sharing:
    """Principals, who may be granted something, and who hears of it; usable from any thread.

    `announce` tells every process to whom other accounts are open. All methods raise `OSError`.
    """

    def __init__(self, store: PrincipalStore, announce: Callable[[Sequence[Reached]], None]) -> None:
        self._store = store
        self._announce = announce

    # -- granting --

    def known(self, account: int, principals: Iterable[int]) -> set[int]:
        """Return those principals to whom something of an account may be granted.

        They exist, are in the domain of the account's owner, as domains are strangers to each other, and are not
        the owner.
        """
        return self._store.known(account, principals)

    def open(self, account: int, principals: Iterable[int]) -> None:
        """Point principals to an account of which something is about to be granted to them."""
        self._store.point(account, principals)

    def changed(self, principals: Iterable[int]) -> int:
        """Let every process look again at what is open to principals and to those in them, once it has changed.

        Returns how many people that are.
        """
        reached = self._store.note_reach(principals)
        self._announce([Reached(person) for person in reached])
        return len(reached)

    # -- telling --

    def people_of(self, principals: Iterable[int]) -> set[int]:
        """Return the people who principals are; in place of a group, those who are in it."""
        return self._store.people_of(principals)

    def entity(self, principal: int) -> tuple[str, str] | None:
        """Return the name and the email address of a principal (RFC 9670 §3.2); None if there is none any more."""
        found = self._store.principal(principal)
        return None if found is None else (found.login, found.login)

    # -- where things are --

    def place_of(self, account: int) -> Access | None:
        """Return an account as the server itself has it, which may do everything; None if it is nobody's."""
        owner = self._store.owner(account)
        return None if owner is None else place_of(owner)

    def shared_with(self, principals: Iterable[int]) -> list[Access]:
        """Return the accounts of which something may be granted to principals, as the server has them."""
        return [place_of(owner) for owner in self._store.owners(principals)]

    def home_of(self, principal: int) -> Access | None:
        """Return the account with the Principals of a principal's domain, as the server has it."""
        home = self._store.home_of(principal)
        return None if home is None else place_of_home(home)

    def homes(self) -> list[Home]:
        """Return those accounts of all domains."""
        return self._store.homes()

    def principals(self, domain: int) -> list[Person]:
        """Return all principals of a domain, by its number."""
        return self._store.of_domain(domain)
