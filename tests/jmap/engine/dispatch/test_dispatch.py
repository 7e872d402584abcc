"""Requests of several calls: methods, accounts, arguments, references, failures (RFC 8620 §3.3 to §3.10)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bakery import BAKERY
from bakery.kitchen import Kitchen, OpenStore
from posthouse.kit.json import Json, JsonObject
from posthouse.model.capability import Capability, Parameter
from posthouse.model.kind import Boolean, UnsignedInt
from posthouse.model.ports import Calling, Txn
from posthouse.model.type import Type

OVEN = Capability("https://bakery.example/oven")
_SHELF: Type = BAKERY.types[0]
SECRET = "the-recipe-of-grandmother"


@OVEN.answers("Oven/echo")
async def echo(call: Calling, arguments: JsonObject) -> JsonObject:
    return arguments


@OVEN.reads("Oven/count", doubled=Parameter(Boolean(), default=False))
def count(call: Calling, txn: Txn, arguments: JsonObject) -> JsonObject:
    return {"count": len(txn.ids(_SHELF)) * (2 if arguments["doubled"] else 1)}


@OVEN.writes("Oven/burn", temperature=Parameter(UnsignedInt(), required=True))
async def burn(call: Calling, arguments: JsonObject) -> JsonObject:
    def unit(txn: Txn) -> None:
        txn.put_note("oven", arguments["temperature"])
        if arguments["temperature"] > 300:
            raise ValueError(SECRET)

    await call.write(unit)
    return {"note": await call.read(lambda txn: txn.note("oven"))}


@OVEN.reads("Oven/explode")
def explode(call: Calling, txn: Txn, arguments: JsonObject) -> JsonObject:
    raise RuntimeError(SECRET)


@pytest.fixture
def kitchen(open_store: OpenStore, tmp_path: Path) -> Iterator[Kitchen]:
    with closing(Kitchen(open_store, tmp_path, OVEN)) as kitchen:
        yield kitchen


def test_responses_come_in_the_order_of_the_calls_with_their_ids(kitchen: Kitchen) -> None:
    calls = [("Shelf/get", "x"), ("Shelf/query", "y"), ("Nosuch/get", "x"), ("Cake/get", "")]
    answered = kitchen.answer(*[(name, {"accountId": "a1"}, call_id) for name, call_id in calls])
    assert [["Shelf/get", "x"], ["Shelf/query", "y"], ["error", "x"], ["Cake/get", ""]] == [
        [name, call_id] for name, _, call_id in answered["methodResponses"]
    ]


def test_no_call_gets_no_response(kitchen: Kitchen) -> None:
    assert [] == kitchen.answer()["methodResponses"]


@pytest.mark.parametrize(
    "name", ["Nosuch/get", "Cake/nosuch", "Shelf/copy", "Order/query", "cake/get", "", "error"]
)
def test_a_method_that_there_is_not_is_unknown(kitchen: Kitchen, name: str) -> None:
    assert "unknownMethod" == kitchen.refusal(name)["type"]


@pytest.mark.parametrize("name", ["Cake/get", "Cake/set", "Oven/echo", "Oven/count", "Oven/burn"])
def test_a_method_of_a_capability_that_is_not_used_is_unknown(kitchen: Kitchen, name: str) -> None:
    call = (name, {"accountId": "a1"}, "0")
    for using in ([], ["urn:ietf:params:jmap:core"]):
        [[_, error, _]] = kitchen.answer(call, using=using)["methodResponses"]
        assert {"type": "unknownMethod"} == error


def test_a_capability_that_is_not_used_may_be_answered_for_clients_that_forget(
    open_store: OpenStore, tmp_path: Path
) -> None:
    with closing(Kitchen(open_store, tmp_path / "lenient", lenient_using=True)) as kitchen:
        [[name, _, _]] = kitchen.answer(("Cake/get", {"accountId": "a1"}, "0"), using=[])["methodResponses"]
        assert "Cake/get" == name


METHODS: list[tuple[str, JsonObject]] = [
    ("Cake/get", {}),
    ("Cake/changes", {"sinceState": "0"}),
    ("Cake/set", {}),
    ("Cake/copy", {"fromAccountId": "a1", "create": {}}),
    ("Cake/query", {}),
    ("Cake/queryChanges", {"sinceQueryState": "0"}),
    ("Oven/count", {}),
    ("Oven/burn", {"temperature": 1}),
]


@pytest.mark.parametrize(("name", "arguments"), METHODS)
@pytest.mark.parametrize("account", ["a9", "x", "A1", "a01"])
def test_an_account_that_is_not_open_is_not_found(
    kitchen: Kitchen, name: str, arguments: JsonObject, account: str
) -> None:
    assert "accountNotFound" == kitchen.refusal(name, **arguments, accountId=account)["type"]


@pytest.mark.parametrize(("name", "arguments"), METHODS)
@pytest.mark.parametrize("account", [None, 1, "", "not an id", ["a1"], {"a1": True}, "a" * 256])
def test_an_account_id_of_a_wrong_kind_is_an_invalid_argument(
    kitchen: Kitchen, name: str, arguments: JsonObject, account: Json
) -> None:
    assert "invalidArguments" == kitchen.refusal(name, **arguments, accountId=account)["type"]


@pytest.mark.parametrize(("name", "arguments"), METHODS)
def test_an_account_id_must_be_there(kitchen: Kitchen, name: str, arguments: JsonObject) -> None:
    [[_, error, _]] = kitchen.answer((name, arguments, "0"))["methodResponses"]
    assert ("invalidArguments", ["accountId"]) == (error["type"], error["arguments"])


@pytest.mark.parametrize(("name", "arguments"), METHODS)
@pytest.mark.parametrize("unknown", ["nosuch", "", "AccountId", "ids "])
def test_an_argument_that_there_is_not_is_invalid(
    kitchen: Kitchen, name: str, arguments: JsonObject, unknown: str
) -> None:
    refused = kitchen.refusal(name, **arguments | {unknown: None})
    assert ("invalidArguments", [unknown]) == (refused["type"], refused["arguments"])


def test_a_failed_call_keeps_no_later_one_from_being_done(kitchen: Kitchen) -> None:
    responses = kitchen.responses(
        ("Shelf/get", {"ids": 1}),
        ("Shelf/set", {"create": {"k": {"name": "a"}}}),
        ("Oven/explode", {}),
        ("Oven/burn", {"temperature": 301}),
        ("Shelf/get", {}),
    )
    assert ["error", "Shelf/set", "error", "error", "Shelf/get"] == [response[0] for response in responses]
    assert 1 == len(responses[4][1]["list"])


# -- methods of a capability's own --


def test_an_echo_gives_what_it_got(kitchen: Kitchen) -> None:
    given = {"x": [1, None, {"y": "ü"}], "accountId": 7}
    [[name, answered, _]] = kitchen.answer(("Oven/echo", given, "0"))["methodResponses"]
    assert ("Oven/echo", given) == (name, answered)


def test_an_own_method_reads_in_the_run_of_its_neighbours(kitchen: Kitchen) -> None:
    kitchen.shelves("a", "b")
    answers = kitchen.responses(("Shelf/get", {}), ("Oven/count", {}), ("Oven/count", {"doubled": True}))
    assert [{"count": 2}, {"count": 4}] == [answer[1] for answer in answers[1:]]


def test_an_own_method_that_reads_takes_references(kitchen: Kitchen) -> None:
    answers = kitchen.responses(
        ("Oven/echo", {"to": "a1"}),
        ("Oven/count", {"accountId": "a2"}),
    )
    assert {"count": 0} == answers[1][1]
    referring = kitchen.answer(
        ("Oven/echo", {"to": "a1"}, "0"),
        ("Oven/count", {"#accountId": {"resultOf": "0", "name": "Oven/echo", "path": "/to"}}, "1"),
    )
    assert {"count": 0} == referring["methodResponses"][1][1]


def test_an_own_method_writes_and_sees_what_it_wrote(kitchen: Kitchen) -> None:
    assert {"note": 200} == kitchen.ask("Oven/burn", temperature=200)


@pytest.mark.parametrize(
    "arguments", [{}, {"temperature": -1}, {"temperature": "hot"}, {"temperature": None}]
)
def test_an_own_methods_arguments_are_checked(kitchen: Kitchen, arguments: JsonObject) -> None:
    assert "invalidArguments" == kitchen.refusal("Oven/burn", **arguments)["type"]


# -- failures of our own --


@pytest.mark.parametrize(("name", "arguments"), [("Oven/explode", {}), ("Oven/burn", {"temperature": 301})])
def test_an_unexpected_failure_has_an_id_that_is_in_the_log_without_personal_content(
    kitchen: Kitchen, name: str, arguments: JsonObject
) -> None:
    with capture_logs() as logged:
        refused = kitchen.refusal(name, **arguments)
    [line] = logged
    assert "serverFail" == refused["type"]
    assert refused["description"].endswith(line["id"])
    assert ("engine.fail", name) == (line["event"], line["method"])
    assert "test_dispatch.py" in line["trace"][-1]
    assert "exc_info" not in line
    assert SECRET not in f"{line}{refused}"


def test_a_unit_that_fails_leaves_nothing(kitchen: Kitchen) -> None:
    kitchen.ask("Oven/burn", temperature=200)
    kitchen.refusal("Oven/burn", temperature=301)
    assert 200 == kitchen.read(lambda txn: txn.note("oven"))


# -- references to earlier results --


def reference(result_of: str, name: str, path: str) -> JsonObject:
    return {"resultOf": result_of, "name": name, "path": path}


@pytest.fixture
def ids(kitchen: Kitchen) -> list[str]:
    one, two = kitchen.shelves("one", "two")
    return kitchen.cakes({"shelfIds": {one: True}}, {"shelfIds": {two: True}, "tags": {"old": True}})


def test_a_query_a_get_and_a_further_get_in_one_request(kitchen: Kitchen, ids: list[str]) -> None:
    answers = kitchen.responses(
        ("Cake/query", {"filter": {"hasTag": "old"}}),
        ("Cake/get", {"#ids": reference("0", "Cake/query", "/ids"), "properties": ["orderId", "slogan"]}),
        ("Cake/get", {"#ids": reference("1", "Cake/get", "/list/*/id")}),
        ("Order/changes", {"sinceState": "0"}),
    )
    assert [ids[1]] == [found["id"] for found in answers[1][1]["list"]]
    assert [ids[1]] == [found["id"] for found in answers[2][1]["list"]]


def test_what_several_objects_refer_to_is_got_once(kitchen: Kitchen, ids: list[str]) -> None:
    found, echoed, orders = kitchen.responses(
        ("Cake/get", {"ids": ids, "properties": ["orderId"]}),
        ("Oven/echo", {"#x": reference("0", "Cake/get", "/list/*/orderId")}),
        ("Order/get", {"#ids": reference("0", "Cake/get", "/list/*/orderId")}),
    )
    one, two = (cake["orderId"] for cake in found[1]["list"])
    assert one == two
    assert [one, two] == echoed[1]["x"]
    assert [one] == [order["id"] for order in orders[1]["list"]]


@pytest.mark.parametrize("name", ["id", "orderId", "name", "weight", "tags", "shelfIds", "price", "labels"])
def test_a_stored_property_of_all_objects_can_be_referred_to(
    kitchen: Kitchen, ids: list[str], name: str
) -> None:
    """Cut out of rows that are never read, it is the same as in the answer."""
    found, echoed = kitchen.responses(
        ("Cake/get", {"ids": ids, "properties": [name]}),
        ("Oven/echo", {"#x": reference("0", "Cake/get", f"/list/*/{name}")}),
    )
    expected = [one[name] for one in found[1]["list"]]
    flat = [item for value in expected for item in (value if isinstance(value, list) else [value])]
    assert flat == echoed[1]["x"]


@pytest.mark.parametrize("name", ["isFavourite", "myRights", "totalCakes", "parentId", "name"])
def test_any_property_of_all_containers_can_be_referred_to(
    kitchen: Kitchen, ids: list[str], name: str
) -> None:
    found, echoed = kitchen.responses(
        ("Shelf/get", {"properties": [name]}),
        ("Oven/echo", {"#x": reference("0", "Shelf/get", f"/list/*/{name}")}),
    )
    assert [one[name] for one in found[1]["list"]] == echoed[1]["x"]


@pytest.mark.parametrize(
    "path", ["/list/0/name", "/list/*/tags/old", "/state", "/notFound", "/list", "", "/list/1/shelfIds"]
)
def test_any_path_into_an_answer_selects_what_it_holds(kitchen: Kitchen, ids: list[str], path: str) -> None:
    answers = kitchen.responses(
        ("Cake/get", {"ids": [ids[1], ids[1], ids[0]]}),
        ("Oven/echo", {"#x": reference("0", "Cake/get", path)}),
    )
    if path == "/list/*/tags/old":  # only one of the two has it
        assert "invalidResultReference" == answers[1][1]["type"]
    else:
        value = answers[0][1]
        for token in path.split("/")[1:]:
            value = value[int(token)] if isinstance(value, list) else value[token]
        assert value == answers[1][1]["x"]


@pytest.mark.parametrize(
    "wrong",
    [
        reference("9", "Cake/get", "/list"),
        reference("0", "Cake/query", "/list"),
        reference("0", "Cake/get", "/nosuch"),
        reference("0", "Cake/get", "/list/*/nosuch"),
        reference("0", "Cake/get", "/list/9"),
        reference("0", "Cake/get", "list"),
        reference("1", "Cake/get", "/list"),
    ],
)
def test_a_reference_that_selects_nothing_is_refused(
    kitchen: Kitchen, ids: list[str], wrong: JsonObject
) -> None:
    answers = kitchen.responses(("Cake/get", {}), ("Cake/get", {"#ids": wrong}))
    assert ["error", "invalidResultReference"] == [answers[1][0], answers[1][1]["type"]]


@pytest.mark.parametrize(
    "wrong", [None, "0", [], {}, {"resultOf": "0"}, {"resultOf": 0, "name": "x", "path": ""}]
)
def test_what_is_no_reference_is_an_invalid_argument(kitchen: Kitchen, wrong: Json) -> None:
    assert "invalidArguments" == kitchen.refusal("Cake/get", **{"#ids": wrong})["type"]


def test_an_argument_given_twice_over_is_invalid(kitchen: Kitchen) -> None:
    both = {"ids": [], "#ids": reference("0", "Cake/get", "/list")}
    assert "invalidArguments" == kitchen.responses(("Cake/get", {}), ("Cake/get", both))[1][1]["type"]


def test_a_reference_to_an_error_is_refused(kitchen: Kitchen) -> None:
    answers = kitchen.responses(
        ("Cake/get", {"ids": 1}), ("Cake/get", {"#ids": reference("0", "Cake/get", "/list/*/id")})
    )
    assert "invalidResultReference" == answers[1][1]["type"]


def test_reads_see_the_writes_before_them_and_writes_take_from_reads(
    kitchen: Kitchen, ids: list[str]
) -> None:
    answers = kitchen.responses(
        ("Cake/query", {"filter": {"notTag": "old"}}),
        ("Cake/set", {"#destroy": reference("0", "Cake/query", "/ids")}),
        ("Cake/query", {}),
        ("Shelf/set", {"create": {"k": {"name": "new"}}}),
        ("Shelf/get", {"#ids": reference("3", "Shelf/set", "/created/k/id"), "properties": []}),
        ("Shelf/get", {"#ids": reference("3", "Shelf/set", "/created/*/id"), "properties": []}),
    )
    assert [ids[0]] == answers[1][1]["destroyed"]
    assert [ids[1]] == answers[2][1]["ids"]
    # `created` is an object: an id is no list of ids, and * only goes through arrays.
    assert ["error", "error"] == [answer[0] for answer in answers[4:]]


def test_changes_lead_to_gets_by_reference(kitchen: Kitchen, ids: list[str]) -> None:
    answers = kitchen.responses(
        ("Cake/changes", {"sinceState": "0"}),
        ("Cake/get", {"#ids": reference("0", "Cake/changes", "/created")}),
        (
            "Cake/get",
            {
                "#ids": reference("0", "Cake/changes", "/updated"),
                "#properties": reference("0", "Cake/changes", "/updated"),
            },
        ),
    )
    assert ids == [found["id"] for found in answers[1][1]["list"]]
    assert [] == answers[2][1]["list"]


def test_calls_on_different_accounts_stand_in_one_request(kitchen: Kitchen, ids: list[str]) -> None:
    answers = kitchen.responses(
        ("Cake/get", {}),
        ("Cake/get", {"accountId": "a2"}),
        ("Cake/get", {"accountId": "a3"}),
        ("Cake/get", {}),
    )
    assert [2, 0, 0, 2] == [len(answer[1]["list"]) for answer in answers]
