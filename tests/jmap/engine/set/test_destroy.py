"""Destroying with Foo/set, and what concerns the call as a whole (RFC 8620 §5.3)."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from bakery.kitchen import Kitchen, OpenStore
from posthouse.kit.json import Json
from posthouse.kit.limits import Limits


def test_a_destroyed_object_is_gone_with_all_that_leads_to_it(kitchen: Kitchen, top: str, bun: str) -> None:
    answer = kitchen.ask("Cake/set", destroy=[bun])
    assert ([bun], None) == (answer["destroyed"], answer["notDestroyed"])
    assert [bun] == kitchen.ask("Cake/get", ids=[bun])["notFound"]
    for filter in ({"onShelf": top}, {"hasTag": "fresh"}, {"text": "bun"}, None):
        found = kitchen.ask("Cake/query", filter=filter, calculateTotal=True)
        assert ([], 0) == (found["ids"], found["total"])
    assert 0 == kitchen.ask("Shelf/get", ids=[top])["list"][0]["totalCakes"]


def test_an_id_that_stands_twice_is_destroyed_once(kitchen: Kitchen, bun: str) -> None:
    answer = kitchen.ask("Cake/set", destroy=[bun, bun])
    assert ([bun], None) == (answer["destroyed"], answer["notDestroyed"])


def test_an_object_named_by_id_and_by_creation_id_is_destroyed_once(kitchen: Kitchen) -> None:
    _, answer = kitchen.responses(
        ("Shelf/set", {"create": {"k": {"name": "a"}}}), ("Shelf/set", {"destroy": ["#k", "h1"]})
    )
    assert (["h1"], None) == (answer[1]["destroyed"], answer[1]["notDestroyed"])


@pytest.mark.parametrize("id", ["c99", "h1", "x", "#nobody"])
def test_an_unknown_id_is_not_found(kitchen: Kitchen, bun: str, id: str) -> None:
    answer = kitchen.ask("Cake/set", destroy=[id, bun])
    assert ("notFound", [bun]) == (answer["notDestroyed"][id]["type"], answer["destroyed"])


@pytest.mark.parametrize("destroy", ["c1", {"c1": True}, [1], [None], [""], ["not an id"], ["#"]])
def test_a_destroy_of_a_wrong_kind_is_an_invalid_argument(kitchen: Kitchen, destroy: Json) -> None:
    assert "invalidArguments" == kitchen.refusal("Cake/set", destroy=destroy)["type"]


def test_what_the_type_holds_back_stays(kitchen: Kitchen, top: str, bun: str) -> None:
    answer = kitchen.ask("Shelf/set", destroy=[top])
    assert (None, "shelfHasCakes") == (answer["destroyed"], answer["notDestroyed"][top]["type"])
    assert answer["oldState"] == answer["newState"]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (1, 2, 0)])
def test_parents_and_children_may_be_destroyed_together_in_any_order(
    kitchen: Kitchen, order: tuple[int, ...]
) -> None:
    [top] = kitchen.shelves("top")
    [middle] = kitchen.shelves("middle", parentId=top)
    [low] = kitchen.shelves("low", parentId=middle)
    asked = [(top, middle, low)[at] for at in order]
    answer = kitchen.ask("Shelf/set", destroy=asked)
    assert (set(asked), None) == (set(answer["destroyed"]), answer["notDestroyed"])


def test_a_parent_stays_if_one_child_stays(kitchen: Kitchen, top: str) -> None:
    one, two = kitchen.shelves("one", "two", parentId=top)
    kitchen.cakes({}, shelfIds={two: True})
    answer = kitchen.ask("Shelf/set", destroy=[top, one, two])
    assert [one] == answer["destroyed"]
    assert {top: "shelfHasShelves", two: "shelfHasCakes"} == {
        id: error["type"] for id, error in answer["notDestroyed"].items()
    }


def test_what_counted_on_a_destroy_that_failed_is_judged_again(kitchen: Kitchen, top: str, bun: str) -> None:
    """The new shelf could have its name only if the old one went; so could the renamed one."""
    other, free = kitchen.shelves("other", "free")
    answer = kitchen.ask(
        "Shelf/set",
        create={"k": {"name": "top"}, "l": {"name": "new"}},
        update={other: {"name": "top"}, free: {"name": "freed"}},
        destroy=[top],
    )
    assert "shelfHasCakes" == answer["notDestroyed"][top]["type"]
    assert answer["destroyed"] is None
    assert ({"k"}, {"l"}) == (answer["notCreated"].keys(), answer["created"].keys())
    assert ({other}, {free}) == (answer["notUpdated"].keys(), answer["updated"].keys())
    found = {found["id"]: found["name"] for found in kitchen.ask("Shelf/get")["list"]}
    assert {top: "top", other: "other", free: "freed", answer["created"]["l"]["id"]: "new"} == found
    changes = kitchen.ask("Shelf/changes", sinceState=answer["oldState"])
    assert ([answer["created"]["l"]["id"]], [free]) == (changes["created"], changes["updated"])


def test_a_child_may_move_away_from_what_is_destroyed_in_the_same_call(kitchen: Kitchen, top: str) -> None:
    [low] = kitchen.shelves("low", parentId=top)
    answer = kitchen.ask("Shelf/set", update={low: {"parentId": None}}, destroy=[top])
    assert ({low: None}, [top]) == (answer["updated"], answer["destroyed"])


def test_nothing_may_refer_to_what_is_destroyed_in_the_same_call(kitchen: Kitchen, top: str) -> None:
    answer = kitchen.ask("Shelf/set", create={"k": {"name": "k", "parentId": top}}, destroy=[top])
    assert (["parentId"], [top]) == (answer["notCreated"]["k"]["properties"], answer["destroyed"])


# -- the call as a whole --


def test_a_call_in_the_named_state_is_done(kitchen: Kitchen, bun: str) -> None:
    state = kitchen.state()
    answer = kitchen.ask("Cake/set", ifInState=state, update={bun: {"price": 8}})
    assert (state, {bun: None}) == (answer["oldState"], answer["updated"])


def test_a_call_in_another_state_is_refused_as_a_whole(kitchen: Kitchen, bun: str) -> None:
    state = kitchen.state()
    kitchen.ask("Cake/set", update={bun: {"price": 8}})
    for other in (state, "", "x!"):
        refused = kitchen.refusal("Cake/set", ifInState=other, update={bun: {"price": 9}}, create={"k": {}})
        assert "stateMismatch" == refused["type"]
    assert 8 == kitchen.ask("Cake/get", ids=[bun])["list"][0]["price"]


def test_an_account_for_reading_only_is_not_changed(kitchen: Kitchen) -> None:
    refused = kitchen.refusal("Shelf/set", accountId="a3", create={"k": {"name": "a"}})
    assert "accountReadOnly" == refused["type"]
    assert [] == kitchen.ask("Shelf/get", accountId="a3")["list"]


def test_more_objects_than_the_limit_are_too_many(open_store: OpenStore, tmp_path: Path) -> None:
    with closing(Kitchen(open_store, tmp_path, limits=Limits(max_objects_in_set=3))) as kitchen:
        one, two = kitchen.shelves("a", "b")
        three = {"create": {"k": {"name": "c"}}, "update": {one: {"name": "d"}}, "destroy": [two]}
        refused = kitchen.refusal("Shelf/set", **three | {"create": {"k": {"name": "c"}, "l": {"name": "e"}}})
        assert "requestTooLarge" == refused["type"]
        assert 2 == len(kitchen.ask("Shelf/get")["list"])
        assert [two] == kitchen.ask("Shelf/set", **three)["destroyed"]


def test_all_three_happen_in_one_call(kitchen: Kitchen, bun: str, top: str) -> None:
    [other] = kitchen.cakes({}, shelfIds={top: True})
    new = {"name": "pie", "bakedAt": "2024-01-01T00:00:00Z", "shelfIds": {top: True}}
    answer = kitchen.ask("Cake/set", create={"k": new}, update={bun: {"price": 1}}, destroy=[other])
    changes = kitchen.ask("Cake/changes", sinceState=answer["oldState"])
    assert ([answer["created"]["k"]["id"]], [bun], [other]) == (
        changes["created"],
        changes["updated"],
        changes["destroyed"],
    )
    assert answer["newState"] == changes["newState"]
