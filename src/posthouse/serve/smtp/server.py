"""Server: takes mail on its listeners until it is stopped."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from functools import partial
from typing import Final

from posthouse.kit import log
from posthouse.serve.smtp.connection import Connection, House
from posthouse.serve.smtp.doorkeeper import Doorkeeper
from posthouse.serve.smtp.listener import BACKLOG, Listener
from posthouse.serve.smtp.ports import Reception, SignIn
from posthouse.serve.smtp.settings import Settings
from posthouse.serve.smtp.spool import Budget

_PAUSE: Final = 1.0  # seconds

_log = log.get("smtp")


class Server:
    """Serves listeners in the event loop that calls it. Several processes may serve the same sockets."""

    def __init__(
        self,
        listeners: Sequence[Listener],
        reception: Reception,
        sign_in: SignIn,
        settings: Settings | None = None,
    ) -> None:
        settings = settings or Settings()
        self._listeners = tuple(listeners)
        self._house = House(
            reception, sign_in, settings, Doorkeeper(settings), Budget(settings.memory), set()
        )
        self._servers: list[asyncio.Server] = []
        self._doors: set[asyncio.Task[None]] = set()
        self._handshakes: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Let peers in from now on."""
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            make = partial(Connection, self._house, listener)
            if listener.is_implicit:
                self._doors.add(loop.create_task(self._keep_door(listener)))
            elif listener.socket.family == socket.AF_UNIX:
                server = await loop.create_unix_server(make, sock=listener.socket, backlog=BACKLOG)
                self._servers.append(server)
            else:
                server = await loop.create_server(make, sock=listener.socket, backlog=BACKLOG)
                self._servers.append(server)

    async def stop(self, grace: float = 10) -> None:
        """Let nobody in any more; messages that come in just now get so many seconds to end.

        What the ports have begun is cancelled after that.
        """
        for server in self._servers:
            server.close()
        for task in (*self._doors, *self._handshakes):
            task.cancel()
        for connection in tuple(self._house.connections):
            connection.stop()
        await self._wait(grace)
        for connection in tuple(self._house.connections):
            connection.abort()
            if connection.task is not None:
                connection.task.cancel()
        await self._wait(grace)

    async def _wait(self, seconds: float) -> None:
        tasks = [each.task for each in self._house.connections if each.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)

    async def _keep_door(self, listener: Listener) -> None:
        """Let peers in to whom TLS comes first.

        The event loop could do so by itself, but would count them only after the handshake.
        """
        loop = asyncio.get_running_loop()
        listener.socket.setblocking(False)
        with listener.socket:
            while True:
                try:
                    peer, name = await loop.sock_accept(listener.socket)
                except OSError as error:  # so many files are open that there is no room for one more
                    _log.error("smtp.accept", error=type(error).__name__)
                    await asyncio.sleep(_PAUSE)
                    continue
                connection = Connection(self._house, listener)
                if connection.admit(name) is not None:
                    peer.close()
                    continue
                task = loop.create_task(self._shake_hands(connection, peer, listener))
                self._handshakes.add(task)
                task.add_done_callback(self._handshakes.discard)

    async def _shake_hands(self, connection: Connection, peer: socket.socket, listener: Listener) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: connection,
                peer,
                ssl=listener.tls,
                ssl_handshake_timeout=self._house.settings.handshake,
            )
        except OSError as error:
            _log.info("smtp.handshake", error=type(error).__name__)
            connection.part()
        except BaseException:
            connection.part()
            raise
