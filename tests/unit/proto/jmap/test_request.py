"""Reading the Request object (RFC 8620 §3.1-§3.3, §3.6.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.kit import json
from posthouse.kit.limits import Limits
from posthouse.proto.jmap.errors import RequestError
from posthouse.proto.jmap.request import Invocation, Request, parse_request

CORE = "urn:ietf:params:jmap:core"
MAIL = "urn:ietf:params:jmap:mail"
JSON_TYPE = "application/json"
VALID = {"using": [CORE], "methodCalls": [["Core/echo", {"a": 1}, "c1"]]}


def parse(body: bytes, content_type: str | None = JSON_TYPE, **limits: int) -> Request:
    return parse_request(body, content_type, Limits(**limits), {CORE, MAIL})


def refusal(body: bytes, content_type: str | None = JSON_TYPE, **limits: int) -> RequestError:
    with pytest.raises(RequestError) as caught:
        parse(body, content_type, **limits)
    return caught.value


def test_a_request_becomes_its_parts() -> None:
    request = parse(json.dumps({**VALID, "createdIds": {"k1": "m1"}}))
    expected = Request(frozenset({CORE}), [Invocation("Core/echo", {"a": 1}, "c1")], {"k1": "m1"})
    assert expected == request


def test_without_created_ids_there_are_none() -> None:
    assert parse(json.dumps(VALID)).created_ids is None


def test_unknown_properties_are_ignored() -> None:
    assert parse(json.dumps(VALID)) == parse(json.dumps({**VALID, "example.org:extra": [1]}))


def test_empty_using_and_no_calls_are_a_request() -> None:
    assert Request(frozenset(), [], None) == parse(b'{"using":[],"methodCalls":[]}')


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON", "application/json; charset=utf-8", " application/json ;"],
)
def test_json_content_types_are_accepted(content_type: str) -> None:
    assert parse(json.dumps(VALID)) == parse(json.dumps(VALID), content_type)


@pytest.mark.parametrize(
    "content_type", [None, "", "text/plain", "application/jsonx", "application/json, text/plain"]
)
def test_other_content_types_are_not_json(content_type: str | None) -> None:
    error = refusal(json.dumps(VALID), content_type)
    assert ("notJSON", 400) == (error.type, error.status)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b'{"using":[],"using":[],"methodCalls":[]}',
        b'{"using":[],"us\\u0069ng":[],"methodCalls":[]}',
        b'{"using":["\\ud800"],"methodCalls":[]}',
        b'{"using":["\xed\xa0\x80"],"methodCalls":[]}',
        b'{"using":[],"methodCalls":[["a",{"x":NaN},"c"]]}',
        b'{"using":[],"methodCalls":[["a",{"x":1e999},"c"]]}',
        b"[" * 100_000,
        b"[" * 1000 + b"]" * 1000,
        b" [" * 5000 + b"]" * 5000,
        b'{"a":' * 300 + b"1" + b"}" * 300,
    ],
)
def test_what_is_not_i_json_is_refused(body: bytes) -> None:
    error = refusal(body)
    assert ("notJSON", 400) == (error.type, error.status)


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "text",
        1,
        {"foo": 1},
        {"using": [CORE]},
        {"methodCalls": []},
        {"using": None, "methodCalls": []},
        {"using": CORE, "methodCalls": []},
        {"using": {CORE: {}}, "methodCalls": []},
        {"using": [1], "methodCalls": []},
        {"using": [[]], "methodCalls": []},
        {"using": [], "methodCalls": None},
        {"using": [], "methodCalls": {}},
        {"using": [], "methodCalls": ["Core/echo"]},
        {"using": [], "methodCalls": [["Core/echo", {}]]},
        {"using": [], "methodCalls": [["Core/echo", {}, "c", 1]]},
        {"using": [], "methodCalls": [[1, {}, "c"]]},
        {"using": [], "methodCalls": [["Core/echo", [], "c"]]},
        {"using": [], "methodCalls": [["Core/echo", None, "c"]]},
        {"using": [], "methodCalls": [["Core/echo", {}, 1]]},
        {"using": [], "methodCalls": [{"0": "Core/echo", "1": {}, "2": "c"}]},
        {"using": [], "methodCalls": [], "createdIds": None},
        {"using": [], "methodCalls": [], "createdIds": []},
        {"using": [], "methodCalls": [], "createdIds": {"": "m1"}},
        {"using": [], "methodCalls": [], "createdIds": {"#k": "m1"}},
        {"using": [], "methodCalls": [], "createdIds": {"k": "m 1"}},
        {"using": [], "methodCalls": [], "createdIds": {"k": 1}},
        {"using": [], "methodCalls": [], "createdIds": {"k": "m" * 256}},
    ],
)
def test_json_of_another_shape_is_not_a_request(document: json.Json) -> None:
    error = refusal(json.dumps(document))
    assert ("notRequest", 400) == (error.type, error.status)


def test_an_unknown_capability_is_named() -> None:
    error = refusal(json.dumps({"using": [CORE, "https://example.com/foobar"], "methodCalls": []}))
    assert ("unknownCapability", 400) == (error.type, error.status)
    assert "https://example.com/foobar" in error.detail


def test_a_long_unknown_capability_is_cut_in_the_detail() -> None:
    assert len(refusal(json.dumps({"using": ["x" * 100_000], "methodCalls": []})).detail) < 400


def test_a_request_of_just_the_largest_size_is_accepted() -> None:
    body = json.dumps(VALID)
    assert parse(body) == parse(body, max_size_request=len(body))
    error = refusal(body, max_size_request=len(body) - 1)
    assert ("limit", 400, "maxSizeRequest") == (error.type, error.status, error.limit)


def test_too_many_calls_exceed_a_limit() -> None:
    body = json.dumps({"using": [], "methodCalls": [["Core/echo", {}, "c"]] * 3})
    assert 3 == len(parse(body, max_calls_in_request=3).calls)
    error = refusal(body, max_calls_in_request=2)
    assert ("limit", 400, "maxCallsInRequest") == (error.type, error.status, error.limit)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_refused(body: bytes) -> None:
    try:
        parse(body)
    except RequestError as error:
        assert 400 == error.status


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "using": JSON_VALUES | st.lists(st.sampled_from([CORE, MAIL]), max_size=3),
            "methodCalls": JSON_VALUES
            | st.lists(
                st.tuples(
                    st.text(max_size=3),
                    st.dictionaries(st.text(max_size=3), JSON_VALUES),
                    st.text(max_size=3),
                )
            ),
            "createdIds": JSON_VALUES,
        },
    )
)
def test_any_json_is_a_request_or_refused(document: json.JsonObject) -> None:
    try:
        request = parse(json.dumps(document))
    except RequestError as error:
        assert error.type in {"notRequest", "unknownCapability"}
    else:
        assert [list(call) for call in document["methodCalls"]] == [list(call) for call in request.calls]
        assert set(document["using"]) == request.using
