"""Types whose objects may lack properties or have undeclared ones, and whose text and blobs follow their values."""

from __future__ import annotations

from typing import Any

import pytest

from bakery.kitchen import HOME, Kitchen
from posthouse.kit.json import Json, JsonObject


@pytest.fixture
def top(kitchen: Kitchen) -> str:
    return kitchen.shelves("top")[0]


def recipes(kitchen: Kitchen, top: str, *many: JsonObject) -> list[str]:
    return [
        made["id"] for made in kitchen._create("Recipe", [{"shelfIds": {top: True}} | one for one in many])
    ]


def update(kitchen: Kitchen, id: str, patch: JsonObject, **more: Json) -> JsonObject:
    answered = kitchen.ask("Recipe/set", update={id: patch}, **more)
    assert answered["notUpdated"] is None, answered["notUpdated"]
    return answered


def one(kitchen: Kitchen, id: str, *properties: str) -> JsonObject:
    asked = {"properties": list(properties)} if properties else {}
    [found] = kitchen.ask("Recipe/get", ids=[id], **asked)["list"]
    return dict(found)


# -- what is absent and what is undeclared --


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"code": "a"},
        {"x-a": 1},
        {"code": "a", "steps": ["mix"], "x-a": None, "x-b": {"c": []}},
        {"steps": [], "x-*": "*"},
    ],
)
def test_an_object_has_what_it_was_given_and_no_more(kitchen: Kitchen, top: str, values: JsonObject) -> None:
    [id] = recipes(kitchen, top, values)
    assert {"id": id, "shelfIds": {top: True}, "isFeatured": False, **values} == one(kitchen, id)
    for name in ("code", "steps", "x-a", "x-b"):
        picked = {name: values[name]} if name in values else {}
        assert {"id": id, **picked} == one(kitchen, id, name)
        assert {"id": id, "isFeatured": False, **picked} == one(kitchen, id, "isFeatured", name)


def test_many_objects_are_cut_apart_rightly(kitchen: Kitchen, top: str) -> None:
    many: list[JsonObject] = [{}, {"code": "a", "x-a": 1}, {"steps": ["b"]}, {"x-b": [2]}, {}]
    ids = recipes(kitchen, top, *many)
    found = kitchen.ask("Recipe/get", properties=["code", "steps"])["list"]
    expected = [
        {"id": id, **{name: values[name] for name in ("code", "steps") if name in values}}
        for id, values in zip(ids, many, strict=True)
    ]
    assert expected == found


@pytest.mark.parametrize("name", ["y", "*", "id/number", "steps/first"])
def test_what_the_type_does_not_take_is_refused(kitchen: Kitchen, top: str, name: str) -> None:
    assert "invalidArguments" == kitchen.refusal("Recipe/get", ids=[], properties=[name])["type"]
    answered = kitchen.ask("Recipe/set", create={"k": {"shelfIds": {top: True}, name: 1}})
    assert ["invalidProperties", [name]] == [
        answered["notCreated"]["k"][key] for key in ("type", "properties")
    ]
    [id] = recipes(kitchen, top, {})
    patch = {name.replace("/", "~1"): 1}
    error = kitchen.ask("Recipe/set", update={id: patch})["notUpdated"][id]
    assert ("invalidProperties", [name]) == (error["type"], error["properties"])


def test_a_null_takes_away_what_may_be_absent(kitchen: Kitchen, top: str) -> None:
    [id] = recipes(kitchen, top, {"code": "a", "steps": ["b"], "x-a": {"b": 1, "c": 2}, "x-d": 1})
    update(kitchen, id, {"code": None, "x-a/b": None, "x-d": None, "x-e": [1]})
    assert {"steps": ["b"], "x-a": {"c": 2}, "x-e": [1]} == {
        name: value
        for name, value in one(kitchen, id).items()
        if name not in ("id", "shelfIds", "isFeatured")
    }
    error = kitchen.ask("Recipe/set", update={id: {"shelfIds": None}})["notUpdated"][id]
    assert ["shelfIds"] == error["properties"]


def test_a_copy_takes_along_what_is_undeclared(kitchen: Kitchen, top: str) -> None:
    [id] = recipes(kitchen, top, {"code": "a", "x-a": {"b": 1}})
    made = kitchen.ask("Shelf/set", accountId="a2", create={"k": {"name": "there"}})
    there = {made["created"]["k"]["id"]: True}
    copied = kitchen.ask(
        "Recipe/copy",
        accountId="a2",
        fromAccountId="a1",
        create={"k": {"id": id, "shelfIds": there, "x-c": 2}},
    )
    [found] = kitchen.ask("Recipe/get", accountId="a2", ids=[copied["created"]["k"]["id"]])["list"]
    assert ("a", {"b": 1}, 2, there) == tuple(found[name] for name in ("code", "x-a", "x-c", "shelfIds"))


@pytest.mark.parametrize(("second", "type"), [({"code": "r9"}, "Recipe/get"), ({}, "error")])
def test_a_reference_needs_what_it_names_in_each_object(
    kitchen: Kitchen, top: str, second: JsonObject, type: str
) -> None:
    recipes(kitchen, top, {"code": "r8"}, second)
    reference = {"resultOf": "0", "name": "Recipe/get", "path": "/list/*/code"}
    responses = kitchen.responses(("Recipe/get", {"ids": None}), ("Recipe/get", {"#ids": reference}))
    assert ["Recipe/get", type] == [name for name, _, _ in responses]


# -- what follows from the values --


def test_text_and_columns_follow_a_change(kitchen: Kitchen, top: str) -> None:
    one, two = recipes(kitchen, top, {"steps": ["mix well"]}, {"steps": ["stir"]})
    assert [one] == kitchen.found("Recipe", filter={"text": "well"})
    by_first = {"sort": [{"property": "first"}]}
    state = kitchen.ask("Recipe/query", filter={"text": "stir"})["queryState"]
    assert [one, two] == kitchen.found("Recipe", **by_first)
    update(kitchen, one, {"steps": ["whip and stir"]})
    assert ([], [one, two]) == (
        kitchen.found("Recipe", filter={"text": "well"}),
        kitchen.found("Recipe", filter={"text": "stir"}),
    )
    assert [two, one] == kitchen.found("Recipe", **by_first)
    changes = kitchen.ask("Recipe/queryChanges", filter={"text": "stir"}, sinceQueryState=state)
    assert [{"id": one, "index": 0}] == changes["added"]
    update(kitchen, two, {"steps": None})
    assert [two, one] == kitchen.found("Recipe", **by_first)  # what has none comes first
    assert [one] == kitchen.found("Recipe", filter={"text": "stir"})


def test_one_value_of_an_indexed_column_is_looked_up(kitchen: Kitchen, top: str) -> None:
    one, two = recipes(kitchen, top, {"code": "a", "steps": ["z"]}, {"code": "b"})
    assert [one] == kitchen.found("Recipe", filter={"code": "a"})
    assert [one] == kitchen.found("Recipe", filter={"code": "a", "text": "z", "onShelf": top})
    either = {"operator": "OR", "conditions": [{"code": "a"}, {"code": "b"}]}
    assert [one, two] == kitchen.found("Recipe", filter=either)
    assert [two] == kitchen.found("Recipe", filter={"operator": "NOT", "conditions": [{"code": "a"}]})


def held(kitchen: Kitchen) -> set[str]:
    rows: list[Any] = kitchen.read(lambda txn: txn._database.all("SELECT digest FROM blobref"), HOME)
    return {row[0].hex() for row in rows}


def test_blobs_are_kept_as_long_as_a_value_names_them(kitchen: Kitchen, top: str) -> None:
    first, second = "aa" * 32, "bb" * 32
    [id] = recipes(kitchen, top, {"picture": first})
    assert {first} == held(kitchen)
    update(kitchen, id, {"code": "a"})
    assert {first} == held(kitchen)
    update(kitchen, id, {"picture": second})
    assert {second} == held(kitchen)
    update(kitchen, id, {"picture": None})
    assert set() == held(kitchen)
    update(kitchen, id, {"picture": first})
    kitchen.ask("Recipe/set", destroy=[id])
    assert set() == held(kitchen)


# -- hooks --


def test_what_was_prepared_for_each_patch_comes_to_the_check(kitchen: Kitchen, top: str) -> None:
    answered = kitchen.ask(
        "Recipe/set",
        create={"k": {"shelfIds": {top: True}}},
        update={"#k": {"code": "a", "x-a": 1}},
    )
    assert [["code", "x-a"]] == answered["created"]["k"]["x-patches"]


def test_a_patch_that_is_refused_early_is_not_applied(kitchen: Kitchen, top: str) -> None:
    one_, two = recipes(kitchen, top, {}, {})
    answered = kitchen.ask("Recipe/set", update={one_: {"x-refused": 1, "code": "a"}, two: {"code": "b"}})
    assert (["x-refused"], {two}) == (
        answered["notUpdated"][one_]["properties"],
        answered["updated"].keys(),
    )
    assert "code" not in one(kitchen, one_)


def test_the_end_of_a_call_is_told_with_what_it_changed(kitchen: Kitchen, top: str) -> None:
    [id] = recipes(kitchen, top, {})
    answered = kitchen.ask("Recipe/set", onSuccessFeature=id)
    assert {id: {"isFeatured": True}} == answered["updated"]
    assert (True, answered["newState"]) == (one(kitchen, id)["isFeatured"], kitchen.state("Recipe"))
    answered = kitchen.ask(
        "Recipe/set",
        create={"k": {"shelfIds": {top: True}}},
        onSuccessFeature="#k",
        update={id: {"code": "a"}},
    )
    assert (True, {id}) == (answered["created"]["k"]["isFeatured"], answered["updated"].keys())


@pytest.mark.parametrize(
    "fault",
    [
        {"create": {"k": {}}},
        {"update": {"r999": {"code": "x"}}},
        {"destroy": ["r999"]},
        {"update": {"r999": {"x-refused": 1}}},
    ],
)
def test_the_end_of_a_call_knows_of_every_refusal(kitchen: Kitchen, top: str, fault: JsonObject) -> None:
    [id] = recipes(kitchen, top, {})
    kitchen.ask("Recipe/set", onSuccessFeature=id, **fault)
    assert one(kitchen, id)["isFeatured"] is False


def test_of_two_changes_to_the_same_value_the_first_stands(kitchen: Kitchen, top: str) -> None:
    first, second = recipes(kitchen, top, {"code": "a"}, {"code": "b"})
    answered = kitchen.ask("Recipe/set", update={first: {"code": "c"}, second: {"code": "c"}})
    assert ({first}, {second}) == (answered["updated"].keys(), answered["notUpdated"].keys())
    answered = kitchen.ask("Recipe/set", update={second: {"code": "c", "x-a": 1}, first: {"x-b": 1}})
    assert ({first}, {second}) == (answered["updated"].keys(), answered["notUpdated"].keys())
