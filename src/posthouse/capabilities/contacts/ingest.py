"""Ingest: vCards from outside become cards (RFC 9555 §2).

In two steps, as with mail: `digest` converts a vCard and stores its media, outside of any transaction; `merge`
writes the cards, inside. What is merged twice, or interrupted and merged again, is there once: a card is known
by its uid, or where it has none by all that it says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from posthouse.capabilities.contacts import birth, media
from posthouse.capabilities.contacts.addressbook import address_book
from posthouse.capabilities.contacts.contactcard import contact_card
from posthouse.capabilities.contacts.write import MOST_OCTETS, with_uid
from posthouse.formats import jscard, vcard
from posthouse.kit import clock
from posthouse.kit.json import Json, JsonObject, dumps
from posthouse.model.ports import BlobSource, Fresh, Txn

BOOK_MARK: Final = "X-POSTHOUSE-ADDRESSBOOK"
"""The vCard property by which our own export names each AddressBook of a card."""

_SPACE: Final = "contacts.content"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A vCard as a card to be filed.

    values: the card without ``addressBookIds``. key: stands for all that it says, if it has no uid. books: the
    names of the AddressBooks it is to be in; none: the default one. fault: why no client could have made it, if so.
    """

    values: JsonObject
    key: int
    books: tuple[str, ...]
    fault: str | None = None

    @property
    def identity(self) -> str | int:
        """What the card is known by: its uid, or else all that it says."""
        uid = self.values.get("uid")
        return self.key if uid is None else str(uid)


class Found(Enum):
    """How a card stood in the account when it was to be merged."""

    NEW = "new"
    """It was not there and is now."""
    ELSEWHERE = "elsewhere"
    """It was there, and gained an AddressBook."""
    THERE = "there"
    """It was in each of the AddressBooks already; what it says there was let be."""


def digest(blobs: BlobSource, card: vcard.Card) -> Prepared:
    """Convert a vCard; any is one, and nothing is ever raised.

    A photo whose bytes are no image that we know stays the ``data:`` URI that it was.
    """
    books = tuple(vcard.text(one.value) for one in card.properties if one.name == BOOK_MARK)
    own = [one for one in card.properties if one.name != BOOK_MARK]
    values = jscard.from_vcard(vcard.Card(own, card.version, card.line))
    _, uris = media.gather({"media": values.get("media")})
    files = {uri: file for uri in uris if (file := media.of_uri(blobs, uri)) is not None}
    found = {
        name: medium
        for name, medium in (values.get("media") or {}).items()
        if (file := files.get(medium.get("uri", ""))) and (medium["kind"] != "photo" or file.image)
    }
    if found:
        settled = {"media": found}
        media.settle(settled, {}, files)
        values = values | {"media": values["media"] | settled["media"]}
    fault = _fault(values)
    return Prepared(values, 0 if fault or "uid" in values else _key(values), books, fault)


def _fault(values: JsonObject) -> str | None:
    try:
        size = len(dumps(values))
    except TypeError:
        return "a card nested deeper than one may be"
    return "a card larger than one may be" if size > MOST_OCTETS else None


def _key(values: JsonObject) -> int:
    """Make a number of all that a card says, but for when it was made and changed, which we say ourselves."""
    said = {name: value for name, value in values.items() if name not in ("created", "updated")}
    return int.from_bytes(hashlib.sha256(dumps(_in_order(said))).digest()[:8], "big", signed=True)


def _in_order(value: Json) -> Json:
    """Give the same value with the names of all objects sorted; it is nested no deeper than can be written."""
    if isinstance(value, dict):
        return {name: _in_order(value[name]) for name in sorted(value)}
    return [_in_order(item) for item in value] if isinstance(value, list) else value


def merge(txn: Txn, cards: Sequence[Prepared]) -> list[Found]:
    """File cards that are not there yet; one that is gains the AddressBooks it lacks, and stays as it is."""
    books: dict[tuple[str, ...], dict[str, bool]] = {}
    fresh: dict[str | int, Fresh] = {}
    outcome: list[Found] = []
    now = clock.utc_date(int(clock.now()))
    for one in cards:
        if one.books not in books:
            books[one.books] = {address_book.wire(_book(txn, name)): True for name in one.books or (None,)}
        wanted = books[one.books]
        if one.identity in fresh:
            outcome.append(_gain(fresh[one.identity].values, wanted))
        elif (id := _holder(txn, one)) is not None:
            old = txn.values(contact_card, [id], contact_card.basis)[id]
            new = {**old}
            outcome.append(_gain(new, wanted))
            if new != old:
                txn.update(contact_card, id, old, new)
        else:
            values = {"created": now, "updated": now, **one.values, "addressBookIds": wanted}
            fresh[one.identity] = Fresh(txn.allocate(), values)
            outcome.append(Found.NEW)
    txn.insert_all(contact_card, [*fresh.values()])
    for identity, made in fresh.items():
        if isinstance(identity, int):
            txn.put_keys(_SPACE, made.id, [identity])
    return outcome


def _gain(card: JsonObject, books: dict[str, bool]) -> Found:
    """Put a card into the AddressBooks that it is not in."""
    if books.keys() <= card["addressBookIds"].keys():
        return Found.THERE
    card["addressBookIds"] = card["addressBookIds"] | books
    return Found.ELSEWHERE


def _holder(txn: Txn, one: Prepared) -> int | None:
    """Find the card that this one was made to before."""
    if isinstance(one.identity, str):
        return next(iter(with_uid(txn, one.identity)), None)
    id = txn.find_keys(_SPACE, [one.key]).get(one.key)
    if id is None or txn.exists(contact_card, [id]):
        return id
    txn.drop_keys(_SPACE, id)
    return None


def _book(txn: Txn, name: str | None) -> int:
    """Give the AddressBook of a name, made if need be; the default one for None or what is no name."""
    if name is None or not address_book.properties["name"].kind.accepts(name):
        return birth.default(txn)
    found = txn.values(address_book, None, ["name"])
    return next((id for id, values in found.items() if values["name"] == name), None) or birth.make(txn, name)
