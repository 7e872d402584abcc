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
from typing import Any, Literal

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

_KEEP_ALIVE = 65  # seconds: above the minute that proxies and browsers commonly keep a connection
_GRACE = 10  # seconds that running requests get at the end


class Config(uvicorn.Config):
    """Uvicorn's configuration, and the seconds that a peer may let us wait before he is cut off."""

    patience: float


class TooManyLines(Exception):
    """Stops the parser; the peer has been answered."""


class Protocol(HttpToolsProtocol):
    """An HTTP connection with bounds.

    Size: `_unread` counts the octets since the application last got something of them, a head or a piece of
    a body it waits for. It grows with heads, trailers, chunk extensions and unwanted bodies, all of which
    the parser would take without end.

    Time: every `patience` seconds `_watch` asks what the peer owes us. One who owed the same at the last
    look, and has not moved since, is cut off. So no request needs a timer of its own.
    """

    def __init__(self, config: Config, *arguments: Any, **named: Any) -> None:
        super().__init__(config, *arguments, **named)
        self._patience = config.patience
        self._stage: Literal["head", "body", "idle"] = (
            "head"  # what of a request comes in; a new peer owes a head
        )
        self._unread = 0
        self._received = 0
        self._heads = 0
        self._resumed = 0
        self._owed: tuple[str, int, int] | None = None
        self._watcher: asyncio.TimerHandle | None = None

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
        super().data_received(data)
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

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, and hang up (RFC 9112 §2.2)."""
        self._hang_up(_MALFORMED)

    def _hang_up(self, last_word: bytes) -> None:
        """Close the connection; the last word is said unless it would fall into an answer."""
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
            else:
                self._hang_up(_SLOW)
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


def _last_word(status: int, detail: str) -> bytes:
    """Write a whole response that ends the connection."""
    body = json.dumps(RequestError("about:blank", status, detail).problem())
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/problem+json\r\n"
    return head.encode() + b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body) + body


_MALFORMED = _last_word(400, "This is no HTTP request.")
_SLOW = _last_word(408, "The rest of the request did not come in time.")
_TOO_LARGE = _last_word(431, f"The head of a request has at most {MAX_HEAD} octets and {MAX_HEADERS} lines.")


@dataclass(frozen=True, slots=True)
class Tls:
    """Paths of a certificate chain and of its private key, both PEM."""

    certificate: str
    key: str


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=2048)


class Server(uvicorn.Server):
    """Serves the application on listening sockets until SIGINT, SIGTERM or `stop`.

    `ready` is called once connections are accepted. Several processes may serve the same sockets. A peer
    who owes a head, a piece of a body or room for an answer is cut off after one to two times `patience`
    seconds.
    """

    def __init__(
        self,
        edge: Edge,
        sockets: Sequence[socket.socket],
        ready: Callable[[], None],
        tls: Tls | None = None,
        patience: float = 30.0,
    ) -> None:
        config = Config(
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
        config.patience = patience
        super().__init__(config)
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
