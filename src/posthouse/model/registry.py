"""Registry: the capabilities of this server, checked before the first socket opens (DESIGN D9)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from posthouse.model.capability import Capability, Method
from posthouse.model.condition import Filter, Rank, Sort, Test
from posthouse.model.kind import SetOf, targets
from posthouse.model.property import MISSING, Part, Property
from posthouse.model.type import VERBS, Type

_NAME: Final = re.compile(r"[A-Z][A-Za-z0-9]{0,39}", re.ASCII)
_PROPERTY: Final = re.compile(r"[A-Za-z@][A-Za-z0-9:/_-]{0,99}", re.ASCII)
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}", re.ASCII)
"""Tables are called after types and sets, and columns after properties."""


class DeclarationError(Exception):
    """A declaration is wrong: a mistake of the programmer, found at start.

    `capability` is the one that brings it.
    """

    def __init__(self, capability: Capability, fault: str) -> None:
        super().__init__(fault)
        self.capability = capability


class Registry:
    """All capabilities in their order, with their types and methods by name."""

    def __init__(self, capabilities: Iterable[Capability]) -> None:
        self.capabilities: dict[str, Capability] = {}
        self.types: dict[str, Type] = {}
        self.methods: dict[str, tuple[str, Type | Method, str]] = {}
        """For each method's name: its capability's URI, its type or own method, and the standard verb or ""."""
        for capability in capabilities:
            if capability.uri in self.capabilities:
                raise DeclarationError(capability, f"{capability.uri}: declared twice")
            self.capabilities[capability.uri] = capability
            for type in capability.types:
                self._add_type(capability, type)
            for method in capability.methods.values():
                self._add_method(capability, method.name, method, "")
        for capability in self.capabilities.values():
            for type in capability.types:
                for fault in self._faults(type):
                    raise DeclarationError(capability, f"{type.name}: {fault}")

    def _add_type(self, capability: Capability, type: Type) -> None:
        if _NAME.fullmatch(type.name) is None:
            raise DeclarationError(capability, f"{type.name!r} is no name for a type: use letters and digits")
        if re.fullmatch("[a-z]", type.letter) is None:
            raise DeclarationError(
                capability, f"{type.name}: its letter {type.letter!r} is not one from a to z"
            )
        for twin in self.types.values():
            if twin.name.lower() == type.name.lower():
                raise DeclarationError(capability, f"{type.name}: declared twice")
            if twin.letter == type.letter:
                raise DeclarationError(
                    capability, f"{type.name}: its letter {type.letter!r} is that of {twin.name}"
                )
        self.types[type.name] = type
        for verb in type.methods:
            if verb not in VERBS:
                raise DeclarationError(capability, f"{type.name}: {verb!r} is no standard method")
            self._add_method(capability, f"{type.name}/{verb}", type, verb)

    def _add_method(self, capability: Capability, name: str, of: Type | Method, verb: str) -> None:
        if name in self.methods:
            raise DeclarationError(capability, f"{name}: declared twice")
        self.methods[name] = (capability.uri, of, verb)

    def _faults(self, type: Type) -> Iterator[str]:
        for name in (type.within, type.group, type.about, type.tally and type.tally.words):
            if name is not None and name not in type.properties:
                yield f"has no property {name!r}"
        if type.group is not None and not type.properties[type.group].immutable:
            yield f"its group {type.group!r} is not immutable"
        if type.within is not None and not isinstance(type.properties[type.within].kind, SetOf):
            yield f"it lives within {type.within!r}, which is no set"
        if type.tally is not None and type.tally.words is not None and type.group is None:
            yield "keeps counts of words in groups but has none"
        if type.words is not None and not type.search:
            yield "makes words but has no search columns"
        for column in type.search:
            if _WORD.fullmatch(column) is None:
                yield f"{column!r} is no name for a search column"
        yield from self._right_faults(type)
        for prop in type.properties.values():
            yield from self._property_faults(type, prop)
        for filter in type.filters.values():
            yield from _filter_faults(type, filter)
        for sort in type.sorts.values():
            yield from _sort_faults(type, sort)

    def _right_faults(self, type: Type) -> Iterator[str]:
        holder: Type | None = type
        if type.about in type.properties:
            holder = self._referred(type, type.about)
        if holder is not None and holder.within in holder.properties:
            holder = self._referred(holder, holder.within)
        known = holder.rights.names if holder is not None and holder.rights is not None else ()
        for path, right in type.needs.items():
            if (
                path not in ("create", "destroy", "update", "child")
                and path.split("/")[0] not in type.properties
            ):
                yield f"needs a right for {path!r}, which is no act and no property"
            if right not in known:
                yield f"needs the right {right!r}, which nobody declared"

    def _referred(self, type: Type, name: str) -> Type | None:
        """Give the type that a property refers to."""
        named = targets(type.properties[name].kind)
        return next((self.types[target] for target in named if target in self.types), None)

    def _property_faults(self, type: Type, prop: Property) -> Iterator[str]:
        if (_PROPERTY if prop.ordered_by is None else _WORD).fullmatch(prop.name) is None:
            yield f"{prop.name!r} is no name for such a property"
        for target in targets(prop.kind):
            if target not in self.types:
                yield f"{prop.name} refers to {target!r}, which is no type"
        if prop.ordered_by is not None and not (
            prop.ordered_by in type.properties and type.properties[prop.ordered_by].index
        ):
            yield f"{prop.name} is ordered by {prop.ordered_by!r}, which is not indexed"
        if prop.of not in type.properties:
            yield f"{prop.name} is made of {prop.of!r}, which is no property"
        if prop.optional and (prop.part is not Part.LIVE or prop.required or prop.default is not MISSING):
            yield f"{prop.name} may be absent, but is not live, or is required or has a default"
        if prop.part is Part.COUNTER and not prop.server:
            yield f"{prop.name} is a counter that clients may set"
        if prop.default is not MISSING and not prop.kind.accepts(prop.default):
            yield f"{prop.name} has a default that it does not accept"


_ON_MEMBERS = (Test.MEMBER, Test.NOT_MEMBER, Test.OUTSIDE)
_ON_GROUPS = (Test.ANY_IN_GROUP, Test.ALL_IN_GROUP, Test.NONE_IN_GROUP)


def _filter_faults(type: Type, filter: Filter) -> Iterator[str]:
    if filter.test is Test.SEARCH:
        for column in filter.on:
            if column not in type.search:
                yield f"filter {filter.name} searches {column!r}, which is no search column"
        return
    prop = type.properties.get(filter.on[0])
    if filter.test is Test.CONTAINS:
        for name in filter.on:
            if name not in type.properties or not type.properties[name].index:
                yield f"filter {filter.name} reads {name!r}, which is not indexed"
    elif prop is None:
        yield f"filter {filter.name} reads {filter.on[0]!r}, which is no property"
    elif filter.test in _ON_GROUPS:
        if type.group is None or type.tally is None or type.tally.words != prop.name:
            yield f"filter {filter.name} asks the group for {prop.name}, which is not tallied"
    elif filter.test in _ON_MEMBERS:
        if prop.ordered_by is None:
            yield f"filter {filter.name} asks for members of {prop.name}, which keeps none"
        elif filter.test is Test.OUTSIDE and (type.tally is None or type.within != prop.name):
            yield f"filter {filter.name} asks for other members of {prop.name}, which are not counted"
    elif filter.test is Test.OVERLAY:
        if prop.part is not Part.OVERLAY:
            yield f"filter {filter.name} asks for a person's {prop.name}, which is the same for all"
    elif filter.test is not Test.HEADER and not prop.index:
        yield f"filter {filter.name} reads {prop.name}, which is not indexed"


def _sort_faults(type: Type, sort: Sort) -> Iterator[str]:
    prop = type.properties.get(sort.on)
    if prop is None or not prop.index:
        yield f"sort {sort.name} compares {sort.on!r}, which is not indexed"
    elif sort.rank is not Rank.COLUMN and sort.argument is None:
        yield f"sort {sort.name} needs an argument that it does not name"
    following = type.sorts.get(sort.then or "")
    if sort.then is not None and (following is None or {sort.rank, following.rank} != {Rank.COLUMN}):
        yield f"sort {sort.name} goes on with {sort.then!r}, which compares no column"
