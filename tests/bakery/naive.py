"""A naive bakery: what every query must answer, worked out over plain dictionaries."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from functools import cmp_to_key
from typing import Any, TypeAlias

from posthouse.kit import ids
from posthouse.kit.json import JsonObject

Objects: TypeAlias = dict[str, JsonObject]


def number(id: str) -> int:
    """The place of an id among those of its type."""
    found = ids.decode(id[1:])
    assert found is not None
    return found


def _words(text: str) -> set[str]:
    return set(text.lower().split())


def _folded(text: str) -> str:
    return "".join(
        one for one in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(one)
    )


def _notes(cake: JsonObject) -> str:
    return " ".join(str(label.get("value")) for label in cake["labels"])


def _order_of(cake: JsonObject, cakes: Objects) -> list[JsonObject]:
    return [other for other in cakes.values() if other["orderId"] == cake["orderId"]]


CAKE_CONDITIONS: dict[str, Callable[[JsonObject, Any, Objects], bool]] = {
    "onShelf": lambda cake, value, _: value in cake["shelfIds"],
    "elsewhereThan": lambda cake, value, _: any(id not in value for id in cake["shelfIds"]),
    "bakedFrom": lambda cake, value, _: cake["bakedAt"] >= value,
    "bakedBefore": lambda cake, value, _: cake["bakedAt"] < value,
    "hasTag": lambda cake, value, _: value in cake["tags"],
    "notTag": lambda cake, value, _: value not in cake["tags"],
    "someInOrderHaveTag": lambda cake, value, all: any(value in one["tags"] for one in _order_of(cake, all)),
    "allInOrderHaveTag": lambda cake, value, every: all(
        value in one["tags"] for one in _order_of(cake, every)
    ),
    "noneInOrderHaveTag": lambda cake, value, all: (
        not any(value in one["tags"] for one in _order_of(cake, all))
    ),
    "price": lambda cake, value, _: cake["price"] == value,
    "minWeight": lambda cake, value, _: cake["weight"] >= value,
    "text": lambda cake, value, _: _words(value) <= _words(cake["name"]) | _words(_notes(cake)),
    "note": lambda cake, value, _: _words(value) <= _words(_notes(cake)),
    "label": lambda cake, value, _: any(
        label["name"].lower() == value[0].lower()
        and (len(value) == 1 or value[1].lower() in label["value"].lower())
        for label in cake["labels"]
    ),
}
SHELF_CONDITIONS: dict[str, Callable[[JsonObject, Any, Objects], bool]] = {
    "parentId": lambda shelf, value, _: shelf["parentId"] == value,
    "name": lambda shelf, value, _: value.lower() in shelf["name"].lower(),
    "hasParent": lambda shelf, value, _: (shelf["parentId"] is not None) == value,
    "isFavourite": lambda shelf, value, _: shelf["isFavourite"] == value,
}
_CONDITIONS = {"c": CAKE_CONDITIONS, "h": SHELF_CONDITIONS}


def matches(thing: JsonObject, filter: JsonObject | None, all_of_them: Objects) -> bool:
    """Whether an object passes a filter (RFC 8620 §5.5)."""
    if filter is None:
        return True
    if "operator" not in filter:
        conditions = _CONDITIONS[thing["id"][0]]
        return all(conditions[name](thing, value, all_of_them) for name, value in filter.items())
    held = [matches(thing, part, all_of_them) for part in filter["conditions"]]
    return {"AND": all(held), "OR": any(held), "NOT": not any(held)}[filter["operator"]]


def _key(thing: JsonObject, comparator: JsonObject, all_of_them: Objects) -> Any:
    name = comparator["property"]
    if name in ("hasTag", "someInOrderHaveTag", "allInOrderHaveTag"):
        return CAKE_CONDITIONS[name](thing, comparator["tag"], all_of_them)
    value = thing[name]
    return (value is not None, _folded(value) if isinstance(value, str) else value)


def _stands_on_a_shelf(filter: JsonObject | None) -> bool:
    """Whether every result must be a member of some set, so that its order serves where none is asked for."""
    if filter is None:
        return False
    if filter.get("operator") == "AND":
        return any(_stands_on_a_shelf(part) for part in filter["conditions"])
    return "operator" not in filter and bool(filter.keys() & {"onShelf", "hasTag"})


def ordered(
    things: Iterable[JsonObject],
    sort: list[JsonObject],
    all_of_them: Objects,
    filter: JsonObject | None = None,
) -> list[JsonObject]:
    """Sort; ties are broken by the id, in the direction of the first comparator."""
    if not sort and _stands_on_a_shelf(filter):
        sort = [{"property": "bakedAt", "isAscending": False}]

    def compare(one: JsonObject, other: JsonObject) -> int:
        for comparator in sort:
            a, b = (_key(thing, comparator, all_of_them) for thing in (one, other))
            if a != b:
                return -1 if (a < b) == comparator.get("isAscending", True) else 1
        by_id = number(one["id"]) - number(other["id"])
        return by_id if not sort or sort[0].get("isAscending", True) else -by_id

    return sorted(things, key=cmp_to_key(compare))


def query(things: Objects, arguments: JsonObject) -> list[str]:
    """The ids that a query gives, in their order."""
    filter, sort = arguments.get("filter"), arguments.get("sort") or []
    in_order = ordered(things.values(), sort, things, filter)
    matching = {thing["id"] for thing in in_order if matches(thing, filter, things)}
    if arguments.get("filterAsTree"):
        matching = {id for id in matching if all(above in matching for above in _above(id, things))}
    if arguments.get("sortAsTree"):
        in_order = _nested(in_order, None)
    found = [thing for thing in in_order if thing["id"] in matching]
    if arguments.get("collapseThreads"):
        seen: set[str] = set()
        found = [one for one in found if not (one["orderId"] in seen or seen.add(one["orderId"]))]  # type: ignore[func-returns-value]
    return [thing["id"] for thing in found]


def _above(id: str, shelves: Objects) -> list[str]:
    above: list[str] = []
    parent = shelves[id]["parentId"]
    while parent is not None:
        above.append(parent)
        parent = shelves[parent]["parentId"]
    return above


def _nested(in_order: list[JsonObject], parent: str | None) -> list[JsonObject]:
    nested: list[JsonObject] = []
    for thing in in_order:
        if thing["parentId"] == parent:
            nested += [thing, *_nested(in_order, thing["id"])]
    return nested


def after_changes(old: Iterable[str], answer: JsonObject) -> list[str]:
    """Apply the answer of a /queryChanges to cached results, as RFC 8620 §5.6 tells the client."""
    removed = set(answer["removed"])
    found = [id for id in old if id not in removed]
    for item in answer["added"]:
        found.insert(item["index"], item["id"])
    return found
