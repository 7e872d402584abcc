"""Sources: the blobs that a call names, for importing, parsing and composing (RFC 8620 §6, RFC 8621 §4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from posthouse.formats import mime
from posthouse.kit import clock
from posthouse.model.blobid import BlobId
from posthouse.model.ports import BlobSource, Calling

LEASE: Final = 24 * 3600
"""Seconds for which bytes are kept that nothing refers to yet."""


def length(blobs: BlobSource, id: BlobId) -> int:
    """Count the octets that have to be read for a blob that is there."""
    return (blobs.size(id.digest) or 0) if id.range is None else id.range.length


def creation_resolved(call: Calling, wire: str) -> str:
    """Give the blob id that a creation id behind ``#`` stands for; any other id as it is (RFC 9404 §4.1)."""
    return call.created_ids.get(wire[1:], wire) if wire.startswith("#") else wire


def load(blobs: BlobSource, id: BlobId) -> bytes:
    """Read the bytes that a blob id names, a part's transfer encoding undone."""
    if id.range is None:
        return blobs.read(id.digest)
    return mime.decode_bytes(blobs.read(id.digest, id.range.offset, id.range.length), id.range.encoding)


def whole(blobs: BlobSource, id: BlobId) -> tuple[bytes, bytes]:
    """Give the SHA-256 and the bytes of a blob; those of a part become a blob of their own."""
    data = load(blobs, id)
    if id.range is None:
        return id.digest, data
    return blobs.put_many([data], int(clock.now()) + LEASE)[0], data


def missing(wires: Iterable[str], found: Mapping[str, BlobId]) -> list[str]:
    """Name each blob id that was not found, once."""
    return [wire for wire in dict.fromkeys(wires) if wire not in found]
