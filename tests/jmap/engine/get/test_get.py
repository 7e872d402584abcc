"""Foo/get (RFC 8620 §5.1)."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from bakery.kitchen import Kitchen, OpenStore
from posthouse.kit.limits import Limits

DATE = "2024-01-01T00:00:00Z"


@pytest.fixture
def bun(kitchen: Kitchen) -> str:
    """The id of one cake."""
    [top] = kitchen.shelves("top")
    return kitchen.cakes({"shelfIds": {top: True}, "tags": {"fresh": True}, "price": 3})[0]


def test_default_properties_are_all_but_those_that_must_be_asked_for(kitchen: Kitchen, bun: str) -> None:
    [top] = kitchen.ask("Shelf/get")["list"]
    [found] = kitchen.ask("Cake/get", ids=[bun])["list"]
    assert {
        "id": bun,
        "orderId": found["orderId"],
        "name": "bun",
        "bakedAt": DATE,
        "weight": 1,
        "labels": [],
        "shelfIds": {top["id"]: True},
        "tags": {"fresh": True},
        "price": 3,
    } == found


def test_ids_null_gives_all(kitchen: Kitchen) -> None:
    [top] = kitchen.shelves("top")
    ids = kitchen.cakes(
        *[{"bakedAt": f"2024-01-0{9 - day}T00:00:00Z"} for day in range(5)], shelfIds={top: True}
    )
    assert ids == [found["id"] for found in kitchen.ask("Cake/get", ids=None)["list"]]
    assert ids == [found["id"] for found in kitchen.ask("Cake/get")["list"]]


def test_ids_empty_gives_an_empty_list(kitchen: Kitchen, bun: str) -> None:
    answered = kitchen.ask("Cake/get", ids=[])
    assert ([], []) == (answered["list"], answered["notFound"])


def test_an_id_that_stands_twice_is_answered_once(kitchen: Kitchen, bun: str) -> None:
    answered = kitchen.ask("Cake/get", ids=[bun, "c999", bun, "c999"], properties=["id"])
    assert [{"id": bun}] == answered["list"]
    assert ["c999"] == answered["notFound"]


@pytest.mark.parametrize(
    "unknown",
    ["c999", "h1", "x", "-", "c", "C1", "c01", "cu", "zzz", "c" + "z" * 12, "c" + "z" * 13, "c" + "z" * 254],
)
def test_what_is_no_id_of_ours_is_not_found(kitchen: Kitchen, bun: str, unknown: str) -> None:
    answered = kitchen.ask("Cake/get", ids=[unknown])
    assert ([], [unknown]) == (answered["list"], answered["notFound"])


def test_an_id_of_another_account_is_not_found(kitchen: Kitchen, bun: str) -> None:
    answered = kitchen.ask("Cake/get", accountId="a2", ids=[bun])
    assert ([], [bun]) == (answered["list"], answered["notFound"])


def test_an_id_beyond_our_numbers_reaches_no_other_account(kitchen: Kitchen, bun: str) -> None:
    from posthouse.kit import ids

    number = ids.decode(bun[1:])
    assert number is not None
    alias = "c" + ids.encode(1 << 32 | number)
    answered = kitchen.ask("Cake/get", accountId="a1", ids=[alias, bun], properties=["id"])
    assert ([{"id": bun}], [alias]) == (answered["list"], answered["notFound"])


@pytest.mark.parametrize("ids", ["c1", {"c1": True}, [1], [None], ["not an id"], [""], ["c" * 256], ["é"]])
def test_ids_of_a_wrong_kind_are_invalid_arguments(kitchen: Kitchen, ids: object) -> None:
    assert "invalidArguments" == kitchen.refusal("Cake/get", ids=ids)["type"]


def test_id_is_there_though_not_asked_for(kitchen: Kitchen, bun: str) -> None:
    assert [{"id": bun, "name": "bun"}] == kitchen.ask("Cake/get", ids=[bun], properties=["name"])["list"]
    assert [{"id": bun}] == kitchen.ask("Cake/get", ids=[bun], properties=[])["list"]


def test_a_property_that_stands_twice_is_answered_once(kitchen: Kitchen, bun: str) -> None:
    answered = kitchen.ask("Cake/get", ids=[bun], properties=["price", "price", "id"])
    assert [{"id": bun, "price": 3}] == answered["list"]


def test_computed_properties_come_beside_stored_ones(kitchen: Kitchen, bun: str) -> None:
    [found] = kitchen.ask("Cake/get", ids=[bun], properties=["slogan", "price"])["list"]
    assert {"id": bun, "slogan": "Try the bun!", "price": 3} == found


def test_computed_properties_of_missing_objects_are_not_found(kitchen: Kitchen, bun: str) -> None:
    answered = kitchen.ask("Cake/get", ids=["c999", bun, "x"], properties=["slogan"])
    assert [{"id": bun, "slogan": "Try the bun!"}] == answered["list"]
    assert {"c999", "x"} == set(answered["notFound"])


def test_a_name_that_fits_the_pattern_is_a_property(kitchen: Kitchen, bun: str) -> None:
    [found] = kitchen.ask("Cake/get", ids=[bun], properties=["orderOf:x", "orderId"])["list"]
    assert {"id": bun, "orderOf:x": found["orderId"], "orderId": found["orderId"]} == found


@pytest.mark.parametrize("properties", [["nosuch"], ["name", "Name"], [""], ["tags/fresh"], ["myRights"]])
def test_an_unknown_property_is_an_invalid_argument(
    kitchen: Kitchen, bun: str, properties: list[str]
) -> None:
    refused = kitchen.refusal("Cake/get", ids=[bun], properties=properties)
    assert ("invalidArguments", ["properties"]) == (refused["type"], refused["arguments"])


@pytest.mark.parametrize("properties", ["name", [1], {"name": True}, [None]])
def test_properties_of_a_wrong_kind_are_invalid_arguments(kitchen: Kitchen, properties: object) -> None:
    assert "invalidArguments" == kitchen.refusal("Cake/get", ids=[], properties=properties)["type"]


def test_rights_and_own_values_come_with_a_container(kitchen: Kitchen) -> None:
    [top] = kitchen.shelves("top", isFavourite=False)
    [found] = kitchen.ask("Shelf/get", ids=[top])["list"]
    assert {
        "id": top,
        "name": "top",
        "parentId": None,
        "sortOrder": 0,
        "totalCakes": 0,
        "isFavourite": False,
        "myRights": dict.fromkeys(
            ("mayRead", "mayAdd", "mayRemove", "mayTag", "mayRename", "mayShare"), True
        ),
        "shareWith": None,
    } == found


@pytest.mark.parametrize("name", ["isFavourite", "myRights", "totalCakes", "parentId"])
def test_just_the_asked_property_of_a_container(kitchen: Kitchen, name: str) -> None:
    [top] = kitchen.shelves("top")
    [found] = kitchen.ask("Shelf/get", ids=[top], properties=[name])["list"]
    assert {"id", name} == found.keys()


def test_the_state_moves_with_each_change_and_only_then(kitchen: Kitchen, bun: str) -> None:
    before = kitchen.state()
    assert before == kitchen.ask("Cake/get", ids=None)["state"]
    kitchen.ask("Cake/set", update={bun: {"price": 4}})
    after = kitchen.state()
    assert before != after
    assert after == kitchen.state()


def test_the_state_of_a_type_stays_when_another_type_changes(kitchen: Kitchen, bun: str) -> None:
    before = kitchen.state()
    kitchen.shelves("bottom")
    assert before == kitchen.state()


def test_an_update_that_changes_nothing_leaves_the_state(kitchen: Kitchen, bun: str) -> None:
    """RFC 8620 §5.1: if the data is unchanged, servers SHOULD return the same state."""
    before = kitchen.state()
    answered = kitchen.ask("Cake/set", update={bun: {"price": 3, "tags/fresh": True}})
    assert {bun: None} == answered["updated"]
    assert before == kitchen.state()


def test_more_ids_than_the_limit_are_too_many(open_store: OpenStore, tmp_path: Path) -> None:
    with closing(Kitchen(open_store, tmp_path, limits=Limits(max_objects_in_get=2))) as kitchen:
        [top] = kitchen.shelves("top")
        ids = kitchen.cakes({}, {}, {}, shelfIds={top: True})
        assert 2 == len(kitchen.ask("Cake/get", ids=ids[:2])["list"])
        assert "requestTooLarge" == kitchen.refusal("Cake/get", ids=ids)["type"]
        assert "requestTooLarge" == kitchen.refusal("Cake/get", ids=None)["type"]
