"""Messages are verified against a real nameserver."""

from __future__ import annotations

import asyncio
import time
from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
        async with asyncio.timeout(40), nameserver(zone) as server:
            verifier = Verifier(
                Resolver([server.address], patience=60), "mx.example.net", patience=patience, draw=lambda: 0
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


@pytest.mark.parametrize(
    "head",
    [
        b"From: eve@example.com\r\n",
        b"from : eve@example.com\r\n",
        b"Subject: x\nFrom: eve@example.com\r\n",
        b"From: eve@example.com\r\nstray\r\n",
    ],
)
def test_a_second_author_makes_a_permanent_error(head: bytes) -> None:
    found = verify(head + signed())
    assert "pass" not in {each.result for each in found.signatures}
    assert "permerror" == found.author.result


@pytest.mark.parametrize(
    ("author", "expected"),
    [
        (b"ann@news.example.org, carl@news.example.org", "pass"),
        (b"ann@news.example.org, eve@example.com", "permerror"),
        (b'"eve@example.com" <ann@news.example.org>', "pass"),
        (b"=?utf-8?q?eve=40example.com?= <ann@news.example.org>", "pass"),
        (b"Friends: ann@news.example.org;", "pass"),
        (b"(eve@example.com) ann@news.example.org", "pass"),
        (b"ann", "permerror"),
        (b"", "permerror"),
        (b"<>", "permerror"),
        (b"a@b.example, " * 4000, "permerror"),
    ],
)
def test_the_author_is_who_is_shown_as_such(author: bytes, expected: str) -> None:
    _, _, rest = MESSAGE.partition(b"\r\n")
    assert expected == verify(b"From: " + author + b"\r\n" + rest).author.result


def test_a_host_of_ours_is_no_matter_of_spf() -> None:
    async def go() -> Results:
        async with nameserver(ZONE) as server:
            return await Verifier(Resolver([server.address]), "mx.example.net").verify(
                signed(), None, "localhost", "eve@example.org"
            )

    found = asyncio.run(go())
    assert ("none", None) == (found.mail_from.result, found.helo)
    assert "pass" == found.author.result


def test_thousands_of_signatures_make_few_questions() -> None:
    fields = b"".join(
        b"DKIM-Signature: v=1; a=rsa-sha256; d=d%d.example.org; s=x; h=from; bh=AA==; b=AA==\r\n" % n
        for n in range(3000)
    )

    async def go() -> tuple[int, int]:
        async with nameserver(ZONE) as server:
            verifier = Verifier(Resolver([server.address]), "mx.example.net")
            found = await verifier.verify(fields + MESSAGE, PEER, "mx.example.org", "ann@example.org")
            return len(found.signatures), sum(server.asked.values())

    signatures, asked = asyncio.run(go())
    assert 10 == signatures
    assert asked < 20


def test_a_maze_of_records_ends_with_patience() -> None:
    """Each host of each exchanger is asked for, and none answers."""
    zone = {
        "example.org": ['TXT "v=spf1 ' + " ".join(f"mx:m{n}.example.org" for n in range(10)) + '"'],
        **{f"m{n}.example.org": [f"MX {k} h{n}-{k}.example.org." for k in range(10)] for n in range(10)},
        **{f"h{n}-{k}.example.org": [SILENCE] for n in range(10) for k in range(10)},
    }
    assert "temperror" == verify(MESSAGE, zone, patience=0.5).mail_from.result


def test_aliases_in_a_circle_are_no_key_and_no_policy() -> None:
    circle = {
        "a.example.org": ["CNAME b.example.org"],
        "b.example.org": ["CNAME a.example.org"],
        **{name: ["CNAME a.example.org"] for name in (*ZONE, "_dmarc.news.example.org")},
    }
    found = verify(signed(), circle, patience=1.0)
    assert {"permerror", "temperror"} >= {each.result for each in found.signatures}
    assert found.author.result in {"none", "temperror"}


@settings(max_examples=60)
@given(st.data())
def test_no_message_and_no_sender_make_it_raise(data: st.DataObject) -> None:
    """Pieces of messages in any order, from anybody, with a nameserver that knows nothing."""
    pieces = [
        signed(),
        MESSAGE,
        b"\r\n",
        b"\n",
        b"From: ",
        b"DKIM-Signature: ",
        b"ARC-Seal: i=1;",
        b"\x00",
        b"\xff",
        b": ",
    ]
    message = b"".join(data.draw(st.lists(st.sampled_from(pieces) | st.binary(max_size=20), max_size=8)))
    text = st.text(max_size=30)

    async def go() -> Results:
        async with nameserver({}) as server:
            return await Verifier(Resolver([server.address]), "mx.example.net").verify(
                message, data.draw(st.ip_addresses()), data.draw(text), data.draw(text)
            )

    field = results.write_field("mx.example.net", asyncio.run(go()))
    assert Letter(field + b"\r\n").is_sound
