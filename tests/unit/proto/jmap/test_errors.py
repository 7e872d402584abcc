"""The three families of errors (RFC 8620 §3.6, §5.3)."""

from __future__ import annotations

import pytest

from posthouse.proto.jmap.errors import (
    METHOD_ERRORS,
    REQUEST_ERRORS,
    SET_ERRORS,
    MethodError,
    RequestError,
    SetError,
)


def test_a_request_error_is_a_problem_document_with_a_urn() -> None:
    expected = {"type": "urn:ietf:params:jmap:error:notJSON", "status": 400, "detail": "No."}
    assert expected == RequestError("notJSON", 400, "No.").problem()


def test_a_limit_problem_names_its_limit() -> None:
    problem = RequestError("limit", 400, "Too long.", "maxSizeRequest").problem()
    assert "maxSizeRequest" == problem["limit"]
    assert "urn:ietf:params:jmap:error:limit" == problem["type"]


def test_a_plain_http_error_has_the_title_of_its_status() -> None:
    expected = {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "Nothing is here."}
    assert expected == RequestError("about:blank", 404, "Nothing is here.").problem()


@pytest.mark.parametrize(
    ("type", "limit"), [("limit", None), ("notJSON", "maxSizeRequest"), ("notjson", None)]
)
def test_an_impossible_request_error_is_our_mistake(type: str, limit: str | None) -> None:
    with pytest.raises(ValueError):
        RequestError(type, 400, "", limit)


def test_a_method_error_has_only_what_was_given() -> None:
    assert {"type": "unknownMethod"} == MethodError("unknownMethod").as_json()
    expected = {"type": "invalidArguments", "description": "No.", "arguments": ["ids"]}
    assert expected == MethodError("invalidArguments", "No.", arguments=["ids"]).as_json()


def test_a_set_error_lists_properties_and_more() -> None:
    assert {"type": "singleton"} == SetError("singleton").as_json()
    expected = {"type": "invalidProperties", "description": "No.", "properties": ["name"]}
    assert expected == SetError("invalidProperties", "No.", ["name"]).as_json()
    assert {"type": "alreadyExists", "existingId": "m1"} == SetError(
        "alreadyExists", existingId="m1"
    ).as_json()


def test_types_of_another_family_are_our_mistake() -> None:
    with pytest.raises(ValueError):
        MethodError("invalidPatch")
    with pytest.raises(ValueError):
        SetError("unknownMethod")


def test_every_listed_type_can_be_made() -> None:
    for type in REQUEST_ERRORS:
        RequestError(type, 400, "", "maxSizeRequest" if type == "limit" else None)
    for type in METHOD_ERRORS:
        assert type == MethodError(type).as_json()["type"]
    for type in SET_ERRORS:
        assert type == SetError(type).as_json()["type"]
