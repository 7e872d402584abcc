"""Foo/query (RFC 8620 §5.5)."""

from __future__ import annotations

import random
from itertools import product
from typing import Any

import pytest

from bakery import naive
from bakery.kitchen import Kitchen
from posthouse.kit.json import Json, JsonObject

DATES = ["2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z"]
LABELS = [
    [],
    [{"name": "Maker", "value": "Ada"}],
    [{"name": "maker", "value": "Bo"}, {"name": "Oven", "value": "Rye"}],
]


@pytest.fixture
def cakes(kitchen: Kitchen) -> naive.Objects:
    """Thirty cakes on three shelves, with many ties."""
    draw = random.Random(7)
    shelves = kitchen.shelves("s1", "s2", "s3")
    many = [
        {
            "name": draw.choice(["bun", "pie", "Rye bun", "éclair", *(f"one {at}" for at in range(6))]),
            "bakedAt": draw.choice(DATES),
            "weight": draw.randint(1, 3),
            "labels": draw.choice(LABELS),
            "shelfIds": dict.fromkeys(draw.sample(shelves, draw.randint(1, 3)), True),
            "tags": dict.fromkeys(draw.sample(["fresh", "old", "eaten"], draw.randint(0, 2)), True),
            "price": draw.choice([None, 0, 5]),
        }
        for _ in range(30)
    ]
    kitchen.cakes(*many)
    return {one["id"]: one for one in kitchen.ask("Cake/get")["list"]}


def check(kitchen: Kitchen, cakes: naive.Objects, **arguments: Json) -> list[str]:
    """Ask, and compare with the naive answer; gives the ids."""
    expected = naive.query(cakes, arguments)
    answer = kitchen.ask("Cake/query", **arguments, calculateTotal=True)
    assert (expected, len(expected)) == (answer["ids"], answer["total"])
    return expected


LEAVES: list[JsonObject] = [
    {"onShelf": "h1"},
    {"elsewhereThan": ["h1"]},
    {"elsewhereThan": []},
    {"elsewhereThan": ["h1", "h2", "h3"]},
    {"elsewhereThan": ["h1", "nosuch"]},
    {"bakedFrom": DATES[1]},
    {"bakedBefore": DATES[1]},
    {"hasTag": "old"},
    {"notTag": "old"},
    {"someInOrderHaveTag": "old"},
    {"allInOrderHaveTag": "old"},
    {"noneInOrderHaveTag": "old"},
    {"price": 5},
    {"price": None},
    {"minWeight": 2},
    {"text": "bun"},
    {"text": "rye ada"},
    {"note": "rye"},
    {"label": ["MAKER"]},
    {"label": ["oven", "rYe"]},
]


def test_each_filter_finds_what_it_says(kitchen: Kitchen, cakes: naive.Objects) -> None:
    for filter in (None, {}, *LEAVES):
        check(kitchen, cakes, filter=filter)


@pytest.mark.parametrize("operator", ["AND", "OR", "NOT"])
def test_filters_nest(kitchen: Kitchen, cakes: naive.Objects, operator: str) -> None:
    draw = random.Random(operator)
    for _ in range(25):
        conditions: list[Any] = draw.sample(LEAVES, draw.randint(0, 3))
        inner = {
            "operator": draw.choice(["AND", "OR", "NOT"]),
            "conditions": draw.sample(LEAVES, draw.randint(0, 3)),
        }
        check(kitchen, cakes, filter={"operator": operator, "conditions": [*conditions, inner]})


@pytest.mark.parametrize("operator", ["AND", "OR", "NOT"])
def test_an_operator_without_conditions_is_what_logic_says(
    kitchen: Kitchen, cakes: naive.Objects, operator: str
) -> None:
    found = check(kitchen, cakes, filter={"operator": operator, "conditions": []})
    assert (0 if operator == "OR" else 30) == len(found)


def test_properties_of_one_condition_all_hold(kitchen: Kitchen, cakes: naive.Objects) -> None:
    check(kitchen, cakes, filter={"onShelf": "h1", "hasTag": "old", "minWeight": 2})


@pytest.mark.parametrize("id", ["h0", "h99", "c1", "nosuch", "#h1", "h01", "h" + "z" * 12])
def test_an_id_that_is_none_of_its_type_matches_nothing(
    kitchen: Kitchen, cakes: naive.Objects, id: str
) -> None:
    """Neither does a creation id: only /set knows them."""
    answer = kitchen.ask("Cake/query", filter={"onShelf": id}, calculateTotal=True)
    assert ([], 0) == (answer["ids"], answer["total"])
    assert 30 == kitchen.ask("Cake/query", filter={"elsewhereThan": [id]}, calculateTotal=True)["total"]
    assert [] == kitchen.found("Shelf", filter={"parentId": id})


def test_a_search_without_a_word_asks_for_nothing(kitchen: Kitchen, cakes: naive.Objects) -> None:
    assert 30 == len(kitchen.found(filter={"text": " & "}))


def test_a_search_folds_case_and_marks(kitchen: Kitchen, cakes: naive.Objects) -> None:
    assert kitchen.found(filter={"text": "ECLAIR"}) == [
        id for id, one in cakes.items() if one["name"] == "éclair"
    ]


def test_a_header_value_is_searched_to_its_end(kitchen: Kitchen, cakes: naive.Objects) -> None:
    value = (
        "x" * 190 + " the very long middle part of a value that is longer than what is sorted by " + "y" * 200
    )
    [one] = kitchen.cakes({"labels": [{"name": "Long", "value": value}], "shelfIds": {"h1": True}})
    assert [one] == kitchen.found(filter={"label": ["long", value[185:330].upper()]})
    assert [one] == kitchen.found(filter={"label": ["long", value]})
    assert [] == kitchen.found(filter={"label": ["long", value + "z"]})


def test_a_word_that_a_client_made_is_not_a_derived_one(kitchen: Kitchen, cakes: naive.Objects) -> None:
    [one] = kitchen.cakes({"tags": {"!left": True}, "shelfIds": {"h1": True}})
    answer = kitchen.ask("Cake/query", filter={"hasTag": "!left"}, calculateTotal=True)
    assert ([one], 1) == (answer["ids"], answer["total"])
    assert 30 == kitchen.ask("Cake/query", filter={"notTag": "!left"}, calculateTotal=True)["total"]


# -- sorting --

SORTS: list[list[JsonObject]] = [
    [],
    [{"property": "bakedAt"}],
    [{"property": "bakedAt", "isAscending": False}],
    [{"property": "name"}, {"property": "weight", "isAscending": False}],
    [{"property": "price", "isAscending": False}, {"property": "name"}],
    [{"property": "hasTag", "tag": "old"}],
    [{"property": "someInOrderHaveTag", "tag": "old", "isAscending": False}, {"property": "bakedAt"}],
    [{"property": "allInOrderHaveTag", "tag": "old"}, {"property": "weight"}],
]


@pytest.mark.parametrize("collapse", [False, True])
@pytest.mark.parametrize(
    "filter", [None, {"onShelf": "h1"}, {"text": "bun"}, {"text": "bun", "onShelf": "h1"}]
)
def test_each_sort_orders_with_any_filter(
    kitchen: Kitchen, cakes: naive.Objects, filter: JsonObject | None, collapse: bool
) -> None:
    for sort in SORTS:
        check(kitchen, cakes, filter=filter, sort=sort, collapseThreads=collapse)


def test_pages_follow_each_other_without_gap_or_overlap(kitchen: Kitchen, cakes: naive.Objects) -> None:
    for sort in SORTS:
        whole = kitchen.found(filter={"onShelf": "h1"}, sort=sort)
        pages = [
            id
            for position in range(0, len(whole), 4)
            for id in kitchen.found(filter={"onShelf": "h1"}, sort=sort, position=position, limit=4)
        ]
        assert whole == pages


def test_the_order_of_ties_is_the_same_however_many_match(
    kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search with few matches runs another way than one with many."""
    from posthouse.store import find

    [top] = kitchen.shelves("top")
    kitchen.cakes(*({} for _ in range(12)), shelfIds={top: True})
    for sort in ([], [{"property": "bakedAt"}], [{"property": "bakedAt", "isAscending": False}]):
        for filter in ({"text": "bun"}, {"text": "bun", "onShelf": top}):
            few = kitchen.found(filter=filter, sort=sort)
            with monkeypatch.context() as patched:
                patched.setattr(find, "_FEW", 3)
                assert few == kitchen.found(filter=filter, sort=sort)


def test_sorting_by_text_ignores_case(kitchen: Kitchen) -> None:
    ids = kitchen.shelves("b", "A", "c", "B2")
    assert [ids[1], ids[0], ids[3], ids[2]] == kitchen.found("Shelf", sort=[{"property": "name"}])


@pytest.mark.parametrize("collation", ["i;unicode-casemap", None])
def test_a_known_collation_is_used(kitchen: Kitchen, collation: str | None) -> None:
    kitchen.found("Shelf", sort=[{"property": "name", "collation": collation}])


def test_an_unknown_collation_is_unsupported_but_where_no_text_is_compared(kitchen: Kitchen) -> None:
    unknown = [{"property": "name", "collation": "i;nosuch"}]
    assert "unsupportedSort" == kitchen.refusal("Shelf/query", sort=unknown)["type"]
    assert [] == kitchen.found("Shelf", sort=[{"property": "sortOrder", "collation": "i;nosuch"}])


@pytest.mark.parametrize("sort", [[{"property": "nosuch"}], [{"property": "tags"}], [{"property": "Name"}]])
def test_an_unknown_sort_is_unsupported(kitchen: Kitchen, sort: Json) -> None:
    assert "unsupportedSort" == kitchen.refusal("Cake/query", sort=sort)["type"]


def test_too_many_comparators_are_unsupported(kitchen: Kitchen) -> None:
    assert "unsupportedSort" == kitchen.refusal("Cake/query", sort=[{"property": "name"}] * 17)["type"]


@pytest.mark.parametrize(
    "sort",
    [
        "name",
        {},
        [1],
        [{}],
        [{"property": 1}],
        [{"property": "name", "isAscending": 1}],
        [{"property": "name", "collation": 1}],
        [{"property": "hasTag"}],
        [{"property": "hasTag", "tag": "NO"}],
        [{"property": "hasTag", "tag": None}],
    ],
)
def test_a_sort_of_a_wrong_kind_is_invalid(kitchen: Kitchen, sort: Json) -> None:
    assert "invalidArguments" == kitchen.refusal("Cake/query", sort=sort)["type"]


# -- filters that are refused --


@pytest.mark.parametrize(
    "filter",
    [
        [],
        "x",
        1,
        {"operator": "XOR", "conditions": []},
        {"operator": "and", "conditions": []},
        {"operator": None, "conditions": []},
        {"operator": ["AND"], "conditions": []},
        {"operator": "AND"},
        {"operator": "AND", "conditions": {}},
        {"operator": "AND", "conditions": [1]},
        {"operator": "AND", "conditions": [None]},
        {"operator": "AND", "conditions": [], "hasTag": "old"},
        {"onShelf": None},
        {"onShelf": 1},
        {"onShelf": "not an id"},
        {"elsewhereThan": "h1"},
        {"elsewhereThan": [1]},
        {"bakedFrom": "yesterday"},
        {"bakedFrom": None},
        {"hasTag": "NO"},
        {"price": "5"},
        {"price": -1},
        {"minWeight": 1.5},
        {"text": 1},
        {"text": None},
        {"label": []},
        {"label": ["a", "b", "c"]},
        {"label": "maker"},
        {"label": [1]},
    ],
)
def test_a_filter_of_a_wrong_kind_is_invalid(kitchen: Kitchen, filter: Json) -> None:
    assert "invalidArguments" == kitchen.refusal("Cake/query", filter=filter)["type"]


def nested(depth: int) -> JsonObject:
    filter: JsonObject = {"hasTag": "old"}
    for _ in range(depth):
        filter = {"operator": "NOT", "conditions": [filter]}
    return filter


@pytest.mark.parametrize(
    "filter",
    [
        {"nosuch": 1},
        {"": 1},
        {"OnShelf": "h1"},
        {"text": "a " * 501},
        {"text": " ".join(f"w{at}" for at in range(51))},
        nested(33),
        nested(90),
        {"operator": "OR", "conditions": [{"hasTag": "old"}] * 501},
    ],
)
def test_a_filter_that_cannot_be_processed_is_unsupported(kitchen: Kitchen, filter: Json) -> None:
    assert "unsupportedFilter" == kitchen.refusal("Cake/query", filter=filter)["type"]


@pytest.mark.parametrize(
    "filter",
    [
        nested(32),
        {"operator": "OR", "conditions": [{"hasTag": "old"}] * 500},
        {"operator": "AND", "conditions": [{"notTag": f"t{at}"} for at in range(500)]},
        {"operator": "AND", "conditions": [{"someInOrderHaveTag": f"t{at}"} for at in range(500)]},
        {"operator": "NOT", "conditions": [{"text": f"w{at}"} for at in range(500)]},
        {"operator": "OR", "conditions": [{"elsewhereThan": ["h1"]}] * 500},
    ],
)
def test_a_filter_at_the_limit_is_answered(kitchen: Kitchen, cakes: naive.Objects, filter: Json) -> None:
    check(kitchen, cakes, filter=filter, sort=[{"property": "bakedAt"}])


# -- which part of the results --

SORT = [{"property": "bakedAt", "isAscending": False}]


LIMITS = [None, 0, 1, 4, 2**53 - 1]


@pytest.mark.parametrize("collapse", [False, True])
def test_a_position_counts_from_the_start_or_back_from_the_end(
    kitchen: Kitchen, cakes: naive.Objects, collapse: bool
) -> None:
    arguments = {"sort": SORT, "collapseThreads": collapse}
    whole = naive.query(cakes, arguments)
    for position, limit in product([0, 1, 5, 29, 30, 31, 2**53 - 1, -1, -3, -30, -31, -(2**53) + 1], LIMITS):
        answer = kitchen.ask("Cake/query", **arguments, position=position, limit=limit)
        first = position if position >= 0 else max(len(whole) + position, 0)
        assert (first, whole[first:][:limit]) == (answer["position"], answer["ids"])


@pytest.mark.parametrize("collapse", [False, True])
def test_an_anchor_gives_the_position(kitchen: Kitchen, cakes: naive.Objects, collapse: bool) -> None:
    arguments = {"sort": SORT, "collapseThreads": collapse}
    whole = naive.query(cakes, arguments)
    for offset, limit in product([0, 1, 3, 100, -1, -3, -100, 2**53 - 1, -(2**53) + 1], LIMITS):
        for anchor in (whole[0], whole[len(whole) // 2], whole[-1]):
            answer = kitchen.ask(
                "Cake/query", **arguments, anchor=anchor, anchorOffset=offset, limit=limit, position=17
            )
            first = max(whole.index(anchor) + offset, 0)
            assert (first, whole[first:][:limit]) == (answer["position"], answer["ids"])


@pytest.mark.parametrize("anchor", ["c99", "h1", "x", "c" + "z" * 12])
def test_an_anchor_that_is_not_found_is_an_error(kitchen: Kitchen, cakes: naive.Objects, anchor: str) -> None:
    assert "anchorNotFound" == kitchen.refusal("Cake/query", anchor=anchor)["type"]


def test_an_anchor_outside_the_results_is_not_found(kitchen: Kitchen, cakes: naive.Objects) -> None:
    outside = next(id for id, one in cakes.items() if "old" not in one["tags"])
    assert "anchorNotFound" == kitchen.refusal("Cake/query", filter={"hasTag": "old"}, anchor=outside)["type"]


def test_an_anchor_offset_without_an_anchor_is_ignored(kitchen: Kitchen, cakes: naive.Objects) -> None:
    assert kitchen.found(sort=SORT) == kitchen.found(sort=SORT, anchorOffset=5)


def test_a_total_is_there_only_if_asked_for(kitchen: Kitchen, cakes: naive.Objects) -> None:
    assert "total" not in kitchen.ask("Cake/query")
    assert 30 == kitchen.ask("Cake/query", limit=0, calculateTotal=True)["total"]


def test_a_limit_is_told_only_if_it_is_the_servers(kitchen: Kitchen, cakes: naive.Objects) -> None:
    assert "limit" not in kitchen.ask("Cake/query", limit=3)
    assert "limit" not in kitchen.ask("Cake/query")
    assert 100_000 == kitchen.ask("Cake/query", limit=100_001)["limit"]


@pytest.mark.parametrize(
    "arguments",
    [
        {"limit": -1},
        {"limit": 1.5},
        {"limit": "1"},
        {"limit": 2**53},
        {"position": 0.5},
        {"position": None},
        {"position": 2**53},
        {"anchor": 1},
        {"anchor": "not an id"},
        {"anchorOffset": "1"},
        {"anchorOffset": None},
        {"calculateTotal": 1},
        {"calculateTotal": None},
        {"collapseThreads": "yes"},
    ],
)
def test_arguments_of_a_wrong_kind_are_invalid(kitchen: Kitchen, arguments: JsonObject) -> None:
    assert "invalidArguments" == kitchen.refusal("Cake/query", **arguments)["type"]


def test_the_state_of_a_query_moves_with_its_results(kitchen: Kitchen, cakes: naive.Objects) -> None:
    before = kitchen.ask("Cake/query")["queryState"]
    assert before == kitchen.ask("Cake/query")["queryState"]
    kitchen.ask("Cake/set", destroy=[next(iter(cakes))])
    assert before != kitchen.ask("Cake/query")["queryState"]


def test_another_account_is_searched_alone(kitchen: Kitchen, cakes: naive.Objects) -> None:
    for filter in (None, {"text": "bun"}, {"hasTag": "old"}, {"onShelf": "h1"}, {"label": ["maker"]}):
        answer = kitchen.ask("Cake/query", accountId="a2", filter=filter, calculateTotal=True)
        assert ([], 0) == (answer["ids"], answer["total"])


# -- trees (RFC 8621 §2.3) --


@pytest.fixture
def shelves(kitchen: Kitchen) -> naive.Objects:
    """z > (a > y, x), m > b: names that say little about the places."""
    z, m = kitchen.shelves("z", "m")
    a, _ = kitchen.shelves("a", "x", parentId=z)
    kitchen.shelves("y", parentId=a)
    kitchen.shelves("b", parentId=m)
    return {one["id"]: one for one in kitchen.ask("Shelf/get")["list"]}


def named(kitchen: Kitchen, shelves: naive.Objects, **arguments: Json) -> str:
    arguments = {"sort": [{"property": "name"}]} | arguments
    found = kitchen.found("Shelf", **arguments)
    assert naive.query(shelves, arguments) == found
    return "".join(shelves[id]["name"] for id in found)


def test_sorted_as_a_tree_each_follows_its_parent(kitchen: Kitchen, shelves: naive.Objects) -> None:
    assert "abmxyz" == named(kitchen, shelves)
    assert "mbzayx" == named(kitchen, shelves, sortAsTree=True)


def test_sorted_as_a_tree_the_nearest_ancestors_are_compared_also_if_they_do_not_match(
    kitchen: Kitchen, shelves: naive.Objects
) -> None:
    """``y`` and ``b`` stand where their parents' parents ``z`` and ``m`` would."""
    assert "bayx" == named(kitchen, shelves, sortAsTree=True, filter={"hasParent": True})


def test_filtered_as_a_tree_only_what_hangs_on_matches_stays(
    kitchen: Kitchen, shelves: naive.Objects
) -> None:
    not_a = {"operator": "NOT", "conditions": [{"name": "a"}]}
    assert "bmxyz" == named(kitchen, shelves, filter=not_a)
    assert "bmxz" == named(kitchen, shelves, filter=not_a, filterAsTree=True)
    assert "mbzx" == named(kitchen, shelves, filter=not_a, filterAsTree=True, sortAsTree=True)
    assert "" == named(kitchen, shelves, filter={"hasParent": True}, filterAsTree=True)


def test_a_page_of_a_tree(kitchen: Kitchen, shelves: naive.Objects) -> None:
    whole = kitchen.found("Shelf", sortAsTree=True)
    answer = kitchen.ask(
        "Shelf/query", sortAsTree=True, anchor=whole[3], anchorOffset=-1, limit=2, calculateTotal=True
    )
    assert (2, whole[2:4], 6) == (answer["position"], answer["ids"], answer["total"])
    assert "anchorNotFound" == kitchen.refusal("Shelf/query", sortAsTree=True, anchor="h99")["type"]
