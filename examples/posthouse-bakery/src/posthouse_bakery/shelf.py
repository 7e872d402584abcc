"""Shelf: what cakes and recipes stand on; shelves stand on shelves."""

from __future__ import annotations

from posthouse.model.change import Change, Stage
from posthouse.model.condition import Argument, Filter, Sort, Test, contains, equals, is_set
from posthouse.model.kind import Boolean, Ref, String, UnsignedInt
from posthouse.model.ports import Txn
from posthouse.model.property import Part, Property
from posthouse.model.rights import Rights
from posthouse.model.type import Type
from posthouse.proto.jmap.errors import SetError
from posthouse_bakery.error import BakeryError

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
    rights=Rights(
        ("mayRead", "mayAdd", "mayRemove", "mayTag", "mayRename", "mayShare"),
        read="mayRead",
        share="mayShare",
    ),
    needs={"update": "mayRename"},
    tree="parentId",
)


@shelf.check
def keep_names_apart(txn: Txn, change: Change, stage: Stage) -> None:
    """Refuse a second shelf of a name, and shelves that stand on themselves."""
    shelves = stage.overlaid(txn.values(shelf))
    for id, values in shelves.items():
        if id != change.id and values["name"] == change.after()["name"]:
            raise SetError("alreadyExists", "there is such a shelf", existingId=shelf.wire(id))
    seen = {change.id}
    parent = change.after()["parentId"]
    while parent is not None:
        above = shelf.local(parent)
        if above is None or above in seen:
            raise SetError("invalidProperties", "a shelf can't stand on itself", ["parentId"])
        seen.add(above)
        parent = shelves[above]["parentId"] if above in shelves else None


@shelf.before_destroy
def refuse_if_used(txn: Txn, change: Change, stage: Stage) -> None:
    """Let nobody take away a shelf that something stands on."""
    if txn.values(shelf, [change.id], ["totalCakes"])[change.id]["totalCakes"]:
        raise BakeryError("shelfHasCakes")
    if any(values["parentId"] == shelf.wire(change.id) for values in txn.values(shelf).values()):
        raise BakeryError("shelfHasShelves")
