"""Furnishing: what each account is born with, and what the accounts of older builds lack of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from posthouse.capabilities.contacts import birth as contacts
from posthouse.capabilities.mail import birth as mail
from posthouse.capabilities.submission import identity
from posthouse.capabilities.vacation import response
from posthouse.directory.place import place_of
from posthouse.model.ports import Txn
from posthouse.store.account import Store
from posthouse.store.directory import Person

_PIECES: Final[dict[str, Callable[[Txn, str], None]]] = {
    "mail": lambda txn, login: mail.defaults(txn),
    "submission": identity.defaults,
    "vacation": lambda txn, login: response.defaults(txn),
    "contacts": lambda txn, login: contacts.defaults(txn),
}
_AT_FIRST: Final = ["mail", "submission", "vacation"]
"""What an account has whose note says no more than true: the first builds gave all of it at once."""
_NOTE: Final = "born"
_AT_ONCE: Final = 500


def furnish(store: Store, person: Person) -> None:
    """Give an account what it lacks; each piece is given once, so what was taken away stays away."""
    asyncio.run(_furnish_some(store, [person]))


class Furnisher:
    """Keeps the Identities of accounts in step with their aliases; see `aliases.Furnisher`.

    Used where no event loop runs.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def gained(self, holder: Person, address: str) -> None:
        """Give the account an Identity of the alias, unless it has one."""
        asyncio.run(self._write(holder, partial(identity.gain, alias=address)))

    def lost(self, holder: Person, address: str) -> None:
        """Take the Identities of the alias from the account."""
        asyncio.run(self._write(holder, partial(identity.lose, alias=address)))

    async def _write(self, holder: Person, unit: Callable[[Txn], None]) -> None:
        await self._store.write(place_of(holder), 0, unit)


def furnish_all(store: Store, people: Sequence[Person]) -> None:
    """Give each account what this build has brought."""
    notes = store.notes(_NOTE)
    lacking = [person for person in people if _missing(notes.get(person.account))]
    for start in range(0, len(lacking), _AT_ONCE):
        asyncio.run(_furnish_some(store, lacking[start : start + _AT_ONCE]))


async def _furnish_some(store: Store, people: Sequence[Person]) -> None:
    """Furnish accounts together: the writers of the shards put many into one commit."""
    await asyncio.gather(
        *[store.write(place_of(one), one.id, partial(_furnish, one.login)) for one in people]
    )


def _furnish(login: str, txn: Txn) -> None:
    note = txn.note(_NOTE)
    missing = _missing(note)
    for name in missing:
        _PIECES[name](txn, login)
    if missing:
        txn.put_note(_NOTE, [*_given(note), *missing])


def _given(note: object) -> list[str]:
    """Read what an account was given."""
    return _AT_FIRST if note is True else [str(name) for name in note] if isinstance(note, list) else []


def _missing(note: object) -> list[str]:
    given = _given(note)
    return [name for name in _PIECES if name not in given]
