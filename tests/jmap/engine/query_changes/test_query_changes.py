"""Foo/queryChanges (RFC 8620 §5.6)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bakery import naive
from bakery.kitchen import Kitchen, OpenStore
from posthouse.kit.json import Json, JsonObject
from posthouse.model import condition
from posthouse.model.capability import Capability
from posthouse.model.kind import UnsignedInt
from posthouse.model.property import Property
from posthouse.model.type import Type

SORT = [{"property": "bakedAt", "isAscending": False}]

timer = Type(
    "Timer",
    letter="t",
    methods="get set query queryChanges",
    properties=[Property("at", UnsignedInt(), default=0, index=True)],
    filters=[condition.Filter("due", condition.Test.AT_LEAST, ("at",), local=False)],
)


@pytest.fixture
def kitchen(open_store: OpenStore, tmp_path: Path) -> Iterator[Kitchen]:
    with closing(
        Kitchen(open_store, tmp_path, Capability("https://bakery.example/t", types=[timer]))
    ) as kitchen:
        yield kitchen


@pytest.fixture
def top(kitchen: Kitchen) -> str:
    return kitchen.shelves("top")[0]


@pytest.fixture
def cakes(kitchen: Kitchen, top: str) -> list[str]:
    """Six cakes, newest first in a query by date."""
    days = [{"bakedAt": f"2024-01-0{9 - at}T00:00:00Z", "name": f"cake {at}"} for at in range(6)]
    return kitchen.cakes(*days, shelfIds={top: True})


def asked(kitchen: Kitchen, since: str, **arguments: Json) -> JsonObject:
    return kitchen.ask("Cake/queryChanges", sinceQueryState=since, sort=SORT, **arguments)


def test_nothing_changed(kitchen: Kitchen, cakes: list[str]) -> None:
    since = kitchen.ask("Cake/query", sort=SORT)["queryState"]
    assert {
        "accountId": "a1",
        "oldQueryState": since,
        "newQueryState": since,
        "removed": [],
        "added": [],
    } == asked(kitchen, since)


def test_what_came_went_and_moved(kitchen: Kitchen, top: str, cakes: list[str]) -> None:
    since = kitchen.state()
    kitchen.ask("Cake/set", destroy=[cakes[1]], update={cakes[3]: {"price": 1}})
    [new] = kitchen.cakes({"bakedAt": "2024-01-10T00:00:00Z"}, shelfIds={top: True})
    answer = asked(kitchen, since, filter={"onShelf": top}, calculateTotal=True)
    assert {cakes[1], cakes[3]} == set(answer["removed"])
    assert [{"id": new, "index": 0}, {"id": cakes[3], "index": 3}] == answer["added"]
    assert (6, kitchen.state()) == (answer["total"], answer["newQueryState"])
    assert [new, cakes[0], *cakes[2:]] == naive.after_changes(cakes, answer)


def test_what_leaves_the_filter_is_removed_and_what_enters_is_added(
    kitchen: Kitchen, cakes: list[str]
) -> None:
    kitchen.ask("Cake/set", update={cakes[0]: {"tags/old": True}})
    since = kitchen.state()
    kitchen.ask("Cake/set", update={cakes[0]: {"tags/old": None}, cakes[2]: {"tags/old": True}})
    answer = asked(kitchen, since, filter={"hasTag": "old"})
    assert cakes[0] in answer["removed"]
    assert [{"id": cakes[2], "index": 0}] == answer["added"]


def test_a_change_of_one_moves_its_whole_group_where_groups_are_judged(kitchen: Kitchen, top: str) -> None:
    one, two = kitchen.cakes({}, {}, shelfIds={top: True})
    [alone] = kitchen.cakes({"name": "other"}, shelfIds={top: True})
    since = kitchen.state()
    kitchen.ask("Cake/set", update={one: {"tags/old": True}})
    answer = asked(kitchen, since, filter={"someInOrderHaveTag": "old"})
    assert {one, two} == {item["id"] for item in answer["added"]}
    assert alone not in answer["removed"]


def test_a_destroyed_member_shows_the_next_of_its_group(kitchen: Kitchen, top: str) -> None:
    old, new = kitchen.cakes(
        {"bakedAt": "2024-01-01T00:00:00Z"}, {"bakedAt": "2024-01-02T00:00:00Z"}, shelfIds={top: True}
    )
    since = kitchen.state()
    assert [new] == kitchen.found(sort=SORT, collapseThreads=True)
    kitchen.ask("Cake/set", destroy=[new])
    answer = asked(kitchen, since, collapseThreads=True, calculateTotal=True)
    assert ([old], 1) == (naive.after_changes([new], answer), answer["total"])


def test_what_went_before_the_state_is_not_told_again(kitchen: Kitchen, top: str) -> None:
    one, two, gone = kitchen.cakes({}, {}, {}, shelfIds={top: True})
    kitchen.ask("Cake/set", destroy=[gone])
    since = kitchen.state()
    kitchen.ask("Cake/set", update={one: {"tags/old": True}})
    assert {one, two} == set(asked(kitchen, since, collapseThreads=True)["removed"])


@pytest.mark.parametrize(
    "filter", [None, {"minWeight": 1}, {"text": "cake", "bakedFrom": "2024-01-01T00:00:00Z"}]
)
def test_what_cannot_move_is_told_only_as_it_comes_and_goes(
    kitchen: Kitchen, top: str, cakes: list[str], filter: JsonObject | None
) -> None:
    since = kitchen.state()
    kitchen.ask("Cake/set", update={cakes[0]: {"tags/old": True}}, destroy=[cakes[1]])
    new = kitchen.cakes({"name": "cake", "bakedAt": "2024-01-10T00:00:00Z"}, shelfIds={top: True})
    answer = asked(kitchen, since, filter=filter)
    assert ([cakes[1]], new) == (answer["removed"], [item["id"] for item in answer["added"]])


def test_up_to_an_id_what_comes_behind_is_left_out(kitchen: Kitchen, top: str, cakes: list[str]) -> None:
    since = kitchen.state()
    new = kitchen.cakes(
        {"bakedAt": "2024-01-10T00:00:00Z"}, {"bakedAt": "2023-01-01T00:00:00Z"}, shelfIds={top: True}
    )
    assert new == [item["id"] for item in asked(kitchen, since)["added"]]
    assert new[:1] == [item["id"] for item in asked(kitchen, since, upToId=cakes[2])["added"]]


@pytest.mark.parametrize("id", ["c99", "h1", "x"])
def test_up_to_an_id_that_is_not_in_the_results_all_is_told(
    kitchen: Kitchen, top: str, cakes: list[str], id: str
) -> None:
    since = kitchen.state()
    kitchen.cakes({}, shelfIds={top: True})
    assert 1 == len(asked(kitchen, since, upToId=id)["added"])


def test_too_many_changes_are_an_error(kitchen: Kitchen, top: str, cakes: list[str]) -> None:
    since = kitchen.state()
    kitchen.ask("Cake/set", update={cakes[0]: {"price": 1}})  # one removed, one added
    given = {"sinceQueryState": since, "filter": {"onShelf": top}}
    assert "tooManyChanges" == kitchen.refusal("Cake/queryChanges", **given, maxChanges=1)["type"]
    assert 1 == len(kitchen.ask("Cake/queryChanges", **given, maxChanges=2)["added"])


@pytest.mark.parametrize("state", ["", "x!", "-1", "00", "zzz", "1" * 300])
def test_a_state_that_was_never_given_out_is_refused(kitchen: Kitchen, cakes: list[str], state: str) -> None:
    refused = kitchen.refusal("Cake/queryChanges", sinceQueryState=state)
    assert "cannotCalculateChanges" == refused["type"]


@pytest.mark.parametrize("filter", [{"due": 0}, {"operator": "NOT", "conditions": [{}, {"due": 5}]}])
def test_a_filter_that_changes_by_itself_is_told_and_cannot_be_calculated(
    kitchen: Kitchen, filter: JsonObject
) -> None:
    answer = kitchen.ask("Timer/query", filter=filter)
    assert answer["canCalculateChanges"] is False
    refused = kitchen.refusal("Timer/queryChanges", filter=filter, sinceQueryState=answer["queryState"])
    assert "cannotCalculateChanges" == refused["type"]


@pytest.mark.parametrize(
    "filter", [None, {}, {"text": "bun"}, {"someInOrderHaveTag": "old"}, {"label": ["x"]}]
)
def test_what_can_be_calculated_says_so(kitchen: Kitchen, filter: JsonObject | None) -> None:
    answer = kitchen.ask("Cake/query", filter=filter, collapseThreads=True)
    assert answer["canCalculateChanges"] is True
    kitchen.ask(
        "Cake/queryChanges", filter=filter, collapseThreads=True, sinceQueryState=answer["queryState"]
    )


@pytest.mark.parametrize(
    ("arguments", "type"),
    [
        ({}, "invalidArguments"),
        ({"sinceQueryState": None}, "invalidArguments"),
        ({"sinceQueryState": "0", "maxChanges": 0}, "invalidArguments"),
        ({"sinceQueryState": "0", "maxChanges": -1}, "invalidArguments"),
        ({"sinceQueryState": "0", "upToId": 1}, "invalidArguments"),
        ({"sinceQueryState": "0", "position": 1}, "invalidArguments"),
        ({"sinceQueryState": "0", "calculateTotal": None}, "invalidArguments"),
        ({"sinceQueryState": "0", "filter": {"nosuch": 1}}, "unsupportedFilter"),
        ({"sinceQueryState": "0", "sort": [{"property": "nosuch"}]}, "unsupportedSort"),
    ],
)
def test_wrong_arguments_are_refused(kitchen: Kitchen, arguments: JsonObject, type: str) -> None:
    assert type == kitchen.refusal("Cake/queryChanges", **arguments)["type"]


def test_a_move_in_a_tree_carries_what_hangs_on_it(kitchen: Kitchen) -> None:
    a, b = kitchen.shelves("a", "b")
    [leaf] = kitchen.shelves("leaf", parentId=b)
    arguments = {"sort": [{"property": "name"}], "sortAsTree": True}
    since, old = kitchen.state("Shelf"), kitchen.found("Shelf", **arguments)
    assert [a, b, leaf] == old
    kitchen.ask("Shelf/set", update={b: {"name": "0"}})
    answer = kitchen.ask("Shelf/queryChanges", sinceQueryState=since, **arguments)
    assert [b, leaf, a] == kitchen.found("Shelf", **arguments) == naive.after_changes(old, answer)
