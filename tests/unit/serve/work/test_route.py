"""The way to a domain, asked of a real nameserver on loopback (RFC 5321 §5.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from ipaddress import ip_network

import pytest

from posthouse.delivery.resolver import Resolver
from posthouse.serve.work import route
from posthouse.serve.work.route import Hop, MxRoute, Nowhere, SmartHost, Unroutable
from wire.nameserver import SERVFAIL, SILENCE, Zone, nameserver

PUBLIC = "9.9.9.9"
ZONE: Zone = {
    "far.example": ["MX 20 b.far.example.", "MX 10 a.far.example.", "MX 30 c.far.example."],
    "a.far.example": [f"A {PUBLIC}", "AAAA 2620:fe::fe"],
    "b.far.example": ["A 9.9.9.10"],
    "c.far.example": ["A 10.0.0.1"],
    "bare.example": [f"A {PUBLIC}"],
    "none.example": ["MX 0 ."],
    "text.example": ['TXT "only"'],
    "dead.example": ["MX 10 gone.example."],
    "inward.example": ["MX 10 c.far.example.", "MX 5 local.example."],
    "local.example": ["A 127.0.0.1", "AAAA ::1"],
    "silent.example": [SILENCE],
    "broken.example": [SERVFAIL],
    "half.example": ["MX 10 broken.example."],
    "circle.example": ["MX 10 us.example.", "MX 20 a.far.example."],
    "second.example": ["MX 10 a.far.example.", "MX 20 US.example.", "MX 30 b.far.example."],
    "us.example": [f"A {PUBLIC}"],
    "twice.example": ["MX 10 b.far.example.", "MX 20 b.far.example."],
    "many.example": [f"MX {n} h{n}.example." for n in range(50)],
    **{f"h{n}.example": [f"A 9.9.9.{n}"] for n in range(50)},
}


def hops(domain: str, private: Sequence[str] = ()) -> Sequence[Hop]:
    async def go() -> Sequence[Hop]:
        async with nameserver(ZONE) as server:
            networks = [ip_network(one) for one in private]
            resolver = Resolver([server.address], patience=0.5)
            return await MxRoute(resolver, "us.example", networks, shuffle=lambda hosts: None).hops(domain)

    return asyncio.run(go())


def addresses(domain: str, private: Sequence[str] = ()) -> list[str]:
    return [hop.address for hop in hops(domain, private)]


def test_hosts_come_by_preference_and_by_all_their_addresses() -> None:
    assert [
        Hop("a.far.example", "2620:fe::fe", 25),
        Hop("a.far.example", PUBLIC, 25),
        Hop("b.far.example", "9.9.9.10", 25),
    ] == [*hops("far.example")]


def test_a_domain_without_mx_is_its_own_host() -> None:
    assert [Hop("bare.example", PUBLIC, 25)] == [*hops("bare.example")]


def test_a_literal_is_an_address() -> None:
    assert [PUBLIC] == addresses(f"[{PUBLIC}]")
    assert ["2620:fe::fe"] == addresses("[IPv6:2620:fe::fe]")


def test_a_host_is_named_once() -> None:
    assert ["9.9.9.10"] == addresses("twice.example")


def test_so_many_hosts_are_asked_and_no_more() -> None:
    assert route.MOST_HOSTS == len(addresses("many.example"))


@pytest.mark.parametrize(
    ("domain", "reply"),
    [
        ("none.example", route.NO_MAIL),
        ("nothing.example", route.NO_DOMAIN),
        ("text.example", route.NO_DOMAIN),
        ("dead.example", route.NO_HOST),
        ("inward.example", route.NO_HOST),
        ("local.example", route.NO_HOST),
        ("[127.0.0.1]", route.NO_HOST),
        ("[IPv6:::1]", route.NO_HOST),
        ("silent.example", route.NO_ANSWER),
        ("broken.example", route.NO_ANSWER),
        ("half.example", route.NO_ANSWER),
        ("circle.example", route.LOOP),
    ],
)
def test_where_no_way_leads_it_is_said_why(domain: str, reply: object) -> None:
    with pytest.raises(Unroutable) as fault:
        hops(domain)
    assert reply == fault.value.reply


def test_only_hosts_that_are_better_than_we_are_get_mail_from_us() -> None:
    assert ["2620:fe::fe", PUBLIC] == addresses("second.example")


def test_no_domain_leads_into_our_own_network_unless_we_say_so() -> None:
    assert ["10.0.0.1"] == addresses("inward.example", ["10.0.0.0/8"])


def test_a_smart_host_takes_all_and_nowhere_takes_nothing() -> None:
    smart = SmartHost("smart.example", 587)
    assert smart.destination("a.example") == smart.destination("b.example")
    assert [Hop("smart.example", "smart.example", 587)] == [*asyncio.run(smart.hops("x"))]
    with pytest.raises(Unroutable):
        asyncio.run(Nowhere().hops("a.example"))
