"""What goes out: an answer, and how it is sent."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from isal import igzip

from posthouse.kit import json

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_WORTH_COMPRESSING = 1400  # octets: less than this fits in one packet anyway
_TOO_LONG_INLINE = (
    500_000  # octets: more than this takes milliseconds, which other requests shall not wait for
)

JSON = (b"content-type", b"application/json")


@dataclass(slots=True)
class Answer:
    """A response: its body is bytes, or the pieces of `length` octets, or what `play` sends.

    play: is given the response's start and sends it and the body, as it wishes. It is called at once, so that it
    may have something to give back at its end.
    """

    status: int
    headers: Headers
    body: bytes = b""
    pieces: AsyncIterator[bytes] | None = None
    length: int = 0
    play: Callable[[dict[str, Any], Receive, Send], Awaitable[None]] | None = None


async def send_answer(
    answer: Answer, send: Send, receive: Receive, accepted: bytes | None, more: Headers
) -> None:
    """Send an answer with more headers, compressed if `accepted`, the Accept-Encoding, allows it."""
    headers = [*answer.headers, *more]
    start = {"type": "http.response.start", "status": answer.status, "headers": headers}
    if answer.play is not None:
        await answer.play(start, receive, send)
        return
    if answer.pieces is not None:
        headers.append((b"content-length", b"%d" % answer.length))
        await send(start)
        await _send_pieces(answer.pieces, send, receive)
        return
    body = answer.body
    if accepted is not None and len(body) > _WORTH_COMPRESSING and accepts_gzip(accepted):
        body = await _compress(body)
        headers.append((b"content-encoding", b"gzip"))
        headers.append((b"vary", b"accept-encoding"))
    if answer.status not in (204, 304):
        headers.append((b"content-length", b"%d" % len(body)))
    await send(start)
    await send({"type": "http.response.body", "body": body})


async def _send_pieces(pieces: AsyncIterator[bytes], send: Send, receive: Receive) -> None:
    """Send pieces as fast as the peer takes them, and make no more once he is gone."""
    gone = asyncio.ensure_future(until_gone(receive))
    try:
        async for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(0)  # lets `gone` find out
            if gone.done():
                return
        await send({"type": "http.response.body"})
    finally:
        gone.cancel()


async def until_gone(receive: Receive) -> None:
    """Return once the peer has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


def json_answer(status: int, value: json.Json, headers: Headers = ()) -> Answer:
    """Make an answer that is a JSON value."""
    return Answer(status, (JSON, *headers), json.dumps(value))


@functools.lru_cache(maxsize=64)
def accepts_gzip(accept_encoding: bytes) -> bool:
    """Tell whether an Accept-Encoding allows gzip (RFC 9110 §12.5.3)."""
    weights: dict[bytes, bool] = {}
    for item in accept_encoding.lower().split(b","):
        coding, _, parameter = item.partition(b";")
        weights[coding.strip()] = parameter.replace(b" ", b"").rstrip(b"0") not in (b"q=", b"q=0.")
    return weights.get(b"gzip", weights.get(b"*", False))


async def _compress(body: bytes) -> bytes:
    if len(body) > _TOO_LONG_INLINE:
        return await asyncio.to_thread(igzip.compress, body, 1)
    return igzip.compress(body, 1)
