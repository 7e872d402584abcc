"""Outgoing: a message as it is sent, which is not quite as its sender keeps it (RFC 8621 §7.5, RFC 6409 §8)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_BLANK_LINE: Final = re.compile(rb"(?:\A|\n)\r?\n")
_MBOX_LINE: Final = re.compile(rb"\A>?From [^\n]*\n")
_LINE_BREAK: Final = re.compile(rb"\r\n|\r|\n")
_PRIVATE: Final = re.compile(
    rb"^(?:bcc|resent-bcc|return-path|delivered-to|x-posthouse-[a-z-]*)[ \t]*+:[^\n]*+(?:\n[ \t][^\n]*+)*+(?:\n|\Z)",
    re.I | re.M,
)
_NOT_ASCII: Final = re.compile(rb"[\x80-\xff]")


def write(data: bytes, fields: Mapping[str, str]) -> bytes:
    """Give a message for its recipients: lines end with CRLF, and no field tells of those who were to stay unseen.

    fields: header fields that it lacks; they are put before it.
    """
    mbox_line = _MBOX_LINE.match(data)
    start = mbox_line.end() if mbox_line else 0
    blank = _BLANK_LINE.search(data, start)
    end = len(data) if blank is None else blank.start() + (data[blank.start() : blank.start() + 1] == b"\n")
    header = _canonical(_PRIVATE.sub(b"", _canonical(data[start:end])))
    added = "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode("ascii")
    if header[:1] in (b" ", b"\t"):  # Else it would go on with the last field that is put before it.
        header = b"\r\n" + header
    return added + header + _canonical(data[end:])


def header_of(data: bytes) -> bytes:
    """Give the header of a message that `write` made, without the blank line."""
    end = data.find(b"\r\n\r\n")
    return data if end < 0 else data[: end + 2]


def is_ascii(data: bytes) -> bool:
    """Say whether bytes are all 7-bit, so that no server needs 8BITMIME for them (RFC 6152)."""
    return _NOT_ASCII.search(data) is None


def _canonical(data: bytes) -> bytes:
    """Let each line end with CRLF, the last one too; NUL, which no server takes, goes (RFC 5321 §4.5.2)."""
    if data.count(b"\r") != data.count(b"\n") or data.count(b"\r\n") != data.count(b"\n"):
        data = _LINE_BREAK.sub(b"\r\n", data)
    data = data.replace(b"\0", b"")
    return data + b"\r\n" if data and not data.endswith(b"\r\n") else data
