"""Updating with Foo/set: patches (RFC 8620 §5.3)."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bakery.kitchen import Kitchen, OpenStore
from posthouse.kit.json import Json, JsonObject


def get(kitchen: Kitchen, id: str) -> JsonObject:
    found: JsonObject = kitchen.ask("Cake/get" if id[0] == "c" else "Shelf/get", ids=[id])["list"][0]
    return found


def why_not(kitchen: Kitchen, id: str, patch: JsonObject) -> JsonObject:
    """Update one object in a way that must be refused, and give the error."""
    type = "Cake" if id[0] == "c" else "Shelf"
    before = kitchen.state(type), get(kitchen, id)
    answer = kitchen.ask(f"{type}/set", update={id: patch})
    assert answer["updated"] is None
    assert before == (answer["newState"], get(kitchen, id))
    error: JsonObject = answer["notUpdated"][id]
    return error


@pytest.mark.parametrize(
    ("patch", "changed"),
    [
        ({"price": 5}, {"price": 5}),
        ({"price": None}, {"price": None}),
        ({"tags": {"old": True}}, {"tags": {"old": True}}),
        ({"tags": {}}, {"tags": {}}),
        ({"tags": None}, {"tags": {}}),
        ({"tags/old": True}, {"tags": {"fresh": True, "old": True}}),
        ({"tags/old": True, "tags/new": True}, {"tags": {"fresh": True, "old": True, "new": True}}),
        ({"tags/fresh": None}, {"tags": {}}),
        ({"tags/absent": None}, {}),
        ({"tags/fresh": None, "tags/old": True, "price": 0}, {"tags": {"old": True}, "price": 0}),
        ({}, {}),
    ],
)
def test_a_patch_changes_just_what_it_reaches(
    kitchen: Kitchen, bun: str, patch: JsonObject, changed: JsonObject
) -> None:
    before = get(kitchen, bun)
    answer = kitchen.ask("Cake/set", update={bun: patch})
    assert ({bun: None}, None) == (answer["updated"], answer["notUpdated"])
    assert before | changed == get(kitchen, bun)


@pytest.mark.parametrize(
    "patch",
    [
        {"tags": {}, "tags/fresh": True},
        {"tags/fresh": True, "tags": None},
        {"tags/fresh/deep": True},
        {"tags/nosuch/deep": True},
        {"labels/0": {}},
        {"price/x": 1},
        {"name/x": 1},
        {"slogan/x": 1},
        {"nosuch/x": 1},
        {"tags/a~2": True},
        {"tags/a~": True},
    ],
)
def test_what_is_no_patch_is_refused_as_such(kitchen: Kitchen, bun: str, patch: JsonObject) -> None:
    """A path through an array or what is not there, one that is a prefix of another, a wrong escape."""
    assert "invalidPatch" == why_not(kitchen, bun, patch)["type"]


@pytest.mark.parametrize(
    ("patch", "names"),
    [
        ({"price": -1}, ["price"]),
        ({"price": "3"}, ["price"]),
        ({"price": 1.0}, ["price"]),
        ({"nosuch": 1}, ["nosuch"]),
        ({"nosuch": None}, ["nosuch"]),
        ({"": 1}, [""]),
        ({"tags/old": False}, ["tags"]),
        ({"tags/OLD": True}, ["tags"]),
        ({"tags/a~1b": True, "tags/B": True}, ["tags"]),
        ({"tags": {"fresh": None}}, ["tags"]),
        ({"shelfIds": None}, ["shelfIds"]),
        ({"shelfIds": {}}, ["shelfIds"]),
        ({"shelfIds/h999": True}, ["shelfIds"]),
        ({"shelfIds/#nobody": True}, ["shelfIds"]),
        ({"slogan": "mine", "nosuch": 2, "price": 1}, ["nosuch", "slogan"]),
    ],
)
def test_a_value_that_a_property_cannot_have_is_named(
    kitchen: Kitchen, bun: str, patch: JsonObject, names: list[str]
) -> None:
    error = why_not(kitchen, bun, patch)
    assert ("invalidProperties", names) == (error["type"], error["properties"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "c99"),
        ("orderId", "o99"),
        ("name", "pie"),
        ("bakedAt", "2023-01-01T00:00:00Z"),
        ("weight", 2),
        ("labels", [{"name": "x"}]),
        ("name", None),
        ("weight", None),
    ],
)
def test_what_is_immutable_or_the_servers_cannot_change(
    kitchen: Kitchen, bun: str, name: str, value: Json
) -> None:
    if (name, value) == ("weight", None):  # null asks for the default, which is what it has
        kitchen.ask("Cake/set", update={bun: {name: value}})
        assert 1 == get(kitchen, bun)["weight"]
        return
    error = why_not(kitchen, bun, {name: value})
    assert ("invalidProperties", [name]) == (error["type"], error["properties"])


def test_a_client_may_send_whole_objects_back(kitchen: Kitchen, top: str, bun: str) -> None:
    """It is no error to name a server-set or immutable property with the value that it has."""
    whole = get(kitchen, bun) | {"price": 9}
    assert {bun: None} == kitchen.ask("Cake/set", update={bun: whole})["updated"]
    assert whole == get(kitchen, bun)
    whole = get(kitchen, top) | {"name": "first"}
    assert {top: None} == kitchen.ask("Shelf/set", update={top: whole})["updated"]
    assert whole == get(kitchen, top)


@pytest.mark.parametrize("name", ["totalCakes", "myRights"])
def test_a_server_set_property_with_another_value_is_refused(
    kitchen: Kitchen, bun: str, top: str, name: str
) -> None:
    error = why_not(kitchen, top, {name: 7})
    assert ("invalidProperties", [name]) == (error["type"], error["properties"])


def test_null_sets_the_default(kitchen: Kitchen) -> None:
    [low] = kitchen.shelves("low", sortOrder=4, isFavourite=False)
    kitchen.ask("Shelf/set", update={low: {"sortOrder": None, "isFavourite": None}})
    assert (0, True) == (get(kitchen, low)["sortOrder"], get(kitchen, low)["isFavourite"])


def test_a_persons_own_value_is_kept(kitchen: Kitchen, top: str) -> None:
    kitchen.ask("Shelf/set", update={top: {"isFavourite": False}})
    assert get(kitchen, top)["isFavourite"] is False
    kitchen.ask("Shelf/set", update={top: {"sortOrder": 3}})
    assert get(kitchen, top)["isFavourite"] is False


@pytest.mark.parametrize("id", ["c99", "h1", "x", "#nobody", "c" + "z" * 12])
def test_an_unknown_id_is_not_found(kitchen: Kitchen, bun: str, id: str) -> None:
    assert "notFound" == kitchen.ask("Cake/set", update={id: {"price": 1}})["notUpdated"][id]["type"]


def test_a_destroyed_object_is_not_found(kitchen: Kitchen, bun: str) -> None:
    kitchen.ask("Cake/set", destroy=[bun])
    assert "notFound" == kitchen.ask("Cake/set", update={bun: {"price": 1}})["notUpdated"][bun]["type"]


def test_what_will_be_destroyed_is_not_updated(kitchen: Kitchen, bun: str) -> None:
    answer = kitchen.ask("Cake/set", update={bun: {"price": 1}}, destroy=[bun])
    assert "willDestroy" == answer["notUpdated"][bun]["type"]
    assert ([bun], None) == (answer["destroyed"], answer["updated"])


@pytest.mark.parametrize("update", [{"c1": None}, {"c1": []}, {"not an id": {}}, {"#": {}}, []])
def test_an_update_of_a_wrong_kind_is_an_invalid_argument(kitchen: Kitchen, update: Json) -> None:
    assert "invalidArguments" == kitchen.refusal("Cake/set", update=update)["type"]


def test_two_objects_may_swap_their_names_in_one_call(kitchen: Kitchen) -> None:
    one, two = kitchen.shelves("a", "b")
    answer = kitchen.ask("Shelf/set", update={one: {"name": "b"}, two: {"name": "a"}})
    assert ({one: None, two: None}, None) == (answer["updated"], answer["notUpdated"])
    assert ("b", "a") == (get(kitchen, one)["name"], get(kitchen, two)["name"])


def test_a_new_object_may_take_the_name_of_one_that_is_renamed_or_destroyed(kitchen: Kitchen) -> None:
    one, two = kitchen.shelves("a", "b")
    answer = kitchen.ask(
        "Shelf/set",
        create={"x": {"name": "a"}, "y": {"name": "b"}},
        update={one: {"name": "c"}},
        destroy=[two],
    )
    assert {"x", "y"} == answer["created"].keys()
    assert [one, *(answer["created"][key]["id"] for key in "xy")] == [
        found["id"] for found in kitchen.ask("Shelf/get")["list"]
    ]


def test_a_swap_falls_as_a_whole_if_one_half_is_refused(kitchen: Kitchen) -> None:
    one, two = kitchen.shelves("a", "b")
    answer = kitchen.ask("Shelf/set", update={one: {"name": "b"}, two: {"name": "a", "parentId": "h99"}})
    assert answer["updated"] is None
    assert {one: "alreadyExists", two: "invalidProperties"} == {
        id: error["type"] for id, error in answer["notUpdated"].items()
    }


def test_a_long_row_of_names_that_move_up_is_settled(kitchen: Kitchen) -> None:
    """Each takes the name of the next; the last may not have its own, so one after the other falls."""
    ids = kitchen.shelves(*(f"n{at}" for at in range(30)))
    taken = {id: {"name": f"n{at + 1}"} for at, id in enumerate(ids)}
    assert ids == list(kitchen.ask("Shelf/set", update=taken)["updated"])
    back = {id: {"name": f"n{at}"} for at, id in enumerate(ids)} | {ids[0]: {"name": ""}}
    answer = kitchen.ask("Shelf/set", update=back)
    names = [found["name"] for found in kitchen.ask("Shelf/get")["list"]]
    assert len(names) == len(set(names))
    assert len(ids) == len(answer["updated"] or {}) + len(answer["notUpdated"])


def test_an_object_named_by_id_and_by_creation_id_takes_both_patches(kitchen: Kitchen, top: str) -> None:
    made, updated = kitchen.responses(
        ("Shelf/set", {"create": {"k": {"name": "a"}}}),
        ("Shelf/set", {"update": {"#k": {"name": "b"}, "h2": {"sortOrder": 5}}}),
    )
    id = made[1]["created"]["k"]["id"]
    assert ("h2", {id: None}) == (id, updated[1]["updated"])
    assert ("b", 5) == (get(kitchen, id)["name"], get(kitchen, id)["sortOrder"])


def test_members_moved_by_two_patches_are_counted_once(kitchen: Kitchen, top: str) -> None:
    low, high = kitchen.shelves("low", "high")
    answers = kitchen.responses(
        (
            "Cake/set",
            {"create": {"k": {"name": "b", "bakedAt": "2024-01-01T00:00:00Z", "shelfIds": {top: True}}}},
        ),
        ("Cake/set", {"update": {"#k": {f"shelfIds/{low}": True}, "c4": {f"shelfIds/{high}": True}}}),
    )
    assert ("c4", None) == (answers[0][1]["created"]["k"]["id"], answers[1][1]["notUpdated"])
    assert {top: 1, low: 1, high: 1} == {
        found["id"]: found["totalCakes"] for found in kitchen.ask("Shelf/get")["list"]
    }


def test_a_parent_may_be_created_for_an_update_of_the_same_call(kitchen: Kitchen, top: str) -> None:
    answer = kitchen.ask("Shelf/set", create={"p": {"name": "p"}}, update={top: {"parentId": "#p"}})
    assert answer["created"]["p"]["id"] == get(kitchen, top)["parentId"]
    assert {top: None} == answer["updated"]


def test_a_member_may_be_a_creation_id_in_a_path(kitchen: Kitchen, top: str, bun: str) -> None:
    answers: Any = kitchen.responses(
        ("Shelf/set", {"create": {"new": {"name": "new"}}}),
        ("Cake/set", {"update": {bun: {"shelfIds/#new": True, f"shelfIds/{top}": None}}}),
    )
    assert {answers[0][1]["created"]["new"]["id"]: True} == get(kitchen, bun)["shelfIds"]


def test_a_loop_of_parents_is_refused(kitchen: Kitchen, top: str) -> None:
    [low] = kitchen.shelves("low", parentId=top)
    assert ["parentId"] == why_not(kitchen, top, {"parentId": low})["properties"]
    assert ["parentId"] == why_not(kitchen, top, {"parentId": top})["properties"]


def test_one_refused_update_keeps_no_other_from_being_done(kitchen: Kitchen) -> None:
    ids = kitchen.shelves("a", "b", "c")
    answer = kitchen.ask("Shelf/set", update={id: {"sortOrder": at - 1} for at, id in enumerate(ids)})
    assert (ids[1:], ids[:1]) == (list(answer["updated"]), list(answer["notUpdated"]))


def test_false_is_no_member_of_a_set(kitchen: Kitchen, bun: str) -> None:
    assert ("invalidProperties", ["tags"]) == tuple(
        why_not(kitchen, bun, {"tags/fresh": False})[name] for name in ("type", "properties")
    )


def test_false_removes_a_member_where_the_operator_allows_it(open_store: OpenStore, tmp_path: Path) -> None:
    with closing(Kitchen(open_store, tmp_path, false_removes=True)) as kitchen:
        [shelf] = kitchen.shelves("top")
        [id] = kitchen.cakes({"shelfIds": {shelf: True}, "tags": {"fresh": True, "old": True}})
        kitchen.ask("Cake/set", update={id: {"tags/fresh": False}})
        assert {"old": True} == get(kitchen, id)["tags"]
