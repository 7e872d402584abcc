"""Nameserver: a real DNS server of the test's own on loopback, over UDP and TCP, with faults on demand."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

SILENCE = "silence"
"""A name that has this as its zone text gets no answer at all."""
SERVFAIL = "servfail"
GARBAGE = "garbage"
"""Octets that are no message."""
TTL = 300

Zone = Mapping[str, Sequence[str]]
"""Names to records such as ``MX 10 mx.example.org``, or to one of the faults above."""


@dataclass
class Nameserver:
    """A running server; `zone` may be changed while it runs.

    :ivar asked: how often each name and type was asked, as ``TXT example.org``.
    :ivar over_tcp: how many questions came over TCP.
    """

    zone: Zone
    host: str = "127.0.0.1"
    port: int = 0
    ttl: int = TTL
    authentic: bool = False
    asked: Counter[str] = field(default_factory=Counter)
    over_tcp: int = 0

    @property
    def address(self) -> tuple[str, int]:
        return self.host, self.port

    def respond(self, wire: bytes, most: int) -> bytes | None:
        """Answer a message with at most so many octets, or say that it is truncated."""
        query = dns.message.from_wire(wire)
        [question] = query.question
        kind = dns.rdatatype.to_text(question.rdtype)
        name = question.name.to_text(omit_final_dot=True).lower()
        self.asked[f"{kind} {name}"] += 1
        response = dns.message.make_response(query)
        if self.authentic:
            response.flags |= dns.flags.AD
        for _ in range(32):
            records = self.zone.get(name)
            if records is None:
                response.set_rcode(dns.rcode.NXDOMAIN)
                break
            if SILENCE in records:
                return None
            if GARBAGE in records:
                return wire[:2] + b"\xff" * 40
            if SERVFAIL in records:
                response.set_rcode(dns.rcode.SERVFAIL)
                break
            owner = dns.name.from_text(name)
            values = [text.partition(" ")[2] for text in records if text.partition(" ")[0] == kind]
            if values:
                response.answer.append(dns.rrset.from_text_list(owner, self.ttl, "IN", kind, values))
            other = next((text.partition(" ")[2] for text in records if text.startswith("CNAME ")), None)
            if values or other is None:
                break
            link = dns.rrset.from_text(owner, self.ttl, "IN", "CNAME", f"{other.removesuffix('.')}.")
            if link in response.answer:
                break
            response.answer.append(link)
            name = other.removesuffix(".").lower()
        if not response.answer:
            start = dns.rrset.from_text("test.", 60, "IN", "SOA", "ns.test. who.test. 1 60 60 60 60")
            response.authority.append(start)
        whole = response.to_wire(max_size=65535)
        if len(whole) <= most:
            return whole
        short = dns.message.make_response(query)
        short.flags |= dns.flags.TC
        return short.to_wire()

    async def serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.over_tcp += 1
        try:
            length = int.from_bytes(await reader.readexactly(2))
            wire = self.respond(await reader.readexactly(length), 65535)
            if wire is not None:
                writer.write(len(wire).to_bytes(2) + wire)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: Nameserver) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        wire = self._server.respond(data, 1232)
        if wire is not None:
            self._transport.sendto(wire, addr)


@asynccontextmanager
async def nameserver(zone: Zone) -> AsyncIterator[Nameserver]:
    """Run a server for a zone on a free port, the same for UDP and TCP."""
    server = Nameserver(zone)
    loop = asyncio.get_running_loop()
    for _ in range(20):
        tcp = await asyncio.start_server(server.serve_tcp, server.host, 0)
        server.port = tcp.sockets[0].getsockname()[1]
        try:
            udp, _protocol = await loop.create_datagram_endpoint(
                lambda: _Datagrams(server), local_addr=server.address
            )
        except OSError:  # the port is taken for UDP
            tcp.close()
            await tcp.wait_closed()
            continue
        break
    try:
        yield server
    finally:
        udp.close()
        tcp.close()
        await tcp.wait_closed()
