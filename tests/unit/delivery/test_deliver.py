"""A message into the accounts of its recipients, and what its sender is told."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from posthouse.capabilities.mail import ingest
from posthouse.capabilities.mail.ingest import Filing
from posthouse.capabilities.mail.mailbox import mailbox, with_role
from posthouse.capabilities.mail.upkeep import Moved
from posthouse.delivery.judge import Verdict
from posthouse.delivery.received import Envelope
from posthouse.delivery.reply import DELIVERED, FULL, LOOP, TROUBLE, UNKNOWN
from posthouse.model.ports import Txn
from posthouse.proto.smtp.reply import Reply
from posthouse.store.txn import Transaction
from postoffice.office import FROM_FAR, PostOffice

MESSAGE = b"From: Ann <ann@far.example>\r\nSubject: Hello\r\n\r\nA short text.\r\n"
ADA, BOB = "ada@near.example", "bob@near.example"


@pytest.fixture
def town(office: PostOffice) -> PostOffice:
    for name in (ADA, BOB):
        office.app.people.add(name, None)
    office.app.aliases.add("info@near.example", ADA)
    return office


@dataclass
class Stern:
    """A judge of one opinion."""

    verdict: Verdict

    async def judge(self, envelope: Envelope, data: bytes) -> Verdict:
        assert MESSAGE == data
        return self.verdict


def test_a_message_is_in_the_inbox_unread_behind_its_trace(town: PostOffice) -> None:
    assert [DELIVERED] == town.deliver(MESSAGE, ADA)
    [found] = town.emails(ADA)
    assert (["Inbox"], {}, "Hello") == (found["in"], found["keywords"], found["subject"])
    before, mark, after = found["raw"].partition(b"From: Ann")
    assert MESSAGE == mark + after
    assert before.startswith(b"Return-Path: <ann@far.example>\r\nDelivered-To: ada@near.example\r\n")
    assert [] == town.emails(BOB)


def test_several_accounts_get_it_each_and_none_is_told_of_the_others(town: PostOffice) -> None:
    assert [DELIVERED] * 2 == town.deliver(MESSAGE, ADA, BOB)
    [one], [other] = town.emails(ADA), town.emails(BOB)
    assert one["blobId"] == other["blobId"]
    assert b"near.example;" not in one["raw"]
    assert b"bob" not in one["raw"]


def test_an_account_gets_one_copy_for_all_of_its_addresses(town: PostOffice) -> None:
    assert [DELIVERED] * 4 == town.deliver(MESSAGE, ADA, "info@near.example", "ada+x@near.example", ADA)
    assert 1 == len(town.emails(ADA))


def test_many_at_once_are_each_there(town: PostOffice) -> None:
    town.deliver(MESSAGE, ADA, BOB, times=120)
    assert [120, 120] == [len(town.emails(name)) for name in (ADA, BOB)]


def test_junk_goes_to_junk(town: PostOffice) -> None:
    town.judge = Stern(Verdict(is_junk=True, fields=b"X-Verdict: bad\r\n"))
    assert [DELIVERED] == town.deliver(MESSAGE, ADA)
    [found] = town.emails(ADA)
    assert ["Junk"] == found["in"]
    assert b"\r\nX-Verdict: bad\r\nReceived: " in found["raw"]


def test_what_a_judge_refuses_is_refused_to_all(town: PostOffice) -> None:
    refusal = Reply(550, "5.7.1", "no")
    town.judge = Stern(Verdict(refusal=refusal))
    assert [refusal] * 2 == town.deliver(MESSAGE, ADA, BOB)
    assert [] == town.emails(ADA)


def test_what_a_trusted_mta_hands_over_is_not_judged(town: PostOffice) -> None:
    town.judge = Stern(Verdict(refusal=Reply(550, "5.7.1", "no")))
    assert [DELIVERED] == town.deliver(MESSAGE, ADA, envelope=replace(FROM_FAR, is_trusted=True))


@pytest.mark.parametrize("role", ["inbox", "junk"])
def test_a_mailbox_that_was_destroyed_is_made_again(town: PostOffice, role: str) -> None:
    def destroy(txn: Transaction) -> None:
        found = with_role(txn, role)
        assert found is not None
        txn.delete(mailbox, found)

    town.write(ADA, destroy)
    town.judge = Stern(Verdict(is_junk=role == "junk"))
    assert [DELIVERED] == town.deliver(MESSAGE, ADA)
    made = town.write(ADA, lambda txn: with_role(txn, role))
    [found] = town.emails(ADA)
    assert [mailbox.wire(made or 0)] == [*found["mailboxIds"]]


def test_what_goes_round_in_circles_is_refused(town: PostOffice) -> None:
    hop = b"Received: from a by b\r\n"
    assert [LOOP] == town.deliver(hop * 51 + MESSAGE, ADA)
    assert [DELIVERED] == town.deliver(hop * 50 + MESSAGE, ADA)
    assert 1 == len(town.emails(ADA))


def test_who_had_it_before_does_not_get_it_again(town: PostOffice) -> None:
    again = b"Delivered-To: ADA@near.example\r\n" + MESSAGE
    assert [LOOP, DELIVERED] == town.deliver(again, ADA, BOB)
    assert ([], 1) == (town.emails(ADA), len(town.emails(BOB)))
    assert [LOOP] == town.deliver(again, ADA)


def test_an_account_that_was_removed_meanwhile_is_unknown_and_nothing_of_it_comes_back(
    town: PostOffice,
) -> None:
    targets = [town.target(ADA), town.target(BOB)]
    town.app.people.remove(ADA)
    assert [UNKNOWN, DELIVERED] == town.deliver(MESSAGE, *targets)
    assert 1 == len(town.emails(BOB))


@pytest.mark.parametrize(
    ("fault", "reply"),
    [(OSError(errno.ENOSPC, "full"), FULL), (OSError(errno.EIO, "x"), TROUBLE), (ValueError(), TROUBLE)],
)
def test_a_disk_that_fails_is_told_of_and_nothing_is_there(
    town: PostOffice, monkeypatch: pytest.MonkeyPatch, fault: Exception, reply: Reply
) -> None:
    def put_many(items: Sequence[bytes], until: int) -> list[bytes]:
        raise fault

    with monkeypatch.context() as context:
        context.setattr(town.app.blobs, "put_many", put_many)
        assert [reply] == town.deliver(MESSAGE, ADA)
    assert [DELIVERED] == town.deliver(MESSAGE, ADA)
    assert 1 == len(town.emails(ADA))


def test_a_message_too_large_for_the_disk_keeps_no_other_out(
    town: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_many = town.app.blobs.put_many
    batches: list[int] = []

    def put_small(items: Sequence[bytes], until: int) -> list[bytes]:
        batches.append(len(items))
        if len(items) > 1:
            raise OSError(errno.ENOSPC, "full")
        return put_many(items, until)

    monkeypatch.setattr(town.app.blobs, "put_many", put_small)
    assert [DELIVERED] == town.deliver(MESSAGE, ADA, times=9)
    assert max(batches) > 1
    assert 9 == len(town.emails(ADA))


def test_a_message_that_cannot_be_filed_keeps_no_other_out(
    town: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, batches = ingest.file, []

    def file_few(txn: Txn, filings: Sequence[Filing]) -> list[Moved]:
        batches.append(len(filings))
        if len(filings) > 1:
            raise ValueError("one of them")
        return file(txn, filings)

    monkeypatch.setattr(ingest, "file", file_few)
    assert [DELIVERED] == town.deliver(MESSAGE, ADA, times=9)
    assert max(batches) > 1
    assert 9 == len(town.emails(ADA))
