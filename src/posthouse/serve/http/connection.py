"""One HTTP connection: uvicorn's, with the bounds that its parser lacks, and a way to become a WebSocket."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final, Literal, cast

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from posthouse.kit import json
from posthouse.proto.jmap.errors import RequestError
from posthouse.serve.http.app import Edge
from posthouse.serve.http.websocket import UPGRADE
from posthouse.serve.http.websocket_line import Line

MAX_HEAD = 65_536
"""Octets of a request line with its headers; one read from the socket may exceed it."""

MAX_HEADERS = 128
"""Header lines of a request."""

MAX_DISCARD = 16 * 1024 * 1024
"""Octets of a body that nobody wants any more, read away so that the peer gets to see our refusal."""


_H2C: Final = re.compile(rb"(?<=\r\n)upgrade:[ \t]*h2c[ \t]*\r\n", re.IGNORECASE)


class Config(uvicorn.Config):
    """Uvicorn's configuration, and ours.

    patience: seconds that a peer may let us wait before he is cut off. pace: as a `Line` has it.
    """

    def __init__(self, edge: Edge, patience: float, pace: float, **named: Any) -> None:
        super().__init__(edge, **named)
        self.patience = patience
        self.pace = pace


class TooManyLines(Exception):
    """Stops the parser; the peer has been answered."""


class Connection(HttpToolsProtocol):
    """An HTTP connection with bounds.

    Size: `_unread` counts the octets since the application last got something of them, a head or a piece of
    a body it waits for. It grows with heads, trailers, chunk extensions and unwanted bodies, all of which
    the parser would take without end.

    Time: every `patience` seconds `_watch` asks what the peer owes us. One who owed the same at the last
    look, and has not moved since, is cut off. So no request needs a timer of its own.

    Upgrade: a request that asks for another protocol ends what the parser can read. It is the last one of the
    connection, which either ends with its answer or is handed over by `switch`.
    """

    def __init__(self, config: Config, *arguments: Any, **named: Any) -> None:
        super().__init__(config, *arguments, **named)
        self.pace = config.pace
        self._patience = config.patience
        self._stage: Literal["head", "body", "idle"] = "head"  # which part of a request comes in
        self._unread = 0
        self._received = 0
        self._heads = 0
        self._resumed = 0
        self._owed: tuple[str, int, int] | None = None
        self._watcher: asyncio.TimerHandle | None = None
        self._early = b""  # what came behind a request for another protocol

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to watch the connection."""
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop watching."""
        if self._watcher is not None:
            self._watcher.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came in, and hang up on what leads nowhere."""
        self._received += len(data)
        self._unread += len(data)
        if self._stage != "body" and b"h2c" in data:
            data = _without_h2c(data)
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as stopped:
            self._early += data[stopped.args[0] :]
            self.flow.pause_reading()
        except httptools.HttpParserError:
            self._hang_up(_MALFORMED)
        if self._unread <= MAX_HEAD or self.transport.is_closing():
            return
        if self._stage == "head" or self._is_running():
            self._hang_up(_TOO_LARGE)
        elif self._unread > MAX_DISCARD:
            self.transport.close()

    def on_message_begin(self) -> None:
        """Begin to read a head."""
        self._stage = "head"
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Start the request; a head with too many lines ends the connection."""
        if len(self.headers) > MAX_HEADERS:
            self._hang_up(_TOO_LARGE)
            raise TooManyLines
        self._stage = "body"
        self._unread = 0
        super().on_headers_complete()
        self._heads += 1
        if self.parser.should_upgrade():
            self.cycle.keep_alive = False
            cast("dict[str, object]", self.scope)["extensions"] = {UPGRADE: self}

    def on_body(self, body: bytes) -> None:
        """Give the application a piece of the body, if it still wants one."""
        if self._is_running():
            self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the body."""
        self._stage = "idle"
        super().on_message_complete()

    def resume_writing(self) -> None:
        """Send on, since the peer took something."""
        self._resumed += 1
        super().resume_writing()

    def switch(self, headers: Iterable[tuple[bytes, bytes]], line: Line) -> bool:
        """See `Upgrade`."""
        transport = self.transport
        if self.cycle.disconnected or transport.is_closing():
            return False
        lines = [name + b": " + value for name, value in [*self.server_state.default_headers, *headers]]
        transport.write(b"\r\n".join([b"HTTP/1.1 101 Switching Protocols", *lines, b"\r\n"]))
        if self._watcher is not None:
            self._watcher.cancel()
        self._unset_keepalive_if_required()
        self.cycle.disconnected = True  # uvicorn shall add nothing to the answer
        self.connections.discard(self)
        lines_of_all = cast("set[object]", self.connections)  # uvicorn calls `shutdown` of each
        lines_of_all.add(line)
        line.on_lost = lines_of_all.discard
        transport.set_protocol(line)
        line.connection_made(transport)
        self.loop.call_soon(self._hand_over, line)
        return True

    def _hand_over(self, line: Line) -> None:
        """Let the next protocol have what was for it."""
        if not self.transport.is_closing():
            self.flow.resume_reading()
            line.data_received(self._early)

    def _hang_up(self, last_word: bytes) -> None:
        """Close the connection; the last word is said unless it would fall into an answer."""
        if self._is_running() and self._stage != "body":
            # What came before is whole and gets its answer; uvicorn closes the connection behind that.
            self.cycle.keep_alive = False
            self.flow.pause_reading()
            return
        answering = self.pipeline or (self._is_running() and self.cycle.response_started)
        if not answering and not self.transport.is_closing():
            self.transport.write(last_word)
        self.transport.close()

    def _is_running(self) -> bool:
        return self._heads > 0 and not self.cycle.response_complete

    def _watch(self) -> None:
        owed = self._owes()
        if owed is not None and owed == self._owed:
            if owed[0] == "room":
                self.transport.abort()
            elif self._received:
                self._hang_up(_SLOW)
            else:  # opened in advance by a browser, who would take a 408 for the answer to its next request
                self.transport.close()
        self._owed = owed
        self._watcher = self.loop.call_later(self._patience, self._watch)

    def _owes(self) -> tuple[str, int, int] | None:
        """Return what the peer owes us, with figures that change when he moves."""
        pending = self.transport.get_write_buffer_size()
        if pending:
            return ("room", self._resumed, pending)
        if self._stage == "idle" or self.flow.read_paused:
            return None  # uvicorn closes idle connections itself
        if self._stage == "body" and self._is_running():
            return ("body", self._heads, self._received)
        return ("head", self._heads, 0)  # or the rest of a body that nobody wants any more


def _without_h2c(data: bytes) -> bytes:
    """Take the offer of HTTP/2 out of a head, which Java's client makes with each first request.

    It may be ignored (RFC 9113 §3.1, RFC 9110 §7.8), but our parser would take the body for HTTP/2.
    """
    head, blank, rest = data.partition(b"\r\n\r\n")
    return _H2C.sub(b"", head + b"\r\n")[:-2] + blank + rest


def _last_word(status: int, detail: str) -> bytes:
    """Write a whole response that ends the connection."""
    body = json.dumps(RequestError("about:blank", status, detail).problem())
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/problem+json\r\n"
    return head.encode() + b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body) + body


_MALFORMED = _last_word(400, "This is no HTTP request.")
_SLOW = _last_word(408, "The rest of the request did not come in time.")
_TOO_LARGE = _last_word(431, f"The head of a request has at most {MAX_HEAD} octets and {MAX_HEADERS} lines.")
