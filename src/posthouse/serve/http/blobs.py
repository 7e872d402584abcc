"""Upload and download (RFC 8620 §6.1, §6.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from urllib.parse import unquote

from posthouse.kit.limits import Limits
from posthouse.model.caller import Caller
from posthouse.proto.jmap.errors import MethodError
from posthouse.proto.jmap.ids import is_id
from posthouse.serve.http.answer import Answer, Headers, json_answer
from posthouse.serve.http.auth import Door
from posthouse.serve.http.concurrency import Full, Gate
from posthouse.serve.http.exchange import Exchange
from posthouse.serve.http.media import OCTETS, attachment, byte_range, media_type
from posthouse.serve.http.ports import BlobAccess, BlobUnknown, Download
from posthouse.serve.http.problem import Refused, from_method_error, too_busy
from posthouse.serve.http.urls import DOWNLOAD, UPLOAD

_PIECE = 256 * 1024  # octets that are read and sent at a time
_NO_ACCOUNT = "There is no such account."
_NO_BLOB = "There is no such blob in this account."
_SAFE: Headers = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"sandbox; default-src 'none'"),
)
_FOREVER: Headers = (
    (b"cache-control", b"private, immutable, max-age=31536000"),
    (b"accept-ranges", b"bytes"),
)


class UploadResource:
    """Takes bytes into an account."""

    def __init__(self, door: Door, blobs: BlobAccess, limits: Limits) -> None:
        self._door = door
        self._blobs = blobs
        self._limits = limits
        self._gate = Gate(limits.max_concurrent_upload, 0)

    async def post(self, exchange: Exchange) -> Answer:
        """Store the body and answer with its blob id; the path ends in the account's id (RFC 8620 §6.1)."""
        caller = await self._door.caller(exchange)
        account_id, slash, rest = exchange.path.removeprefix(UPLOAD).partition("/")
        account_id = unquote(account_id)
        if rest or not slash or not is_id(account_id):
            raise Refused(404, _NO_ACCOUNT)
        declared = media_type(exchange.text(b"content-type") or OCTETS)
        try:
            await self._gate.enter(caller.key)
        except Full:
            raise too_busy("Too many uploads at once.", 1, "maxConcurrentUpload") from None
        try:
            chunks = exchange.chunks(self._limits.max_size_upload, "maxSizeUpload", 413)
            async with aclosing(chunks):
                stored = await self._blobs.upload(caller, account_id, declared, chunks)
        except MethodError as error:
            raise from_method_error(error) from None
        finally:
            self._gate.leave(caller.key)
        return json_answer(201, stored)


class DownloadResource:
    """Gives the bytes of a blob."""

    def __init__(self, door: Door, blobs: BlobAccess) -> None:
        self._door = door
        self._blobs = blobs

    async def get(self, exchange: Exchange) -> Answer:
        """Answer with a blob, a range of it, or that it is unchanged (RFC 8620 §6.2).

        Name and type are any text, often not percent-encoded: they only dress the answer. What is sent is
        saved, never shown, so that no mail can run in this server's origin (RFC 8621 §9.1).
        """
        caller = await self._door.caller(exchange)
        account_id, _, rest = exchange.path.removeprefix(DOWNLOAD).partition("/")
        blob_id, slash, name = rest.partition("/")
        blob_id = unquote(blob_id)
        if not slash or not is_id(blob_id):
            raise Refused(404, _NO_BLOB)
        blob = await self._open(caller, unquote(account_id), blob_id)
        tag = f'"{blob_id}"'
        cached: Headers = ((b"etag", tag.encode()), *_FOREVER)
        if _is_named(tag, exchange.text(b"if-none-match")):
            return Answer(304, cached)
        headers: Headers = (
            (b"content-type", media_type(_type_in(exchange.query)).encode()),
            (b"content-disposition", attachment(unquote(name, errors="replace")).encode()),
            *cached,
            *_SAFE,
        )
        part = _wanted(exchange, tag, blob.size)
        if part is None:
            return _octets(200, headers, exchange, blob, 0, blob.size)
        start, end = part
        if start >= end:
            nowhere = (b"content-range", b"bytes */%d" % blob.size)
            raise Refused(416, f"The blob has {blob.size} octets.", (nowhere,))
        where = (b"content-range", b"bytes %d-%d/%d" % (start, end - 1, blob.size))
        return _octets(206, (*headers, where), exchange, blob, start, end)

    async def _open(self, caller: Caller, account_id: str, blob_id: str) -> Download:
        if not is_id(account_id):
            raise Refused(404, _NO_ACCOUNT)
        try:
            return await self._blobs.open(caller, account_id, blob_id)
        except MethodError as error:
            raise from_method_error(error) from None
        except BlobUnknown:
            raise Refused(404, _NO_BLOB) from None


def _octets(
    status: int, headers: Headers, exchange: Exchange, blob: Download, start: int, end: int
) -> Answer:
    """Make the answer that sends a part of a blob, or to HEAD just says how long it is."""
    pieces = _pieces(blob, start, end if exchange.method == "GET" else start)
    return Answer(status, headers, pieces=pieces, length=end - start)


async def _pieces(blob: Download, start: int, end: int) -> AsyncIterator[bytes]:
    while start < end:
        piece = await blob.read(start, min(_PIECE, end - start))
        if not piece:
            raise EOFError("the blob is shorter than its size")
        start += len(piece)
        yield piece


def _wanted(exchange: Exchange, tag: str, size: int) -> tuple[int, int] | None:
    """Return the range that is asked for and may be sent, or None (RFC 9110 §13.1.5, §14.2)."""
    asked = exchange.text(b"range")
    if asked is None or exchange.method != "GET" or exchange.text(b"if-range") not in (None, tag):
        return None
    return byte_range(asked, size)


def _is_named(tag: str, if_none_match: str | None) -> bool:
    """Tell whether If-None-Match names a tag, compared weakly (RFC 9110 §13.1.2)."""
    if if_none_match is None:
        return False
    tags = {item.strip().removeprefix("W/") for item in if_none_match.split(",")}
    return tag in tags or "*" in tags


def _type_in(query: str) -> str:
    """Return the value of ``type`` in a query string, in which ``+`` stands for itself."""
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if name == "type":
            return unquote(value, errors="replace")
    return OCTETS
