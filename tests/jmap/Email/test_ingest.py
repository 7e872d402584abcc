"""How messages become Emails beside JMAP: for the importer and for delivery (DESIGN D17)."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from mailroom.room import Room, message
from posthouse.capabilities.mail import birth, ingest, threads
from posthouse.capabilities.mail.email import email
from posthouse.capabilities.mail.ingest import Filing, Found, Prepared
from posthouse.capabilities.mail.mailbox import DEEPEST, mailbox
from posthouse.capabilities.mail.thread import MOST_EMAILS


def prepared(data: bytes) -> Prepared:
    return ingest.digest(data, hashlib.sha256(data).digest())


def filing(room: Room, data: bytes, *roles: str, **values: Any) -> Filing:
    boxes = {mailbox.local(room.role[role]) for role in roles or ("inbox",)}
    plain = {"keywords": frozenset(), "received_at": 1_700_000_000} | values
    return Filing(prepared(data), frozenset(box for box in boxes if box is not None), **plain)


def boxes_of(room: Room, id: str) -> set[str]:
    return set(room.one("Email", id, "mailboxIds")["mailboxIds"])


def test_the_same_bytes_in_the_same_mailbox_are_one_email(room: Room) -> None:
    one = filing(room, message())
    assert [Found.NEW, Found.THERE] == room.write(lambda txn: ingest.merge(txn, [one, one]))
    assert [Found.THERE] == room.write(lambda txn: ingest.merge(txn, [one]))
    assert 1 == len(room.found("Email"))
    room.check_counts()


def test_in_a_second_mailbox_the_same_email_gains_it(room: Room) -> None:
    room.write(lambda txn: ingest.merge(txn, [filing(room, message())]))
    again = filing(room, message(), "inbox", "archive")
    assert [Found.ELSEWHERE] == room.write(lambda txn: ingest.merge(txn, [again]))
    assert [Found.THERE] == room.write(lambda txn: ingest.merge(txn, [again]))
    [id] = room.found("Email")
    assert {room.role["inbox"], room.role["archive"]} == boxes_of(room, id)
    room.check_counts()


def test_an_email_made_and_given_a_mailbox_in_one_unit_is_counted_right(room: Room) -> None:
    many = [filing(room, message()), filing(room, message(), "archive"), filing(room, message("Other"))]
    found = room.write(lambda txn: ingest.merge(txn, many))
    assert [Found.NEW, Found.ELSEWHERE, Found.NEW] == found
    room.check_counts()


def test_a_source_is_threaded_whatever_its_order(room: Room) -> None:
    """The message that links two halves of a conversation comes last (DESIGN D17)."""
    source = [
        message("Plan", id="1@x"),
        message("Re: Plan", id="2@x"),
        message("Re: Plan", id="3@x", References="<1@x> <2@x>"),
        message("Party", id="4@x", References="<1@x>"),
    ]
    grouping = threads.Grouping()
    keys = [prepared(data).keys for data in source]
    for one in keys:
        grouping.add(one)
    for data, one in zip(source, keys, strict=True):
        filed = filing(room, data, source_key=grouping.key(one))
        room.write(lambda txn, filed=filed: ingest.merge(txn, [filed]))
    found = room.ask("Email/get", properties=["threadId"])["list"]
    first, second, third, other = [one["threadId"] for one in found]
    assert first == second == third != other
    room.check_counts()


def test_a_thread_has_an_end(room: Room) -> None:
    many = [
        filing(room, message("Plan", id=f"{number}@x", refers="0@x")) for number in range(MOST_EMAILS + 5)
    ]
    for at in range(0, len(many), 100):
        room.write(lambda txn, at=at: ingest.file(txn, many[at : at + 100]))
    sizes = sorted(len(one["emailIds"]) for one in room.ask("Thread/get")["list"])
    assert [5, MOST_EMAILS] == sizes


def test_a_message_without_a_text_has_what_can_be_said_of_it() -> None:
    found = prepared(b"")
    assert ("", False, 0) == (found.values["preview"], found.values["hasAttachment"], found.values["size"])
    assert ([], None) == (found.keys, found.received_at)


@pytest.mark.parametrize("depth", [1, 3, DEEPEST, DEEPEST + 10])
def test_a_path_of_mailboxes_is_made_once(room: Room, depth: int) -> None:
    path = [f"level {level}" for level in range(depth)]
    first = room.write(lambda txn: birth.ensure(txn, path))
    assert first == room.write(lambda txn: birth.ensure(txn, path))
    assert min(depth, DEEPEST) == len(room.found("Mailbox")) - len(room.role)


def test_a_role_finds_its_mailbox_whatever_the_name(room: Room) -> None:
    found = room.write(lambda txn: birth.ensure(txn, ("Papierkorb",), "trash"))
    assert room.role["trash"] == mailbox.wire(found)


def test_what_is_deleted_holds_its_bytes_no_longer(room: Room) -> None:
    data = message()
    id = room.imported(data)
    digest = hashlib.sha256(data).digest()
    assert [email.local(id)] == room.read(lambda txn: txn.blob_holders(digest, email))
    room.ask("Email/set", destroy=[id])
    assert [] == room.read(lambda txn: txn.blob_holders(digest, email))
