"""A visitor's Emails join the conversations that he sees, and tell him of no other (RFC 8621 §3, issue 4)."""

from __future__ import annotations

from posthouse.kit.json import JsonObject
from village.village import ANNA, BOB, Village, wire

HERS = wire(ANNA)
RIGHTS = ("mayReadItems", "mayAddItems")


def thread_of(village: Village, id: str) -> JsonObject:
    [email] = village.ask(ANNA, "Email/get", HERS, ids=[id], properties=["threadId"])["list"]
    [thread] = village.ask(ANNA, "Thread/get", HERS, ids=[email["threadId"]])["list"]
    return dict(thread)


def test_a_reply_to_a_hidden_message_begins_a_thread(village: Village, boxes: dict[str, str]) -> None:
    village.share(ANNA, "Mailbox", boxes["inbox"], BOB, *RIGHTS)
    hidden = village.mailed(ANNA, HERS, boxes["archive"], subject="plan", messageId=["one@x.example"])
    reply = village.mailed(BOB, HERS, boxes["inbox"], subject="Re: plan", inReplyTo=["one@x.example"])
    assert [hidden] == thread_of(village, hidden)["emailIds"]
    assert [reply] == thread_of(village, reply)["emailIds"]


def test_an_imported_reply_to_a_hidden_message_begins_a_thread(
    village: Village, boxes: dict[str, str]
) -> None:
    village.share(ANNA, "Mailbox", boxes["inbox"], BOB, *RIGHTS)
    hidden = village.mailed(ANNA, HERS, boxes["archive"], subject="plan", messageId=["one@x.example"])
    blob = village.upload(BOB, HERS, b"Subject: Re: plan\r\nReferences: <one@x.example>\r\n\r\nhello\r\n")
    email = {"blobId": blob, "mailboxIds": {boxes["inbox"]: True}}
    made = village.ask(BOB, "Email/import", HERS, emails={"k": email})["created"]["k"]
    assert made["threadId"] != thread_of(village, hidden)["id"]


def test_a_reply_to_a_message_that_is_seen_joins_its_thread(village: Village, boxes: dict[str, str]) -> None:
    village.share(ANNA, "Mailbox", boxes["inbox"], BOB, *RIGHTS)
    seen = village.mailed(ANNA, HERS, boxes["inbox"], subject="plan", messageId=["one@x.example"])
    reply = village.mailed(BOB, HERS, boxes["inbox"], subject="Re: plan", inReplyTo=["one@x.example"])
    assert {seen, reply} == {*thread_of(village, seen)["emailIds"]}


def test_a_visitors_own_messages_of_one_call_are_one_thread(village: Village, boxes: dict[str, str]) -> None:
    village.share(ANNA, "Mailbox", boxes["inbox"], BOB, *RIGHTS)
    draft = {"mailboxIds": {boxes["inbox"]: True}, "subject": "plan"}
    first, second = village.set(
        BOB,
        "Email",
        HERS,
        create={"a": {**draft, "messageId": ["a@x"]}, "b": {**draft, "inReplyTo": ["a@x"]}},
    )["created"].values()
    assert first["threadId"] == second["threadId"]
