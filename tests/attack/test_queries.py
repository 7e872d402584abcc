"""Queries that are built to cost much, and values that no client means (RFC 8620 §5.5, §5.6)."""

from __future__ import annotations

from typing import Any

import pytest

from posthouse.store import candidates, lanes
from wire.person import Person

EXTREMES = [0, 1, -1, 2**53 - 1, -(2**53) + 1]
NO_NUMBERS: list[Any] = [2**53, -(2**53), 1.0, 1.5, "0", True, [], 1e300]


@pytest.fixture(scope="module")
def owner(enter: Any) -> Person:
    """A user with five Emails, three of them in one Thread."""
    person: Person = enter()
    _, found = person.call("Mailbox/query", filter={"role": "inbox"})
    subjects = ["one", "two", "three", "three", "three"]
    emails = {}
    for number, subject in enumerate(subjects):
        data = f"Message-ID: <{number}@x>\r\nReferences: <{subject}@x>\r\nSubject: {subject}\r\n\r\nbody {number}"
        blob = person.upload(data.encode()).json()["blobId"]
        emails[f"e{number}"] = {
            "blobId": blob,
            "mailboxIds": {found["ids"][0]: True},
            "receivedAt": f"2020-01-0{number + 1}T00:00:00Z",
        }
    _, answer = person.call("Email/import", emails=emails)
    assert answer["notCreated"] is None
    return person


def test_queries_from_and_to_the_end_of_all_numbers(owner: Person) -> None:
    _, everything = owner.call("Email/query")
    ids = everything["ids"]
    for position in EXTREMES:
        for limit in (0, 1, 2**53 - 1):
            _, answer = owner.call("Email/query", position=position, limit=limit)
            start = position if position >= 0 else max(len(ids) + position, 0)
            assert (start, ids[start : start + limit]) == (answer["position"], answer["ids"])
            for anchor in ids:
                _, answer = owner.call("Email/query", anchor=anchor, anchorOffset=position, limit=limit)
                start = max(ids.index(anchor) + position, 0)
                assert (start, ids[start : start + limit]) == (answer["position"], answer["ids"])


@pytest.mark.parametrize("number", NO_NUMBERS)
@pytest.mark.parametrize("name", ["position", "anchorOffset", "limit"])
def test_what_is_no_number_is_refused(owner: Person, name: str, number: Any) -> None:
    assert "invalidArguments" == owner.error("Email/query", **{name: number})["type"]


def test_an_anchor_that_does_not_stand_for_its_thread_is_not_found(owner: Person) -> None:
    _, shown = owner.call("Email/query", collapseThreads=True)
    _, everything = owner.call("Email/query")
    for anchor in everything["ids"]:
        name, answer = owner.call("Email/query", collapseThreads=True, anchor=anchor, limit=1)
        if anchor in shown["ids"]:
            assert [anchor] == answer["ids"]
        else:
            assert ("error", "anchorNotFound") == (name, answer["type"])


@pytest.mark.parametrize("anchor", ["e0", "ezzzzzzzzzzzzz", "m1", "E1", "-", "a" * 255])
def test_an_anchor_that_is_none_is_not_found(owner: Person, anchor: str) -> None:
    assert "anchorNotFound" == owner.error("Email/query", anchor=anchor)["type"]


@pytest.mark.parametrize(
    "state", ["", "-1", "zzzzzzzzzzzzz", "0" * 20, "\u0661", "1e3", "m1", " 0", "9" * 100_000]
)
@pytest.mark.parametrize(("method", "name"), [("changes", "sinceState"), ("queryChanges", "sinceQueryState")])
def test_a_state_that_was_never_given_out_is_none(owner: Person, method: str, name: str, state: str) -> None:
    error = owner.error(f"Email/{method}", **{name: state})
    assert "cannotCalculateChanges" == error["type"]


def test_the_state_of_a_type_that_is_ahead_is_none_of_another(owner: Person) -> None:
    _, identities = owner.call("Identity/get", ids=[])
    _, emails = owner.call("Email/get", ids=[])
    assert "cannotCalculateChanges" == owner.error("Identity/changes", sinceState=emails["state"])["type"]
    assert identities["state"] != emails["state"]


@pytest.mark.parametrize("operator", ["AND", "OR", "NOT"])
def test_nesting_beyond_the_limit_is_an_unsupported_filter(owner: Person, operator: str) -> None:
    condition: dict[str, Any] = {"hasKeyword": "x"}
    for _ in range(100):
        condition = {"operator": operator, "conditions": [condition]}
    assert "unsupportedFilter" == owner.error("Email/query", filter=condition)["type"]


@pytest.mark.parametrize(
    "condition", [{"text": "a"}, {"header": ["x"]}, {"hasKeyword": "x"}, {"inMailbox": "m1"}]
)
def test_more_conditions_than_the_limit_are_an_unsupported_filter(owner: Person, condition: Any) -> None:
    filter = {"operator": "OR", "conditions": [condition] * 501}
    assert "unsupportedFilter" == owner.error("Email/query", filter=filter)["type"]
    filter["conditions"] = [condition] * 500
    assert "Email/query" == owner.call("Email/query", filter=filter)[0]


def test_searches_that_find_more_than_fits_in_memory_are_refused(
    owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Searches alone would be asked of the index as one.
    monkeypatch.setattr(candidates, "_MOST", 100)
    for operator in ("AND", "OR", "NOT"):
        filter = {"operator": operator, "conditions": [{"header": ["Subject"]}] * 20}
        assert "Email/query" == owner.call("Email/query", filter=filter)[0]
        filter["conditions"] = [{"header": ["Subject"]}] * 21
        assert "requestTooLarge" == owner.error("Email/query", filter=filter)["type"]


@pytest.mark.parametrize(
    "text",
    [
        *('"', '""', "*", '"*', "NEAR(body three)", "subject:three", "{subject}: three", "^body", "body AND"),
        *(
            "body OR zzz",
            "NOT body",
            "-body",
            "(",
            "body)",
            "body + three",
            "\0",
            "body\0",
            "\\",
            "\\'",
            "%",
            "_",
        ),
        *("' OR 1=1 --", "\U0001f600", "\u202ebody", "ﬁ", "ß" * 400, "\u0301" * 900, "漢" * 200, "ก" * 200),
    ],
)
@pytest.mark.parametrize("name", ["text", "subject", "from", "body"])
def test_a_search_is_text_and_never_syntax(owner: Person, name: str, text: str) -> None:
    name, answer = owner.call("Email/query", filter={name: text})
    assert ("Email/query", True) == (name, len(answer["ids"]) in range(6))
    name, _ = owner.call("SearchSnippet/get", filter={"text": text}, emailIds=answer["ids"])
    assert "SearchSnippet/get" == name


@pytest.mark.parametrize("name", ["%", "_", "*", "[a-z]", "I%x", "' OR 1=1 --", "\0"])
def test_a_name_is_looked_for_as_it_is(owner: Person, name: str) -> None:
    assert [] == owner.call("Mailbox/query", filter={"name": name})[1]["ids"]


def test_sorting_by_more_than_the_limit_is_unsupported(owner: Person) -> None:
    assert "unsupportedSort" == owner.error("Email/query", sort=[{"property": "size"}] * 17)["type"]
    assert 5 == len(owner.call("Email/query", sort=[{"property": "size"}] * 16)[1]["ids"])


def test_what_takes_too_long_even_aside_is_given_up(owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(lanes, "BUDGET", 0.0)
        patch.setattr(lanes, "LONGEST", 0.0)
        arguments = {"accountId": owner.account}
        responses = owner.send(["Email/query", arguments, "0"], ["Email/get", arguments, "1"]).json()
        assert ["requestTooLarge"] * 2 == [error["type"] for _, error, _ in responses["methodResponses"]]
    assert 5 == len(owner.call("Email/query")[1]["ids"])
