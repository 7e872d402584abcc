"""Birth: the AddressBook that each account begins with."""

from __future__ import annotations

from typing import Final

from posthouse.capabilities.contacts.addressbook import address_book, default_of
from posthouse.model.ports import Txn

_FIRST: Final = "Contacts"


def defaults(txn: Txn) -> None:
    """Give an account its default AddressBook."""
    make(txn, _FIRST, is_default=True)


def make(txn: Txn, name: str, *, is_default: bool = False) -> int:
    """Make an AddressBook of a valid name."""
    id = txn.allocate()
    values = {
        "name": name,
        "description": None,
        "sortOrder": 0,
        "isDefault": is_default,
        "isSubscribed": True,
    }
    txn.insert(address_book, id, values)
    return id


def default(txn: Txn) -> int:
    """Give the default AddressBook, which is made if there is none."""
    found = default_of(txn.values(address_book, None, ["isDefault"]))
    return make(txn, _FIRST, is_default=True) if found is None else found
