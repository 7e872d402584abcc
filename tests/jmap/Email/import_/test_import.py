"""Email/import (RFC 8621 §4.8)."""

from __future__ import annotations

from typing import Any

import pytest

from bakery.kitchen import STORES
from mailroom.room import Room, message
from posthouse.kit.limits import Limits


def test_created_tells_id_blob_thread_and_size(room: Room) -> None:
    data = message(Received="from a by b; Tue, 2 Jan 2024 10:00:00 +0000")
    blob = room.upload(data)
    answered = room.ask(
        "Email/import", emails={"k": {"blobId": blob, "mailboxIds": {room.role["inbox"]: True}}}
    )
    created = answered["created"]["k"]
    assert {"id", "blobId", "threadId", "size"} == created.keys()
    assert (blob, len(data)) == (created["blobId"], created["size"])
    assert answered["notCreated"] is None
    assert answered["oldState"] != answered["newState"] == room.state("Email")
    found = room.one("Email", created["id"], "receivedAt", "keywords")
    assert ("2024-01-02T10:00:00Z", {}) == (found["receivedAt"], found["keywords"])


def test_the_bytes_come_back_as_they_were(room: Room) -> None:
    data = b"From: a@b\nSubject: bare line feeds\n\nx\0y\xff"
    assert data == room.bytes_of(room.one("Email", room.imported(data), "blobId")["blobId"])


def test_the_same_bytes_twice_are_two_emails(room: Room) -> None:
    first, second = room.imported_all([message(), message()])
    assert first != second
    room.ask("Email/set", update={first: {"keywords/$seen": True}})
    assert {} == room.one("Email", second, "keywords")["keywords"]
    room.check_counts()


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({"blobId": "b" + "A" * 43}, ["blobId"]),
        ({"blobId": "nothing"}, ["blobId"]),
        ({"blobId": None}, ["blobId"]),
        ({"mailboxIds": {}}, ["mailboxIds"]),
        ({"mailboxIds": {"m999": True}}, ["mailboxIds"]),
        ({"mailboxIds": {"e1": True}}, ["mailboxIds"]),
        ({"mailboxIds": {"m1": False}}, ["mailboxIds"]),
        ({"keywords": {"a b": True}}, ["keywords"]),
        ({"receivedAt": "soon"}, ["receivedAt"]),
        ({"unknown": 1}, ["unknown"]),
    ],
)
def test_what_is_wrong_is_named(room: Room, values: dict[str, Any], wrong: list[str]) -> None:
    plain = {"blobId": room.upload(message()), "mailboxIds": {room.role["inbox"]: True}}
    error = room.refused("Email/import", "emails", {"k": plain | values})
    assert ("invalidProperties", wrong) == (error["type"], error["properties"])


def test_too_many_keywords_are_refused(room: Room) -> None:
    many = {f"k{number}": True for number in range(257)}
    plain = {"blobId": room.upload(message()), "mailboxIds": {room.role["inbox"]: True}}
    assert (
        "tooManyKeywords" == room.refused("Email/import", "emails", {"k": plain | {"keywords": many}})["type"]
    )


def test_what_is_missing_is_named(room: Room) -> None:
    error = room.refused("Email/import", "emails", {"k": {}})
    assert ["blobId", "mailboxIds"] == error["properties"]


def test_one_that_fails_leaves_the_others_alone(room: Room) -> None:
    good = {"blobId": room.upload(message()), "mailboxIds": {room.role["inbox"]: True}}
    answered = room.ask("Email/import", emails={"good": good, "bad": good | {"blobId": "b"}})
    assert (["good"], ["bad"]) == (list(answered["created"]), list(answered["notCreated"]))


def test_another_state_refuses_all(room: Room) -> None:
    good = {"blobId": room.upload(message()), "mailboxIds": {room.role["inbox"]: True}}
    assert "stateMismatch" == room.refusal("Email/import", emails={"k": good}, ifInState="zz")["type"]
    assert [] == room.found("Email")


def test_an_account_that_is_read_only_stays_as_it_is(room: Room) -> None:
    assert "accountReadOnly" == room.refusal("Email/import", accountId="a3", emails={})["type"]


def test_too_many_are_refused(tmp_path: Any) -> None:
    for name, open_store in STORES.items():
        room = Room(open_store, tmp_path / name, limits=Limits(max_objects_in_set=2))
        assert "requestTooLarge" == room.refusal("Email/import", emails={key: {} for key in "abc"})["type"]
        room.close()


def test_a_creation_id_names_a_mailbox_and_then_the_email(room: Room) -> None:
    blob = room.upload(message())
    answered = room.responses(
        ("Mailbox/set", {"create": {"box": {"name": "new"}}}),
        ("Email/import", {"emails": {"mail": {"blobId": blob, "mailboxIds": {"#box": True}}}}),
        ("Email/set", {"update": {"#mail": {"keywords/$seen": True}}}),
    )
    assert answered[1][1]["notCreated"] is None
    assert [answered[1][1]["created"]["mail"]["id"]] == list(answered[2][1]["updated"])


def test_an_attached_message_can_be_imported(room: Room) -> None:
    inner = message("Inner")
    outer = room.created(attachments=[{"blobId": room.upload(inner), "type": "message/rfc822"}])
    [part] = room.one("Email", outer, "attachments")["attachments"]
    emails = {"k": {"blobId": part["blobId"], "mailboxIds": {room.role["inbox"]: True}}}
    created = room.ask("Email/import", emails=emails)["created"]["k"]
    assert inner == room.bytes_of(created["blobId"])
