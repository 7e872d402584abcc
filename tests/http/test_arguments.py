"""Arguments that are wrong in kind or size get the error of their method call (RFC 8620 §1.3, §3.6.2, §5)."""

from __future__ import annotations

from typing import Any

import pytest

from wire.methods import METHODS
from wire.person import Person

TOO_HIGH = 2**53


@pytest.mark.parametrize("value", [-1, 1.5, TOO_HIGH, 10**30, "1", True, [1]])
@pytest.mark.parametrize(
    ("method", "name", "more"),
    [
        ("Email/query", "limit", {}),
        ("Email/changes", "maxChanges", {"sinceState": "0"}),
        ("Email/queryChanges", "maxChanges", {"sinceQueryState": "0"}),
        ("Email/get", "maxBodyValueBytes", {"ids": []}),
    ],
)
def test_a_number_that_is_no_unsigned_int(
    demo: Person, method: str, name: str, more: dict[str, Any], value: Any
) -> None:
    assert "invalidArguments" == demo.error(method, **{name: value}, **more)["type"]


@pytest.mark.parametrize("value", [1.5, TOO_HIGH, -TOO_HIGH, 10**30, "1", False, None])
@pytest.mark.parametrize("name", ["position", "anchorOffset"])
def test_a_number_that_is_no_int(demo: Person, name: str, value: Any) -> None:
    assert "invalidArguments" == demo.error("Email/query", **{name: value})["type"]


@pytest.mark.parametrize("name", ["position", "anchorOffset"])
def test_the_largest_ints_are_accepted(demo: Person, name: str) -> None:
    for value in (TOO_HIGH - 1, 1 - TOO_HIGH, 0):
        assert "Email/query" == demo.call("Email/query", **{name: value})[0]


@pytest.mark.parametrize("value", [-1, 1.5, 2**31, TOO_HIGH, "1", True])
def test_a_property_with_a_number_that_it_cannot_have(demo: Person, value: Any) -> None:
    _, answer = demo.call("Mailbox/set", create={"a": {"name": "x", "sortOrder": value}})
    error = answer["notCreated"]["a"]
    assert ("invalidProperties", ["sortOrder"]) == (error["type"], error["properties"])


@pytest.mark.parametrize("value", [-1, 1.5, TOO_HIGH, "1", True])
def test_a_filter_with_a_number_that_it_cannot_have(demo: Person, value: Any) -> None:
    error = demo.error("Email/query", filter={"minSize": value})
    assert error["type"] in ("invalidArguments", "unsupportedFilter")


def test_numbers_inside_echo_come_back(demo: Person) -> None:
    values = {"a": TOO_HIGH - 1, "b": -1, "c": 0.5, "d": [0]}
    [[_, echoed, _]] = demo.send(["Core/echo", values, "0"]).json()["methodResponses"]
    assert values == echoed


@pytest.mark.parametrize("account", ["nowhere", "a", "A" * 255])
def test_an_unknown_account_is_not_found(demo: Person, account: str) -> None:
    for method, values in METHODS.items():
        if values is not None:
            error = demo.error(method, **values | {"accountId": account})
            assert "accountNotFound" == error["type"], method


@pytest.mark.parametrize("account", [None, 1, "", "not an id", "ä", ["a"], "x" * 256])
def test_what_is_no_account_id_is_an_invalid_argument(demo: Person, account: Any) -> None:
    for method, values in METHODS.items():
        if values is not None:
            error = demo.error(method, **values | {"accountId": account})
            assert "invalidArguments" == error["type"], method


def test_the_account_must_be_named(demo: Person) -> None:
    for method, values in METHODS.items():
        if values is not None:
            response = demo.send([method, values, "0"]).json()
            [[name, error, _]] = response["methodResponses"]
            assert ("error", "invalidArguments") == (name, error["type"]), method


def test_an_unknown_argument_is_invalid(demo: Person) -> None:
    for method, values in METHODS.items():
        if values is not None:
            assert "invalidArguments" == demo.error(method, **values, nonsense=1)["type"], method


def test_more_objects_than_the_limit_are_refused(demo: Person) -> None:
    ids = [f"e{at}" for at in range(demo.limits["maxObjectsInGet"] + 1)]
    assert "requestTooLarge" == demo.error("Email/get", ids=ids)["type"]
    assert "Email/get" == demo.call("Email/get", ids=ids[1:], properties=["id"])[0]
    most = demo.limits["maxObjectsInSet"]
    ids = [f"zz{at}" for at in range(most + 1)]
    half = most // 2
    mixed = {"destroy": ids[:half], "update": {id: {} for id in ids[half:]}}
    assert "requestTooLarge" == demo.error("Email/set", **mixed)["type"]
    assert "requestTooLarge" == demo.error("Email/set", destroy=ids)["type"]
    assert "Email/set" == demo.call("Email/set", destroy=ids[1:])[0]


@pytest.mark.parametrize("state", ["", "zz", "-1", "99999999999999999999", "ä", "' or 1=1", "x" * 10_000])
def test_a_state_that_was_never_given_is_incalculable(demo: Person, state: str) -> None:
    for method, values in METHODS.items():
        for name in {"sinceState", "sinceQueryState"} & set(values or ()):
            assert "cannotCalculateChanges" == demo.error(method, **{name: state})["type"], method


@pytest.mark.parametrize("type", ["Email", "Mailbox", "Identity", "VacationResponse"])
def test_another_state_stops_a_set(demo: Person, type: str) -> None:
    assert "stateMismatch" == demo.error(f"{type}/set", ifInState="another")["type"]


@pytest.mark.parametrize(
    "filter",
    [
        {"nonsense": 1},
        {"operator": "XOR", "conditions": []},
        {"operator": "AND"},
        {"operator": "AND", "conditions": {}},
        {"operator": "AND", "conditions": [[]]},
        {"operator": "NOT", "conditions": [None]},
        {"inMailbox": 1},
        {"inMailbox": None},
        {"before": "yesterday"},
        {"before": "2024-02-30T00:00:00Z"},
        {"after": "2024-01-01T00:00:00+01:00"},
        {"hasKeyword": ""},
        {"hasKeyword": "a b"},
        {"hasAttachment": 1},
        {"text": 1},
        {"header": []},
        {"header": "Subject"},
        {"header": ["a", "b", "c"]},
        {"header": [1]},
    ],
    ids=str,
)
def test_a_filter_that_is_none_is_refused(demo: Person, filter: Any) -> None:
    for method, more in (("Email/query", {}), ("Email/queryChanges", {"sinceQueryState": "x"})):
        error = demo.error(method, filter=filter, **more)
        assert error["type"] in ("unsupportedFilter", "invalidArguments"), method


def test_a_filter_of_any_depth_comes_to_an_end(demo: Person) -> None:
    deep: Any = {"hasAttachment": True}
    for _ in range(100):
        deep = {"operator": "AND", "conditions": [deep]}
    assert "unsupportedFilter" == demo.error("Email/query", filter=deep)["type"]
    wide = {"operator": "OR", "conditions": [{"text": f"word{at}"} for at in range(20_000)]}
    assert "unsupportedFilter" == demo.error("Email/query", filter=wide)["type"]


@pytest.mark.parametrize(
    "comparator",
    [{"property": "nonsense"}, {"property": ""}, {"property": "subject", "collation": "i;nonsense"}],
)
def test_a_sort_that_is_not_announced_is_unsupported(demo: Person, comparator: Any) -> None:
    assert "unsupportedSort" == demo.error("Email/query", sort=[comparator])["type"]


def test_a_number_is_sorted_whatever_the_collation(demo: Person) -> None:
    """RFC 8620 §5.5: the collation is ignored for what is no string."""
    comparator = {"property": "size", "collation": "i;nonsense"}
    assert "Email/query" == demo.call("Email/query", sort=[comparator])[0]


def test_members_of_a_comparator_that_are_unknown_are_ignored(demo: Person) -> None:
    comparator = {"property": "size", "position": 0, "calculateTotal": False}
    plain = demo.call("Email/query", sort=[{"property": "size"}])
    assert plain == demo.call("Email/query", sort=[comparator])


@pytest.mark.parametrize(
    "sort", [["size"], [{}], [{"property": 1}], [{"property": "size", "isAscending": 1}], {}]
)
def test_what_is_no_comparator_is_an_invalid_argument(demo: Person, sort: Any) -> None:
    assert "invalidArguments" == demo.error("Email/query", sort=sort)["type"]


def test_an_anchor_that_is_not_there_is_not_found(demo: Person) -> None:
    assert "anchorNotFound" == demo.error("Email/query", anchor="nowhere")["type"]


@pytest.mark.parametrize(
    ("properties", "more"),
    [
        (["nonsense"], {}),
        (["header:"], {}),
        (["header:Subject:asNonsense"], {}),
        (["header:From:asDate"], {}),
        (["header:Subject:all:asText"], {}),
        (["header:Sübject"], {}),
        (["id"], {"bodyProperties": ["nonsense"]}),
        (["id"], {"bodyProperties": ["header:From:asURLs"]}),
    ],
)
def test_a_property_that_an_email_cannot_have(demo: Person, properties: list[str], more: Any) -> None:
    assert "invalidArguments" == demo.error("Email/get", ids=[], properties=properties, **more)["type"]


@pytest.mark.parametrize(
    "reference",
    [
        {"resultOf": "a", "name": "Core/echo", "path": "/nowhere"},
        {"resultOf": "a", "name": "Core/echo", "path": "no pointer"},
        {"resultOf": "a", "name": "Email/get", "path": "/ids"},
        {"resultOf": "b", "name": "Core/echo", "path": "/ids"},
        {"resultOf": "a", "name": "Core/echo", "path": "/ids/7"},
        {"resultOf": "a", "name": "Core/echo", "path": "/ids/*/x"},
        {"resultOf": "a", "name": "Core/echo", "path": "/ids/~2"},
        {"resultOf": "a", "name": "Core/echo", "path": "/ids/-"},
    ],
    ids=str,
)
def test_a_reference_that_leads_nowhere(demo: Person, reference: Any) -> None:
    response = demo.send(
        ["Core/echo", {"ids": ["e1"]}, "a"],
        ["Email/get", {"accountId": demo.account, "#ids": reference}, "b"],
    )
    name, error, _ = response.json()["methodResponses"][1]
    assert ("error", "invalidResultReference") == (name, error["type"])


def test_an_argument_beside_its_reference_is_invalid(demo: Person) -> None:
    reference = {"resultOf": "a", "name": "Core/echo", "path": "/ids"}
    both = {"accountId": demo.account, "ids": [], "#ids": reference}
    response = demo.send(["Core/echo", {"ids": []}, "a"], ["Email/get", both, "b"]).json()
    assert "invalidArguments" == response["methodResponses"][1][1]["type"]
