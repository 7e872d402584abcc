"""Serving the application on sockets, with uvicorn on uvloop."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn

from posthouse.serve.http.app import Edge
from posthouse.serve.http.connection import Config, Connection

_KEEP_ALIVE = 65  # seconds: above the minute that proxies and browsers commonly keep a connection
_SILENT = (
    600  # seconds until the system asks whether a peer is still there; it gives up after 11 minutes more
)
_GRACE = 10  # seconds that running requests get at the end
_PACE = 50  # seconds: below the minute after which many proxies and routers forget a silent connection


@dataclass(frozen=True, slots=True)
class Tls:
    """Paths of a certificate chain and of its private key, both PEM."""

    certificate: str
    key: str


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one. Raises OSError.

    The system asks after peers that are silent for long, so that one that vanished without a word, while he
    listened for changes, is noticed in half an hour. Connections inherit that.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family, backlog=2048)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if sys.platform == "linux":
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _SILENT)
    return listening


class Server(uvicorn.Server):
    """Serves the application on listening sockets until SIGINT, SIGTERM or `stop`.

    `ready` is called once connections are accepted. Several processes may serve the same sockets. A peer
    who owes a head, a piece of a body or room for an answer is cut off after one to two times `patience`
    seconds. A WebSocket is looked after every `pace` seconds: see `Line`.
    """

    def __init__(
        self,
        edge: Edge,
        sockets: Sequence[socket.socket],
        ready: Callable[[], None],
        tls: Tls | None = None,
        patience: float = 30.0,
        pace: float = _PACE,
    ) -> None:
        config = Config(
            edge,
            patience=patience,
            pace=pace,
            http=Connection,
            loop="uvloop",
            ws="none",  # a WebSocket begins as a request to the edge
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
        super().__init__(config)
        self._edge = edge
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

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, end those that only listen, and wait for the requests that run."""
        self._edge.stop()
        await super().shutdown(sockets=sockets)
        left = self.server_state.connections
        while left:  # those whose requests did not end in time, and who did not part in time
            for connection in left:
                connection.transport.abort()
            await asyncio.sleep(0)

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
