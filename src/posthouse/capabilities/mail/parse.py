"""Email/parse: a blob read as a message, without filing it (RFC 8621 §4.9)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from posthouse.capabilities.mail import ingest, read, source
from posthouse.capabilities.mail.capability import MAIL
from posthouse.capabilities.mail.email import email
from posthouse.engine.blob import readable
from posthouse.engine.get import checked
from posthouse.kit import clock
from posthouse.kit.json import JsonObject
from posthouse.model.blobid import BlobId
from posthouse.model.capability import Parameter
from posthouse.model.kind import Boolean, Id, ListOf, String, UnsignedInt
from posthouse.model.ports import BlobSource, Calling, Txn
from posthouse.proto.jmap.errors import MethodError

_DEFAULTS: Final = (
    "messageId",
    "inReplyTo",
    "references",
    "sender",
    "from",
    "to",
    "cc",
    "bcc",
    "replyTo",
    "subject",
    "sentAt",
    "hasAttachment",
    "preview",
    "bodyValues",
    "textBody",
    "htmlBody",
    "attachments",
)
_MOST_OCTETS: Final = 200_000_000
"""So large may blobs be together that one call parses, unless it is one alone."""
_UNKNOWN: Final = dict.fromkeys(("id", "threadId", "mailboxIds", "keywords", "receivedAt"))
"""What only an Email in the store has."""


@MAIL.writes(
    "Email/parse",
    blobIds=Parameter(ListOf(Id()), required=True),
    properties=Parameter(ListOf(String()) | None),
    bodyProperties=Parameter(ListOf(String()) | None),
    fetchTextBodyValues=Parameter(Boolean(), default=False),
    fetchHTMLBodyValues=Parameter(Boolean(), default=False),
    fetchAllBodyValues=Parameter(Boolean(), default=False),
    maxBodyValueBytes=Parameter(UnsignedInt(), default=0),
)
async def parse(call: Calling, arguments: JsonObject) -> JsonObject:
    """Answer Email/parse. Any bytes make a message, so ``notParsable`` is always null.

    Raises MethodError ``requestTooLarge`` or ``invalidArguments``.
    """
    names = _DEFAULTS if arguments["properties"] is None else checked(email, arguments["properties"])
    read.needs(names, arguments)
    wires = list(dict.fromkeys(arguments["blobIds"]))
    if len(wires) > call.limits.max_objects_in_get:
        raise MethodError("requestTooLarge", f"at most {call.limits.max_objects_in_get} can be parsed")
    found = await readable(call, wires)
    if len(found) > 1 and sum(source.length(call.blobs, id) for id in found.values()) > _MOST_OCTETS:
        raise MethodError("requestTooLarge", "the blobs are too large to be parsed together")
    parsed: dict[str, JsonObject] = {}
    fresh: list[bytes] = []
    for wire in wires:
        id = found.get(wire)
        if id is not None:
            digest, parsed[wire] = await call.aside(partial(_parsed, call.blobs, id, names, arguments))
            if id.range is not None:
                fresh.append(digest)
    if fresh:
        await call.write(partial(_let_read, fresh))
    return {
        "accountId": arguments["accountId"],
        "parsed": parsed or None,
        "notParsable": None,
        "notFound": [wire for wire in wires if wire not in parsed] or None,
    }


def _parsed(
    blobs: BlobSource, id: BlobId, names: Sequence[str], arguments: JsonObject
) -> tuple[bytes, JsonObject]:
    """Read one message; an attached one becomes a blob of its own, that its parts lie in."""
    digest, data = source.whole(blobs, id)
    values = {**ingest.digest(data, digest).values, **_UNKNOWN}
    read.render(blobs, values, names, arguments, read.view(arguments))
    return digest, {name: values[name] for name in names}


def _let_read(digests: list[bytes], txn: Txn) -> None:
    """Let the caller download the parts of attached messages that were parsed."""
    until = int(clock.now()) + source.LEASE
    for digest in digests:
        txn.note_upload(digest, until)
