"""Upkeep: the Principals of a domain follow its directory.

Each function works inside a write on the account that holds the domain's Principals.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from posthouse.capabilities.principals.notice import FOR
from posthouse.capabilities.principals.principal import principal
from posthouse.capabilities.principals.sharenotification import share_notification
from posthouse.kit.json import JsonObject
from posthouse.model.caller import wire_account
from posthouse.model.condition import Leaf, Query
from posthouse.model.ports import Fresh, Txn

_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """What the directory says of a Principal.

    type: what it stands for (RFC 9670 §2). name: what to call it. email: its address, or None. account: the
    number of the account that is its own; 0: it has none.
    """

    type: str
    name: str
    email: str | None
    account: int


def put_principal(txn: Txn, number: int, entry: Entry) -> None:
    """Write what the directory says of a Principal, whose id is its number there.

    A name that the person chose himself stays until the directory has another than before.
    """
    put_principals(txn, {number: entry})


def put_principals(txn: Txn, entries: Mapping[int, Entry]) -> None:
    """Do `put_principal` for many; what is written already is not written again."""
    for batch in _batches(entries):
        stored = txn.values(principal, batch, principal.basis)
        fresh: list[Fresh] = []
        for number in batch:
            values, old = _values(entries[number]), stored.get(number)
            if old is None:
                fresh.append(Fresh(number, values | {"description": None, "timeZone": None}))
                continue
            if values["givenName"] == old["givenName"]:
                values["name"] = old["name"]
            new = old | values
            if new != old:
                txn.update(principal, number, old, new)
        if fresh:
            txn.insert_all(principal, fresh)


def drop_principal(txn: Txn, number: int) -> None:
    """Remove a Principal, if it is there, and what was written to it."""
    mine = txn.find(share_notification, Query(Leaf(FOR, number))).all()
    if mine:
        txn.delete_all(share_notification, mine)
    if txn.exists(principal, [number]):
        txn.delete(principal, number)


def reconcile(txn: Txn, entries: Mapping[int, Entry]) -> None:
    """Make the Principals those that the directory has, by their numbers."""
    for number in txn.ids(principal):
        if number not in entries:
            drop_principal(txn, number)
    put_principals(txn, entries)


def _values(entry: Entry) -> JsonObject:
    return {
        "type": entry.type,
        "name": entry.name,
        "givenName": entry.name,
        "email": entry.email,
        "accountId": wire_account(entry.account) if entry.account else None,
    }


def _batches(numbers: Mapping[int, Entry]) -> Iterator[Sequence[int]]:
    waiting = iter(numbers)
    while batch := list(islice(waiting, _AT_ONCE)):
        yield batch
