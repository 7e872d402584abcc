"""vCards: cards leave an account as vCard 4.0 (RFC 9555 §3)."""

from __future__ import annotations

import base64
from collections.abc import Iterable

from posthouse.capabilities.contacts.addressbook import address_book
from posthouse.capabilities.contacts.contactcard import contact_card
from posthouse.capabilities.contacts.ingest import BOOK_MARK
from posthouse.formats import jscard, vcard
from posthouse.kit.json import JsonObject
from posthouse.model import blobid
from posthouse.model.ports import BlobSource, Txn


def written(txn: Txn, blobs: BlobSource, ids: Iterable[int]) -> list[bytes]:
    """Write some cards as vCards, from which `ingest` makes the same in AddressBooks of the same names."""
    books = {
        address_book.wire(id): values["name"]
        for id, values in txn.values(address_book, None, ["name"]).items()
    }
    return [
        _written(blobs, values, [books[wire] for wire in values["addressBookIds"]])
        for values in txn.values(contact_card, ids).values()
    ]


def _written(blobs: BlobSource, values: JsonObject, books: list[str]) -> bytes:
    card = {name: value for name, value in values.items() if name not in ("id", "addressBookIds")}
    if "media" in card:
        card["media"] = {key: _with_bytes(blobs, medium) for key, medium in card["media"].items()}
    found = jscard.to_vcard(card)
    found.properties += [vcard.Property(BOOK_MARK, vcard.escape(name)) for name in books]
    return vcard.write(found)


def _with_bytes(blobs: BlobSource, medium: JsonObject) -> JsonObject:
    """Put the bytes of a blob in the place of its id."""
    blob = blobid.decode(medium.get("blobId", ""))
    if blob is None:
        return medium
    data = base64.b64encode(blobs.read(blob.digest)).decode()
    plain = {name: value for name, value in medium.items() if name != "blobId"}
    return {**plain, "uri": f"data:{medium['mediaType']};base64,{data}"}
