"""Contacts: AddressBook and ContactCard (RFC 9610 §1.3).

Purpose: the capability ``urn:ietf:params:jmap:contacts``, and the way by which vCards enter and leave an account.
Contract: `CONTACTS` and `CONTACTS_PARSE` are all that wiring needs. `birth.defaults` gives an account its first
AddressBook; `ingest` makes cards of vCards for whoever has some, and `vcards` writes them. What is searched, and
which blobs a card keeps, follows from its values by declaration, so no caller has to tell.
May import: engine, store, model, formats, proto, kit.
"""

from posthouse.capabilities.contacts import birth, ingest, parse, removal, vcards, write
from posthouse.capabilities.contacts.capability import CONTACTS, CONTACTS_PARSE

__all__ = ["CONTACTS", "CONTACTS_PARSE", "birth", "ingest", "parse", "removal", "vcards", "write"]
