"""A toy capability that uses every feature of the declaration language; the engine's test bed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from posthouse.kit import ids
from posthouse.kit.json import JsonObject
from posthouse.model.capability import Capability
from posthouse.model.change import Act, Change, Finished, Stage
from posthouse.model.condition import (
    Argument,
    Filter,
    Rank,
    Sort,
    Test,
    at_least,
    below,
    contains,
    equals,
    header,
    is_set,
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
    sort_key,
)
from posthouse.model.ports import Preparing, Txn
from posthouse.model.property import Part, Property, column_of
from posthouse.model.rights import Rights
from posthouse.model.type import Tally, Type
from posthouse.proto.jmap.errors import SetError

TAG = Text(lambda text: text.isascii() and text.islower() and 0 < len(text) < 50)

shelf = Type(
    "Shelf",
    letter="h",
    methods="get changes set query queryChanges",
    properties=[
        Property("name", String(min_length=1, max_octets=100), required=True, index=True),
        Property("parentId", Ref("Shelf") | None, default=None, index=True),
        Property("sortOrder", UnsignedInt(below=2**31), default=0, index=True),
        Property("totalCakes", UnsignedInt(), server=True, part=Part.COUNTER),
        Property("isFavourite", Boolean(), default=True, part=Part.OVERLAY),
    ],
    filters=[
        equals("parentId"),
        contains("name"),
        is_set("hasParent", "parentId"),
        Filter("isFavourite", Test.OVERLAY, ("isFavourite",)),
    ],
    sorts=[Sort("name", "name"), Sort("sortOrder", "sortOrder")],
    arguments={
        "query": [Argument("sortAsTree", Boolean(), False), Argument("filterAsTree", Boolean(), False)]
    },
    rights=Rights(("mayRead", "mayAdd", "mayRemove", "mayTag", "mayRename"), read="mayRead"),
    needs={"update": "mayRename"},
    tree="parentId",
)

order = Type(
    "Order", letter="o", methods="get changes", properties=[Property("cakeIds", ListOf(Ref("Cake")))]
)


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


@shelf.check
def keep_names_apart(txn: Txn, change: Change, stage: Stage) -> None:
    shelves = stage.overlaid(txn.values(shelf))
    for id, values in shelves.items():
        if id != change.id and values["name"] == change.after()["name"]:
            raise SetError("alreadyExists", "there is such a shelf", existingId=shelf.wire(id))
    seen = {change.id}
    parent = change.after()["parentId"]
    while parent is not None:
        id = shelf.local(parent)
        if id in seen:
            raise SetError("invalidProperties", "a shelf can't stand on itself", ["parentId"])
        assert id is not None
        seen.add(id)
        parent = shelves[id]["parentId"] if id in shelves else None


@shelf.before_destroy
def refuse_if_used(txn: Txn, change: Change, stage: Stage) -> None:
    if txn.tally(cake, change.id)[0]:
        raise SetError("mailboxHasEmail")
    if any(values["parentId"] == shelf.wire(change.id) for values in txn.values(shelf).values()):
        raise SetError("mailboxHasChild")


@cake.check
def give_it_an_order(txn: Txn, change: Change, stage: Stage) -> None:
    """Cakes of one name belong to one order, as messages of one subject belong to one thread."""
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


def _wanted(names: object, arguments: JsonObject) -> frozenset[str] | None:
    computed = [name for name in names if name == "slogan" or name.startswith("orderOf:")]  # type: ignore[attr-defined]
    return frozenset({"name", "orderId"}) if computed else None


@cake.compute(_wanted)
def praise(reading: object, objects: object, names: object, arguments: JsonObject) -> None:
    for values in objects.values():  # type: ignore[attr-defined]
        for name in names:  # type: ignore[attr-defined]
            if name == "slogan":
                values[name] = f"Try the {values['name']}!"
            elif name.startswith("orderOf:"):
                values[name] = values["orderId"]


recipe = Type(
    "Recipe",
    letter="r",
    methods="get changes set copy query queryChanges",
    within="shelfIds",
    search="steps_",
    open=lambda name: name.startswith("x-"),
    words=lambda values: {"steps_": " ".join(values.get("steps", []))},
    keeps=lambda values: [bytes.fromhex(values["picture"])] if "picture" in values else [],
    properties=[
        Property("shelfIds", SetOf(Ref("Shelf")), required=True, ordered_by="id/number"),
        Property("code", Text(lambda text: True), optional=True, sorted=True),
        Property("steps", ListOf(String()), optional=True),
        Property("picture", String(), optional=True),
        Property("isFeatured", Boolean(), server=True),
        column_of("id", "id/number", UnsignedInt(), lambda wire: ids.decode(wire[1:])),
        column_of(
            "steps",
            "steps/first",
            String() | None,
            lambda steps: sort_key(steps[0]) if steps else None,
            sorted=True,
        ),
    ],
    filters=[member("onShelf", "shelfIds"), equals("code"), search("text", "steps_")],
    sorts=[Sort("first", "steps/first")],
    arguments={"set": [Argument("onSuccessFeature", Ref("Recipe") | None)]},
)


@recipe.prepare_update
async def look_at_patches(call: Preparing, changes: Sequence[Change]) -> Mapping[str, Exception]:
    """Remember what each patch names; one that names ``x-refused`` is refused."""
    for change in changes:
        change.prepared = sorted(change.after())
    fault = SetError("invalidProperties", None, ["x-refused"])
    return {change.key: fault for change in changes if "x-refused" in change.after()}


@recipe.check
def keep_codes_apart(txn: Txn, change: Change, stage: Stage) -> None:
    new = change.after()
    if change.act is Act.CREATE:
        new["isFeatured"] = False
    if change.patches:
        change.report["x-patches"] = change.patches
    if any(stage.comes_first(change, id, ("code",)) for id in stage.alike(change, "code")):
        raise SetError("alreadyExists")


@recipe.finish
def feature_one(txn: Txn, finished: Finished) -> dict[int, JsonObject]:
    wanted = finished.arguments.get("onSuccessFeature")
    if wanted is None or finished.refused:
        return {}
    id = recipe.local(finished.created[wanted[1:]] if wanted.startswith("#") else wanted)
    assert id is not None
    old = txn.values(recipe, [id], recipe.basis)[id]
    txn.update(recipe, id, old, old | {"isFeatured": True})
    return {id: {"isFeatured": True}}


BAKERY = Capability("https://bakery.example/jmap", types=[shelf, order, cake, recipe])
