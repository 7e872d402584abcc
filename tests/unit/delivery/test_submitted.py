"""A message that one of our users hands over: who may, what is refused, and what is written then."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Sequence

import pytest

from posthouse.capabilities.submission import letter, outbox
from posthouse.capabilities.submission.letter import Letter
from posthouse.delivery.keep import Keeper
from posthouse.delivery.reply import (
    ACCEPTED,
    FULL,
    LOOP,
    MALFORMED,
    NOT_YOURS,
    QUEUED,
    SIGN_IN_AGAIN,
    UNKNOWN,
)
from posthouse.delivery.submitted import Office, Submissions
from posthouse.model.caller import Caller
from posthouse.proto.smtp.address import Address
from posthouse.proto.smtp.event import MailFrom, RcptTo
from posthouse.proto.smtp.peer import Peer
from posthouse.proto.smtp.reply import Reply
from postoffice.office import HOST, PostOffice

ADA, BOB = "ada@near.example", "bob@near.example"
FAR = "ann@far.example"
DATA = b"From: <ada@near.example>\r\nSubject: x\r\n\r\nHow are you?\r\n"
PEER = Peer(
    role="submission",
    address="192.0.2.1",
    port=1,
    hello="[192.0.2.1]",
    extended=True,
    tls="TLSv1.3",
    authenticated=True,
)


class Body:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)

    def read(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


@pytest.fixture
def town(office: PostOffice) -> PostOffice:
    for name in (ADA, BOB):
        office.app.people.add(name, "a password")
    return office


def address(text: str) -> Address:
    local, _, domain = text.rpartition("@")
    return Address(local, domain)


def caller_of(town: PostOffice, name: str) -> Caller:
    found = asyncio.run(town.app.sign_in.basic(name, "a password", "192.0.2.1"))
    assert found is not None
    return found


def submitted(
    town: PostOffice,
    data: bytes = DATA,
    recipients: Sequence[RcptTo] = (RcptTo(address(BOB)),),
    sender: MailFrom = MailFrom(address(ADA)),  # noqa: B008  it cannot change
    caller: Caller | None = None,
) -> list[Reply]:
    """Hand a message over; give the replies to its recipients and then to the message."""
    caller = caller or caller_of(town, ADA)

    async def run() -> list[Reply]:
        app = town.app
        office = Office(
            store=app.store,
            keeper=Keeper(app.blobs, town.pool),
            acceptance=town.acceptance,
            current=app.sign_in.current,
            addresses=app.addresses.keys,
            host=HOST,
        )
        begun = await Submissions(office).begin(PEER, caller, sender)
        if isinstance(begun, Reply):
            return [begun]
        taken = [await begun.recipient(one) for one in recipients]
        return [*taken, *await begun.message(Body(data))]

    return asyncio.run(run())


def letters(town: PostOffice) -> list[Letter]:
    return town.write(ADA, lambda txn: [letter.of(job) for job in txn.jobs(letter.KIND)])


def test_a_message_is_filed_and_queued_with_what_it_lacked(town: PostOffice) -> None:
    recipients = [RcptTo(address(BOB), frozenset(["SUCCESS", "DELAY"]), "rfc822;bob@x"), RcptTo(address(FAR))]
    sender = MailFrom(address("Ada+x@Near.example"), ret="HDRS", envid="e 1")
    assert [ACCEPTED, ACCEPTED, QUEUED] == submitted(town, recipients=recipients, sender=sender)
    [sent] = town.emails(ADA)
    assert (["Sent"], {"$seen": True}) == (sent["in"], sent["keywords"])
    assert sent["raw"].endswith(DATA) and sent["sentAt"] is not None
    [message_id] = sent["messageId"]
    assert message_id.endswith("@" + HOST)
    [found] = letters(town)
    assert ("Ada+x@Near.example", "HDRS", "e 1") == (found.mail_from, found.ret, found.envid)
    assert [(BOB, ["DELAY", "SUCCESS"], "rfc822;bob@x"), (FAR, None, None)] == [
        (one.email, one.notify, one.original) for one in found.recipients
    ]
    assert ["Received"] == list(found.fields)
    assert found.fields["Received"].startswith(f"from [192.0.2.1] ([192.0.2.1])\r\n\tby {HOST} with ESMTPSA;")


def test_the_same_bytes_are_filed_once_and_sent_each_time(town: PostOffice) -> None:
    whole = b"Date: Mon, 1 Jan 2024 00:00:00 +0000\r\nMessage-ID: <1@x>\r\n" + DATA
    for _ in range(2):
        assert QUEUED == submitted(town, whole)[-1]
    assert [whole] == [one["raw"] for one in town.emails(ADA)]
    assert 2 == len(letters(town))


@pytest.mark.parametrize("name", [BOB, "ada@far.example", "adam@near.example"])
def test_nobody_sends_as_another(town: PostOffice, name: str) -> None:
    assert [NOT_YOURS] == submitted(town, sender=MailFrom(address(name)))
    forged = DATA.replace(ADA.encode(), name.encode())
    assert (550, "5.7.1") == submitted(town, forged)[-1][:2]
    assert [] == town.emails(ADA)
    assert [] == letters(town)


def test_an_alias_is_ones_own_until_it_goes(town: PostOffice) -> None:
    town.app.aliases.add("info@near.example", ADA)
    as_info = DATA.replace(b"ada@", b"info@")
    assert QUEUED == submitted(town, as_info)[-1]
    town.app.aliases.remove("info@near.example")
    assert 550 == submitted(town, as_info)[-1].code


def test_recipients_that_can_be_none_are_refused_at_once(town: PostOffice) -> None:
    recipients = [
        RcptTo(address("x@near.example")),
        RcptTo(Address("postmaster", "")),
        RcptTo(address("a@b_c")),
    ]
    assert [UNKNOWN, MALFORMED, MALFORMED] == submitted(town, recipients=recipients)[:-1]


def test_what_signed_in_and_is_good_no_more_sends_nothing(town: PostOffice) -> None:
    caller = caller_of(town, ADA)
    town.app.people.set_password(ADA, "another one")
    assert [SIGN_IN_AGAIN] == submitted(town, caller=caller)


def test_a_message_that_came_through_many_hosts_goes_no_further(town: PostOffice) -> None:
    assert LOOP == submitted(town, b"Received: x\r\n" * 51 + DATA)[-1]


def test_who_has_too_much_waiting_waits(town: PostOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MOST_QUEUED", 1)
    assert [ACCEPTED, QUEUED] == submitted(town)
    assert (452, "4.3.1") == submitted(town)[-1][:2]
    assert 1 == len(town.emails(ADA))


def test_a_parameter_that_cannot_be_sent_on_is_named(town: PostOffice) -> None:
    recipients = [RcptTo(address(BOB), orcpt="rfc822;b b")]
    assert (501, "5.5.4") == submitted(town, recipients=recipients)[-1][:2]


def test_a_full_disk_is_said_and_nothing_stays(town: PostOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(outbox, "submit", full)
    assert FULL == submitted(town)[-1]
    assert [] == town.emails(ADA)
    assert [] == letters(town)


def test_what_is_held_is_due_when_its_sender_said(town: PostOffice) -> None:
    assert QUEUED == submitted(town, sender=MailFrom(address(ADA), hold_for=3600))[-1]
    until = letters(town)[0].arrived + 7200
    assert QUEUED == submitted(town, sender=MailFrom(address(ADA), hold_until=until))[-1]
    first, second = letters(town)
    assert ("for;3600", 3600) == (first.hold, first.released - first.arrived)
    assert until == second.released
