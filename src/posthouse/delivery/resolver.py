"""Resolver: the one way to the DNS, with patience, a memory and limits (RFC 1035, RFC 2308)."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, NamedTuple

from dns.asyncresolver import Resolver as Library
from dns.exception import DNSException
from dns.flags import AD, RD
from dns.message import QueryMessage
from dns.name import Name, root
from dns.nameserver import Do53Nameserver
from dns.rdata import Rdata
from dns.rdatatype import RdataType
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.PTR import PTR
from dns.rdtypes.ANY.TXT import TXT
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA
from dns.resolver import NXDOMAIN

from posthouse.proto.mailauth.dns import Answer, Question, Status

MAX_RECORDS: Final = 100
"""So many records of an answer are kept."""
MAX_REMEMBERED: Final = 4096
"""Answers in memory."""
_MAX_OCTETS: Final = 4096  # of an answer that is remembered
_MOST_AT_ONCE: Final = 256
_PAYLOAD: Final = 1232  # octets of a datagram that no path breaks up
_TRY: Final = 2.0  # seconds for one server
_LONGEST: Final = 3600  # seconds; longer times to live are cut
_LONGEST_NOTHING: Final = 900
_FAILURE: Final = 5  # seconds for which a failure is remembered (RFC 2308 §7)


class Reply(NamedTuple):
    """What the DNS says.

    :ivar records: of the type that was asked, as the server orders them; empty unless status is FOUND.
    :ivar secure: whether the nameserver vouches that DNSSEC proves it. That is worth as much as the way to it.
    """

    status: Status
    records: tuple[Rdata, ...] = ()
    secure: bool = False


_FAILED: Final = Reply(Status.FAILED)


class Resolver:
    """Asks nameservers, which do the recursion, and remembers what they say for as long as they allow.

    :param nameservers: addresses and ports; None: those of the machine (``/etc/resolv.conf``).
    :param patience: seconds for one question, all tries and servers together.
    """

    def __init__(
        self, nameservers: Sequence[tuple[str, int]] | None = None, *, patience: float = 5.0
    ) -> None:
        self._library = Library(configure=nameservers is None)
        if nameservers is not None:
            self._library.nameservers = [Do53Nameserver(host, port) for host, port in nameservers]
        self._library.use_edns(0, 0, _PAYLOAD)
        self._library.flags = RD | AD
        self._library.timeout = _TRY
        self._library.lifetime = patience
        self._remembered: OrderedDict[tuple[str, RdataType], tuple[float, Reply]] = OrderedDict()
        self._turn = asyncio.Semaphore(_MOST_AT_ONCE)
        self._patience = patience

    async def look_up(self, name: str, kind: RdataType) -> Reply:
        """Ask for the records of a name; never raises.

        :param name: labels with dots between, of any characters; one that is no name at all has no records.
        """
        key = (name.removesuffix(".").lower(), kind)
        known = self._remembered.get(key)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        asked = _name(key[0])
        if asked is None:
            return Reply(Status.NOTHING)
        try:
            async with asyncio.timeout(self._patience), self._turn:
                reply, seconds, size = await self._ask(asked, kind)
        except TimeoutError:
            reply, seconds, size = _FAILED, _FAILURE, 0
        if size <= _MAX_OCTETS:
            self._remembered[key] = (time.monotonic() + seconds, reply)
            self._remembered.move_to_end(key)
            if len(self._remembered) > MAX_REMEMBERED:
                self._remembered.popitem(last=False)
        return reply

    async def _ask(self, name: Name, kind: RdataType) -> tuple[Reply, float, int]:
        """Ask the nameservers; gives the reply, for how many seconds it is good, and its size in octets."""
        try:
            found = await self._library.resolve(name, kind, search=False, raise_on_no_answer=False)
            response: QueryMessage = found.response
        except NXDOMAIN as nothing:
            response = nothing.kwargs["responses"][name]
        except (DNSException, OSError):
            return _FAILED, _FAILURE, 0
        chain = response.resolve_chaining()
        secure = bool(response.flags & AD)
        if not chain.answer:
            return Reply(Status.NOTHING, secure=secure), min(chain.minimum_ttl, _LONGEST_NOTHING), 0
        records = tuple(chain.answer)[:MAX_RECORDS]
        return (
            Reply(Status.FOUND, records, secure),
            min(chain.minimum_ttl, _LONGEST),
            len(response.wire or b""),
        )

    async def answer(self, question: Question) -> Answer:
        """Answer a question of `posthouse.proto.mailauth`; never raises."""
        reply = await self.look_up(question.name, RdataType[question.kind])
        if reply.status is not Status.FOUND:
            return Answer(reply.status)
        records = (
            sorted(reply.records) if question.kind == "MX" else reply.records
        )  # by preference, then name
        values = tuple(filter(None, map(_text, records)))
        return Answer(Status.FOUND if values else Status.NOTHING, values)


def _text(record: Rdata) -> str:
    """Write a record as an answer has it; one that names no host is empty (RFC 7505 §3)."""
    match record:
        case TXT():
            return b"".join(record.strings).decode("latin-1")
        case A() | AAAA():
            return str(record.address)
        case MX():
            return _host(record.exchange)
        case PTR():
            return _host(record.target)
    return ""


def _host(name: Name) -> str:
    """Write the name of a host; empty if it holds characters that no host's name has."""
    text = name.to_text(omit_final_dot=True)
    return "" if "\\" in text or name == root else text


def _name(text: str) -> Name | None:
    try:
        return Name([label.encode() for label in text.split(".")]).concatenate(root)
    except (DNSException, UnicodeEncodeError):
        return None
