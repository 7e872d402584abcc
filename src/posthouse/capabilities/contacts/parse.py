"""ContactCard/parse: a blob read as a vCard, without filing it.

No standard has this method. A blob is answered with the card that it holds; one with no card, with several, for
which this answer has no place, or with one larger than a card may be is ``notParsable``.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from posthouse.capabilities.contacts import ingest, media
from posthouse.capabilities.contacts.capability import CONTACTS_PARSE
from posthouse.capabilities.contacts.contactcard import contact_card
from posthouse.engine.blob import readable
from posthouse.engine.get import checked
from posthouse.formats import mime, vcard
from posthouse.kit import clock
from posthouse.kit.json import JsonObject
from posthouse.model.blobid import BlobId
from posthouse.model.capability import Parameter
from posthouse.model.kind import Id, ListOf, String
from posthouse.model.ports import BlobSource, Calling, Txn
from posthouse.proto.jmap.errors import MethodError

_MOST_OCTETS: Final = 50_000_000
"""So large may blobs be together that one call parses."""


@CONTACTS_PARSE.writes(
    "ContactCard/parse",
    blobIds=Parameter(ListOf(Id()), required=True),
    properties=Parameter(ListOf(String()) | None),
)
async def parse(call: Calling, arguments: JsonObject) -> JsonObject:
    """Answer ContactCard/parse. Media are blobs that the caller may read for a day.

    Raises MethodError ``requestTooLarge`` or ``invalidArguments``.
    """
    wanted = None if arguments["properties"] is None else checked(contact_card, arguments["properties"])
    wires = list(dict.fromkeys(arguments["blobIds"]))
    if len(wires) > call.limits.max_objects_in_get:
        raise MethodError("requestTooLarge", f"at most {call.limits.max_objects_in_get} can be parsed")
    found = await readable(call, wires)
    if sum(_length(call.blobs, id) for id in found.values()) > _MOST_OCTETS:
        raise MethodError("requestTooLarge", "the blobs are too large to be parsed together")
    parsed: dict[str, JsonObject] = {}
    for wire, id in found.items():
        card = await call.aside(partial(_card, call.blobs, id))
        if card is not None:
            parsed[wire] = card
    digests = [digest for card in parsed.values() for digest in media.kept(card)]
    if digests:
        await call.write(partial(_let_read, digests))
    if wanted is not None:
        parsed = {
            wire: {name: card[name] for name in wanted if name in card} for wire, card in parsed.items()
        }
    return {
        "accountId": arguments["accountId"],
        "parsed": parsed or None,
        "notParsable": [wire for wire in found if wire not in parsed] or None,
        "notFound": [wire for wire in wires if wire not in found] or None,
    }


def _length(blobs: BlobSource, id: BlobId) -> int:
    return (blobs.size(id.digest) or 0) if id.range is None else id.range.length


def _card(blobs: BlobSource, id: BlobId) -> JsonObject | None:
    """Give the one card that a blob holds."""
    if id.range is None:
        data = blobs.read(id.digest)
    else:
        raw = blobs.read(id.digest, id.range.offset, id.range.length)
        data = mime.decode_bytes(raw, id.range.encoding)
    cards = vcard.read(data)
    if len(cards) != 1:
        return None
    card = ingest.digest(blobs, cards[0])
    return card.values if card.fault is None else None


def _let_read(digests: list[bytes], txn: Txn) -> None:
    until = int(clock.now()) + media.LEASE
    for digest in digests:
        txn.note_upload(digest, until)
