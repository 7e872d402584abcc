"""Blobs of an account: who may upload, read and copy which bytes (RFC 8620 §6, DESIGN D3).

Knowing an id grants nothing. A person reads a blob if something he sees keeps it, or if he uploaded it within
the last day. A part's id is believed only as far as its bytes lie inside a blob that he may read.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final

from posthouse.blobs.port import Blobs
from posthouse.engine import access, room
from posthouse.engine.call import Call, Tools
from posthouse.engine.spool import Spool
from posthouse.kit import clock
from posthouse.kit.json import JsonObject
from posthouse.model import blobid
from posthouse.model.blobid import BlobId
from posthouse.model.caller import Access, Caller
from posthouse.model.ports import BlobSource, Calling, Preparing, Txn
from posthouse.proto.jmap.errors import SetError
from posthouse.store.txn import Transaction

KEPT: Final = 24 * 3600
"""Seconds for which an upload that nothing refers to is kept; RFC 8620 §6.1 asks for one hour."""


class BlobUnknown(LookupError):
    """The account has no such blob, or the caller may not read it; the two look the same from outside."""


async def readable(call: Preparing | Calling, wires: Iterable[str]) -> dict[str, BlobId]:
    """Give those of some blob ids, as clients wrote them, whose bytes are there and open to the caller.

    A part's id counts if its bytes lie inside a blob that does.
    """
    named = {wire: blob for wire in wires if (blob := blobid.decode(wire)) is not None}
    digests = {blob.digest for blob in named.values()}
    now = int(clock.now())

    def unit(txn: Txn) -> set[bytes]:
        return {digest for digest in digests if txn.may_read_blob(digest, now)}

    opened = await call.read(unit) if digests else set()
    return {
        wire: blob for wire, blob in named.items() if blob.digest in opened and _is_there(call.blobs, blob)
    }


def _is_there(blobs: BlobSource, blob: BlobId) -> bool:
    size = blobs.size(blob.digest)
    return size is not None and (blob.range is None or blob.range.offset + blob.range.length <= size)


def content(tools: Tools, blob: BlobId) -> bytes:
    """Give the bytes that a blob id names, a part's transfer encoding undone."""
    if blob.range is None:
        return tools.blobs.read(blob.digest)
    raw = tools.blobs.read(blob.digest, blob.range.offset, blob.range.length)
    return tools.decode(raw, blob.range.encoding) if blob.range.encoding else raw


@dataclass(frozen=True, slots=True)
class Download:
    """An open blob, read in pieces: a range of a stored blob, or the decoded bytes of a part."""

    _tools: Tools
    _digest: bytes
    _offset: int
    _decoded: Spool | None
    size: int

    async def read(self, offset: int, length: int) -> bytes:
        """Give ``length`` bytes from an offset; both lie within the blob."""
        if self._decoded is not None:
            return self._decoded.read(offset, length)
        return self._tools.blobs.read(self._digest, self._offset + offset, length)


class BlobDoor:
    """Takes and gives blobs for the HTTP edge (RFC 8620 §6.1, §6.2)."""

    def __init__(self, tools: Tools, blobs: Blobs) -> None:
        self._tools = tools
        self._blobs = blobs

    def _call(self, caller: Caller, place: Access) -> Call:
        return Call(self._tools, caller, place, "", {})

    async def upload(
        self, caller: Caller, account_id: str, media_type: str, chunks: AsyncIterator[bytes]
    ) -> JsonObject:
        """Store what the chunks hold, durably, and give the upload's answer (RFC 8620 §6.1).

        An exception out of ``chunks`` stores nothing. Raises MethodError ``accountNotFound``,
        ``accountReadOnly``, or ``serverUnavailable`` when the disk is full.
        """
        place = access.account(caller, account_id)
        access.to_change(place)
        until = int(clock.now()) + KEPT
        writer = self._blobs.writer()
        try:
            async for chunk in chunks:
                writer.write(chunk)
            digest, size = await asyncio.to_thread(writer.finish, until)
            await self._call(caller, place).write(lambda txn: txn.note_upload(digest, until))
        except BaseException as fault:
            writer.abort()
            full = room.unavailable(fault)
            if full is not None:
                raise full from None
            raise
        return {
            "accountId": account_id,
            "blobId": blobid.encode(digest),
            "type": media_type,
            "size": size,
        }

    async def open(self, caller: Caller, account_id: str, blob_id: str) -> Download:
        """Open a blob to read from (RFC 8620 §6.2).

        Raises MethodError ``accountNotFound`` or ``serverUnavailable``, or BlobUnknown.
        """
        call = self._call(caller, access.account(caller, account_id))
        blob = (await readable(call, [blob_id])).get(blob_id)
        if blob is None:
            raise BlobUnknown(blob_id)
        if blob.range is None:
            size = self._tools.blobs.size(blob.digest)
            assert size is not None
            return Download(self._tools, blob.digest, 0, None, size)
        if not blob.range.encoding:
            return Download(self._tools, blob.digest, blob.range.offset, None, blob.range.length)
        try:
            decoded = await call.aside(lambda: Spool(content(self._tools, blob)))
        except OSError as fault:
            raise room.unavailable(fault) or fault from None
        return Download(self._tools, blob.digest, 0, decoded, decoded.size)


async def copy(call: Call, source: Access, wires: list[str]) -> tuple[dict[str, str], dict[str, SetError]]:
    """Let the caller read blobs of one account in another as well (RFC 8620 §6.3).

    Gives what was copied, old id to new, and what was not. The bytes of a whole blob are shared; a part
    becomes a blob of its own, for the message around it is not copied along.
    """
    until = int(clock.now()) + KEPT
    copied: dict[str, str] = {}
    refused: dict[str, SetError] = {}
    digests: list[bytes] = []
    found = await readable(call.at(source), wires)
    for wire in dict.fromkeys(wires):
        blob = found.get(wire)
        if blob is None:
            refused[wire] = SetError("notFound")
            continue
        digest = await call.aside(partial(_whole, call.tools, blob, until))
        digests.append(digest)
        copied[wire] = blobid.encode(digest)

    def unit(txn: Transaction) -> None:
        for digest in digests:
            txn.note_upload(digest, until)

    await call.write(unit)
    return copied, refused


def _whole(tools: Tools, blob: BlobId, until: int) -> bytes:
    """Give the digest of a blob with a fresh lease; a part's bytes are stored for it."""
    return tools.blobs.put_many([content(tools, blob)], until)[0]
