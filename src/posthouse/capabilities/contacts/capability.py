"""The capability ``urn:ietf:params:jmap:contacts`` itself (RFC 9610 §1.4.1), and the reading of vCards beside it."""

from __future__ import annotations

from typing import Final

from posthouse.capabilities.contacts.addressbook import address_book
from posthouse.capabilities.contacts.contactcard import contact_card
from posthouse.capabilities.contacts.write import MOST_BOOKS
from posthouse.kit.json import JsonObject
from posthouse.kit.limits import Limits
from posthouse.model.caller import Access, Caller
from posthouse.model.capability import Capability


def _per_account(limits: Limits, caller: Caller, access: Access) -> JsonObject:
    return {"maxAddressBooksPerCard": MOST_BOOKS, "mayCreateAddressBook": access.through is None}


def _parse_per_account(limits: Limits, caller: Caller, access: Access) -> JsonObject | None:
    return None if CONTACTS.in_account(limits, caller, access) is None else {}


CONTACTS: Final = Capability(
    "urn:ietf:params:jmap:contacts", types=[address_book, contact_card], per_account=_per_account
)

CONTACTS_PARSE: Final = Capability("urn:ietf:params:jmap:contacts:parse", per_account=_parse_per_account)
"""No standard has it: the URI, the method and its answers are those of other servers."""
