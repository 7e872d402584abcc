"""Header fields: finding them in the bytes, and the parsed forms of their values (RFC 8621 §4.1.2)."""

from __future__ import annotations

import re
from mmap import mmap
from typing import NamedTuple

from posthouse.formats.mime.charset import decode_octets
from posthouse.formats.mime.encodedword import decode_words

MAX_HEADER_OCTETS = 512 * 1024
"""So much of one header block is looked at; what lies beyond stays in the message but is no field."""
MAX_HEADERS = 10_000
"""So many fields of one header block are looked at."""

_BLANK_LINE = re.compile(rb"\n\r?\n")
# A line that is neither a field nor the continuation of one: the blank line is missing, the body begins.
_STRAY_LINE = re.compile(r"(?:\A|\n)(?![ \t]|[!-9;-~]++[ \t]*+:|\r?+\Z)")
_FIELD = re.compile(r"^([!-9;-~]+)[ \t]*:(.*(?:\n[ \t].*)*)", re.M)
_LINE_BREAK = re.compile(r"\r?\n")

_RFC5322_AND_RFC2369 = {
    "text": ("subject", "comments", "keywords"),
    "addresses": tuple(
        prefix + name
        for prefix in ("", "resent-")
        for name in ("from", "sender", "reply-to", "to", "cc", "bcc")
    ),
    "message ids": ("message-id", "in-reply-to", "references", "resent-message-id"),
    "date": ("date", "resent-date"),
    "urls": tuple(
        f"list-{name}" for name in ("help", "unsubscribe", "subscribe", "post", "owner", "archive")
    ),
    "raw": ("return-path", "received"),
}
_FORMS_OF = {
    "text": frozenset({"Raw", "Text"}),
    "addresses": frozenset({"Raw", "Addresses", "GroupedAddresses"}),
    "message ids": frozenset({"Raw", "MessageIds"}),
    "date": frozenset({"Raw", "Date"}),
    "urls": frozenset({"Raw", "URLs"}),
    "raw": frozenset({"Raw"}),
}
FORMS = frozenset().union(*_FORMS_OF.values())
"""The names of all forms, as they stand in ``header:Name:as{Form}``."""
_ALLOWED = {name: _FORMS_OF[kind] for kind, names in _RFC5322_AND_RFC2369.items() for name in names}


class Header(NamedTuple):
    """One header field.

    ``raw`` is the value in Raw form: what follows the colon up to the last line break, folding kept, NUL
    dropped, octets that are no UTF-8 as U+FFFD (RFC 8621 §4.1.2.1). ``value`` is what the parsed forms read:
    the same but for a field that is no UTF-8, which is read as Windows-1252, the usual cause.
    """

    name: str
    raw: str
    value: str


def scan(data: bytes | mmap, start: int, end: int) -> tuple[list[Header], int]:
    """Read the header block of an entity that lies in ``data[start:end]``.

    The block ends at the first blank line, or before the first line that can be no part of a header.

    :returns: its fields in order, and the offset where the body begins.
    """
    opening = data[start : min(start + 2, end)]
    if opening == b"\r\n":
        return [], start + 2
    if opening[:1] == b"\n":
        return [], start + 1
    blank = _BLANK_LINE.search(data, start, end)
    stop, body = (blank.start() + 1, blank.end()) if blank else (end, end)
    block = data[start : min(stop, start + MAX_HEADER_OCTETS)]
    try:
        text, is_utf8 = block.decode("utf-8"), True
    except UnicodeDecodeError:
        text, is_utf8 = block.decode("latin-1"), False
    fields = _FIELD.findall(text)
    lines = text.count("\n") + (not text.endswith("\n"))
    if lines != len(fields) + text.count("\n ") + text.count("\n\t") and (stray := _STRAY_LINE.search(text)):
        text = text[: stray.end()]
        body = start + (len(text.encode("utf-8")) if is_utf8 else len(text))
        fields = _FIELD.findall(text)
    del fields[MAX_HEADERS:]
    if is_utf8 and "\0" not in text:
        return [Header(name, kept := value.removesuffix("\r"), kept) for name, value in fields], body
    return [_header(name, value.removesuffix("\r"), is_utf8) for name, value in fields], body


def _header(name: str, value: str, is_utf8: bool) -> Header:
    """Make a field of a block that holds NUL, or was read as Latin-1 since it is not all UTF-8."""
    value = value.replace("\0", "")
    if is_utf8 or value.isascii():
        return Header(name, value, value)
    octets = value.encode("latin-1")
    return Header(name, octets.decode("utf-8", "replace"), decode_octets(octets))


def header_form(name: str, form: str) -> bool:
    """Tell whether a field may be read or set in a form; unknown forms may never (RFC 8621 §4.1.2).

    :param name: the field's name in any case.
    :param form: ``Raw``, ``Text``, ``Addresses``, ``GroupedAddresses``, ``MessageIds``, ``Date`` or ``URLs``.
    """
    return form in _ALLOWED.get(name.lower(), FORMS)


def last(headers: list[Header], name: str) -> Header | None:
    """Return the last field of a name given in lower case, or None (RFC 8621 §4.1.3)."""
    for header in reversed(headers):
        if header.name.lower() == name:
            return header
    return None


def unfold(raw: str) -> str:
    """Take the line breaks out of a folded value (RFC 5322 §2.2.3)."""
    return _LINE_BREAK.sub("", raw) if "\n" in raw else raw


def as_text(raw: str) -> str:
    """Read a value in Text form: unfolded, encoded-words decoded, in Unicode form C (RFC 8621 §4.1.2.2)."""
    return decode_words(unfold(raw).lstrip(" \t"))
