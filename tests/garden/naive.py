"""Naive: all that is in a garden as plain dictionaries, and what each visitor must see of it."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from garden.plots import ADD, READ, RIGHTS, TYPES, bed, gardener
from posthouse.kit import clock
from posthouse.kit.json import JsonObject


@dataclass(frozen=True)
class Visitor:
    """Somebody who asks; through None: all is open to him."""

    person: int
    through: frozenset[int] | None
    subscribed: bool


GROUP: Final = 20
VISITORS: Final = (
    Visitor(11, frozenset((11, GROUP)), True),
    Visitor(12, frozenset((12,)), False),
    Visitor(1, None, False),
)
PRINCIPALS: Final = (11, 12, GROUP)

Objects = dict[int, JsonObject]


@dataclass
class Garden:
    """All there is, without any masks: the objects of each type by id, and the grants."""

    objects: dict[str, Objects] = field(default_factory=lambda: {type.name: {} for type in TYPES})
    liked: dict[tuple[int, int], bool] = field(default_factory=dict)
    granted: dict[int, dict[int, int]] = field(default_factory=dict)
    touched: dict[int, int] = field(default_factory=dict)

    def copy(self) -> Garden:
        """Give a copy that stays as it is."""
        return copy.deepcopy(self)

    def bits(self, who: Visitor, bed_id: int) -> int:
        """Give what somebody may do with a bed."""
        if who.through is None:
            return RIGHTS.all
        bits = 0
        for principal in who.through:
            bits |= self.granted.get(bed_id, {}).get(principal, 0)
        return bits

    def beds(self, who: Visitor, bits: int = RIGHTS.all) -> set[int]:
        """Give the beds on which somebody has any of some rights."""
        return {id for id in self.objects["Bed"] if self.bits(who, id) & bits}

    def key(self, who: Visitor) -> object:
        """Give what voids the states of a visitor when it changes: what was granted to him, and his groups."""
        through = who.through or ()
        return (
            {
                id: {one: bits for one, bits in granted.items() if one in through}
                for id, granted in self.granted.items()
            },
            {one: times for one, times in self.touched.items() if one in through},
        )

    def view(self, who: Visitor) -> dict[str, Objects]:
        """Give what somebody sees, the objects of each type by id."""
        readable, visible = self.beds(who, READ), self.beds(who)
        plants = {
            id: {
                **values,
                "bedIds": _kept(values["bedIds"], readable),
                "firstBedId": _one(values["firstBedId"], visible),
            }
            for id, values in self.objects["Plant"].items()
            if _numbers(values["bedIds"]) & readable
        }
        rows = {
            id: {**values, "plantIds": [wire for wire in values["plantIds"] if number(wire) in plants]}
            for id, values in self.objects["Row"].items()
        }
        beds = {}
        for id in visible:
            values = self.objects["Bed"][id]
            within = [one for one in plants.values() if bed.wire(id) in one["bedIds"]]
            odd = {one["rowId"] for one in plants.values() if len(one["marks"]) % 2}
            beds[id] = {
                **values,
                "parentId": _one(values["parentId"], visible),
                "plants": len(within) if id in readable else 0,
                "oddRows": len({one["rowId"] for one in within} & odd) if id in readable else 0,
                "isLiked": self.liked.get((who.person, id), who.subscribed),
            }
        everything = who.through is None
        holds = everything or bool(self.beds(who, ADD))
        me = gardener.wire(who.person)
        letters = {
            id: values if everything else {**values, "audience": {me: True}}
            for id, values in self.objects["Letter"].items()
            if everything or (me in values["audience"] and who.person in self.objects["Gardener"])
        }
        return {
            "Bed": beds,
            "Plant": plants,
            "Row": {id: values for id, values in rows.items() if values["plantIds"] or everything},
            "Tool": self.objects["Tool"] if holds else {},
            "Diary": self.objects["Diary"] if everything else {},
            "Gardener": self.objects["Gardener"],
            "Letter": letters,
        }


def number(wire: str) -> int:
    """The local id that a wire id of any type stands for."""
    found = {type.letter: type for type in TYPES}[wire[0]].local(wire)
    assert found is not None
    return found


def _numbers(wires: Collection[str]) -> set[int]:
    return {number(wire) for wire in wires}


def _kept(wires: Mapping[str, Any], seen: set[int]) -> JsonObject:
    return {wire: held for wire, held in wires.items() if number(wire) in seen}


def _one(wire: str | None, seen: set[int]) -> str | None:
    return wire if wire is not None and number(wire) in seen else None


def at(seconds: int) -> str:
    """Write a time."""
    return clock.utc_date(1_700_000_000 + seconds)
