"""Foo/copy (RFC 8620 §5.4)."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from pathlib import Path

import pytest

from bakery.kitchen import BAKER, HOME, LOCKED, OTHER, Kitchen, OpenStore
from posthouse.kit.json import Json, JsonObject
from posthouse.kit.limits import Limits


@pytest.fixture
def there(kitchen: Kitchen) -> str:
    """The id of a shelf in the other account; not the number of any shelf at home."""
    kitchen.ask("Shelf/set", accountId="a2", create={f"k{at}": {"name": f"n{at}"} for at in range(5)})
    ids: list[str] = [found["id"] for found in kitchen.ask("Shelf/get", accountId="a2")["list"]]
    return ids[-1]


@pytest.fixture
def bun(kitchen: Kitchen) -> str:
    [top] = kitchen.shelves("top")
    labels = [{"name": "Maker", "value": "Ada"}]
    return kitchen.cakes({"labels": labels, "tags": {"old": True}, "price": 3}, shelfIds={top: True})[0]


def copy(kitchen: Kitchen, create: Json, **more: Json) -> JsonObject:
    return kitchen.ask("Cake/copy", fromAccountId="a1", accountId="a2", create=create, **more)


def test_a_copy_has_the_values_of_its_original_but_for_what_is_given(
    kitchen: Kitchen, there: str, bun: str
) -> None:
    answer = copy(kitchen, {"k": {"id": bun, "shelfIds": {there: True}, "price": 4}})
    assert {"k": {"id", "orderId"}} == {key: made.keys() for key, made in answer["created"].items()}
    assert (None, "a1", "a2") == (answer["notCreated"], answer["fromAccountId"], answer["accountId"])
    assert answer["oldState"] != answer["newState"]
    [original] = kitchen.ask("Cake/get", ids=[bun])["list"]
    [found] = kitchen.ask("Cake/get", accountId="a2", ids=[answer["created"]["k"]["id"]])["list"]
    assert original | answer["created"]["k"] | {"shelfIds": {there: True}, "price": 4} == found


def test_a_copy_is_found_by_its_words(kitchen: Kitchen, there: str, bun: str) -> None:
    made = copy(kitchen, {"k": {"id": bun, "shelfIds": {there: True}}})["created"]["k"]["id"]
    assert [made] == kitchen.found(accountId="a2", filter={"text": "ada"})


def test_the_original_stays(kitchen: Kitchen, there: str, bun: str) -> None:
    before = kitchen.state()
    copy(kitchen, {"k": {"id": bun, "shelfIds": {there: True}}})
    assert before == kitchen.state()


def test_one_original_may_be_copied_twice(kitchen: Kitchen, there: str, bun: str) -> None:
    twice = {key: {"id": bun, "shelfIds": {there: True}} for key in "kl"}
    made = copy(kitchen, twice)["created"]
    assert made["k"]["id"] != made["l"]["id"]


def test_references_of_the_original_are_not_taken_for_those_of_the_other_account(
    kitchen: Kitchen, there: str, bun: str
) -> None:
    error = copy(kitchen, {"k": {"id": bun}})["notCreated"]["k"]
    assert ("invalidProperties", ["shelfIds"]) == (error["type"], error["properties"])


@pytest.mark.parametrize("id", ["c99", "h1", "x", ""])
def test_an_unknown_original_is_not_found(kitchen: Kitchen, there: str, bun: str, id: str) -> None:
    assert (
        "notFound" == copy(kitchen, {"k": {"id": id, "shelfIds": {there: True}}})["notCreated"]["k"]["type"]
    )


@pytest.mark.parametrize("given", [{}, {"id": 1}, {"id": None}])
def test_a_copy_must_name_its_original(kitchen: Kitchen, there: str, bun: str, given: JsonObject) -> None:
    error = copy(kitchen, {"k": given | {"shelfIds": {there: True}}})["notCreated"]["k"]
    assert ("invalidProperties", ["id"]) == (error["type"], error["properties"])


@pytest.mark.parametrize(
    ("name", "value"),
    [("price", -1), ("orderId", "o1"), ("nosuch", 1), ("shelfIds", {"h99": True}), ("shelfIds", {})],
)
def test_a_value_that_a_property_cannot_have_is_named(
    kitchen: Kitchen, there: str, bun: str, name: str, value: Json
) -> None:
    error = copy(kitchen, {"k": {"id": bun, "shelfIds": {there: True}, name: value}})["notCreated"]["k"]
    assert ("invalidProperties", [name]) == (error["type"], error["properties"])


def test_references_may_be_creation_ids(kitchen: Kitchen, bun: str) -> None:
    made, copied, found = kitchen.responses(
        ("Shelf/set", {"accountId": "a2", "create": {"s": {"name": "s"}}}),
        (
            "Cake/copy",
            {
                "fromAccountId": "a1",
                "accountId": "a2",
                "create": {"k": {"id": bun, "shelfIds": {"#s": True}}},
            },
        ),
        ("Cake/get", {"accountId": "a2", "properties": ["shelfIds"]}),
    )
    assert "Cake/copy" == copied[0]
    assert {made[1]["created"]["s"]["id"]: True} == found[1]["list"][0]["shelfIds"]


def test_a_copy_has_a_creation_id_for_later_calls(kitchen: Kitchen, there: str, bun: str) -> None:
    create = {"k": {"id": bun, "shelfIds": {there: True}}}
    copied, updated = kitchen.responses(
        ("Cake/copy", {"fromAccountId": "a1", "accountId": "a2", "create": create}),
        ("Cake/set", {"accountId": "a2", "update": {"#k": {"price": 9}}}),
    )
    assert {copied[1]["created"]["k"]["id"]: None} == updated[1]["updated"]


# -- the call as a whole --


@pytest.mark.parametrize("source", ["a9", "x"])
def test_an_unknown_source_is_from_account_not_found(kitchen: Kitchen, source: str) -> None:
    refused = kitchen.refusal("Cake/copy", fromAccountId=source, accountId="a2", create={})
    assert "fromAccountNotFound" == refused["type"]


def test_an_unknown_target_is_account_not_found(kitchen: Kitchen) -> None:
    assert (
        "accountNotFound"
        == kitchen.refusal("Cake/copy", fromAccountId="a1", accountId="a9", create={})["type"]
    )


def test_a_copy_within_one_account_is_refused(kitchen: Kitchen) -> None:
    refused = kitchen.refusal("Cake/copy", fromAccountId="a1", accountId="a1", create={})
    assert "invalidArguments" == refused["type"]


def test_a_target_for_reading_only_is_refused(kitchen: Kitchen) -> None:
    refused = kitchen.refusal("Cake/copy", fromAccountId="a1", accountId="a3", create={})
    assert "accountReadOnly" == refused["type"]


@pytest.mark.parametrize(
    "arguments", [{"create": None}, {}, {"create": {"k": 1}}, {"create": {}, "destroy": []}]
)
def test_arguments_of_a_wrong_kind_are_invalid(kitchen: Kitchen, arguments: JsonObject) -> None:
    refused = kitchen.refusal("Cake/copy", fromAccountId="a1", accountId="a2", **arguments)
    assert "invalidArguments" == refused["type"]


@pytest.mark.parametrize("name", ["ifFromInState", "ifInState"])
def test_a_copy_in_another_state_is_refused_as_a_whole(
    kitchen: Kitchen, there: str, bun: str, name: str
) -> None:
    create = {"k": {"id": bun, "shelfIds": {there: True}}}
    refused = kitchen.refusal("Cake/copy", fromAccountId="a1", accountId="a2", create=create, **{name: "zzz"})
    assert "stateMismatch" == refused["type"]
    assert [] == kitchen.ask("Cake/get", accountId="a2")["list"]


def test_a_copy_in_the_named_states_is_done(kitchen: Kitchen, there: str, bun: str) -> None:
    target = kitchen.ask("Cake/get", accountId="a2", ids=[])["state"]
    create = {"k": {"id": bun, "shelfIds": {there: True}}}
    answer = copy(kitchen, create, ifFromInState=kitchen.state(), ifInState=target)
    assert (target, {"k"}) == (answer["oldState"], answer["created"].keys())


def test_more_copies_than_the_limit_are_too_many(open_store: OpenStore, tmp_path: Path) -> None:
    with closing(Kitchen(open_store, tmp_path, limits=Limits(max_objects_in_set=1))) as kitchen:
        two = {"k": {"id": "c1"}, "l": {"id": "c1"}}
        refused = kitchen.refusal("Cake/copy", fromAccountId="a1", accountId="a2", create=two)
        assert "requestTooLarge" == refused["type"]


# -- moving --


def move(kitchen: Kitchen, bun: str, there: str, **more: Json) -> list[list[Json]]:
    create = {"k": {"id": bun, "shelfIds": {there: True}}, "no": {"id": "c99", "shelfIds": {there: True}}}
    asked = {"fromAccountId": "a1", "accountId": "a2", "create": create, "onSuccessDestroyOriginal": True}
    return kitchen.responses(("Cake/copy", asked | more), ("Cake/get", {"ids": []}))


def test_originals_that_were_copied_are_destroyed_in_a_second_response(
    kitchen: Kitchen, there: str, bun: str
) -> None:
    copied, destroyed, after = move(kitchen, bun, there)
    assert ["Cake/copy", "0"] == [copied[0], copied[2]]
    assert ["Cake/set", "0"] == [destroyed[0], destroyed[2]]
    assert ["Cake/get", "1"] == [after[0], after[2]]
    assert ("a1", [bun]) == (destroyed[1]["accountId"], destroyed[1]["destroyed"])
    assert [] == kitchen.ask("Cake/get")["list"]
    assert after[1]["state"] == destroyed[1]["newState"]


def test_originals_stay_if_their_account_is_in_another_state(kitchen: Kitchen, there: str, bun: str) -> None:
    copied, refused, _ = move(kitchen, bun, there, destroyFromIfInState="zzz")
    assert {"k"} == copied[1]["created"].keys()
    assert ["error", "stateMismatch", "0"] == [refused[0], refused[1]["type"], refused[2]]
    assert 1 == len(kitchen.ask("Cake/get")["list"])


def test_originals_go_if_their_account_is_in_the_named_state(kitchen: Kitchen, there: str, bun: str) -> None:
    _, destroyed, _ = move(kitchen, bun, there, destroyFromIfInState=kitchen.state())
    assert [bun] == destroyed[1]["destroyed"]


def test_nothing_copied_means_nothing_destroyed(kitchen: Kitchen, bun: str) -> None:
    responses = move(kitchen, bun, "h99")
    assert ["Cake/copy", "Cake/get"] == [response[0] for response in responses]


def test_originals_of_an_account_for_reading_only_stay(kitchen: Kitchen, there: str, bun: str) -> None:
    shut = dataclasses.replace(HOME, is_read_only=True)
    caller = dataclasses.replace(BAKER, accounts={at.wire: at for at in (shut, OTHER, LOCKED)})
    arguments = {
        "fromAccountId": "a1",
        "accountId": "a2",
        "create": {"k": {"id": bun, "shelfIds": {there: True}}},
        "onSuccessDestroyOriginal": True,
    }
    copied, refused = kitchen.answer(("Cake/copy", arguments, "0"), caller=caller)["methodResponses"]
    assert {"k"} == copied[1]["created"].keys()
    assert ["error", "accountReadOnly"] == [refused[0], refused[1]["type"]]
