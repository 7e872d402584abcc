"""The one door by which the server makes requests to URLs that its users name.

Such a URL may be meant to lead the server into its own network (RFC 8620 §8.6). So it must be ``https``; its
host is resolved here, addresses that are not public are dropped, and connections go to exactly those that
remain, while the certificate must still be the host's. Redirects are answers like any other, and proxies of the
environment are not asked.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from ipaddress import ip_address

from posthouse.serve.work import target
from posthouse.serve.work.address import Address, Network, is_public, is_within
from posthouse.serve.work.answer import Answer, Unreachable
from posthouse.serve.work.lookup import SystemLookup
from posthouse.serve.work.pool import Pool
from posthouse.serve.work.target import Refused, Target

_PATIENCE = 20.0  # seconds for all of a request once it is its turn
_UNPRIVILEGED = 1024  # below, but for 443, wait protocols that a request is better kept from
_MOST_ADDRESSES = 8  # of a name that are tried


class Outward:
    """Sends requests to strangers, but only to public hosts. Belongs to one event loop.

    `private` are networks that are as good as public: none, but in tests and where push services stand in
    the operator's own network. `trust` says which certificates are good, by default those of the system's
    authorities. `lookup` finds the addresses of a name, else raises OSError. A request gets `patience` seconds
    in all, once it is its turn.
    """

    def __init__(
        self,
        *,
        private: Collection[Network] = (),
        trust: ssl.SSLContext | None = None,
        lookup: Callable[[str], Awaitable[Sequence[str]]] | None = None,
        patience: float = _PATIENCE,
    ) -> None:
        self._private = tuple(private)
        self._trust = trust
        self._system = SystemLookup()
        self._lookup = lookup or self._system
        self._patience = patience
        self._pool: Pool | None = None
        self._closed = False

    def check(self, url: str) -> Target:
        """Read a URL and say without the network whether it may be sent to.

        Raises `Refused`. A name passes whatever it resolves to: `post` looks.
        """
        read = target.read(url)
        if read.port != 443 and read.port < _UNPRIVILEGED:
            raise Refused(f"the port must be 443 or at least {_UNPRIVILEGED}")
        if read.address is not None:
            if not self._allows(read.address):
                raise Refused("the host is not a public address")
        elif "." not in read.host and not self._private:
            raise Refused("the host is not the full name of a public host")
        return read

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a body by POST, with these header fields and those that HTTP needs, and return the answer.

        Raises `Refused` for a URL that `check` refuses or whose host has no public address, and `Unreachable`
        if nobody there answers in time.
        """
        read = self.check(url)
        pool = await self._opened()
        try:
            return await pool.post(read, body, headers)
        except TimeoutError:
            raise Unreachable(f"no answer within {self._patience:g} seconds") from None

    def close(self) -> None:
        """Close all connections; requests on their way, and later ones, are `Unreachable`."""
        self._closed = True
        self._system.close()
        if self._pool is not None:
            self._pool.close()

    async def _opened(self) -> Pool:
        """Make the pool at the first request; to read the system's authorities takes its time and memory."""
        if self._pool is None:
            trust = await asyncio.to_thread(_system_trust) if self._trust is None else self._trust
            if self._pool is None:  # another request may have been faster
                self._pool = Pool(self._addresses, trust, self._patience)
        if self._closed:
            self._pool.close()
        return self._pool

    async def _addresses(self, host: str) -> list[Address]:
        """Find the addresses of a name that may be connected to. Raises `Refused` and `Unreachable`."""
        try:
            found = [ip_address(text) for text in await self._lookup(host)]
        except OSError as error:
            raise Unreachable("the host has no address") from error
        allowed = [address for address in found if self._allows(address)]
        if not allowed:
            raise Refused("the host has no public address")
        return allowed[:_MOST_ADDRESSES]

    def _allows(self, address: Address) -> bool:
        return is_public(address) or is_within(address, self._private)


def _system_trust() -> ssl.SSLContext:
    trust = ssl.create_default_context()
    trust.set_alpn_protocols(["http/1.1"])
    return trust
