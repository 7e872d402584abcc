"""Requests that are none, or too much: each is refused as a whole (RFC 8620 §3.6.1)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from wire.person import Person

GOOD = b'{"using":["urn:ietf:params:jmap:core"],"methodCalls":[["Core/echo",{"a":%s},"0"]]}'
URN = "urn:ietf:params:jmap:error:"


def _problem(person: Person, content: bytes, type: str, content_type: str = "application/json") -> Any:
    response = person.post(content, content_type)
    assert 400 == response.status_code, response.text
    assert "application/problem+json" == response.headers["content-type"].partition(";")[0]
    problem = response.json()
    assert (URN + type, 400) == (problem["type"], problem["status"])
    assert problem["detail"]
    return problem


def test_the_pattern_of_these_tests_is_a_request(demo: Person) -> None:
    assert [["Core/echo", {"a": 1}, "0"]] == demo.post(GOOD % b"1").json()["methodResponses"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" ",
        b"{",
        GOOD % b"1" + b"}",
        GOOD % b"1" + GOOD % b"1",
        GOOD % b"NaN",
        GOOD % b"-Infinity",
        GOOD % b"01",
        GOOD % b"1.",
        GOOD % b"'1'",
        GOOD % b'"\t"',
        GOOD % b'"\xff"',
        GOOD % b'"\xed\xa0\x80"',
        GOOD % rb'"\ud800"',
        GOOD % rb'"\udc00\ud800"',
        GOOD % rb'{"\ud800": 1}',
        GOOD % b'{"b":1,"b":2}',
        GOOD % rb'{"b":1,"\u0062":2}',
        GOOD % b"1,",
        GOOD % b"/**/1",
        b"\xef\xbb\xbf" + GOOD % b"1",
        (GOOD % b"1").decode().encode("utf-16"),
        GOOD % (b"[" * 100_000 + b"]" * 100_000),
        b'{"using":[],"using":[],"methodCalls":[]}',
        b"[" * 1_000_000,
    ],
    ids=[
        "empty",
        "blank",
        "cut short",
        "trailing garbage",
        "two documents",
        "NaN",
        "infinity",
        "leading zero",
        "no fraction",
        "single quotes",
        "raw control",
        "bad UTF-8",
        "surrogate in UTF-8",
        "lone surrogate",
        "surrogates in the wrong order",
        "lone surrogate in a name",
        "duplicate key",
        "duplicate key by escape",
        "trailing comma",
        "comment",
        "byte order mark",
        "UTF-16",
        "deep nesting",
        "duplicate key at the top",
        "a million brackets",
    ],
)
def test_what_is_no_i_json_is_not_json(demo: Person, content: bytes) -> None:
    _problem(demo, content, "notJSON")


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/jmap"]
)
def test_another_content_type_is_not_json(demo: Person, content_type: str) -> None:
    _problem(demo, GOOD % b"1", "notJSON", content_type)


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_by_another_spelling_is_json(demo: Person, content_type: str) -> None:
    assert 200 == demo.post(GOOD % b"1", content_type).status_code


CALL: list[Any] = ["Core/echo", {}, "0"]


@pytest.mark.parametrize(
    "request_object",
    [
        None,
        [],
        "x",
        7,
        {},
        {"foo": 1},
        {"using": []},
        {"methodCalls": []},
        {"using": None, "methodCalls": []},
        {"using": "urn:ietf:params:jmap:core", "methodCalls": []},
        {"using": [1], "methodCalls": []},
        {"using": [], "methodCalls": {}},
        {"using": [], "methodCalls": ["Core/echo"]},
        {"using": [], "methodCalls": [CALL[:2]]},
        {"using": [], "methodCalls": [[*CALL, 1]]},
        {"using": [], "methodCalls": [["Core/echo", [], "0"]]},
        {"using": [], "methodCalls": [["Core/echo", None, "0"]]},
        {"using": [], "methodCalls": [[1, {}, "0"]]},
        {"using": [], "methodCalls": [["Core/echo", {}, 0]]},
        {"using": [], "methodCalls": [CALL], "createdIds": []},
        {"using": [], "methodCalls": [CALL], "createdIds": {"a": 1}},
        {"using": [], "methodCalls": [CALL], "createdIds": {"not an id": "x"}},
    ],
    ids=json.dumps,
)
def test_json_of_another_shape_is_not_a_request(demo: Person, request_object: Any) -> None:
    _problem(demo, json.dumps(request_object).encode(), "notRequest")


@pytest.mark.parametrize("uri", ["", "urn:ietf:params:jmap:nothing", "urn:ietf:params:jmap:CORE"])
def test_an_unknown_capability_is_refused(demo: Person, uri: str) -> None:
    using = ["urn:ietf:params:jmap:core", uri]
    content = json.dumps({"using": using, "methodCalls": [CALL]}).encode()
    assert repr(uri) in _problem(demo, content, "unknownCapability")["detail"]


def test_a_request_that_is_too_large_names_its_limit(demo: Person) -> None:
    most = demo.limits["maxSizeRequest"]
    padding = b'"%s"' % (b"x" * (most - len(GOOD % b'""')))
    assert most == len(GOOD % padding)
    assert 200 == demo.post(GOOD % padding).status_code
    problem = _problem(demo, GOOD % padding + b" ", "limit")
    assert "maxSizeRequest" == problem["limit"]


def test_too_many_calls_name_their_limit(demo: Person) -> None:
    most = demo.limits["maxCallsInRequest"]
    assert most == len(demo.send(*[CALL] * most).json()["methodResponses"])
    content = json.dumps({"using": [], "methodCalls": [CALL] * (most + 1)}).encode()
    assert "maxCallsInRequest" == _problem(demo, content, "limit")["limit"]


def test_nothing_of_a_refused_request_is_done(sign_in: Any) -> None:
    person = sign_in()
    before = person.call("Mailbox/get", ids=[])[1]["state"]
    create = ["Mailbox/set", {"accountId": person.account, "create": {"a": {"name": "New"}}}, "0"]
    response = person.send(create, using=["urn:ietf:params:jmap:mail", "urn:example:unknown"])
    assert 400 == response.status_code
    assert before == person.call("Mailbox/get", ids=[])[1]["state"]


def test_members_that_are_unknown_are_ignored(demo: Person) -> None:
    """RFC 8620 §3.3: a server MUST ignore any other properties of the Request object."""
    assert [CALL] == demo.send(CALL, future={"x": 1}).json()["methodResponses"]


def test_a_method_outside_using_is_unknown(demo: Person) -> None:
    get = ["Mailbox/get", {"accountId": demo.account}, "0"]
    for using in ([], ["urn:ietf:params:jmap:core"]):
        [[name, error, _]] = demo.send(get, using=using).json()["methodResponses"]
        assert ("error", "unknownMethod") == (name, error["type"])


def test_calls_are_answered_in_order_though_some_fail(demo: Person) -> None:
    answers = demo.send(
        ["Core/echo", {"n": 1}, "a"],
        ["No/such", {}, "b"],
        ["Core/echo", {"n": 2}, "b"],
        ["Email/get", {}, ""],
    ).json()["methodResponses"]
    assert [("Core/echo", "a"), ("error", "b"), ("Core/echo", "b"), ("error", "")] == [
        (name, call_id) for name, _, call_id in answers
    ]
    assert ["unknownMethod", "invalidArguments"] == [answers[at][1]["type"] for at in (1, 3)]


def test_created_ids_come_back_only_to_who_sent_them(demo: Person) -> None:
    assert "createdIds" not in demo.send(CALL).json()
    assert {} == demo.send(CALL, createdIds={}).json()["createdIds"]
    assert {"k": "m1"} == demo.send(CALL, createdIds={"k": "m1"}).json()["createdIds"]


def test_the_answer_is_json(demo: Person) -> None:
    response = demo.post(GOOD % '"ü"'.encode())
    assert "application/json" == response.headers["content-type"].partition(";")[0]
    assert {"methodResponses", "sessionState"} == set(response.json())
