"""A message as the edge hands it over: from sender to replies."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from ipaddress import ip_network

import pytest

from posthouse.delivery.reception import Reception
from posthouse.delivery.reply import ACCEPTED, DELIVERED, NO_RELAY, UNKNOWN
from posthouse.proto.smtp.address import Address
from posthouse.proto.smtp.event import MailFrom, RcptTo
from posthouse.proto.smtp.peer import Peer, Role
from posthouse.proto.smtp.reply import Reply
from postoffice.office import PostOffice

ADA, BOB = "ada@near.example", "bob@near.example"
RELAYS = [ip_network("198.51.100.0/24")]


class Body:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)

    def read(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


def peer(role: Role, address: str) -> Peer:
    return Peer(
        role=role,
        address=address,
        port=1,
        hello="mx.far.example",
        extended=True,
        tls="",
        authenticated=False,
    )


@pytest.fixture
def town(office: PostOffice) -> PostOffice:
    for name in (ADA, BOB):
        office.app.people.add(name, None)
    return office


def spoken(
    office: PostOffice,
    role: Role,
    address: str,
    recipients: Sequence[str],
    data: bytes = b"Subject: x\r\n\r\n",
) -> list[Reply]:
    """Hand a message over, and give the replies to its recipients and then to the message."""

    async def run() -> list[Reply]:
        reception = Reception(office.acceptance, office.deliverer(), RELAYS)
        begun = await reception.begin(peer(role, address), None, MailFrom(Address("ann", "far.example")))
        if isinstance(begun, Reply):
            return [begun]
        taken = [await begun.recipient(RcptTo(Address(*one.split("@")))) for one in recipients]
        return [*taken, *await begun.message(Body(data))]

    return asyncio.run(run())


def test_each_recipient_that_was_taken_has_a_reply(town: PostOffice) -> None:
    replies = spoken(town, "smtp", "192.0.2.1", [ADA, "x@near.example", BOB])
    assert [ACCEPTED, UNKNOWN, ACCEPTED, DELIVERED, DELIVERED] == replies
    [found] = town.emails(ADA)
    assert (
        b"\r\nReceived: from mx.far.example ([192.0.2.1])\r\n\tby mx.near.example with ESMTP " in found["raw"]
    )
    assert found["raw"].startswith(b"Return-Path: <ann@far.example>\r\n")


def test_a_large_message_is_whole(town: PostOffice) -> None:
    data = b"Subject: x\r\n\r\n" + b"0123456789abcde\r\n" * 100_000
    assert DELIVERED == spoken(town, "smtp", "192.0.2.1", [ADA], data)[-1]
    assert town.emails(ADA)[0]["raw"].endswith(data)


@pytest.mark.parametrize(
    ("address", "is_ours"),
    [("", True), ("127.0.0.1", True), ("::1", True), ("198.51.100.7", True), ("192.0.2.1", False)],
)
def test_only_our_own_hand_over_by_lmtp(town: PostOffice, address: str, is_ours: bool) -> None:
    assert ([ACCEPTED, DELIVERED] if is_ours else [NO_RELAY]) == spoken(town, "lmtp", address, [ADA])
