"""Server: takes mail on its listeners until it is stopped."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from functools import partial

from posthouse.serve.smtp.connection import Connection, House
from posthouse.serve.smtp.doorkeeper import Doorkeeper
from posthouse.serve.smtp.listener import Listener
from posthouse.serve.smtp.ports import Reception, SignIn
from posthouse.serve.smtp.settings import Settings
from posthouse.serve.smtp.spool import Budget


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

    async def start(self) -> None:
        """Let peers in from now on."""
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            make = partial(Connection, self._house, listener)
            if listener.socket.family == socket.AF_UNIX:
                self._servers.append(await loop.create_unix_server(make, sock=listener.socket))
            else:
                self._servers.append(await loop.create_server(make, sock=listener.socket))

    async def stop(self, grace: float = 10) -> None:
        """Let nobody in any more; messages that come in just now get so many seconds to end.

        What the ports have begun is cancelled after that.
        """
        for server in self._servers:
            server.close()
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
