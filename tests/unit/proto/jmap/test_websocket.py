"""The objects of the subprotocol ``jmap`` (RFC 8887 §4.3)."""

from __future__ import annotations

import json

import pytest

from posthouse.kit.limits import Limits
from posthouse.proto.jmap import websocket
from posthouse.proto.jmap.errors import RequestError

LIMITS = Limits()
CORE = "urn:ietf:params:jmap:core"
REQUEST = {"@type": "Request", "id": "R1", "using": [CORE], "methodCalls": [["Core/echo", {}, "c"]]}


def _read(message: object) -> websocket.Message:
    return websocket.read_message(json.dumps(message).encode(), LIMITS)


def test_a_request_is_read() -> None:
    message = _read(REQUEST)
    assert ("Request", "R1") == (message.type, message.id)
    request = websocket.as_request(message, LIMITS, {CORE})
    assert [("Core/echo", {}, "c")] == [tuple(call) for call in request.calls]


@pytest.mark.parametrize("id", [{}, {"id": None}])
def test_an_id_need_not_be(id: dict[str, None]) -> None:
    assert _read({"@type": "Request", **id}).id is None


@pytest.mark.parametrize("id", [5, [], {}, True, "x" * 1025])
def test_an_id_is_a_short_string(id: object) -> None:
    with pytest.raises(RequestError) as refused:
        _read(REQUEST | {"id": id})
    assert "notRequest" == refused.value.type


@pytest.mark.parametrize(
    ("body", "type"),
    [
        (b"", "notJSON"),
        (b"The quick brown fox", "notJSON"),
        (b'{"a":1,"a":2}', "notJSON"),
        (b"[]", "notRequest"),
        (b"null", "notRequest"),
        (b'"' + b"x" * LIMITS.max_size_request + b'"', "limit"),
    ],
)
def test_what_is_no_object_is_refused(body: bytes, type: str) -> None:
    with pytest.raises(RequestError) as refused:
        websocket.read_message(body, LIMITS)
    assert type == refused.value.type


@pytest.mark.parametrize("type", [None, "request", "Response", 5, ["Request"]])
def test_what_has_no_type_that_we_know_is_no_request(type: object) -> None:
    with pytest.raises(RequestError) as refused:
        websocket.as_request(_read(REQUEST | {"@type": type}), LIMITS, {CORE})
    assert "notRequest" == refused.value.type


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, (None, None)),
        ({"dataTypes": None, "pushState": None}, (None, None)),
        ({"dataTypes": []}, ([], None)),
        ({"dataTypes": ["Email", "Mailbox"], "pushState": "a1.2"}, (["Email", "Mailbox"], "a1.2")),
    ],
)
def test_a_wish_to_be_told(given: dict[str, object], expected: object) -> None:
    assert expected == websocket.as_push_enable(_read({"@type": "WebSocketPushEnable", **given}))


@pytest.mark.parametrize(
    "given",
    [
        {"dataTypes": "Email"},
        {"dataTypes": [1]},
        {"dataTypes": [None]},
        {"dataTypes": ["T"] * 1001},
        {"pushState": 5},
    ],
)
def test_a_wish_that_is_none(given: dict[str, object]) -> None:
    with pytest.raises(RequestError) as refused:
        websocket.as_push_enable(_read(given))
    assert "notRequest" == refused.value.type


@pytest.mark.parametrize(("id", "named"), [(None, {}), ('a"b', {"requestId": 'a"b'})])
def test_answers_name_their_request(id: str | None, named: dict[str, str]) -> None:
    answer = b"".join(websocket.response(b'{"methodResponses":[],"sessionState":"s"}', id))
    expected = {"@type": "Response", **named, "methodResponses": [], "sessionState": "s"}
    assert expected == json.loads(answer)
    error = json.loads(websocket.request_error(RequestError("limit", 400, "no", "maxSizeRequest"), id))
    urn = "urn:ietf:params:jmap:error:limit"
    problem = {"type": urn, "status": 400, "detail": "no", "limit": "maxSizeRequest"}
    assert {"@type": "RequestError", **named, **problem} == error


def test_a_state_change_says_how_far_it_goes() -> None:
    change = {"@type": "StateChange", "changed": {"a1": {"Email": "5"}}}
    assert change | {"pushState": "a1.5"} == json.loads(websocket.state_change(change, "a1.5"))
