"""Blob ids: the name of a blob, or of a part that is a byte range of one (RFC 8620 §6, RFC 8621 §4.1.4).

    b<digest>                           a whole blob
    p<digest>-<offset>-<length>-<enc>   a range of it, decoded: i as it is, b base64, q quoted-printable,
                                        u uuencode

The digest is SHA-256 in URL-safe base64. Knowing an id grants nothing: who may read what is asked elsewhere.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from posthouse.kit import ids

_DIGEST_LETTERS = 43
_ENCODINGS = {"i": "", "b": "base64", "q": "quoted-printable", "u": "x-uuencode"}
_LETTERS = {encoding: letter for letter, encoding in _ENCODINGS.items()}


@dataclass(frozen=True, slots=True)
class Range:
    """Part of a blob: where its encoded bytes lie, and how they are encoded ("" for not at all)."""

    offset: int
    length: int
    encoding: str


@dataclass(frozen=True, slots=True)
class BlobId:
    """A blob's digest (32 bytes), and the range if it is a part."""

    digest: bytes
    range: Range | None = None


def encode(digest: bytes) -> str:
    """Write the id of a whole blob."""
    return "b" + _digits(digest)


def encode_part(digest: bytes, offset: int, length: int, encoding: str) -> str:
    """Write the id of a part; an encoding that has no letter counts as none."""
    letter = _LETTERS.get(encoding, "i")
    return f"p{_digits(digest)}-{ids.encode(offset)}-{ids.encode(length)}-{letter}"


def decode(text: str) -> BlobId | None:
    """Read a blob id; None for what is none."""
    digest = _digest(text[1 : 1 + _DIGEST_LETTERS])
    if digest is None:
        return None
    rest = text[1 + _DIGEST_LETTERS :]
    if text[0] == "b":
        return None if rest else BlobId(digest)
    if text[0] != "p":
        return None
    pieces = rest.split("-")
    if len(pieces) != 4 or pieces[0] or pieces[3] not in _ENCODINGS:
        return None
    offset, length = ids.decode(pieces[1]), ids.decode(pieces[2])
    if offset is None or length is None:
        return None
    return BlobId(digest, Range(offset, length, _ENCODINGS[pieces[3]]))


def _digits(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest)[:_DIGEST_LETTERS].decode()


def _digest(text: str) -> bytes | None:
    if len(text) != _DIGEST_LETTERS or not text.isascii():
        return None
    try:
        digest = base64.b64decode(text + "=", altchars=b"-_", validate=True)
    except ValueError:
        return None
    return digest if _digits(digest) == text else None
