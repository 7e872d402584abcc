"""Removal: cards leave an AddressBook as it goes (RFC 9610 §2.3)."""

from __future__ import annotations

from itertools import islice
from typing import Final

from posthouse.capabilities.contacts.addressbook import address_book
from posthouse.capabilities.contacts.contactcard import contact_card
from posthouse.model.change import Change, Stage
from posthouse.model.condition import Leaf, Query
from posthouse.model.ports import Txn
from posthouse.proto.jmap.errors import SetError

_AT_ONCE: Final = 500


@address_book.before_destroy
def empty_or_refuse(txn: Txn, change: Change, stage: Stage) -> None:
    """Refuse with ``addressBookHasContents``, or take the cards out if asked to; one in no other is destroyed."""
    inside = txn.find(contact_card, Query(Leaf(contact_card.filters["inAddressBook"], change.id)))
    if not inside.page(0, 1):
        return
    if not change.arguments["onDestroyRemoveContents"]:
        raise SetError("addressBookHasContents", "it has cards")
    wire = address_book.wire(change.id)
    ids = iter(inside.all())
    while batch := list(islice(ids, _AT_ONCE)):
        for id, old in txn.values(contact_card, batch, contact_card.basis).items():
            left = {other: True for other in old["addressBookIds"] if other != wire}
            if left:
                txn.update(contact_card, id, old, {**old, "addressBookIds": left})
            else:
                txn.delete(contact_card, id)
