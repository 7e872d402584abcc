"""Route: the hosts that take mail for a domain, in the order in which they are to be asked (RFC 5321 §5.1)."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

from dns.rdata import Rdata
from dns.rdatatype import RdataType
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA

from posthouse.delivery.resolver import Resolver
from posthouse.proto.mailauth.dns import Status
from posthouse.proto.smtp.reply import Reply
from posthouse.serve.work.address import Network, is_public, is_within

SMTP: Final = 25
MOST_HOSTS: Final = 10
"""Hosts of a domain that are looked at, and addresses that are given for it."""

NO_MAIL: Final = Reply(556, "5.1.10", "this domain takes no mail")
NO_DOMAIN: Final = Reply(550, "5.1.2", "there is no such domain")
NO_HOST: Final = Reply(550, "5.4.4", "no host that can be reached takes mail for this domain")
NO_ANSWER: Final = Reply(451, "4.4.3", "the DNS gives no answer now")
LOOP: Final = Reply(554, "5.4.6", "mail for this domain is to come to us, but it is none of ours")


class Hop(NamedTuple):
    """A host to connect to: its name, its IP address, and the port."""

    name: str
    address: str
    port: int = SMTP


class Unroutable(Exception):
    """No host can be asked; `reply` says why, and whether to try again."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.text)
        self.reply = reply


class Route(Protocol):
    """Finds the way to a domain."""

    def destination(self, domain: str) -> str:
        """Name where mail for a domain goes to, which may be the same for several."""
        ...

    async def hops(self, destination: str) -> Sequence[Hop]:
        """Give the hosts to ask, the best first, at least one. Raises `Unroutable`."""
        ...


class MxRoute:
    """A `Route` by the DNS.

    own: our name, under which mail must not come back. private: networks that may be connected to although they are
    not public. shuffle: puts hosts that are as good as each other into any order.
    """

    def __init__(
        self,
        resolver: Resolver,
        own: str,
        private: Sequence[Network] = (),
        shuffle: Callable[[list[MX]], None] = random.shuffle,
    ) -> None:
        self._resolver = resolver
        self._own = own.lower()
        self._private = private
        self._shuffle = shuffle

    def destination(self, domain: str) -> str:
        """Give the domain itself."""
        return domain

    async def hops(self, destination: str) -> Sequence[Hop]:
        """See `Route.hops`."""
        if destination.startswith("["):
            address = destination.strip("[]").removeprefix("IPv6:")
            return self._checked([Hop(address, address)])
        names = await self._names(destination)
        hops: list[Hop] = []
        failed = False
        for name in names:
            for kind in (RdataType.AAAA, RdataType.A):
                found = await self._resolver.look_up(name, kind)
                failed = failed or found.status is Status.FAILED
                hops += [Hop(name, text) for record in found.records if (text := _address(record))]
            if len(hops) >= MOST_HOSTS:
                break
        if not hops and failed:
            raise Unroutable(NO_ANSWER)
        if not hops:
            raise Unroutable(NO_DOMAIN if names == [destination] else NO_HOST)
        return self._checked(hops)

    async def _names(self, domain: str) -> list[str]:
        """Give the names of the hosts, the best first; a domain without any is its own (RFC 5321 §5.1)."""
        found = await self._resolver.look_up(domain, RdataType.MX)
        if found.status is Status.FAILED:
            raise Unroutable(NO_ANSWER)
        records = [record for record in found.records if isinstance(record, MX)]
        if not records:
            return [domain]
        hosts = [record for record in records if _name(record)]
        if not hosts:
            raise Unroutable(NO_MAIL)  # RFC 7505 §3
        self._shuffle(hosts)
        hosts.sort(key=lambda record: record.preference)
        ours = [record.preference for record in hosts if _name(record) == self._own]
        if ours:  # Only those that are better than we are may be asked, or mail would come back.
            hosts = [record for record in hosts if record.preference < min(ours)]
            if not hosts:
                raise Unroutable(LOOP)
        return list(dict.fromkeys(map(_name, hosts)))[:MOST_HOSTS]

    def _checked(self, hops: Sequence[Hop]) -> Sequence[Hop]:
        """Leave out what is not on the public Internet: no domain may send us into our own network."""
        open_ = [hop for hop in hops if self._is_open(hop.address)]
        if not open_:
            raise Unroutable(NO_HOST)
        return open_[:MOST_HOSTS]

    def _is_open(self, address: str) -> bool:
        ip = ipaddress.ip_address(address)
        return is_public(ip) or is_within(ip, self._private)


class SmartHost:
    """A `Route` that leads everywhere through one host."""

    def __init__(self, name: str, port: int) -> None:
        self._hop = Hop(name, name, port)

    def destination(self, domain: str) -> str:
        """Give the host's name."""
        return self._hop.name

    async def hops(self, destination: str) -> Sequence[Hop]:
        """See `Route.hops`."""
        return [self._hop]


class Nowhere:
    """A `Route` for a server that sends nothing to others."""

    def destination(self, domain: str) -> str:
        """Give the domain itself."""
        return domain

    async def hops(self, destination: str) -> Sequence[Hop]:
        """See `Route.hops`."""
        raise Unroutable(Reply(550, "5.7.1", "this server sends no mail to others"))


def _address(record: Rdata) -> str:
    return str(record.address) if isinstance(record, A | AAAA) else ""


def _name(record: MX) -> str:
    text = record.exchange.to_text(omit_final_dot=True).lower()
    return "" if text in ("", ".") or "\\" in text else text
