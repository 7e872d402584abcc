"""Creating with Foo/set (RFC 8620 §5.3)."""

from __future__ import annotations

from typing import Any

import pytest

from bakery import order
from bakery.kitchen import Kitchen
from posthouse.kit.json import Json, JsonObject

DATE = "2024-01-01T00:00:00Z"


def create(kitchen: Kitchen, type: str, **objects: JsonObject) -> JsonObject:
    return kitchen.ask(f"{type}/set", create=objects)


def why_not(kitchen: Kitchen, type: str, values: JsonObject) -> tuple[str, list[str] | None]:
    """Create one object that must be refused, and give the error's type and properties."""
    before = kitchen.state(type)
    answer = create(kitchen, type, k=values)
    assert (None, before) == (answer["created"], answer["newState"])
    error = answer["notCreated"]["k"]
    return error["type"], error.get("properties")


def test_the_answer_holds_what_the_client_did_not_send(kitchen: Kitchen, top: str) -> None:
    """Server-set properties, and those that were left out and thus took their default."""
    sent = {"name": "bun", "bakedAt": DATE, "shelfIds": {top: True}, "price": 3}
    answer = create(kitchen, "Cake", k=sent)
    made = answer["created"]["k"]
    assert {"id", "orderId", "weight", "labels", "tags"} == made.keys()
    assert (1, [], {}) == (made["weight"], made["labels"], made["tags"])
    [found] = kitchen.ask("Cake/get", ids=[made["id"]])["list"]
    assert sent | made == found


def test_the_answer_to_a_container_holds_counters_and_rights(kitchen: Kitchen) -> None:
    made = create(kitchen, "Shelf", k={"name": "top"})["created"]["k"]
    [found] = kitchen.ask("Shelf/get", ids=[made["id"]])["list"]
    assert found == {"name": "top"} | made


def test_what_did_not_happen_is_null(kitchen: Kitchen) -> None:
    answer = create(kitchen, "Shelf", k={"name": "top"})
    assert [None] * 5 == [
        answer[name] for name in ("updated", "destroyed", "notCreated", "notUpdated", "notDestroyed")
    ]
    assert answer["oldState"] != answer["newState"]
    assert kitchen.state("Shelf") == answer["newState"]


@pytest.mark.parametrize("empty", [{}, {"create": None, "update": None, "destroy": None}, {"create": {}}])
def test_a_call_that_asks_for_nothing_changes_nothing(kitchen: Kitchen, top: str, empty: JsonObject) -> None:
    answer = kitchen.ask("Shelf/set", **empty)
    assert answer["oldState"] == answer["newState"] == kitchen.state("Shelf")
    assert {None} == {
        value for name, value in answer.items() if name not in ("accountId", "oldState", "newState")
    }


@pytest.mark.parametrize("left_out", ["name", "bakedAt", "shelfIds"])
def test_a_required_property_must_be_there(kitchen: Kitchen, top: str, left_out: str) -> None:
    values = {"name": "bun", "bakedAt": DATE, "shelfIds": {top: True}}
    del values[left_out]
    assert ("invalidProperties", [left_out]) == why_not(kitchen, "Cake", values)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "c1"),
        ("orderId", "o1"),
        ("slogan", "mine"),
        ("myRights", {}),
        ("nosuch", 1),
        ("", 1),
        ("name", 1),
        ("name", None),
        ("bakedAt", "yesterday"),
        ("bakedAt", "2024-01-01T00:00:00+01:00"),
        ("bakedAt", 0),
        ("weight", -1),
        ("weight", 1.5),
        ("weight", 2**53),
        ("weight", True),
        ("weight", "1"),
        ("labels", {}),
        ("labels", ["x"]),
        ("tags", ["fresh"]),
        ("tags", {"fresh": False}),
        ("tags", {"Fresh": True}),
        ("tags", {"fresh": 1}),
        ("shelfIds", {"h999": True}),
        ("shelfIds", {"c1": True}),
        ("shelfIds", {"#nobody": True}),
        ("shelfIds", {"not an id": True}),
        ("shelfIds", "h1"),
        ("price", -1),
        ("price/x", 1),
    ],
)
def test_a_value_that_the_property_cannot_have_is_named(
    kitchen: Kitchen, top: str, name: str, value: Json
) -> None:
    values: dict[str, Any] = {"name": "bun", "bakedAt": DATE, "shelfIds": {top: True}, name: value}
    assert ("invalidProperties", [name]) == why_not(kitchen, "Cake", values)


def test_all_wrong_properties_are_named(kitchen: Kitchen, top: str) -> None:
    wrong = {"id": "c1", "nosuch": 1, "name": 3, "shelfIds": {top: True}}
    assert ("invalidProperties", ["bakedAt", "id", "name", "nosuch"]) == why_not(kitchen, "Cake", wrong)


def test_null_is_a_value_where_the_property_may_be_null(kitchen: Kitchen, top: str) -> None:
    answer = create(kitchen, "Shelf", k={"name": "low", "parentId": None})
    assert "parentId" not in answer["created"]["k"]


def test_one_refused_object_keeps_no_other_from_being_created(kitchen: Kitchen, top: str) -> None:
    answer = create(kitchen, "Shelf", good={"name": "a"}, bad={"name": ""}, fine={"name": "b"})
    assert ({"good", "fine"}, {"bad"}) == (answer["created"].keys(), answer["notCreated"].keys())
    assert 3 == len(kitchen.ask("Shelf/get")["list"])


def test_what_the_check_refuses_leaves_nothing(kitchen: Kitchen, top: str) -> None:
    answer = create(kitchen, "Shelf", k={"name": "top"})
    error = answer["notCreated"]["k"]
    assert ("alreadyExists", top) == (error["type"], error["existingId"])
    assert [top] == [found["id"] for found in kitchen.ask("Shelf/get")["list"]]


def test_what_the_check_wrote_for_a_refused_object_is_undone(kitchen: Kitchen, top: str, bun: str) -> None:
    """A cake's check makes the order it belongs to; another cake's refusal makes all be judged again."""
    cakes = {
        name: {"name": name, "bakedAt": DATE, "shelfIds": {shelf: True}}
        for name, shelf in (("pie", top), ("roll", "h99"), ("flan", top))
    }
    answer = create(kitchen, "Cake", **cakes)
    assert ({"pie", "flan"}, {"roll"}) == (answer["created"].keys(), answer["notCreated"].keys())
    orders = kitchen.read(lambda txn: txn.values(order))
    made = [kitchen.ask("Cake/get", ids=[bun])["list"][0], *answer["created"].values()]
    assert {one["orderId"]: [one["id"]] for one in made} == {
        values["id"]: values["cakeIds"] for values in orders.values()
    }


def test_ids_are_never_used_again(kitchen: Kitchen) -> None:
    [first] = kitchen.shelves("a")
    kitchen.ask("Shelf/set", destroy=[first])
    [second] = kitchen.shelves("a")
    assert first != second


def test_a_creation_id_must_be_an_id(kitchen: Kitchen) -> None:
    refused = kitchen.refusal("Shelf/set", create={"not an id": {"name": "a"}})
    assert ("invalidArguments", ["create"]) == (refused["type"], refused["arguments"])


# -- references among creates --


def test_references_find_what_the_same_call_creates_in_any_order(kitchen: Kitchen) -> None:
    answer = create(
        kitchen,
        "Shelf",
        leaf={"name": "leaf", "parentId": "#twig"},
        twig={"name": "twig", "parentId": "#branch"},
        branch={"name": "branch"},
    )
    assert answer["notCreated"] is None
    ids = {key: made["id"] for key, made in answer["created"].items()}
    parents = {found["id"]: found["parentId"] for found in kitchen.ask("Shelf/get")["list"]}
    assert {ids["branch"]: None, ids["twig"]: ids["branch"], ids["leaf"]: ids["twig"]} == parents


def test_references_find_what_an_earlier_call_of_another_type_created(kitchen: Kitchen) -> None:
    responses = kitchen.responses(
        ("Shelf/set", {"create": {"s": {"name": "s"}}}),
        ("Cake/set", {"create": {"c": {"name": "bun", "bakedAt": DATE, "shelfIds": {"#s": True}}}}),
        ("Cake/get", {"properties": ["shelfIds"]}),
    )
    shelf = responses[0][1]["created"]["s"]["id"]
    assert {shelf: True} == responses[2][1]["list"][0]["shelfIds"]


def test_a_reference_by_id_and_by_creation_id_is_one(kitchen: Kitchen) -> None:
    responses = kitchen.responses(
        ("Shelf/set", {"create": {"s": {"name": "s"}}}),
        ("Cake/set", {"create": {"c": {"name": "b", "bakedAt": DATE, "shelfIds": {"#s": True, "h1": True}}}}),
        ("Cake/get", {"properties": ["shelfIds"]}),
        ("Shelf/get", {"properties": ["totalCakes"]}),
    )
    assert {"h1": True} == responses[2][1]["list"][0]["shelfIds"]
    assert 1 == responses[3][1]["list"][0]["totalCakes"]


def test_the_creation_id_used_last_counts(kitchen: Kitchen) -> None:
    responses = kitchen.responses(
        ("Shelf/set", {"create": {"s": {"name": "first"}}}),
        ("Shelf/set", {"create": {"s": {"name": "second"}}}),
        ("Shelf/set", {"create": {"t": {"name": "third", "parentId": "#s"}}}),
        ("Shelf/get", {"properties": ["parentId"]}),
    )
    second, third = responses[1][1]["created"]["s"]["id"], responses[2][1]["created"]["t"]["id"]
    assert {"id": third, "parentId": second} in responses[3][1]["list"]


def test_a_reference_to_what_was_refused_is_refused(kitchen: Kitchen) -> None:
    answer = create(
        kitchen,
        "Shelf",
        bad={"name": ""},
        child={"name": "c", "parentId": "#bad"},
        grand={"name": "g", "parentId": "#child"},
    )
    assert answer["created"] is None
    assert ["parentId"] == answer["notCreated"]["child"]["properties"]
    assert ["parentId"] == answer["notCreated"]["grand"]["properties"]


def test_a_reference_to_what_the_check_refused_is_refused(kitchen: Kitchen, top: str) -> None:
    answer = create(
        kitchen, "Shelf", child={"name": "c", "parentId": "#twin"}, twin={"name": "top"}, other={"name": "o"}
    )
    assert {"other"} == answer["created"].keys()
    assert "alreadyExists" == answer["notCreated"]["twin"]["type"]
    assert ["parentId"] == answer["notCreated"]["child"]["properties"]
    assert 2 == len(kitchen.ask("Shelf/get")["list"])


def test_a_reference_to_a_creation_id_of_a_later_call_is_refused(kitchen: Kitchen) -> None:
    first, second = kitchen.responses(
        ("Shelf/set", {"create": {"a": {"name": "a", "parentId": "#b"}}}),
        ("Shelf/set", {"create": {"b": {"name": "b"}}}),
    )
    assert ["parentId"] == first[1]["notCreated"]["a"]["properties"]
    assert {"b"} == second[1]["created"].keys()


def test_a_reference_to_a_creation_of_another_type_is_refused(kitchen: Kitchen, top: str, bun: str) -> None:
    responses = kitchen.responses(
        ("Cake/set", {"create": {"c": {"name": "b", "bakedAt": DATE, "shelfIds": {top: True}}}}),
        ("Shelf/set", {"create": {"s": {"name": "s", "parentId": "#c"}}}),
    )
    assert ["parentId"] == responses[1][1]["notCreated"]["s"]["properties"]


def test_objects_that_refer_to_each_other_in_a_circle_are_judged_by_the_type(kitchen: Kitchen) -> None:
    answer = create(
        kitchen,
        "Shelf",
        a={"name": "a", "parentId": "#b"},
        b={"name": "b", "parentId": "#a"},
        c={"name": "c", "parentId": "#c"},
    )
    assert answer["created"] is None
    assert {"invalidProperties"} == {error["type"] for error in answer["notCreated"].values()}


def test_a_long_chain_of_references_is_created_at_once(kitchen: Kitchen) -> None:
    chain = {f"k{at}": {"name": f"n{at}", "parentId": f"#k{at + 1}" if at < 59 else None} for at in range(60)}
    answer = create(kitchen, "Shelf", **chain)
    assert (60, None) == (len(answer["created"]), answer["notCreated"])


def test_creation_ids_of_the_request_are_known_and_given_back(kitchen: Kitchen, top: str) -> None:
    """RFC 8620 §3.3, §3.4."""
    response = kitchen.answer(
        ("Shelf/set", {"accountId": "a1", "create": {"new": {"name": "new", "parentId": "#known"}}}, "0"),
        created_ids={"known": top},
    )
    made = response["methodResponses"][0][1]["created"]["new"]["id"]
    assert {"known": top, "new": made} == response["createdIds"]


def test_creation_ids_are_not_given_back_unasked(kitchen: Kitchen) -> None:
    response = kitchen.answer(("Shelf/set", {"accountId": "a1", "create": {"new": {"name": "new"}}}, "0"))
    assert "createdIds" not in response


# -- updated or destroyed in the call that creates --


def test_what_is_created_may_be_updated_in_the_same_call(kitchen: Kitchen) -> None:
    """Erratum of RFC 8620 §5.3: keys of ``update`` may be creation ids behind ``#``."""
    answer = kitchen.ask(
        "Shelf/set", create={"k": {"name": "old"}}, update={"#k": {"name": "new", "sortOrder": 4}}
    )
    id = answer["created"]["k"]["id"]
    assert ({id: None}, None) == (answer["updated"], answer["notUpdated"])
    [found] = kitchen.ask("Shelf/get", ids=[id])["list"]
    assert ("new", 4) == (found["name"], found["sortOrder"])
    assert [id] == kitchen.ask("Shelf/changes", sinceState=answer["oldState"])["created"]


def test_what_is_created_may_be_destroyed_in_the_same_call(kitchen: Kitchen) -> None:
    answer = kitchen.ask("Shelf/set", create={"k": {"name": "a"}}, destroy=["#k"])
    id = answer["created"]["k"]["id"]
    assert ([id], None) == (answer["destroyed"], answer["notDestroyed"])
    assert [] == kitchen.ask("Shelf/get")["list"]


def test_a_wrong_update_of_what_is_created_leaves_it_as_it_was_created(kitchen: Kitchen) -> None:
    answer = kitchen.ask("Shelf/set", create={"k": {"name": "old"}}, update={"#k": {"name": 1}})
    assert (None, ["name"]) == (answer["updated"], answer["notUpdated"]["#k"]["properties"])
    assert "old" == kitchen.ask("Shelf/get", ids=[answer["created"]["k"]["id"]])["list"][0]["name"]


@pytest.mark.parametrize("values", [{"name": ""}, {"name": "top"}, {"name": "a", "parentId": "h99"}])
def test_updates_and_destroys_of_what_was_refused_find_nothing(
    kitchen: Kitchen, top: str, values: JsonObject
) -> None:
    updating = kitchen.ask("Shelf/set", create={"k": values}, update={"#k": {"sortOrder": 4}})
    assert {"k"} == updating["notCreated"].keys()
    assert (None, "notFound") == (updating["updated"], updating["notUpdated"]["#k"]["type"])
    destroying = kitchen.ask("Shelf/set", create={"k": values}, destroy=["#k"])
    assert {"k"} == destroying["notCreated"].keys()
    assert (None, "notFound") == (destroying["destroyed"], destroying["notDestroyed"]["#k"]["type"])
