"""Serving the application on a socket, with uvicorn on uvloop and httptools.

The HTTP parser bounds nothing itself, so `Protocol` bounds what a peer may send before the application sees
a request, and how long he may take for it.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote_from_bytes

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from posthouse.kit import json
from posthouse.proto.jmap.errors import RequestError
from posthouse.serve.http.app import Edge

MAX_HEAD = 65_536
"""Octets of a request line with its headers; one read from the socket may exceed it."""

MAX_HEADERS = 128
"""Header lines of a request."""

MAX_DISCARD = 16 * 1024 * 1024
"""Octets of a body that nobody wants any more, read away so that the peer gets to see our refusal."""

HEAD_SECONDS = 30.0
"""How long a connection may be open, or go on after an answer, without a whole request head."""

_ASCII = "".join(map(chr, range(128)))
_KEEP_ALIVE = 65  # seconds: above the minute that proxies and browsers commonly keep a connection
_GRACE = 10  # seconds that running requests get at the end
_STALLED = 60_000  # milliseconds that the kernel waits for a peer who takes nothing


class TooLarge(Exception):
    """The head of a request has more lines than we read."""


class Protocol(HttpToolsProtocol):
    """An HTTP connection with bounds.

    `_unread` counts the octets since the application last got something of them: a request head, or a piece
    of a body it waits for. It grows with heads, trailers, chunk extensions and unwanted bodies, all of which
    the parser would take without end. `_watch` looks in now and then: a connection on which nothing runs
    must have brought a whole head since the last time.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._in_head = True
        self._unread = 0
        self._heads = 0
        self._heads_seen = 0
        self._watcher: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to watch the connection."""
        super().connection_made(transport)
        self._watcher = self.loop.call_later(HEAD_SECONDS, self._watch)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop watching."""
        if self._watcher is not None:
            self._watcher.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came in, and hang up on what leads nowhere."""
        self._unread += len(data)
        super().data_received(data)
        if self._unread <= MAX_HEAD or self.transport.is_closing():
            return
        if self._in_head or self._is_running():
            self.send_400_response("")
        elif self._unread > MAX_DISCARD:
            self.transport.close()

    def on_message_begin(self) -> None:
        """Begin to read a head."""
        self._in_head = True
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Take a piece of the target; octets that the client forgot to percent-encode are encoded."""
        super().on_url(url if url.isascii() else quote_from_bytes(url, safe=_ASCII).encode())

    def on_headers_complete(self) -> None:
        """Start the request; a head with too many lines ends the connection."""
        if len(self.headers) > MAX_HEADERS:
            raise TooLarge
        self._in_head = False
        self._unread = 0
        super().on_headers_complete()
        self._heads += 1

    def on_body(self, body: bytes) -> None:
        """Give the application a piece of the body, if it still wants one."""
        if self._is_running():
            self._unread = 0
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, or too much of it, and hang up (RFC 9112 §2.2, RFC 6585 §5)."""
        begun = self._is_running() and self.cycle.response_started
        if not begun and not self.pipeline:
            large = self._unread > MAX_HEAD or (self._in_head and len(self.headers or ()) > MAX_HEADERS)
            self.transport.write(_TOO_LARGE if large else _MALFORMED)
        self.transport.close()

    def _is_running(self) -> bool:
        return self._heads > 0 and not self.cycle.response_complete

    def _watch(self) -> None:
        if self._heads == self._heads_seen and not self._is_running():
            self.transport.close()
            return
        self._heads_seen = self._heads
        self._watcher = self.loop.call_later(HEAD_SECONDS, self._watch)


def _last_word(status: int, detail: str) -> bytes:
    """Write a whole response that ends the connection."""
    body = json.dumps(RequestError("about:blank", status, detail).problem())
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/problem+json\r\n"
    return head.encode() + b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body) + body


_MALFORMED = _last_word(400, "This is no HTTP request.")
_TOO_LARGE = _last_word(431, f"The head of a request has at most {MAX_HEAD} octets and {MAX_HEADERS} lines.")


@dataclass(frozen=True, slots=True)
class Tls:
    """Paths of a certificate chain and of its private key, both PEM."""

    certificate: str
    key: str


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one. Raises OSError.

    A peer who takes nothing of an answer for a minute is cut off by the kernel where it can (Linux), since
    nobody else looks at an answer that is written already.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family, backlog=2048)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _STALLED)
    return listening


class Server(uvicorn.Server):
    """Serves the application on listening sockets until SIGINT, SIGTERM or `stop`.

    `ready` is called once connections are accepted. Several processes may serve the same sockets.
    """

    def __init__(
        self, edge: Edge, sockets: Sequence[socket.socket], ready: Callable[[], None], tls: Tls | None = None
    ) -> None:
        super().__init__(
            uvicorn.Config(
                edge,
                http=Protocol,
                loop="uvloop",
                ws="none",
                interface="asgi3",
                log_config=None,
                log_level="critical",  # the edge logs what matters, and strangers' mistakes do not
                access_log=False,
                proxy_headers=False,  # `Proxies` reads them, and only from those we trust
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE,
                timeout_graceful_shutdown=_GRACE,
                ssl_certfile=None if tls is None else tls.certificate,
                ssl_keyfile=None if tls is None else tls.key,
            )
        )
        self._listening = list(sockets)
        self._ready = ready

    def run_until_stopped(self) -> None:
        """Serve in an event loop of its own; running requests get a few seconds at the end."""
        self.run(sockets=self._listening)

    def stop(self) -> None:
        """End `run_until_stopped` soon, from any thread."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections and say so."""
        await super().startup(sockets=sockets)
        self._ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at SIGINT and SIGTERM, and let the caller go on to close what is open.

        Uvicorn would send the signal again, which ends the process on the spot.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {
            number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
