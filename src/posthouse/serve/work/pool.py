"""Connections to strangers: made to checked addresses only, few at once, and kept for a while."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from socket import AI_NUMERICHOST

from posthouse.serve.work.address import Address
from posthouse.serve.work.answer import Answer, Unreachable
from posthouse.serve.work.connection import Connection
from posthouse.serve.work.target import Target

_MOST = 64  # connections in use, and as many that wait for use
_MOST_TO_ONE_HOST = 16
_IDLE = 15.0  # seconds: less than servers commonly wait before they close
_CONNECT_PATIENCE = 5.0  # seconds for one address, its TLS included


@dataclass(slots=True)
class _Share:
    """What one host may have of the connections, and how many requests to it there are."""

    turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_MOST_TO_ONE_HOST))
    requests: int = 0


@dataclass(frozen=True, slots=True)
class _Kept:
    host: str
    port: int
    connection: Connection
    end: asyncio.TimerHandle


class Pool:
    """Sends requests over TLS to the addresses that `resolve` gives for a name, and to no others.

    The certificate must be the name's, and `trust` says whose signature is good for that.
    """

    def __init__(
        self,
        resolve: Callable[[str], Awaitable[Sequence[Address]]],
        trust: ssl.SSLContext,
        patience: float,
    ) -> None:
        self._resolve = resolve
        self._trust = trust
        self._patience = patience
        self._turn = asyncio.Semaphore(_MOST)
        self._shares: dict[str, _Share] = {}
        self._kept: list[_Kept] = []
        self._busy: set[Connection] = set()
        self._closed = False

    async def post(self, target: Target, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a body and return the answer. Raises `Unreachable`, and what `resolve` raises.

        Raises `TimeoutError` where that takes more than `patience` seconds, not counting the wait for a turn: so
        a host that answers late delays those who wait for it, and fails none of them.
        """
        async with self._turn_of(target.host), asyncio.timeout(self._patience):
            self._refuse_if_closed()
            connection = self._take(target) or await self._connect(target)
            self._busy.add(connection)
            try:
                self._refuse_if_closed()
                answer = await connection.exchange(target, body, headers)
            except BaseException:
                connection.abort()
                raise
            finally:
                self._busy.remove(connection)
            if connection.open:
                self._keep(target, connection)
            return answer

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise Unreachable("the server is stopping")

    def close(self) -> None:
        """Close all connections; requests on their way are `Unreachable`."""
        self._closed = True
        for connection in self._busy:
            connection.abort()
        for kept in list(self._kept):
            self._drop(kept)

    @asynccontextmanager
    async def _turn_of(self, host: str) -> AsyncIterator[None]:
        """Wait for a place among all requests and among those to one host."""
        share = self._shares.setdefault(host, _Share())
        share.requests += 1
        try:
            async with share.turn, self._turn:
                yield
        finally:
            share.requests -= 1
            if not share.requests:
                del self._shares[host]

    async def _connect(self, target: Target) -> Connection:
        """Connect to the first address that is reached in time."""
        addresses = [target.address] if target.address is not None else await self._resolve(target.host)
        for address in addresses:
            try:
                async with asyncio.timeout(_CONNECT_PATIENCE):
                    _, connection = await asyncio.get_running_loop().create_connection(
                        Connection,
                        str(address),
                        target.port,
                        ssl=self._trust,
                        server_hostname=target.host,
                        flags=AI_NUMERICHOST,
                    )
            except ssl.SSLCertVerificationError as error:
                raise Unreachable("the certificate of the host is not valid") from error
            except ssl.SSLError as error:
                raise Unreachable("the host does not speak TLS as it should") from error
            except OSError:  # also when time is up
                continue
            return connection
        raise Unreachable("no connection to the host")

    def _take(self, target: Target) -> Connection | None:
        """Take a connection that was kept, the youngest first."""
        for kept in reversed(self._kept):
            if (kept.host, kept.port) == (target.host, target.port) and kept.connection.open:
                self._kept.remove(kept)
                kept.end.cancel()
                return kept.connection
        return None

    def _keep(self, target: Target, connection: Connection) -> None:
        if len(self._kept) == _MOST:
            self._drop(self._kept[0])
        end = asyncio.get_running_loop().call_later(_IDLE, self._end, connection)
        self._kept.append(_Kept(target.host, target.port, connection, end))

    def _end(self, connection: Connection) -> None:
        """Close a connection whose time is over."""
        self._drop(next(kept for kept in self._kept if kept.connection is connection))

    def _drop(self, kept: _Kept) -> None:
        self._kept.remove(kept)
        kept.end.cancel()
        kept.connection.abort()
