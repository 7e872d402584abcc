"""What is thought of a message, by what was found out about it (RFC 7489 §6.6.2)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_address
from mmap import mmap

import pytest

from posthouse.delivery.judge import Lenient, Strict, Verdict
from posthouse.delivery.resolver import Resolver
from posthouse.delivery.verify import Verifier
from posthouse.proto.mailauth import arc, dmarc, spf
from posthouse.proto.mailauth.results import Results
from postoffice.office import FROM_FAR, HOST

MESSAGE = b"From: ann@far.example\r\n\r\n"


class Found(Verifier):
    """Finds out what it was told; notes the address that it was asked about."""

    def __init__(self, disposition: str) -> None:
        super().__init__(Resolver([("127.0.0.1", 9)]), HOST)
        self.disposition = disposition
        self.asked: list[IPv4Address | IPv6Address | None] = []

    async def verify(
        self, message: bytes | mmap, peer: IPv4Address | IPv6Address | None, helo: str, mail_from: str
    ) -> Results:
        assert (MESSAGE, "mx.far.example", "ann@far.example") == (message, helo, mail_from)
        self.asked.append(peer)
        return Results(
            sender=mail_from,
            mail_from=spf.Verdict("none", "far.example"),
            helo=None,
            signatures=(),
            author=dmarc.Verdict("fail", "far.example", "reject", self.disposition),
            chain=arc.Chain("none"),
        )


@pytest.mark.parametrize(
    ("disposition", "is_junk"), [("none", False), ("quarantine", True), ("reject", True)]
)
def test_what_its_author_s_domain_does_not_stand_for_is_junk_and_says_why(
    disposition: str, is_junk: bool
) -> None:
    verdict = asyncio.run(Strict(Found(disposition), HOST).judge(FROM_FAR, MESSAGE))
    assert (is_junk, None) == (verdict.is_junk, verdict.refusal)
    assert verdict.fields.startswith(b"Authentication-Results: mx.near.example;\r\n")
    assert b"dmarc=fail" in verdict.fields
    assert verdict.fields.endswith(b"\r\n")


@pytest.mark.parametrize(
    ("address", "asked"), [("192.0.2.1", ip_address("192.0.2.1")), ("127.0.0.1", None), ("::1", None)]
)
def test_of_this_machine_spf_is_not_asked(address: str, asked: IPv4Address | None) -> None:
    found = Found("none")
    asyncio.run(Strict(found, HOST).judge(replace(FROM_FAR, peer=ip_address(address)), MESSAGE))
    assert [asked] == found.asked


def test_the_lenient_take_everything() -> None:
    assert Verdict() == asyncio.run(Lenient().judge(FROM_FAR, MESSAGE))
