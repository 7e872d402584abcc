"""Transfer encodings, read leniently: whatever the bytes are, there is an answer (RFC 2045 §6)."""

from __future__ import annotations

import binascii
import re
from mmap import mmap
from typing import Final

import pybase64

_PIECE: Final = 1 << 18
_NO_ENCODING = frozenset(("7bit", "8bit", "binary"))
_UUENCODE = frozenset(("x-uuencode", "uuencode", "x-uue", "uue"))
_BASE64_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_BASE64 = bytes(set(range(256)) - set(_BASE64_ALPHABET) - set(b"="))
_UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} [^\n]*\n", re.M)
# Looks back from each line feed, of which there are few, and not on from each blank.
_LINE_FEED_AFTER_BLANK = re.compile(rb"\n(?:(?<=[ \t]\n)|(?<=[ \t]\r\n))")
# The lookbehind lets a long run of blanks be tried once, not from each of its positions.
_LINE_END_BLANKS = re.compile(rb"(?<![ \t])[ \t]++(?=\r?\n|\Z)")
# binascii drops everything from "=\r" to the next line feed, so a carriage return alone must not reach it.
_SOFT_BREAK_BY_CR = re.compile(rb"=\r(?!\n)")


def encoding_name(value: str) -> str:
    """Return the canonical name of a Content-Transfer-Encoding, ``""`` for an unknown one (RFC 2045 §6.1)."""
    name = value.strip().lower()
    if name in _NO_ENCODING or name == "base64" or name == "quoted-printable":
        return name
    if name in _UUENCODE:
        return "x-uuencode"
    return ""


def decode_bytes(raw: bytes, encoding: str) -> bytes:
    """Undo a transfer encoding; an unknown one counts as none (RFC 8621 §4.1.4).

    Characters that base64 does not know are passed over and its padding ends it; a broken ``=XX`` stays as it
    is; blanks at the end of quoted-printable lines go (RFC 2045 §6.7, §6.8).

    :param encoding: a name as `encoding_name` gives it.
    """
    if encoding == "base64":
        return _base64(raw)
    if encoding == "quoted-printable":
        return _quoted_printable(raw)
    if encoding == "x-uuencode":
        return _uuencode(raw)
    return raw


def base64_size(data: bytes | mmap, start: int, end: int) -> int:
    """Count the octets that base64 in ``data[start:end]`` decodes to, without decoding it.

    Only a piece of it is in memory at a time, for attachments may be very large.
    """
    letters = 0
    for at in range(start, end, _PIECE):
        packed = data[at : min(at + _PIECE, end)].translate(None, _NOT_BASE64)
        padding = packed.find(b"=")
        if padding >= 0:
            letters += padding
            break
        letters += len(packed)
    return letters * 3 // 4


def decode_word_base64(raw: bytes) -> bytes:
    """Decode the text of a B encoded-word (RFC 2047 §4.1) as leniently as a body."""
    return _base64(raw)


def _base64(raw: bytes) -> bytes:
    packed = _on_one_line(raw)
    try:
        return pybase64.b64decode(packed, validate=True)
    except binascii.Error:
        pass
    packed = bytes(packed.translate(None, _NOT_BASE64).partition(b"=")[0])
    spare = len(packed) % 4
    if spare == 1:
        packed = packed[:-1]
    elif spare:
        packed += b"=" * (4 - spare)
    return pybase64.b64decode(packed, validate=True)


def _on_one_line(raw: bytes) -> bytes | bytearray:
    """Take the line ends out; where they are at one distance, as mailers write them, all together."""
    line = raw.find(b"\n") + 1
    if not line:
        return raw
    packed = bytearray(raw.rstrip(b"\r\n"))
    ends = len(packed) // line
    if line > 2 and packed[line - 1 :: line] == b"\n" * ends:
        del packed[line - 1 :: line]
        if packed[line - 2 : (line - 1) * ends : line - 1] == b"\r" * ends:
            del packed[line - 2 : (line - 1) * ends : line - 1]
    return packed.replace(b"\r\n", b"").replace(b"\n", b"") if b"\n" in packed else packed


def _quoted_printable(raw: bytes) -> bytes:
    if _LINE_FEED_AFTER_BLANK.search(raw) or raw.endswith((b" ", b"\t")):
        raw = _LINE_END_BLANKS.sub(b"", raw)
    if b"=\r" in raw:
        raw = _SOFT_BREAK_BY_CR.sub(b"=3D\r", raw)
    return binascii.a2b_qp(raw)


def _uuencode(raw: bytes) -> bytes:
    begin = _UU_BEGIN.search(raw)
    if begin is None:
        return raw
    decoded = []
    for line in raw[begin.end() :].split(b"\n"):
        line = line.rstrip(b"\r")
        if line in (b"", b"end", b"`"):
            break
        count = (line[0] - 32) & 63
        try:
            decoded.append(binascii.a2b_uu(line[: 1 + (count * 4 + 5) // 3]))
        except binascii.Error:
            break
    return b"".join(decoded)
