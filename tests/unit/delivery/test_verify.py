"""Messages are verified against a real nameserver."""

from __future__ import annotations

import asyncio
import time
from ipaddress import ip_address

import pytest

from posthouse.delivery.resolver import Resolver
from posthouse.delivery.verify import Verifier
from posthouse.proto.mailauth import key, results, signing
from posthouse.proto.mailauth.letter import Letter
from posthouse.proto.mailauth.results import Results
from wire.nameserver import GARBAGE, SERVFAIL, SILENCE, Zone, nameserver

PEER = ip_address("192.0.2.7")
MESSAGE = (
    b"From: Ann <ann@news.example.org>\r\nTo: bob@example.net\r\nSubject: Letters\r\n"
    b"Date: Mon, 23 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\r\nGood day.\r\n"
)
RSA = key.generate("rsa-sha256", "example.org", "one")
EDWARDS = key.generate("ed25519-sha256", "example.org", "two")
ZONE: Zone = {
    "example.org": ['TXT "v=spf1 ip4:192.0.2.0/24 -all"'],
    "mx.example.org": ['TXT "v=spf1 a -all"', "A 192.0.2.7"],
    "_dmarc.example.org": ['TXT "v=DMARC1; p=reject; sp=quarantine"'],
    RSA.name: [f"TXT {key.zone_text(RSA.record())}"],
    EDWARDS.name: [f"TXT {key.zone_text(EDWARDS.record())}"],
}


def signed(message: bytes = MESSAGE) -> bytes:
    return signing.sign(Letter(message), [RSA, EDWARDS], int(time.time())) + message


def verify(
    message: bytes, zone: Zone = ZONE, *, mail_from: str = "ann@example.org", patience: float = 20.0
) -> Results:
    async def go() -> Results:
        async with nameserver(zone) as server:
            verifier = Verifier(
                Resolver([server.address]), "mx.example.net", patience=patience, draw=lambda: 0
            )
            return await verifier.verify(message, PEER, "mx.example.org", mail_from)

    return asyncio.run(go())


def test_a_message_that_is_what_it_says_passes_everything() -> None:
    found = verify(signed())
    assert ["pass", "pass"] == [each.result for each in found.signatures]
    assert "pass" == found.mail_from.result
    assert found.helo is not None
    assert "pass" == found.helo.result
    assert ("pass", "quarantine", "none") == (
        found.author.result,
        found.author.policy,
        found.author.disposition,
    )
    assert "none" == found.chain.result
    field = results.write_field("mx.example.net", found).decode()
    assert [
        "dkim=pass",
        "dkim=pass",
        "spf=pass",
        "spf=pass",
        "dmarc=pass",
        "arc=none",
    ] == [
        part.split()[0].rstrip(";")
        for part in field.split("\r\n\t")
        if "=" in part.split()[0] and part[0] != " "
    ]


def test_a_changed_message_of_a_stranger_fails_and_is_disposed_of_as_asked() -> None:
    found = verify(signed() + b"More.\r\n", mail_from="eve@example.com")
    assert ["fail", "fail"] == [each.result for each in found.signatures]
    assert "none" == found.mail_from.result
    assert ("fail", "quarantine") == (found.author.result, found.author.disposition)


@pytest.mark.parametrize("fault", [SILENCE, SERVFAIL, GARBAGE])
def test_a_nameserver_that_fails_makes_temporary_errors_within_patience(fault: str) -> None:
    names = [*ZONE, "_dmarc.news.example.org"]
    found = verify(signed(), dict.fromkeys(names, (fault,)), patience=0.3)
    assert ["temperror", "temperror"] == [each.result for each in found.signatures]
    assert "temperror" == found.mail_from.result
    assert "temperror" == found.author.result
    assert "none" == found.author.disposition


def test_the_null_reverse_path_is_judged_by_helo() -> None:
    found = verify(signed(), mail_from="")
    assert ("pass", "mx.example.org") == (found.mail_from.result, found.mail_from.domain)
    assert found.helo is None


def test_a_large_message_is_verified_as_a_small_one() -> None:
    found = verify(signed(MESSAGE + b"0123456789 abcdef\r\n" * 200_000))
    assert ["pass", "pass"] == [each.result for each in found.signatures]
