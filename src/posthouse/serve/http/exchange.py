"""What comes in: the head of a request, and its body under limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, MutableMapping
from typing import Any, TypeAlias

from posthouse.serve.http.problem import CLOSE, Refused

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]


_ALONE = (b"host", b"authorization", b"content-type", b"content-length", b"origin", b"range", b"if-range")


class Disconnected(Exception):
    """The peer went away before its request was complete, so nobody waits for an answer."""


class Exchange:
    """One HTTP request; making one raises `Refused` if a header that stands alone is there twice.

    method, path: as in the request line, the path decoded. raw_path, query: as they were sent. headers: by
    lower-case name, octets as they were sent. peer: the address at the other end of the connection.
    """

    __slots__ = ("_receive", "_seconds", "headers", "method", "path", "peer", "query", "raw_path", "scope")

    def __init__(self, scope: Scope, receive: Receive, seconds: float) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.raw_path: bytes = scope["raw_path"]
        self.query: bytes = scope["query_string"]
        pairs = scope["headers"]
        self.headers: dict[bytes, bytes] = dict(pairs)
        if len(self.headers) != len(pairs):
            self.headers = _joined(pairs)
        client = scope["client"]
        self.peer: str = client[0] if client else ""
        self._receive = receive
        self._seconds = seconds

    def text(self, name: bytes) -> str | None:
        """Return a header's value as text, each octet a character, or None if it is not there."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    async def body(self, at_most: int, limit: str, status: int) -> bytes:
        """Return the whole body; see `chunks`."""
        return b"".join([chunk async for chunk in self.chunks(at_most, limit, status)])

    async def chunks(self, at_most: int, limit: str, status: int) -> AsyncGenerator[bytes, None]:
        """Yield the body as it comes in.

        Raises `Refused`: with `status` and the name of the `limit` for more than `at_most` octets, as soon
        as the length is announced or reached (RFC 8620 §3.6.1), 415 for a content coding, 408 if the next
        chunk does not come in time. Raises `Disconnected`.
        """
        if self.headers.get(b"content-encoding", b"identity").lower() != b"identity":
            detail = "A body is sent without a content coding."
            raise Refused(415, detail, ((b"accept-encoding", b"identity"), *CLOSE))
        too_long = Refused(
            status, f"A body here is at most {at_most} octets long.", type="limit", limit=limit
        )
        announced = self.headers.get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > at_most:
            raise too_long
        seen = 0
        more = True
        while more:
            message = await self._next()
            chunk: bytes = message.get("body", b"")
            seen += len(chunk)
            if seen > at_most:
                raise too_long
            more = message.get("more_body", False)
            if chunk:
                yield chunk

    async def _next(self) -> MutableMapping[str, Any]:
        try:
            async with asyncio.timeout(self._seconds):
                message = await self._receive()
        except TimeoutError:
            raise Refused(408, f"No octet of the body came for {self._seconds:g} seconds.", CLOSE) from None
        if message["type"] == "http.disconnect":
            raise Disconnected
        return message


def _joined(pairs: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Join the lines of each header into one value (RFC 9110 §5.3)."""
    lines: dict[bytes, list[bytes]] = {}
    for name, value in pairs:
        lines.setdefault(name, []).append(value)
    for name in _ALONE:
        if len(lines.get(name, ())) > 1:
            raise Refused(400, f"The header {name.decode()} is there twice.", CLOSE)
    return {name: b", ".join(values) for name, values in lines.items()}
