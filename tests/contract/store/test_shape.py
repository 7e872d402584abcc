"""A type whose declaration has changed since its objects were written; they are led over to it, or it is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import apsw
import pytest

from bakery import cake, order, shelf
from bakery.kitchen import HOME, OTHER, STORES, OpenStore
from posthouse.kit.json import JsonObject
from posthouse.model.condition import Leaf, Order, Query, equals, member, search
from posthouse.model.kind import Ref, SetOf, String, Text, UnsignedInt
from posthouse.model.property import Part, Property, column_of
from posthouse.model.type import Tally, Type
from posthouse.store.account import Store
from posthouse.store.tables import WrongSchema
from posthouse.store.txn import Transaction

from .test_txn import bake, put_up

T = TypeVar("T")


@pytest.fixture
def open_store(kind: str) -> OpenStore:
    """The function that opens a store of one kind."""
    return STORES[kind]


NAME = Property("name", String(), default="?", index=True)
RANK = Property("rank", UnsignedInt(), default=0)
BOXES = Property("boxIds", SetOf(Ref("Box")), default={}, ordered_by="rank")
WORDS = Property("words", SetOf(Text(str.islower)), default={})
BOX = Type("Box", letter="x", methods="get", properties=[NAME])
OBJECTS: list[JsonObject] = [
    {"name": "Hammer", "rank": 3, "words": {"iron": True}, "groupId": 1},
    {"name": "Nail", "rank": 1, "words": {"iron": True, "small": True}, "groupId": 1},
]


def thing(*properties: Property, **declared: Any) -> Type:
    given: dict[str, Any] = {"letter": "t", "methods": "get", **declared}
    return Type("Thing", properties=properties, **given)


@contextmanager
def opened(open_store: OpenStore, folder: Path, *types: Type) -> Iterator[Store]:
    store = open_store(folder, types)
    try:
        yield store
    finally:
        store.close()


def read(store: Store, unit: Callable[[Transaction], T]) -> T:
    return asyncio.run(store.read(HOME, 1, unit))


def write(store: Store, unit: Callable[[Transaction], T]) -> T:
    return asyncio.run(store.write(HOME, 1, unit))


def fill(open_store: OpenStore, folder: Path, type: Type, objects: Iterable[JsonObject] = OBJECTS) -> None:
    """Write objects of a type, as far as it knows their properties."""

    def unit(txn: Transaction) -> None:
        for values in objects:
            known = {name: value for name, value in values.items() if name in type.properties}
            txn.insert(type, txn.allocate(), known)

    with opened(open_store, folder, type, BOX) as store:
        write(store, unit)


def rows(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    """Ask the file itself."""
    with closing(apsw.Connection(str(folder / "0.db"))) as connection:
        return connection.execute(sql).fetchall()


def things(store: Store, type: Type) -> list[JsonObject]:
    return [*read(store, lambda txn: txn.values(type)).values()]


def test_a_new_property_takes_its_default_in_the_objects_there_are(
    open_store: OpenStore, folder: Path
) -> None:
    fill(open_store, folder, thing(NAME))
    colour = Property("colour", String() | None)
    count = Property("count", UnsignedInt(), server=True, part=Part.COUNTER)
    rare = Property("rare", String(), default="never", immutable=True, part=Part.RARE)
    loose = Property("loose", String(), optional=True)
    new = thing(rare, colour, NAME, count, RANK, loose)
    with opened(open_store, folder, new, BOX) as store:
        assert [
            {"id": f"t{at}", "name": name, "colour": None, "count": 0, "rank": 0, "rare": "never"}
            for at, name in ((1, "Hammer"), (2, "Nail"))
        ] == things(store, new)
        write(store, lambda txn: txn.count(new, 1, {"count": 2}))
        write(store, lambda txn: txn.insert(new, txn.allocate(), {"name": "Saw", "loose": "yes"}))
    with opened(open_store, folder, new, BOX) as store:
        assert [("Hammer", 2, None), ("Nail", 0, None), ("Saw", 0, "yes")] == [
            (one["name"], one["count"], one.get("loose")) for one in things(store, new)
        ]


def test_a_new_column_set_and_order_find_the_objects_there_are(open_store: OpenStore, folder: Path) -> None:
    fill(open_store, folder, thing(RANK, Property("name", String(), default="?"), WORDS))
    new = thing(
        Property("rank", UnsignedInt(), default=0, sorted=True),
        NAME,
        Property("words", SetOf(Text(str.islower)), default={}, ordered_by="rank"),
        column_of("name", "name/size", UnsignedInt(), len, sorted=True),
        filters=[equals("name"), member("word", "words"), equals("size", "name/size")],
    )
    with opened(open_store, folder, new, BOX) as store:

        def found(name: str, value: Any) -> list[int]:
            query = Query(Leaf(new.filters[name], value))
            return [*read(store, lambda txn: txn.find(new, query).page(0, 10))]

        assert [2] == found("name", "nail")
        assert [1, 2] == found("word", "iron")
        assert [2] == found("word", "small")
        assert [1] == found("size", 6)


def test_an_index_stays_with_the_objects_that_are_led_over(open_store: OpenStore, folder: Path) -> None:
    rank = Property("rank", UnsignedInt(), default=0, sorted=True)
    fill(open_store, folder, thing(NAME, rank))
    with opened(open_store, folder, thing(NAME, rank, WORDS), BOX):
        pass
    assert [("obj_thing",)] == rows(
        folder, "SELECT tbl_name FROM sqlite_schema WHERE name = 'obj_thing_rank'"
    )


def test_counts_and_words_are_made_anew(open_store: OpenStore, folder: Path) -> None:
    group = Property("groupId", UnsignedInt(), immutable=True, index=True)
    words = Property("words", SetOf(Text(str.islower)), default={}, ordered_by="rank")
    rank = Property("rank", UnsignedInt(), default=0, index=True)
    fill(open_store, folder, thing(group, words, rank, NAME, group="groupId"))
    new = thing(
        *(group, words, rank, NAME),
        group="groupId",
        tally=Tally(words="words", derived=lambda values: frozenset()),
        search="name_",
        words=lambda values: {"name_": values["name"]},
        filters=[search("text", "name_")],
    )
    with opened(open_store, folder, new, BOX) as store:
        assert (2, 1) == read(store, lambda txn: txn.tally(new, 0, "iron"))
        assert (1, 1) == read(store, lambda txn: txn.tally(new, 0, "small"))
        query = Query(Leaf(new.filters["text"], "hammer"))
        assert [1] == read(store, lambda txn: txn.find(new, query).page(0, 10))


def test_no_older_state_can_be_told_from_where_objects_look_otherwise(
    open_store: OpenStore, folder: Path
) -> None:
    fill(open_store, folder, thing(NAME))
    new = thing(NAME, RANK)
    with opened(open_store, folder, new, BOX) as store:
        state, floor = read(store, lambda txn: (txn.state(new), txn.floor(new)))
        assert 2 < state == floor
        changes = read(store, lambda txn: txn.changes(new, state, 10))
        assert ([], [], []) == (changes.created, changes.updated, changes.destroyed)


def test_an_index_alone_leaves_the_state_as_it_was(open_store: OpenStore, folder: Path) -> None:
    fill(open_store, folder, thing(Property("name", String(), default="?")))
    new = thing(NAME)
    with opened(open_store, folder, new, BOX) as store:
        assert (2, 0) == read(store, lambda txn: (txn.state(new), txn.floor(new)))


SEARCH = {"search": "name_"}
REFUSED: list[tuple[Type, Type, str]] = [
    (thing(NAME, RANK), thing(NAME), "'rank' is missing"),
    (thing(NAME), thing(NAME, Property("colour", String())), "'colour' is new"),
    (thing(NAME), thing(NAME, **SEARCH), "search text"),
    (
        thing(NAME, **SEARCH, words=lambda values: {"name_": values["name"]}),
        thing(NAME, **SEARCH),
        "search text",
    ),
    (
        thing(NAME, Property("isOwn", Text(str.islower), default="", part=Part.OVERLAY)),
        thing(NAME, Property("isOwn", Text(str.islower), default="")),
        "'isOwn' is missing",
    ),
    (
        thing(NAME, Property("rank", UnsignedInt(), default=0, index=True), BOXES),
        thing(NAME, Property("rank", UnsignedInt(), default=0, index=True), BOXES, within="boxIds"),
        "within",
    ),
]


@pytest.mark.parametrize(("old", "new", "said"), REFUSED)
def test_what_would_lose_or_invent_values_is_refused_and_changes_nothing(
    open_store: OpenStore, folder: Path, old: Type, new: Type, said: str
) -> None:
    fill(open_store, folder, old)
    with pytest.raises(WrongSchema, match=said) as refused:
        open_store(folder, [new, BOX])
    assert "Thing" in str(refused.value) and "\n" not in str(refused.value)
    with opened(open_store, folder, old, BOX) as store:
        assert ["Hammer", "Nail"] == [one["name"] for one in things(store, old)]


@pytest.mark.parametrize(("old", "new", "said"), REFUSED)
def test_a_type_without_objects_takes_any_form(
    open_store: OpenStore, folder: Path, old: Type, new: Type, said: str
) -> None:
    fill(open_store, folder, old, [])
    with opened(open_store, folder, BOX) as store:
        write(store, lambda txn: txn.insert(BOX, txn.allocate(), {"name": "box"}))  # which makes the file
    fill(open_store, folder, new)
    with opened(open_store, folder, new, BOX) as store:
        assert ["Hammer", "Nail"] == [one["name"] for one in things(store, new)]


def test_nothing_is_led_over_under_one_who_uses_it(open_store: OpenStore, folder: Path) -> None:
    old, new = thing(NAME), thing(NAME, RANK)
    fill(open_store, folder, old)
    with opened(open_store, folder, old, BOX) as store:
        with pytest.raises(WrongSchema, match="end every posthouse process"):
            open_store(folder, [new, BOX])
        assert [{"id": "t1", "name": "Hammer"}, {"id": "t2", "name": "Nail"}] == things(store, old)
    with opened(open_store, folder, new, BOX) as store:
        assert [0, 0] == [one["rank"] for one in things(store, new)]


def test_a_type_that_nobody_declares_keeps_its_rows_and_is_not_told_of(
    open_store: OpenStore, folder: Path
) -> None:
    old = thing(NAME, arrivals="ThingDelivery")
    fill(open_store, folder, old)
    with opened(open_store, folder, BOX) as store:
        write(store, lambda txn: txn.insert(BOX, txn.allocate(), {"name": "box"}))
        assert {"Box": 3} == asyncio.run(store.levels(HOME))
    with opened(open_store, folder, old, BOX) as store:
        assert ["Hammer", "Nail"] == [one["name"] for one in things(store, old)]
        assert {"Box": 3, "Thing": 2, "ThingDelivery": 2} == asyncio.run(store.levels(HOME))


def test_an_account_is_erased_with_what_nobody_declares(open_store: OpenStore, folder: Path) -> None:
    def unit(txn: Transaction) -> None:
        on, group = put_up(txn), txn.allocate()
        txn.insert(order, group, {"cakeIds": []})
        bake(txn, on, group, "tag")

    with opened(open_store, folder, shelf, order, cake) as store:
        asyncio.run(store.write(HOME, 1, unit))
        asyncio.run(store.write(OTHER, 1, unit))
    with opened(open_store, folder, BOX) as store:
        asyncio.run(store.erase(HOME))
    for table in ("obj_cake", "rare_cake", "member_cake_tags", "member_cake_shelfids"):
        assert [(OTHER.account,)] == rows(folder, f"SELECT account FROM {table}")
    with opened(open_store, folder, shelf, order, cake) as store:
        everything = Query(None, (Order(cake.sorts["bakedAt"]),))
        for place, left in ((HOME, 0), (OTHER, 1)):
            assert left == len(asyncio.run(store.read(place, 1, lambda txn: txn.values(cake))))
            assert left == asyncio.run(store.read(place, 1, lambda txn: txn.find(cake, everything).total()))
