"""Emails that are built to break or to exhaust the server (RFC 8621 §4.6, §4.8)."""

from __future__ import annotations

from typing import Any

import pytest

from wire.person import Person


def _create(person: Person, **properties: Any) -> Any:
    values = {"mailboxIds": {_inbox(person): True}} | properties
    _, answer = person.call("Email/set", create={"e": values})
    assert "type" not in answer, answer
    return (answer["created"] or answer["notCreated"])["e"]


def _inbox(person: Person) -> str:
    _, found = person.call("Mailbox/query", filter={"role": "inbox"})
    return str(found["ids"][0])


def _mailboxes(person: Person, count: int) -> dict[str, bool]:
    _, answer = person.call("Mailbox/set", create={f"m{n}": {"name": f"m{n}"} for n in range(count)})
    return {made["id"]: True for made in answer["created"].values()}


def test_a_charset_without_end_is_refused(attacker: Person) -> None:
    blob = attacker.upload(b"x").json()["blobId"]
    attachment = {"blobId": blob, "type": "image/png", "charset": "a" * 100_000}
    assert "invalidProperties" == _create(attacker, attachments=[attachment])["type"]


@pytest.mark.parametrize("name", ["charset", "name", "disposition", "cid", "language", "location", "type"])
@pytest.mark.parametrize(
    "value", ["\r\nX-Evil: 1", "\0", "\x7f", "é\n", "\u202e", "a" * 70_000, '"', "=?utf-8?q?x?="]
)
def test_a_part_can_break_no_header(attacker: Person, name: str, value: str) -> None:
    blob = attacker.upload(b"x").json()["blobId"]
    attachment = {"blobId": blob, "type": "image/png"} | {name: [value] if name == "language" else value}
    made = _create(attacker, attachments=[attachment])
    if "id" not in made:
        assert "invalidProperties" == made["type"]
        return
    data = attacker.http.get(attacker.url_of(made["blobId"])).content
    assert b"\nX-Evil" not in data
    assert all(len(line) <= 998 for line in data.split(b"\r\n"))


@pytest.mark.parametrize(
    "name",
    [
        "header:X\r\nEvil",
        "header:X:asText\r\n",
        "header:\0",
        "header:",
        "header:X Evil",
        "header:é",
        "header:X::all",
    ],
)
def test_a_header_name_that_is_none_is_refused(attacker: Person, name: str) -> None:
    assert "invalidProperties" == _create(attacker, **{name: "x"})["type"]
    assert "invalidArguments" == attacker.error("Email/get", ids=[], properties=[name])["type"]


@pytest.mark.parametrize("form", ["", ":asText", ":asURLs", ":asMessageIds"])
def test_a_header_value_can_break_no_header(attacker: Person, form: str) -> None:
    value: Any = "x\r\nX-Evil: 1"
    made = _create(attacker, **{f"header:X-Test{form}": value if form in ("", ":asText") else [value]})
    if "id" not in made:
        assert "invalidProperties" == made["type"]
        return
    assert b"\nX-Evil" not in attacker.http.get(attacker.url_of(made["blobId"])).content


def test_an_email_in_a_hundred_and_one_mailboxes_is_refused(attacker: Person) -> None:
    made = _create(attacker)
    everywhere = _mailboxes(attacker, 101)
    _, answer = attacker.call("Email/set", update={made["id"]: {"mailboxIds": everywhere}})
    assert "tooManyMailboxes" == answer["notUpdated"][made["id"]]["type"]
    blob = attacker.upload(b"Subject: x\r\n\r\n").json()["blobId"]
    emails = {"e": {"blobId": blob, "mailboxIds": everywhere}}
    _, answer = attacker.call("Email/import", emails=emails)
    assert "tooManyMailboxes" == answer["notCreated"]["e"]["type"]


def test_many_mailboxes_times_many_keywords_are_refused(attacker: Person) -> None:
    made = _create(attacker, mailboxIds=_mailboxes(attacker, 50))
    keywords = {f"k{n}": True for n in range(100)}
    _, answer = attacker.call("Email/set", update={made["id"]: {"keywords": keywords}})
    assert "tooManyKeywords" == answer["notUpdated"][made["id"]]["type"]


def test_twenty_thousand_parts_are_told_with_all_forms_of_their_headers(attacker: Person) -> None:
    part = b"--x\r\nContent-Type: text/plain\r\nX-A: <a@b>, c <d@e>\r\n\r\nhi\r\n"
    data = b"Subject: x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n" + part * 20_000 + b"--x--\r\n"
    blob = attacker.upload(data).json()["blobId"]
    forms = ["", ":asText", ":asAddresses", ":asGroupedAddresses", ":asMessageIds", ":asURLs", ":asDate"]
    wanted = [f"header:X-A{form}{all}" for form in forms for all in ("", ":all")]
    name, answer = attacker.call(
        "Email/parse",
        blobIds=[blob],
        properties=["bodyStructure", "bodyValues", "textBody"],
        bodyProperties=["partId", "headers", *wanted],
        fetchAllBodyValues=True,
    )
    assert "Email/parse" == name
    assert answer["parsed"][blob]["bodyStructure"]["subParts"]


def test_messages_that_take_very_much_memory_together_are_not_imported_together(attacker: Person) -> None:
    part = b"--x\r\n\r\nhi\r\n"
    mailboxes = {_inbox(attacker): True}
    emails = {}
    for number in range(12):
        head = b"Subject: %d\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n" % number
        blob = attacker.upload(head + part * 20_000 + b"--x--\r\n").json()["blobId"]
        emails[f"e{number}"] = {"blobId": blob, "mailboxIds": mailboxes}
    _, answer = attacker.call("Email/import", emails=emails)
    refused = answer["notCreated"]
    assert {"rateLimit"} == {error["type"] for error in refused.values()}
    _, answer = attacker.call("Email/import", emails={key: emails[key] for key in refused})
    assert list(refused) == list(answer["created"])
    _, answer = attacker.call("Email/query", calculateTotal=True)
    assert 12 == answer["total"]
