"""The words of a message that a search may find (RFC 8621 §4.4.1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from mmap import mmap
from typing import NamedTuple

from posthouse.formats.mime.address import EmailAddress
from posthouse.formats.mime.body import body
from posthouse.formats.mime.envelope import convenience
from posthouse.formats.mime.message import Message, Part
from posthouse.formats.mime.plaintext import plain_text

MAX_BODY = 262_144
"""Default bound of the body's characters."""
_MAX_FIELD = 65_536


class SearchText(NamedTuple):
    """Text by where it stands in a message, as the filter conditions name it (RFC 8621 §4.4.1)."""

    from_: str
    to: str
    cc: str
    bcc: str
    subject: str
    body: str
    attachment_names: str


def search_text(data: bytes | mmap | memoryview, message: Message, limit: int = MAX_BODY) -> SearchText:
    """Collect what a search of the message looks at.

    The body is the text of all bodies to be shown. Where a text has an HTML alternative, only the lines with a
    word that the plain text lacks are taken from it: each word can be found, and phrases stay whole, but most
    text is not indexed twice.

    :param limit: characters of the body that are kept at most; each other field keeps at most 65,536.
    """
    sorted_ = body(message)
    envelope = convenience(message)
    return SearchText(
        from_=_addresses(envelope["from"]),
        to=_addresses(envelope["to"]),
        cc=_addresses(envelope["cc"]),
        bcc=_addresses(envelope["bcc"]),
        subject=str(envelope["subject"] or "")[:_MAX_FIELD],
        body=_body(data, message, sorted_.text, sorted_.html, limit),
        attachment_names="\n".join(part.name for part in leaves(message.root) if part.name)[:_MAX_FIELD],
    )


def leaves(part: Part) -> Iterator[Part]:
    """Yield the leaves under a part, itself if it is one, depth first."""
    if not part.is_multipart:
        yield part
    for child in part.sub_parts:
        yield from leaves(child)


def _addresses(found: Sequence[EmailAddress | str] | None) -> str:
    """Write names and addresses, one mailbox a line."""
    lines = [
        f"{one['name']} {one['email']}" if one["name"] else one["email"]
        for one in found or ()
        if not isinstance(one, str)
    ]
    return "\n".join(lines)[:_MAX_FIELD]


def _body(
    data: bytes | mmap | memoryview, message: Message, text: list[Part], html: list[Part], limit: int
) -> str:
    pieces: list[str] = []
    length = 0
    shown = {part.part_id for part in text}
    alternatives = [part for part in html if part.part_id not in shown]
    for part in text:
        if part.type.startswith("text/") and length < limit:
            piece = _visible(data, message, part)[: limit - length]
            pieces.append(piece)
            length += len(piece) + 1
    if alternatives and length < limit:
        seen = set("\n".join(pieces).split())
        for part in alternatives:
            if part.type.startswith("text/"):
                visible = _visible(data, message, part)
                if not seen.issuperset(visible.split()):
                    lines = visible.split("\n")  # two of three are empty
                    pieces += [line for line in lines if line and not seen.issuperset(line.split())]
    return "\n".join(pieces)[:limit]


def _visible(data: bytes | mmap | memoryview, message: Message, part: Part) -> str:
    """Give a text with what HTML says of its pictures and links, which readers see as well."""
    assert part.part_id is not None
    text = plain_text(data, message, part)
    hints = message.hints.get(part.part_id)
    return f"{text}\n{hints}" if hints else text
