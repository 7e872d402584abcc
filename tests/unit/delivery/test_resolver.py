"""The way to the DNS, asked of a real nameserver on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from dns.rdatatype import RdataType
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.TLSA import TLSA
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.delivery import resolver
from posthouse.delivery.resolver import Reply, Resolver
from posthouse.proto.mailauth.dns import Answer, Question, Status
from wire.nameserver import GARBAGE, SERVFAIL, SILENCE, Nameserver, Zone, nameserver

ZONE: Zone = {
    "example.org": [
        'TXT "v=spf1 " "-all"',
        'TXT "other"',
        "A 192.0.2.1",
        "AAAA 2001:db8::1",
        "MX 20 b.example.org.",
        "MX 10 c.example.org.",
    ],
    "nomail.example.org": ["MX 0 ."],
    "odd.example.org": [r"MX 1 a\032b.example.org."],
    "_25._tcp.example.org": ["TLSA 3 1 1 " + "ab" * 32],
    "1.2.0.192.in-addr.arpa": ["PTR mx.example.org."],
    "alias.example.org": ["CNAME example.org"],
    "loop.example.org": ["CNAME pool.example.org"],
    "pool.example.org": ["CNAME loop.example.org"],
    **{f"c{n}.example.org": [f"CNAME c{n + 1}.example.org"] for n in range(40)},
    "c40.example.org": ["A 192.0.2.1"],
    "long.example.org": [f'TXT "{chr(97 + n % 26) * 250}"' for n in range(20)],
    "many.example.org": [f"A 10.0.{n // 256}.{n % 256}" for n in range(1000)],
    "silent.example.org": [SILENCE],
    "broken.example.org": [SERVFAIL],
    "garbage.example.org": [GARBAGE],
}
Found = TypeVar("Found")


def run(
    act: Callable[[Resolver, Nameserver], Awaitable[Found]], zone: Zone = ZONE, patience: float = 5.0
) -> Found:
    async def go() -> Found:
        async with nameserver(zone) as server:
            return await act(Resolver([server.address], patience=patience), server)

    return asyncio.run(go())


def ask(name: str, kind: str, patience: float = 5.0) -> Answer:
    return run(lambda asks, _: asks.answer(Question(name, kind)), patience=patience)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "kind", "values"),
    [
        ("example.org", "TXT", ("v=spf1 -all", "other")),
        ("Example.ORG.", "A", ("192.0.2.1",)),
        ("example.org", "AAAA", ("2001:db8::1",)),
        ("example.org", "MX", ("c.example.org", "b.example.org")),
        ("1.2.0.192.in-addr.arpa", "PTR", ("mx.example.org",)),
        ("alias.example.org", "A", ("192.0.2.1",)),
    ],
)
def test_records_are_found(name: str, kind: str, values: tuple[str, ...]) -> None:
    found = ask(name, kind)
    assert (Status.FOUND, sorted(values)) == (found.status, sorted(found.values))


def test_mail_exchangers_come_with_the_best_first() -> None:
    assert ("c.example.org", "b.example.org") == ask("example.org", "MX").values


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("none.example.org", "TXT"),
        ("nomail.example.org", "A"),
        ("nomail.example.org", "MX"),
        ("odd.example.org", "MX"),
        ("", "A"),
        (".", "A"),
        ("a..example.org", "A"),
        ("x" * 64 + ".example.org", "A"),
        ("x." * 127 + "org", "A"),
        ("\udcff.example.org", "A"),
        ("no such\0name\\.\u00e9.example.org", "A"),
    ],
)
def test_nothing_is_found(name: str, kind: str) -> None:
    assert Answer(Status.NOTHING) == ask(name, kind)


@pytest.mark.parametrize("name", ["silent", "broken", "garbage", "loop", "c0"])
def test_what_gives_no_answer_fails_within_patience(name: str) -> None:
    """A chain of aliases counts, if it leads nowhere or is too long."""
    assert Status.FOUND is not ask(f"{name}.example.org", "A", patience=0.3).status


@pytest.mark.parametrize("name", ["silent", "broken", "garbage"])
def test_a_failure_is_told_from_nothing(name: str) -> None:
    assert Answer(Status.FAILED) == ask(f"{name}.example.org", "A", patience=0.3)


def test_a_server_that_is_not_there_fails() -> None:
    async def go() -> Answer:
        async with nameserver({}) as server:
            gone = server.address
        return await Resolver([gone], patience=0.5).answer(Question("example.org", "A"))

    assert Answer(Status.FAILED) == asyncio.run(go())


def test_the_second_server_is_asked_if_the_first_is_not_there() -> None:
    async def go() -> Answer:
        async with nameserver({}) as other:
            gone = other.address
        async with nameserver(ZONE) as server:
            return await Resolver([gone, server.address]).answer(Question("example.org", "A"))

    assert Answer(Status.FOUND, ("192.0.2.1",)) == asyncio.run(go())


def test_long_answers_come_over_tcp() -> None:
    async def act(asks: Resolver, server: Nameserver) -> tuple[int, int]:
        found = await asks.answer(Question("long.example.org", "TXT"))
        return len(found.values), server.over_tcp

    assert (20, 1) == run(act)


def test_only_so_many_records_are_kept() -> None:
    assert resolver.MAX_RECORDS == len(ask("many.example.org", "A").values)


def test_answers_are_remembered_whatever_they_are() -> None:
    names = ["example.org", "EXAMPLE.org.", "none.example.org", "broken.example.org"]

    async def act(asks: Resolver, server: Nameserver) -> bool:
        first = [await asks.answer(Question(name, "A")) for name in names]
        asked = server.asked.copy()
        return first == [await asks.answer(Question(name, "A")) for name in names] and asked == server.asked

    assert run(act, patience=1.0)


def test_an_answer_is_not_remembered_for_longer_than_it_allows() -> None:
    async def act(asks: Resolver, server: Nameserver) -> int:
        server.ttl = 0
        for _ in range(3):
            await asks.answer(Question("example.org", "A"))
        return server.asked["A example.org"]

    assert 3 == run(act)


def test_large_answers_are_not_remembered() -> None:
    async def act(asks: Resolver, server: Nameserver) -> int:
        for _ in range(2):
            await asks.answer(Question("many.example.org", "A"))
        return server.over_tcp

    assert 2 == run(act)


def test_memory_is_bounded_and_forgets_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver, "MAX_REMEMBERED", 3)

    async def act(asks: Resolver, server: Nameserver) -> tuple[int, int]:
        for name in ("c40", "a", "b", "c", "c", "c40"):
            await asks.answer(Question(f"{name}.example.org", "A"))
        return server.asked["A c.example.org"], server.asked["A c40.example.org"]

    assert (1, 2) == run(act)


def test_other_rooms_get_records_as_they_are_and_whether_they_are_proved() -> None:
    async def act(asks: Resolver, server: Nameserver) -> tuple[Reply, Reply]:
        plain = await asks.look_up("example.org", RdataType.MX)
        server.authentic = True
        return plain, await asks.look_up("_25._tcp.example.org", RdataType.TLSA)

    plain, proved = run(act)
    assert {10, 20} == {each.preference for each in plain.records if isinstance(each, MX)}
    assert (False, True) == (plain.secure, proved.secure)
    [record] = proved.records
    assert isinstance(record, TLSA)


def test_many_questions_at_once_are_answered() -> None:
    zone = {f"h{n}.example.org": ["A 192.0.2.1"] for n in range(500)}

    async def act(asks: Resolver, server: Nameserver) -> set[Answer]:
        return set(await asyncio.gather(*(asks.answer(Question(name, "A")) for name in zone)))

    assert {Answer(Status.FOUND, ("192.0.2.1",))} == run(act, zone)


@settings(max_examples=30)
@given(st.lists(st.binary(max_size=60), min_size=1, max_size=3))
def test_any_datagram_of_a_server_is_survived(replies: list[bytes]) -> None:
    class Liar(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.DatagramTransport) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            for reply in replies:
                self.transport.sendto(data[:2] + reply, addr)

    async def go() -> Status:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(Liar, local_addr=("127.0.0.1", 0))
        port = transport.get_extra_info("sockname")[1]
        found = await Resolver([("127.0.0.1", port)], patience=0.05).answer(Question("example.org", "A"))
        transport.close()
        return found.status

    assert asyncio.run(go()) in {Status.FAILED, Status.NOTHING}
