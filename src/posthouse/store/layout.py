"""Layout: how a type's objects lie in rows, and how rows become JSON again (DESIGN D7).

An object's stored properties lie in up to three *fragments*, each the JSON text of some properties in a
fixed order. A fragment opens with a table of offsets, so that any subset of properties is cut out by
slicing: neighbours that are wanted together are one slice, and no JSON is parsed to answer a /get.

    u32 offset of member 0 | ... | u32 offset of member n-1 | u32 end + 1 | member 0 , member 1 , ...
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from posthouse.kit.json import JsonObject, dumps, loads
from posthouse.model.property import Part, Property
from posthouse.model.type import Type
from posthouse.store.sqlite import EACH
from posthouse.store.sqlite import Row as Row

_STORED: Final = (Part.FIXED, Part.LIVE, Part.RARE)
_COLUMN_OF: Final = {Part.FIXED: "o.fixed", Part.LIVE: "o.live", Part.RARE: "r.rare"}


_END: Final = struct.Struct("<I")
_MEMBER: Final = struct.Struct("<II")


@lru_cache(maxsize=64)
def _offsets(count: int) -> struct.Struct:
    return struct.Struct(f"<{count + 1}I")


def pack(names: Sequence[str], values: JsonObject) -> bytes:
    """Write a fragment: the named properties of an object in this order; an absent one is null."""
    members = [dumps(name) + b":" + dumps(values.get(name)) for name in names]
    offsets = _offsets(len(members))
    at = offsets.size
    starts = []
    for member in members:
        starts.append(at)
        at += len(member) + 1
    return offsets.pack(*starts, at) + b",".join(members)


def tally_word(word: str) -> str:
    """Write an object's own word as the kept counts have it: apart from derived words, which start with ``!``."""
    return "!" + word if word.startswith("!") else word


def unpack(count: int, fragment: bytes) -> JsonObject:
    """Read every property of a fragment of ``count`` members."""
    value: JsonObject = loads(b"{" + fragment[4 * (count + 1) :] + b"}")
    return value


class Plan:
    """How to make JSON objects with just the wanted properties from rows of one type.

    select: the statement that reads the rows, up to its WHERE. select_each: the same, for a table of keys
    that is its first parameter, in whose order the rows come. fragments: where in a row the columns end that
    hold JSON, which follow the key. overlay: the wanted properties that each person has of his own; the caller
    adds their text.
    """

    __slots__ = (
        "_counted",
        "_counters",
        "_slices",
        "_spans",
        "_where",
        "fragments",
        "overlay",
        "select",
        "select_each",
    )

    def __init__(self, layout: Layout, names: Iterable[str]) -> None:
        wanted = {"id", *names}
        columns: list[str] = []
        self._slices: list[tuple[int, struct.Struct, tuple[tuple[int, int], ...]]] = []
        self._spans: list[tuple[int, int, int]] = []
        self._where: dict[str, tuple[int, int, int]] = {}
        for part in _STORED:
            members = layout.members[part]
            runs = _runs([name in wanted for name in members])
            if not runs:
                continue
            columns.append(_COLUMN_OF[part])
            offsets = _offsets(len(members))
            self._slices.append((len(columns), offsets, runs))
            if len(runs) == 1 and runs[0][0] == 0:
                # The commonest case by far: the wanted members open the fragment, whose start is known.
                self._spans.append((len(columns), offsets.size, 4 * runs[0][1]))
            for index, name in enumerate(members):
                if name in wanted:
                    skip = len(dumps(name)) + 1
                    self._where[name] = (len(columns), 4 * index, skip)
        self.fragments = len(columns) + 1
        counters = [name for name in layout.counters if name in wanted]
        columns += [f'o."n_{name}"' for name in counters]
        self._counters = b",".join([dumps(name) + b":%d" for name in counters])
        self._counted = slice(self.fragments, self.fragments + len(counters))
        table = f"obj_{layout.name} o"
        join = f" JOIN rare_{layout.name} r ON r.key = o.key" if "r.rare" in columns else ""
        head = f"SELECT {', '.join(['o.key', *columns])} FROM "
        self.select = f"{head}{table}{join}"
        self.select_each = f"{head}{EACH} k CROSS JOIN {table} ON o.key = k.value{join}"
        self.overlay = [name for name in layout.overlay if name in wanted]

    def render(self, row: Row, extra: bytes = b"") -> bytes:
        """Write the object of a row, with the text of further members behind."""
        pieces: list[bytes] = []
        if len(self._spans) == len(self._slices):
            for column, start, stop in self._spans:
                whole: bytes = row[column]  # type: ignore[assignment]
                pieces.append(whole[start : _END.unpack_from(whole, stop)[0] - 1])
        else:
            for column, offsets, runs in self._slices:
                fragment: bytes = row[column]  # type: ignore[assignment]
                at = offsets.unpack_from(fragment)
                for first, last in runs:
                    pieces.append(fragment[at[first] : at[last] - 1])
        if self._counters:
            pieces.append(self._counters % row[self._counted])
        if extra:
            pieces.append(extra)
        return b"{" + b",".join(pieces) + b"}"

    def render_all(self, rows: Sequence[Row]) -> bytes:
        """Write the objects of all rows with commas between."""
        if not self._counters and len(self._spans) == len(self._slices) == 2:
            (one, start, stop), (other, other_start, other_stop) = self._spans
            end = _END.unpack_from
            # Offsets are read at two places only; the general way reads the whole table of each fragment.
            pairs: list[tuple[bytes, bytes]] = [(row[one], row[other]) for row in rows]  # type: ignore[misc]
            return b",".join(
                [
                    b"{%b,%b}" % (a[start : end(a, stop)[0] - 1], b[other_start : end(b, other_stop)[0] - 1])
                    for a, b in pairs
                ]
            )
        return b",".join([self.render(row) for row in rows])

    def pluck(self, row: Row, name: str) -> bytes | None:
        """Cut one stored property's JSON out of a row; None if the plan does not have it."""
        cut = self.pluck_all([row], name)
        return None if cut is None else cut[0]

    def pluck_all(self, rows: Sequence[Row], name: str) -> list[bytes] | None:
        """Cut one stored property's JSON out of each row; None if the plan does not have it."""
        found = self._where.get(name)
        if found is None:
            return None
        column, place, skip = found
        fragments: list[bytes] = [row[column] for row in rows]  # type: ignore[misc]
        ends = [(fragment, *_MEMBER.unpack_from(fragment, place)) for fragment in fragments]
        return [fragment[start + skip : end - 1] for fragment, start, end in ends]


def _runs(wanted: Sequence[bool]) -> tuple[tuple[int, int], ...]:
    runs: list[tuple[int, int]] = []
    for index, is_wanted in enumerate(wanted):
        if not is_wanted:
            continue
        if runs and runs[-1][1] == index:
            runs[-1] = (runs[-1][0], index + 1)
        else:
            runs.append((index, index + 1))
    return tuple(runs)


class Layout:
    """Where each property of a type is stored.

    members: the properties of each fragment in their order; ``id`` opens the fixed one. columns: the
    properties that have a column of their own; member_sets: those whose members are index rows.
    """

    def __init__(self, type: Type) -> None:
        self.type = type
        self.name = type.name.lower()
        properties = type.properties.values()
        self.members = {part: [prop.name for prop in properties if prop.part is part] for part in _STORED}
        self.counters = [prop.name for prop in properties if prop.part is Part.COUNTER]
        self.overlay = [prop.name for prop in properties if prop.part is Part.OVERLAY]
        indexed = [prop for prop in properties if prop.index]
        self.member_sets: list[Property] = [prop for prop in indexed if prop.ordered_by is not None]
        self.columns: list[Property] = [
            prop for prop in indexed if prop.ordered_by is None and prop.part is not Part.OVERLAY
        ]
        self.stored: frozenset[str] = frozenset(
            name for part in _STORED for name in self.members[part]
        ) | frozenset(self.counters)
        self.live = frozenset(self.members[Part.LIVE])
        self._plans: dict[frozenset[str], Plan] = {}

    def plan(self, names: Iterable[str]) -> Plan:
        """Give the plan for these properties, made once; names that are not stored are ignored."""
        wanted = frozenset(names)
        plan = self._plans.get(wanted)
        if plan is None:
            if len(self._plans) > 256:
                self._plans.clear()
            plan = self._plans[wanted] = Plan(self, wanted)
        return plan

    def pack(self, part: Part, values: JsonObject) -> bytes | None:
        """Write one fragment of an object; None if the type has no such properties."""
        members = self.members[part]
        return pack(members, values) if members else None

    def unpack(self, part: Part, fragment: bytes) -> JsonObject:
        """Read one fragment of an object."""
        return unpack(len(self.members[part]), fragment)

    def column_value(self, prop: Property, values: JsonObject) -> int | str | None:
        """Give a property's value in its column."""
        value = values.get(prop.name)
        return None if value is None else prop.column(value)
