"""What comes in: the head of a request, and its body under limits."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterable, MutableMapping
from typing import Any, TypeAlias
from urllib.parse import unquote

from posthouse.serve.http.answer import Receive
from posthouse.serve.http.problem import CLOSE, Refused

Scope: TypeAlias = MutableMapping[str, Any]

_ALONE = (b"host", b"authorization", b"content-type", b"content-length", b"origin", b"range", b"if-range")
_LENGTH = re.compile(rb"[0-9]{1,18}")


class Disconnected(Exception):
    """The peer went away before its request was complete, so nobody waits for an answer."""


class Exchange:
    """One HTTP request; making one raises `Refused` if a header that stands alone is there twice.

    method, path, query: as in the request line, nothing of it decoded. headers: by lower-case name, octets as
    they were sent. peer: the address at the other end of the connection.
    """

    __slots__ = ("_receive", "headers", "method", "path", "peer", "query", "scope")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["raw_path"].decode("latin-1")
        self.query: str = scope["query_string"].decode("latin-1")
        pairs = scope["headers"]
        self.headers: dict[bytes, bytes] = dict(pairs)
        if len(self.headers) != len(pairs):
            self.headers = _joined(pairs)
        client = scope["client"]
        self.peer: str = client[0] if client else ""
        self._receive = receive

    def text(self, name: bytes) -> str | None:
        """Return a header's value as text, each octet a character, or None if it is not there."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    def parameter(self, name: str) -> str | None:
        """Return a parameter of the query, decoded, or None if it is not there; raises `Refused` for two."""
        pairs = (pair.partition("=") for pair in self.query.split("&"))
        values = [value for key, _, value in pairs if key == name]
        if len(values) > 1:
            raise Refused(400, f"The parameter {name} is there twice.")
        return unquote(values[0]) if values else None

    async def body(self, at_most: int, limit: str, status: int) -> bytes:
        """Return the whole body; the rest is as with `chunks`."""
        self._refuse_early(at_most, limit, status)
        octets, more = await self._next()
        if more:
            pieces, seen = [octets], len(octets)
            while more and seen <= at_most:
                piece, more = await self._next()
                pieces.append(piece)
                seen += len(piece)
            octets = b"".join(pieces)
        if len(octets) > at_most:
            raise _too_long(at_most, limit, status)
        return octets

    async def chunks(self, at_most: int, limit: str, status: int) -> AsyncGenerator[bytes, None]:
        """Yield the body as it comes in.

        Raises `Refused`: with `status` and the name of the `limit` for more than `at_most` octets, as soon
        as that length is announced or reached (RFC 8620 §3.6.1), and 415 for a content coding. Raises
        `Disconnected`; a peer who is too slow is disconnected by the server.
        """
        self._refuse_early(at_most, limit, status)
        seen = 0
        more = True
        while more:
            piece, more = await self._next()
            seen += len(piece)
            if seen > at_most:
                raise _too_long(at_most, limit, status)
            if piece:
                yield piece

    def _refuse_early(self, at_most: int, limit: str, status: int) -> None:
        """Judge a body by what its head says of it."""
        if self.headers.get(b"content-encoding", b"identity").lower() != b"identity":
            detail = "A body is sent without a content coding."
            raise Refused(415, detail, ((b"accept-encoding", b"identity"),))
        announced = self.headers.get(b"content-length", b"0")
        if not _LENGTH.fullmatch(announced) or int(announced) > at_most:
            raise _too_long(at_most, limit, status)

    async def _next(self) -> tuple[bytes, bool]:
        """Return the next piece of the body, and whether there is more."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        return message.get("body", b""), message.get("more_body", False)


def _too_long(at_most: int, limit: str, status: int) -> Refused:
    return Refused(status, f"A body here is at most {at_most} octets long.", type="limit", limit=limit)


def _joined(pairs: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Join the lines of each header into one value (RFC 9110 §5.3)."""
    lines: dict[bytes, list[bytes]] = {}
    for name, value in pairs:
        lines.setdefault(name, []).append(value)
    for name in _ALONE:
        if len(lines.get(name, ())) > 1:
            raise Refused(400, f"The header {name.decode()} is there twice.", CLOSE)
    return {name: b", ".join(values) for name, values in lines.items()}
