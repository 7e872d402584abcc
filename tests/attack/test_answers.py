"""Requests whose answers would fill the memory of the server (RFC 8620 §3.6.2 requestTooLarge)."""

from __future__ import annotations

from typing import Any

import pytest

from wire.person import Person


def _inbox(person: Person) -> str:
    _, found = person.call("Mailbox/query", filter={"role": "inbox"})
    return str(found["ids"][0])


@pytest.fixture(scope="module")
def hoarder(enter: Any) -> Person:
    """A user with twelve Emails of 20,000 parts each, of which only the bytes are shared."""
    person: Person = enter()
    part = b"--x\r\nContent-Type: text/plain\r\n\r\nhi\r\n"
    data = b"Subject: x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n" + part * 20_000 + b"--x--\r\n"
    blob = person.upload(data).json()["blobId"]
    mailbox = _inbox(person)
    emails = {f"e{number}": {"blobId": blob, "mailboxIds": {mailbox: True}} for number in range(12)}
    _, answer = person.call("Email/import", emails=emails)
    assert answer["notCreated"] is None
    return person


@pytest.mark.parametrize("names", [["bodyStructure"], ["attachments"], ["header:X"], ["bodyValues"]])
def test_emails_that_are_enormous_together_are_too_large(hoarder: Person, names: list[str]) -> None:
    _, found = hoarder.call("Email/query")
    error = hoarder.error("Email/get", ids=found["ids"], properties=names, fetchAllBodyValues=True)
    assert "requestTooLarge" == error["type"]
    name, _ = hoarder.call("Email/get", ids=found["ids"][:1], properties=names, fetchAllBodyValues=True)
    assert "Email/get" == name


def test_snippets_of_emails_that_are_enormous_together_are_too_large(hoarder: Person) -> None:
    _, found = hoarder.call("Email/query")
    error = hoarder.error("SearchSnippet/get", emailIds=found["ids"], filter={"text": "hi"})
    assert "requestTooLarge" == error["type"]


def test_calls_whose_answers_are_enormous_together_are_refused(hoarder: Person) -> None:
    _, found = hoarder.call("Email/query", limit=3)
    arguments = {
        "accountId": hoarder.account,
        "ids": found["ids"],
        "properties": ["bodyStructure", "attachments"],
    }
    response = hoarder.send(*[["Email/get", arguments, str(number)] for number in range(64)])
    assert len(response.content) < 300_000_000
    [*_, [name, error, _]] = response.json()["methodResponses"]
    assert ("error", "requestTooLarge") == (name, error["type"])


@pytest.mark.parametrize("method", ["Email/get", "Email/parse"])
@pytest.mark.parametrize(("argument", "most"), [("properties", 500), ("bodyProperties", 50)])
def test_header_properties_without_end_are_refused(
    attacker: Person, method: str, argument: str, most: int
) -> None:
    names = [f"header:x-{number}" for number in range(most + 1)]
    given: dict[str, Any] = {"ids": []} if method == "Email/get" else {"blobIds": []}
    error = attacker.error(method, **given, **{argument: names})
    assert ("invalidArguments", [argument]) == (error["type"], error["arguments"])
    name, _ = attacker.call(method, **given, **{argument: names[:-1]})
    assert method == name


def test_a_property_named_a_thousand_times_is_there_once(attacker: Person) -> None:
    _, answer = attacker.call("Mailbox/get", properties=["name"] * 100_000)
    assert all({"id", "name"} == mailbox.keys() for mailbox in answer["list"])
