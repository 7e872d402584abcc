"""References to earlier results (RFC 8620 §3.7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.kit.json import Json, JsonObject
from posthouse.proto.jmap import references
from posthouse.proto.jmap.errors import MethodError
from posthouse.proto.jmap.references import Previous, Room, evaluate


@dataclass
class Response:
    name: str
    arguments: Json
    call_id: str

    def select(self, tokens: list[str]) -> Json:
        return evaluate(self.arguments, tokens)


CHANGES = Response("Foo/changes", {"created": ["f1", "f4"], "updated": []}, "t0")
THREADS = Response(
    "Thread/get",
    {"list": [{"id": "t1", "emailIds": ["m1", "m2"]}, {"id": "t2", "emailIds": ["m3"]}], "notFound": []},
    "t1",
)


def resolve(arguments: JsonObject, previous: Sequence[Previous]) -> JsonObject:
    return references.resolve(arguments, previous, Room())


def reference(result_of: str, name: str, path: str) -> JsonObject:
    return {"resultOf": result_of, "name": name, "path": path}


def refusal(arguments: JsonObject, previous: list[Response]) -> str:
    with pytest.raises(MethodError) as caught:
        resolve(arguments, previous)
    return caught.value.type


def test_arguments_without_references_are_the_same_object() -> None:
    arguments = {"ids": ["#f1"], "a#b": 1}
    assert resolve(arguments, []) is arguments


def test_a_reference_takes_the_place_of_its_argument() -> None:
    arguments = {"accountId": "A1", "#ids": reference("t0", "Foo/changes", "/created"), "x": 1}
    assert {"accountId": "A1", "ids": ["f1", "f4"], "x": 1} == resolve(arguments, [CHANGES])
    assert "#ids" in arguments


def test_a_star_maps_and_flattens() -> None:
    def ids(path: str) -> Json:
        return resolve({"#ids": reference("t1", "Thread/get", path)}, [CHANGES, THREADS])["ids"]

    assert ["t1", "t2"] == ids("/list/*/id")
    assert ["m1", "m2", "m3"] == ids("/list/*/emailIds")
    assert ["m1", "m2", "m3"] == ids("/list/*/emailIds/*")
    assert ["m1", "m3"] == ids("/list/*/emailIds/0")
    assert "t2" == ids("/list/1/id")
    assert [] == ids("/notFound/*/anything")


def test_one_level_is_flattened_and_no_more() -> None:
    assert [1, [2], 3] == evaluate([[1, [2]], 3], ["*"])
    assert [[1], 2] == evaluate([[[[1], 2]]], ["*", "*"])


def test_a_star_is_a_name_in_an_object() -> None:
    assert 1 == evaluate({"*": 1}, ["*"])
    assert [1, 2] == evaluate([{"*": 1}, {"*": 2}], ["*", "*"])


@pytest.mark.parametrize(
    ("value", "tokens"),
    [
        ({}, ["a"]),
        ({"a": None}, ["a", "b"]),
        ({"a": "text"}, ["a", "0"]),
        ([1], ["1"]),
        ([1], ["-"]),
        ([1], ["-1"]),
        ([1], ["01"]),
        ([1], ["a"]),
        ([{"a": 1}, {}], ["*", "a"]),
        ([1], ["*", "*"]),
        (1, ["*"]),
    ],
)
def test_a_token_that_leads_nowhere_is_an_error(value: Json, tokens: list[str]) -> None:
    with pytest.raises(LookupError):
        evaluate(value, tokens)


def test_the_first_response_of_a_call_counts_and_its_name_must_match() -> None:
    second = Response("Foo/set", {"created": ["other"]}, "t0")
    assert ["f1", "f4"] == resolve({"#a": reference("t0", "Foo/changes", "/created")}, [CHANGES, second])["a"]
    assert "invalidResultReference" == refusal(
        {"#a": reference("t0", "Foo/set", "/created")}, [CHANGES, second]
    )


@pytest.mark.parametrize(
    "value",
    [
        reference("t9", "Foo/changes", "/created"),
        reference("t0", "Foo/get", "/created"),
        reference("t0", "Foo/changes", "/nothing"),
        reference("t0", "Foo/changes", "created"),
        reference("t0", "Foo/changes", "/created~"),
        reference("t0", "Foo/changes", "/created/2"),
        reference("t0", "Foo/changes", "/*"),
    ],
)
def test_what_cannot_be_resolved_is_an_invalid_result_reference(value: JsonObject) -> None:
    assert "invalidResultReference" == refusal({"#ids": value}, [CHANGES])


@pytest.mark.parametrize(
    "value",
    [
        None,
        1,
        [],
        "t0",
        {},
        {"resultOf": "t0", "name": "Foo/changes"},
        reference("t0", "Foo/changes", "") | {"path": 1},
    ],
)
def test_what_is_no_reference_is_an_invalid_argument(value: Json) -> None:
    assert "invalidArguments" == refusal({"#ids": value}, [CHANGES])


@pytest.mark.parametrize("reverse", [False, True])
def test_both_forms_of_one_argument_are_invalid(reverse: bool) -> None:
    both = [("ids", []), ("#ids", reference("t9", "Foo/changes", "/created"))]
    assert "invalidArguments" == refusal(dict(both[::-1] if reverse else both), [CHANGES])


def test_echoes_that_double_each_other_come_to_an_end() -> None:
    previous = [Response("Core/echo", {"a": "x" * 1000}, "c0")]
    with pytest.raises(MethodError) as caught:
        for number in range(64):
            last = reference(f"c{number}", "Core/echo", "")
            arguments = resolve({"#a": last, "#b": last}, previous)
            previous.append(Response("Core/echo", arguments, f"c{number + 1}"))
    assert "invalidResultReference" == caught.value.type


def test_echoes_that_wrap_each_other_come_to_an_end() -> None:
    previous = [Response("Core/echo", {}, "c0")]
    with pytest.raises(MethodError) as caught:
        for number in range(references.MAX_DEPTH + 2):
            arguments = resolve({"#a": reference(f"c{number}", "Core/echo", "")}, previous)
            previous.append(Response("Core/echo", arguments, f"c{number + 1}"))
    assert "invalidResultReference" == caught.value.type


@pytest.mark.parametrize(
    "value", ["x" * references.MAX_SIZE, [0] * references.MAX_SIZE, {"x" * references.MAX_SIZE: 1}]
)
def test_the_references_of_a_call_bring_in_a_bounded_size(value: Json) -> None:
    assert "invalidResultReference" == refusal(
        {"#a": reference("t0", "Core/echo", "")}, [Response("Core/echo", value, "t0")]
    )


def test_the_calls_of_a_request_share_what_they_may_bring_in() -> None:
    values = [Response("Core/echo", {"a": [0] * 10_000}, "t0")]
    room = Room()
    with pytest.raises(MethodError) as caught:
        for _ in range(64):
            references.resolve({"#a": reference("t0", "Core/echo", "/a")}, values, room)
    assert "invalidResultReference" == caught.value.type


def test_an_ordinary_long_list_of_ids_is_allowed() -> None:
    ids = [f"m{number}" for number in range(100_000)]
    response = Response("Foo/query", {"ids": ids}, "t0")
    assert ids == resolve({"#ids": reference("t0", "Foo/query", "/ids")}, [response])["ids"]


def test_a_very_long_path_is_followed_without_recursion() -> None:
    assert [] == evaluate([], ["*"] * 100_000)


def evaluate_by_the_letter(value: Json, tokens: list[str]) -> Json:
    """The algorithm as RFC 8620 §3.7 words it."""
    if not tokens:
        return value
    first, rest = tokens[0], tokens[1:]
    if isinstance(value, list) and first == "*":
        output: list[Json] = []
        for item in value:
            result = evaluate_by_the_letter(item, rest)
            output.extend(result if isinstance(result, list) else [result])
        return output
    if isinstance(value, dict):
        return evaluate_by_the_letter(value[first], rest)
    if isinstance(value, list) and first in {"0", "1", "2"}:
        return evaluate_by_the_letter(value[int(first)], rest)
    raise LookupError


@given(
    st.recursive(
        st.integers(0, 9),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab*"), inner, max_size=3)
        ),
        max_leaves=20,
    ),
    st.lists(st.sampled_from(["a", "b", "*", "*", "0", "1"]), max_size=5),
)
def test_evaluation_agrees_with_the_letter_of_the_standard(value: Json, tokens: list[str]) -> None:
    try:
        expected = evaluate_by_the_letter(value, tokens)
    except LookupError:
        with pytest.raises(LookupError):
            evaluate(value, tokens)
    else:
        assert expected == evaluate(value, tokens)
