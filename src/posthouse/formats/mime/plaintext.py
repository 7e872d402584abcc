"""The text of a part as a reader sees it: HTML without its markup, format=flowed joined (RFC 3676)."""

from __future__ import annotations

from mmap import mmap

from posthouse.formats.mime.charset import decode
from posthouse.formats.mime.decode import decode_bytes
from posthouse.formats.mime.html import html_text_and_hints
from posthouse.formats.mime.message import Message, Part
from posthouse.formats.mime.parameter import media_type

MAX_OCTETS = 1_000_000
"""So many octets of a part, as they are in the message, are read for previews and search."""


def plain_text(data: bytes | mmap | memoryview, message: Message, part: Part) -> str:
    """Return the text of a ``text/*`` part without markup, line ends as LF; the message remembers it.

    What HTML says of its pictures and links is remembered beside it, as ``hints``. Quoting marks stay, for a
    reader sees them. Only the first `MAX_OCTETS` are read.
    """
    assert part.part_id is not None
    text = message.plain_texts.get(part.part_id)
    if text is None:
        octets = message.decoded.pop(part.part_id, None)
        if octets is None:
            raw = bytes(data[part.offset : part.offset + min(part.length, MAX_OCTETS)])
            octets = decode_bytes(raw, part.encoding)
        is_html = part.type == "text/html"
        text, _ = decode(octets, part.charset, is_html)
        if is_html:
            text, message.hints[part.part_id] = html_text_and_hints(text)
        text = text.replace("\r\n", "\n")
        if " \n" in text and not is_html:
            text = _unflowed(text, part)
        message.plain_texts[part.part_id] = text
    return text


def _unflowed(text: str, part: Part) -> str:
    """Join the lines of flowed paragraphs, if the part is declared to have them (RFC 3676 §4).

    Each line's space-stuffing goes; a line that ends in a space goes on with the next of the same quote
    depth; with ``DelSp=yes`` that space goes too. The signature line ``-- `` stands alone.
    """
    value = next((header.value for header in part.headers if header.name.lower() == "content-type"), "")
    found = media_type(value)
    if found is None or found[1].get("format", "").lower() != "flowed":
        return text
    drop_space = found[1].get("delsp", "").lower() == "yes"
    joined: list[str] = []
    open_depth = -1
    for line in text.split("\n"):
        content = line.lstrip(">")
        depth = len(line) - len(content)
        content = content.removeprefix(" ")
        is_signature = content == "-- "
        flows = content.endswith(" ") and not is_signature
        if open_depth >= 0:
            joined.append("" if open_depth == depth and not is_signature else "\n")
        if open_depth != depth or is_signature:
            joined.append(">" * depth + " " if depth else "")
        joined.append(content[:-1] if flows and drop_space else content)
        if not flows:
            joined.append("\n")
        open_depth = depth if flows else -1
    return "".join(joined).removesuffix("\n")
