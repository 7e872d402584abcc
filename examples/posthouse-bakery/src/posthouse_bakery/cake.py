"""Cake: what stands on shelves and belongs to an order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from posthouse.kit.json import JsonObject
from posthouse.model.change import Act, Change, Stage
from posthouse.model.condition import (
    Argument,
    Filter,
    Rank,
    Sort,
    Test,
    at_least,
    below,
    equals,
    header,
    member,
    not_member,
    search,
)
from posthouse.model.kind import (
    Anything,
    Boolean,
    ListOf,
    MapOf,
    Ref,
    SetOf,
    String,
    Text,
    UnsignedInt,
    UTCDate,
)
from posthouse.model.ports import Reading, Txn
from posthouse.model.property import Part, Property
from posthouse.model.type import Tally, Type
from posthouse.proto.jmap.errors import SetError
from posthouse_bakery.order import order
from posthouse_bakery.shelf import shelf

TAG = Text(lambda text: text.isascii() and text.islower() and 0 < len(text) < 50)


def _derived(values: JsonObject) -> frozenset[str]:
    return frozenset() if "eaten" in values["tags"] else frozenset({"!left"})


cake = Type(
    "Cake",
    letter="c",
    methods="get changes set copy query queryChanges",
    within="shelfIds",
    group="orderId",
    arrivals="CakeDelivery",
    search="name_ note_",
    tally=Tally(words="tags", derived=_derived),
    properties=[
        Property("orderId", Ref("Order"), immutable=True, index=True, server=True),
        Property("name", String(), required=True, immutable=True, index=True),
        Property("bakedAt", UTCDate(), immutable=True, required=True, sorted=True),
        Property("weight", UnsignedInt(), immutable=True, default=1, index=True),
        Property("labels", ListOf(MapOf(String(), Anything())), immutable=True, default=[], part=Part.RARE),
        Property("shelfIds", SetOf(Ref("Shelf")), required=True, ordered_by="bakedAt"),
        Property("tags", SetOf(TAG), default={}, ordered_by="bakedAt"),
        Property("price", UnsignedInt() | None, default=None, index=True),
        Property("slogan", String(), server=True, part=Part.COMPUTED, by_default=False),
    ],
    filters=[
        member("onShelf", "shelfIds"),
        Filter("elsewhereThan", Test.OUTSIDE, ("shelfIds",)),
        at_least("bakedFrom", "bakedAt"),
        below("bakedBefore", "bakedAt"),
        member("hasTag", "tags"),
        not_member("notTag", "tags"),
        Filter("someInOrderHaveTag", Test.ANY_IN_GROUP, ("tags",)),
        Filter("allInOrderHaveTag", Test.ALL_IN_GROUP, ("tags",)),
        Filter("noneInOrderHaveTag", Test.NONE_IN_GROUP, ("tags",)),
        equals("price"),
        at_least("minWeight", "weight"),
        search("text", "name_ note_"),
        search("note", "note_"),
        header("label", "labels"),
    ],
    sorts=[
        Sort("bakedAt", "bakedAt"),
        Sort("name", "name"),
        Sort("weight", "weight"),
        Sort("price", "price"),
        Sort("hasTag", "tags", Rank.MEMBER, "tag"),
        Sort("someInOrderHaveTag", "tags", Rank.ANY_IN_GROUP, "tag"),
        Sort("allInOrderHaveTag", "tags", Rank.ALL_IN_GROUP, "tag"),
    ],
    arguments={"query": [Argument("collapseThreads", Boolean(), False)]},
    needs={"create": "mayAdd", "destroy": "mayRemove", "tags": "mayTag"},
    pattern=lambda name: name.startswith("orderOf:"),
)


@cake.check
def give_it_an_order(txn: Txn, change: Change, stage: Stage) -> None:
    """Put cakes of one name into one order, as messages of one subject are in one thread."""
    if not change.after()["shelfIds"]:
        raise SetError("invalidProperties", "a cake stands on a shelf", ["shelfIds"])
    if change.act is not Act.CREATE:
        return
    key = sum(change.after()["name"].encode())
    id = txn.find_keys("order", [key]).get(key)
    if id is None:
        id = txn.allocate()
        txn.insert(order, id, {"id": order.wire(id), "cakeIds": []})
        txn.put_keys("order", id, [key])
    values = change.after()
    change.new = values | {"id": cake.wire(change.id), "orderId": order.wire(id)}
    notes = " ".join(str(label.get("value")) for label in values["labels"])
    change.search = {"name_": values["name"], "note_": notes}


@cake.after
def count_on_shelves(txn: Txn, change: Change) -> None:
    """Keep the shelves' totals, and the list of each order's cakes."""
    before = set((change.old or {}).get("shelfIds", {}))
    after = set((change.new or {}).get("shelfIds", {}))
    for name in sorted(before ^ after):
        id = shelf.local(name)
        assert id is not None
        txn.count(shelf, id, {"totalCakes": 1 if name in after else -1})
    if change.act is Act.UPDATE:
        return
    id = order.local((change.new or change.old or {})["orderId"])
    assert id is not None
    old = txn.values(order, [id])[id]
    ids = set(old["cakeIds"]) ^ {cake.wire(change.id)}
    txn.update(order, id, old, old | {"cakeIds": sorted(ids)})


def _wanted(names: Sequence[str], arguments: JsonObject) -> frozenset[str] | None:
    """Name what `praise` reads; None if nothing is wanted that it makes."""
    computed = [name for name in names if name == "slogan" or name.startswith("orderOf:")]
    return frozenset({"name", "orderId"}) if computed else None


@cake.compute(_wanted)
def praise(
    reading: Reading, objects: Mapping[int, JsonObject], names: Sequence[str], arguments: JsonObject
) -> None:
    """Make slogans, and ``orderOf:`` followed by anything."""
    for values in objects.values():
        for name in names:
            if name == "slogan":
                values[name] = f"Try the {values['name']}!"
            elif name.startswith("orderOf:"):
                values[name] = values["orderId"]
