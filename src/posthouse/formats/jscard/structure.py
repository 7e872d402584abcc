"""Names and addresses: components of N and ADR, and their order (RFC 9555 §2.5.5, §2.6.1, §3.3.1).

JSContact has one list of components, vCard a field for each kind with a list in it. JSCOMPS remembers the
order and the separators between them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from posthouse.formats.vcard import escape_component
from posthouse.kit.json import JsonObject

NAME_KINDS = ("surname", "given", "given2", "title", "credential", "surname2", "generation")
"""Kinds by their position in N (RFC 9554 §2.2)."""

ADDRESS_KINDS = (
    "postOfficeBox",
    "apartment",
    "name",
    "locality",
    "region",
    "postcode",
    "country",
    "room",
    "apartment",
    "floor",
    "number",
    "name",
    "building",
    "block",
    "subdistrict",
    "district",
    "landmark",
    "direction",
)
"""Kinds by their position in ADR; the second and third are those of RFC 6350 (RFC 9554 §2.1)."""

_OLD_ADDRESS = 7
_STREET = frozenset(("block", "direction", "district", "landmark", "name", "number", "subdistrict"))
_EXTENDED = frozenset(("apartment", "building", "floor", "room"))
_SHORT_NAME = 5
# Where a value of a newer component is repeated for older programs: newer position, older position.
_REPEATED_IN_NAME = ((5, 0), (6, 4))
_POSITION = re.compile(r"(\d{1,4})(?:,(\d{1,4}))?", re.ASCII)
_ENTRY = re.compile(r"(?:[^\\;]|\\.)*+")
_UNESCAPED = re.compile(r"\\(.)")

Position = tuple[int, int]
"""The index of a component in the structured value, and of a value within it."""


def positions(fields: Sequence[Sequence[str]], kinds: Sequence[str]) -> list[Position]:
    """List where the components stand, read from left to right, each value once (RFC 9555 §3.3.1).

    :param kinds: `NAME_KINDS` or `ADDRESS_KINDS`.
    """
    skipped: set[Position] = set()
    if kinds is NAME_KINDS:
        for newer, older in _REPEATED_IN_NAME:
            if newer < len(fields):
                left = [value for value in fields[newer] if value]
                for at in range(len(fields[older]) - 1, -1, -1):
                    if fields[older][at] in left:
                        left.remove(fields[older][at])
                        skipped.add((older, at))
    elif any(value for field in fields[_OLD_ADDRESS:] for value in field):
        skipped = {(old, at) for old in (1, 2) for at in range(len(fields[old]))}
    return [
        (index, at)
        for index, field in enumerate(fields[: len(kinds)])
        for at, value in enumerate(field)
        if value and (index, at) not in skipped
    ]


def components_from(fields: Sequence[Sequence[str]], kinds: Sequence[str], order: str | None) -> JsonObject:
    """Make the components, with ``isOrdered`` and ``defaultSeparator`` if JSCOMPS is there and valid.

    :param order: the value of the JSCOMPS parameter.
    """
    found = positions(fields, kinds)
    if order is not None and (ordered := _ordered(order, fields, found, kinds)):
        return ordered
    return {"components": [_component(fields, position, kinds) for position in found]}


def _component(fields: Sequence[Sequence[str]], position: Position, kinds: Sequence[str]) -> JsonObject:
    return {"kind": kinds[position[0]], "value": fields[position[0]][position[1]]}


def _ordered(
    order: str, fields: Sequence[Sequence[str]], expected: list[Position], kinds: Sequence[str]
) -> JsonObject | None:
    first, *entries = _entries(order)
    separator = _separator(first)
    if (separator is None and first) or len(entries) > 2 * len(expected) + 1:
        return None
    left = set(expected)
    components: list[JsonObject] = []
    for entry in entries:
        if (verbatim := _separator(entry)) is not None:
            if components and components[-1]["kind"] == "separator":
                return None
            components.append({"kind": "separator", "value": verbatim})
        elif match := _POSITION.fullmatch(entry):
            position = (int(match[1]), int(match[2] or 0))
            if position not in left:
                return None
            left.remove(position)
            components.append(_component(fields, position, kinds))
        else:
            return None
    if left or not expected:
        return None
    found: JsonObject = {"components": components, "isOrdered": True}
    if separator is not None:
        found["defaultSeparator"] = separator
    return found


def _entries(order: str) -> list[str]:
    entries = []
    at = 0
    while at <= len(order):
        match = _ENTRY.match(order, at)
        entries.append(match[0] if match else "")
        at += len(entries[-1]) + 1
    return entries


def _separator(entry: str) -> str | None:
    return _UNESCAPED.sub(r"\1", entry[2:]) if entry.startswith("s,") else None


class Structure:
    """The fields of N or ADR while components are written into them."""

    def __init__(self, value: JsonObject, kinds: Sequence[str]) -> None:
        """Place the components of a Name or an Address."""
        self.kinds = kinds
        self.components: list[JsonObject] = value.get("components", [])
        used = {one["kind"] for one in self.components}
        start = 0
        if kinds is NAME_KINDS:
            size = len(kinds) if used & {"surname2", "generation"} else _SHORT_NAME
        elif (used & {*_STREET, *_EXTENDED}) - {"name", "apartment"}:
            size, start = len(kinds), 3
        else:
            size = _OLD_ADDRESS
        index = {kind: at for at, kind in enumerate(kinds[:size]) if at >= start}
        if start:
            index["postOfficeBox"] = 0
        self.fields: list[list[str]] = [[] for _ in range(size)]
        self.places: list[Position | None] = []
        for one in self.components:
            at = index.get(one["kind"])
            if at is None or not one["value"]:
                self.places.append(None)
            else:
                self.places.append((at, len(self.fields[at])))
                self.fields[at].append(one["value"])

    def value(self) -> str:
        """Write the structured value; newer components are repeated where older programs look."""
        fields = [list(field) for field in self.fields]
        if self.kinds is NAME_KINDS:
            for newer, older in _REPEATED_IN_NAME:
                if newer < len(fields):
                    fields[older] += fields[newer]
        elif len(fields) > _OLD_ADDRESS:
            for old, kinds in ((1, _EXTENDED), (2, _STREET)):
                parts = [one["value"] for one in self.components if one["kind"] in kinds]
                fields[old] = [" ".join(parts)] if parts else []
        return _joined(fields)

    def order(self, separator: str | None) -> str:
        """Write JSCOMPS (RFC 9555 §3.3.1).

        :param separator: the default separator, None if there is none.
        """
        entries = ["" if separator is None else _written(separator)]
        for one, place in zip(self.components, self.places, strict=True):
            if one["kind"] == "separator":
                entries.append(_written(one["value"]))
            elif place is not None:
                entries.append(f"{place[0]},{place[1]}" if place[1] else str(place[0]))
        return ";".join(entries)

    def phonetics(self) -> str | None:
        """Write how the components sound, each at its component's place, or None if that is not known."""
        fields = [[""] * len(field) for field in self.fields]
        is_any = False
        for one, place in zip(self.components, self.places, strict=True):
            if place is not None and one.get("phonetic"):
                fields[place[0]][place[1]] = one["phonetic"]
                is_any = True
        return _joined(fields) if is_any else None


def _joined(fields: list[list[str]]) -> str:
    return ";".join([",".join([escape_component(value) for value in field]) for field in fields])


def _written(separator: str) -> str:
    escaped = separator.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;")
    return f"s,{escaped}"
