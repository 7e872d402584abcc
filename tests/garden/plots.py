"""Plots: types of every kind that a visitor may see, or may not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from posthouse.kit.json import JsonObject
from posthouse.model.condition import Filter, Sort, Test, equals, is_set, member, not_member
from posthouse.model.kind import Boolean, ListOf, Ref, SetOf, String, Text, UnsignedInt, UTCDate
from posthouse.model.ports import Txn
from posthouse.model.property import Part, Property
from posthouse.model.rights import Rights
from posthouse.model.type import Tally, Type

READ, ADD, SHARE = 1, 2, 4
RIGHTS: Final = Rights(("mayRead", "mayAdd", "mayShare"), read="mayRead", share="mayShare")
ODD: Final = "!odd"

bed = Type(
    "Bed",
    letter="b",
    methods="get changes set query queryChanges",
    properties=[
        Property("name", String(), required=True, index=True),
        Property("parentId", Ref("Bed") | None, default=None, index=True),
        Property("plants", UnsignedInt(), server=True, part=Part.COUNTER),
        Property("oddRows", UnsignedInt(), server=True, part=Part.COUNTER),
        Property("isLiked", Boolean(), default=True, part=Part.OVERLAY),
    ],
    filters=[
        equals("parentId"),
        is_set("hasParent", "parentId"),
        Filter("isLiked", Test.OVERLAY, ("isLiked",)),
    ],
    sorts=[Sort("name", "name"), Sort("parentId", "parentId")],
    rights=RIGHTS,
    tree="parentId",
)


@bed.recount
def count_odd_rows(txn: Txn, beds: Mapping[int, JsonObject]) -> None:
    """Count the rows of each bed that have an odd plant anywhere."""
    for id, values in beds.items():
        if "oddRows" in values:
            values["oddRows"] = txn.groups_with(plant, id, ODD)


row = Type(
    "Row",
    letter="r",
    methods="get changes",
    properties=[Property("plantIds", ListOf(Ref("Plant")), server=True)],
)


def _derived(values: JsonObject) -> frozenset[str]:
    return frozenset({ODD}) if len(values["marks"]) % 2 else frozenset()


plant = Type(
    "Plant",
    letter="p",
    methods="get changes set query queryChanges",
    within="bedIds",
    group="rowId",
    arrivals="Sprout",
    tally=Tally("marks", _derived),
    keeps=lambda values: [bytes.fromhex(values["picture"])],
    properties=[
        Property("rowId", Ref("Row"), immutable=True, index=True, server=True),
        Property("sownAt", UTCDate(), immutable=True, required=True, sorted=True),
        Property("bedIds", SetOf(Ref("Bed")), required=True, ordered_by="sownAt"),
        Property("marks", SetOf(Text(str.isalpha)), default={}, ordered_by="sownAt"),
        Property("picture", String()),
        Property("firstBedId", Ref("Bed") | None, default=None, index=True),
    ],
    filters=[
        member("inBed", "bedIds"),
        Filter("elsewhereThan", Test.OUTSIDE, ("bedIds",)),
        member("hasMark", "marks"),
        not_member("notMark", "marks"),
        Filter("someInRow", Test.ANY_IN_GROUP, ("marks",)),
        Filter("allInRow", Test.ALL_IN_GROUP, ("marks",)),
        Filter("noneInRow", Test.NONE_IN_GROUP, ("marks",)),
        equals("firstBedId"),
    ],
    sorts=[Sort("sownAt", "sownAt")],
)
tool = Type(
    "Tool",
    letter="t",
    methods="get changes",
    granted_by="mayAdd",
    properties=[Property("name", String(), index=True)],
)
diary = Type("Diary", letter="d", methods="get changes", properties=[Property("name", String(), index=True)])
gardener = Type(
    "Gardener",
    letter="g",
    methods="get changes query",
    people=True,
    rights=Rights(("mayRead",), read="mayRead"),
    properties=[Property("name", String(), index=True)],
    sorts=[Sort("name", "name")],
)
letter = Type(
    "Letter",
    letter="l",
    methods="get changes",
    within="audience",
    properties=[
        Property("sentAt", UTCDate(), immutable=True, index=True),
        Property("audience", SetOf(Ref("Gardener")), ordered_by="sentAt"),
        Property("text", String()),
    ],
)

TYPES: Final = (bed, row, plant, tool, diary, gardener, letter)
MARKS: Final = "abc"
