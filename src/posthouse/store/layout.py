"""Layout: how a type's objects lie in rows, and how rows become JSON again (DESIGN D7).

An object's stored properties lie in up to three *fragments*, each the JSON text of some properties in a
fixed order. A fragment opens with a table of offsets, so that any subset of properties is cut out by
slicing: neighbours that are wanted together are one slice, and no JSON is parsed to answer a /get.

    u32 offset of member 0 | ... | u32 offset of member n-1 | u32 end + 1 | member 0 , member 1 , ...

Where a type lets its objects lack properties, or have undeclared ones, its live fragments are *sparse*: a member
that an object lacks takes no room, so the next one has the same offset; the last one is all that is undeclared.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate, chain, repeat
from operator import itemgetter
from typing import Any, Final, TypeAlias, cast

from posthouse.kit.json import JsonObject, dumps, loads
from posthouse.model.kind import Ref
from posthouse.model.property import Part, Property
from posthouse.model.type import REST, Type
from posthouse.store.sqlite import EACH
from posthouse.store.sqlite import Row as Row

_STORED: Final = (Part.FIXED, Part.LIVE, Part.RARE)
_COLUMN_OF: Final = {Part.FIXED: "o.fixed", Part.LIVE: "o.live", Part.RARE: "r.rare"}

_Cut: TypeAlias = Callable[[Sequence[Any]], list[bytes]]

_END: Final = struct.Struct("<I")
_MEMBER: Final = struct.Struct("<II")


@lru_cache(maxsize=64)
def _offsets(count: int) -> struct.Struct:
    return struct.Struct(f"<{count + 1}I")


def pack(names: Sequence[str], values: JsonObject) -> bytes:
    """Write a fragment: the named properties of an object in this order; an absent one is null."""
    members = [label + dumps(values.get(name)) for name, label in _labels(tuple(names))]
    offsets = _offsets(len(members))
    starts = accumulate([len(member) + 1 for member in members], initial=offsets.size)
    return offsets.pack(*starts) + b",".join(members)


def pack_sparse(names: Sequence[str], values: JsonObject, declared: Container[str]) -> bytes:
    """Write a sparse fragment: an absent property has no room; `REST` stands for all that are not declared."""
    members: list[bytes] = []
    for name, label in _labels(tuple(names)):
        if name == REST:
            members.append(dumps({other: values[other] for other in values if other not in declared})[1:-1])
        else:
            members.append(label + dumps(values[name]) if name in values else b"")
    offsets = _offsets(len(members))
    starts = accumulate([len(member) + 1 if member else 0 for member in members], initial=offsets.size)
    return offsets.pack(*starts) + b",".join([member for member in members if member])


@lru_cache(maxsize=256)
def _labels(names: tuple[str, ...]) -> list[tuple[str, bytes]]:
    return [(name, dumps(name) + b":") for name in names]


def tally_word(word: str) -> str:
    """Write an object's own word as the kept counts have it: apart from derived words, which start with ``!``."""
    return "!" + word if word.startswith("!") else word


def unpack(count: int, fragment: bytes) -> JsonObject:
    """Read every property of a fragment of ``count`` members."""
    value: JsonObject = loads(b"{" + fragment[4 * (count + 1) :] + b"}")
    return value


class Plan:
    """How to make JSON objects with just the wanted properties from rows of one type.

    select: the statement that reads the rows, up to its WHERE. select_each: the same, for a table of ids in
    whose order the rows come; its parameters are the ids and the account's first key. fragments: where in a row
    the columns end that hold JSON, which follow the key. numbers: for each wanted property that refers to one
    object of another type, where in a row its number is, and the name of that type. overlay: the wanted
    properties that each person has of his own; the caller gives their text.
    """

    __slots__ = (
        "_counted",
        "_cuts",
        "_spans",
        "_sparse",
        "_where",
        "fragments",
        "numbers",
        "overlay",
        "select",
        "select_each",
    )

    def __init__(self, layout: Layout, names: Iterable[str]) -> None:
        wanted = {"id", *names}
        columns: list[str] = []
        self._sparse = layout.sparse
        self._cuts: list[tuple[int, _Cut, bool]] = []
        self._spans: list[tuple[int, struct.Struct, tuple[tuple[int, int], ...]]] = []
        self._where: dict[str, tuple[int, int, int]] = {}
        for part in _STORED:
            members = layout.members[part]
            runs = _runs([name in wanted for name in members])
            if not runs:
                continue
            columns.append(_COLUMN_OF[part])
            sparse = part is Part.LIVE and layout.sparse
            cut = _cut_sparse if sparse else _cut
            self._cuts.append((len(columns), cut(len(members), runs), sparse))
            self._spans.append((len(columns), _offsets(len(members)), runs))
            for index, name in enumerate(members):
                if name in wanted and name != REST:
                    skip = len(dumps(name)) + 1
                    self._where[name] = (len(columns), 4 * index, skip)
        self.fragments = len(columns) + 1
        counters = [name for name in layout.counters if name in wanted]
        self._counted = [(self.fragments + at, name.encode()) for at, name in enumerate(counters)]
        columns += [f'o."n_{name}"' for name in counters]
        self.numbers: dict[str, tuple[int, str]] = {}
        for prop in layout.columns:
            if prop.name in wanted and isinstance(prop.kind, Ref):
                columns.append(f'o."c_{prop.name}"')
                self.numbers[prop.name] = (len(columns), prop.kind.target)
        table = f"obj_{layout.name} o"
        join = f" JOIN rare_{layout.name} r ON r.key = o.key" if "r.rare" in columns else ""
        head = f"SELECT {', '.join(['o.key', *columns])} FROM "
        self.select = f"{head}{table}{join}"
        self.select_each = f"{head}{EACH} k CROSS JOIN {table} ON o.key = (? | k.value){join}"
        self.overlay = [name for name in layout.overlay if name in wanted]

    def objects(self, rows: Sequence[Row], more: Sequence[bytes] | None = None) -> bytes:
        """Write the objects of all rows, with commas between.

        more: for each row the text of further members, which are written behind.
        """
        pieces = [*chain.from_iterable(self._pieces(rows, more))]
        pieces[:1] = [b"{"] if pieces else []
        return b"".join(pieces)

    def value(self, row: Row) -> JsonObject:
        """Read the object of one row."""
        pieces: list[bytes] = []
        for column, offsets, runs in self._spans:
            fragment = cast(bytes, row[column])
            at = offsets.unpack_from(fragment)
            for first, last in runs:
                if at[first] < at[last]:
                    pieces.append(fragment[at[first] : at[last] - 1])
        value: JsonObject = loads(b"{%b}" % b",".join(pieces))
        for column, name in self._counted:
            value[name.decode()] = row[column]
        return value

    @property
    def counted(self) -> bool:
        """Whether the wanted properties have counters among them."""
        return bool(self._counted)

    def counts(self, row: Row) -> JsonObject:
        """Read the counters of one row."""
        return {name.decode(): row[column] for column, name in self._counted}

    def recounted(self, row: Row, counts: JsonObject) -> Row:
        """Give a row with other counters."""
        cells = [*row]
        for column, name in self._counted:
            cells[column] = counts[name.decode()]
        return tuple(cells)

    def texts(self, rows: Sequence[Row], name: str) -> list[bytes]:
        """Cut one stored property's JSON out of each row; empty where the row, or the plan, lacks it."""
        found = self._where.get(name)
        if found is None:
            return [b""] * len(rows)
        at, place, skip = found
        span = _MEMBER.unpack_from
        return [
            fragment[start + skip : end - 1]
            for fragment in map(itemgetter(at), rows)
            for start, end in (span(fragment, place),)
        ]

    def replaced(self, row: Row, name: str, text: bytes) -> Row:
        """Give a row that has other JSON for one stored property, which it has."""
        at, place, skip = self._where[name]
        fragment = cast(bytes, row[at])
        offsets = next(offsets for column, offsets, _ in self._spans if column == at)
        table = offsets.unpack_from(fragment)
        first = place // 4
        start, end = table[first] + skip, table[first + 1] - 1
        longer = len(text) - (end - start)
        moved = offsets.pack(*table[: first + 1], *(one + longer for one in table[first + 1 :]))
        return (*row[:at], moved + fragment[offsets.size : start] + text + fragment[end:], *row[at + 1 :])

    def _pieces(self, rows: Sequence[Row], more: Sequence[bytes] | None) -> Iterator[tuple[bytes, ...]]:
        """Give the pieces of each object, of which the first is a comma and the brace that opens it."""
        if not rows:
            return iter(())
        # Column after column, for the steps that are taken for each object are what a /get costs.
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
        parts: list[Iterable[bytes]] = []
        for at, cut, sparse in self._cuts:
            if sparse:
                parts.append(cut(columns[at]))
            else:
                parts += (repeat(b"," if parts else b",{"), cut(columns[at]))
        for at, name in self._counted:
            parts += (repeat(b',"%b":' % name), map(b"%d".__mod__, columns[at]))
        if more is not None:
            parts += (repeat(b","), more)
        parts.append(repeat(b"}"))
        return zip(*parts, strict=False)  # what repeats has no end

    def pluck(self, rows: Sequence[Row], name: str) -> list[bytes] | None:
        """Cut one stored property's JSON out of each row; None if the plan, or one of the rows, lacks it."""
        if name not in self._where:
            return None
        cut = self.texts(rows, name)
        return None if self._sparse and b"" in cut else cut


def _cut(count: int, runs: Sequence[tuple[int, int]]) -> _Cut:
    """Make what cuts the wanted members out of fragments of ``count`` members.

    Nearly always they open the fragment or are all of it: then one offset at most is read of each.
    """
    offsets = _offsets(count)
    opening = offsets.size
    if runs == ((0, count),):
        return lambda fragments: [fragment[opening:] for fragment in fragments]
    if len(runs) == 1 and runs[0][0] == 0:
        last, end = 4 * runs[0][1], _END.unpack_from
        return lambda fragments: [fragment[opening : end(fragment, last)[0] - 1] for fragment in fragments]

    def cut(fragments: Sequence[bytes]) -> list[bytes]:
        tables = map(offsets.unpack_from, fragments)
        return [
            b",".join([fragment[at[first] : at[last] - 1] for first, last in runs])
            for fragment, at in zip(fragments, tables, strict=True)
        ]

    return cut


def _cut_sparse(count: int, runs: Sequence[tuple[int, int]]) -> _Cut:
    """Make what cuts the wanted members out of sparse fragments; what it finds begins with a comma."""
    offsets = _offsets(count)
    opening = offsets.size
    if runs == ((0, count),):
        return lambda fragments: [
            b"," + fragment[opening:] if len(fragment) > opening else b"" for fragment in fragments
        ]

    def cut(fragments: Sequence[bytes]) -> list[bytes]:
        found = []
        for fragment in fragments:
            at = offsets.unpack_from(fragment)
            pieces = [fragment[at[first] : at[last] - 1] for first, last in runs if at[first] < at[last]]
            found.append(b",".join([b"", *pieces]))
        return found

    return cut


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
    properties that have a column of their own; live_columns: those of them that can change; member_sets:
    those whose members are index rows; within: the one that names an object's containers; sparse: whether
    the live fragments are; keeps_text: whether the search text is kept beside the index; orders: the columns by
    which a database index orders the objects, the first of them and, for some, the one that decides between equals.
    """

    def __init__(self, type: Type) -> None:
        self.type = type
        self.name = type.name.lower()
        properties = type.properties.values()
        self.members = {part: [prop.name for prop in properties if prop.part is part] for part in _STORED}
        self.sparse = type.open is not None or any(prop.optional for prop in properties)
        if type.open is not None:
            self.members[Part.LIVE].append(REST)
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
        self.live_columns = [prop for prop in self.columns if type.properties[prop.of].part is Part.LIVE]
        self.within = None if type.within is None else type.properties[type.within]
        self.keeps_text = type.words is not None
        self.orders: dict[str, tuple[str, ...]] = {
            prop.name: (prop.name,) for prop in self.columns if prop.sorted
        }
        for sort in type.sorts.values():
            if sort.then is not None:
                self.orders[sort.on] = (sort.on, type.sorts[sort.then].on)
        self._plans: dict[frozenset[str], Plan] = {}

    def index_of(self, column: str) -> str:
        """Name the database index that orders the objects by a column, one of `orders`."""
        return f'"obj_{self.name}_{"_".join(self.orders[column]).lower()}"'

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
        if part is Part.LIVE and self.sparse:
            return pack_sparse(members, values, self.type.properties)
        return pack(members, values) if members else None

    def group(self, values: JsonObject) -> int | None:
        """Give the number of the group that an object belongs to; None for a type without groups."""
        name = self.type.group
        value = None if name is None else self.column_value(self.type.properties[name], values)
        return cast("int | None", value)

    def cells(self, values: JsonObject) -> list[object]:
        """Give what follows key and account in an object's row: its columns, counters and two fragments."""
        return [
            *[self.column_value(prop, values) for prop in self.columns],
            *[values.get(name, 0) for name in self.counters],
            self.pack(Part.FIXED, values),
            self.pack(Part.LIVE, values),
        ]

    def unpack(self, part: Part, fragment: bytes) -> JsonObject:
        """Read one fragment of an object."""
        return unpack(len(self.members[part]), fragment)

    def column_value(self, prop: Property, values: JsonObject) -> int | str | None:
        """Give a property's value in its column; what is made of another property says itself what it lacks."""
        value = values.get(prop.of)
        return None if value is None and prop.part is not Part.INDEX else prop.column(value)
