"""Filters and sorts as clients write them, read into a `Query` (RFC 8620 §5.5)."""

from __future__ import annotations

from collections.abc import Container, Mapping
from functools import cache, lru_cache
from typing import Final

from posthouse.kit.json import Json, JsonObject, dumps, loads
from posthouse.model.condition import (
    Both,
    Condition,
    Either,
    Filter,
    Leaf,
    Neither,
    Order,
    Query,
    Rank,
    Sort,
    Test,
)
from posthouse.model.kind import Boolean, Kind, ListOf, Nullable, SetOf, String
from posthouse.model.property import Property
from posthouse.model.registry import Registry
from posthouse.model.type import Type
from posthouse.proto.jmap.errors import MethodError
from posthouse.store import fulltext

COLLATIONS: Final = ("i;unicode-casemap",)
"""The collations that sorting knows (RFC 5051); the session announces them."""

_DEEPEST: Final = 32
_MOST_CONDITIONS: Final = 500
_MOST_COMPARATORS: Final = 16
_OPERATORS: Final[dict[str, type[Both] | type[Either] | type[Neither]]] = {
    "AND": Both,
    "OR": Either,
    "NOT": Neither,
}
_NOTHING: Final = -1
_LONGEST_REMEMBERED: Final = 400  # octets of JSON


def query(
    type: Type,
    arguments: JsonObject,
    types: Mapping[str, Type] | None = None,
    accounts: Container[str] = (),
) -> Query:
    """Read the ``filter``, ``sort`` and ``collapseThreads`` arguments.

    types: every declared type by its name, against which the ids in the filter are held; None for a query
    that is read but not run. accounts: the ids of those that are open to the caller.
    Raises MethodError ``invalidArguments``, ``unsupportedFilter`` or ``unsupportedSort``.
    """
    reader = _FilterReader(type, types, accounts)
    where = None if arguments["filter"] is None else reader.read(arguments["filter"], 0)
    comparators = arguments["sort"] or []
    if len(comparators) > _MOST_COMPARATORS:
        raise MethodError("unsupportedSort", f"more than {_MOST_COMPARATORS} comparators")
    order = [_comparator(type, comparator) for comparator in comparators]
    if len(order) == 1 and order[0].sort.then is not None:
        order.append(Order(type.sorts[order[0].sort.then], order[0].ascending))
    return Query(where, tuple(order), collapse=bool(arguments.get("collapseThreads")))


def of(registry: Registry, type: Type, arguments: JsonObject, accounts: Container[str]) -> Query:
    """Read the arguments as `query` does; a short query that was asked before is not read again."""
    asked = {name: arguments.get(name) for name in ("filter", "sort", "collapseThreads")}
    text = dumps(asked)
    if len(text) > _LONGEST_REMEMBERED or _asks_for_accounts(type):
        return query(type, asked, registry.types, accounts)
    return _remembered(registry, type, text)


@cache
def _asks_for_accounts(type: Type) -> bool:
    """Say whether a query means something else to each caller."""
    return any(filter.open_accounts for filter in type.filters.values())


@lru_cache(maxsize=2048)
def _remembered(registry: Registry, type: Type, text: bytes) -> Query:
    return query(type, loads(text), registry.types)


class _FilterReader:
    def __init__(self, type: Type, types: Mapping[str, Type] | None, accounts: Container[str]) -> None:
        self._type = type
        self._types = types
        self._accounts = accounts
        self._conditions = 0

    def read(self, given: Json, depth: int) -> Condition:
        if not isinstance(given, dict):
            raise MethodError("invalidArguments", "a filter is an object", arguments=["filter"])
        if depth > _DEEPEST:
            raise MethodError("unsupportedFilter", f"nested deeper than {_DEEPEST}")
        if "operator" in given:
            return self._operator(given, depth)
        leaves = tuple(self._leaf(name, value) for name, value in given.items())
        return leaves[0] if len(leaves) == 1 else Both(leaves)

    def _operator(self, given: JsonObject, depth: int) -> Condition:
        operator, conditions = given["operator"], given.get("conditions")
        if not isinstance(operator, str) or operator not in _OPERATORS:
            raise MethodError("invalidArguments", "operator is AND, OR or NOT", arguments=["filter"])
        if not isinstance(conditions, list) or given.keys() - {"operator", "conditions"}:
            raise MethodError(
                "invalidArguments", "a FilterOperator has an operator and conditions", arguments=["filter"]
            )
        parts = tuple(self.read(part, depth + 1) for part in conditions)
        return _OPERATORS[operator](parts)

    def _leaf(self, name: str, value: Json) -> Condition:
        self._conditions += 1
        if self._conditions > _MOST_CONDITIONS:
            raise MethodError("unsupportedFilter", f"more than {_MOST_CONDITIONS} conditions")
        filter = self._type.filters.get(name)
        if filter is None:
            raise MethodError("unsupportedFilter", f"{self._type.name} has no filter {name[:100]!r}")
        if filter.test is Test.SEARCH:
            text = _search_text(name, value)
            return Both(()) if text is None else Leaf(filter, text)
        prop = self._type.properties[filter.on[0]]
        kind = filter.kind or _kind(filter, prop)
        if not kind.accepts(value) or (filter.test is Test.HEADER and not value):
            raise MethodError("invalidArguments", f"filter {name} can't be that", arguments=["filter"])
        if value is None and filter.test in (Test.AT_LEAST, Test.BELOW):
            return Both(())  # no bound
        return Leaf(filter, self._held_against(filter, prop, value))

    def _held_against(self, filter: Filter, prop: Property, value: Json) -> Json:
        """Give the value in the form in which the store holds it; an id that can't exist matches nothing."""
        match filter.test:
            case Test.EQUALS | Test.AT_LEAST | Test.BELOW:
                return None if value is None else self._column(prop, prop.kind, value)
            case Test.OUTSIDE:
                kind = _member_kind(prop)
                return [self._column(prop, kind, member) for member in value]
            case Test.ONE_OF:
                named = [one for one in value if one in self._accounts] if filter.open_accounts else value
                found = [self._column(prop, prop.kind, one) for one in named]
                return [column for column in found if column is not None]
            case Test.MEMBER | Test.NOT_MEMBER:
                return self._column(prop, _member_kind(prop), value)
            case Test.ANY_IN_GROUP | Test.ALL_IN_GROUP | Test.NONE_IN_GROUP:
                return prop.column(value)
            case _:
                return value

    def _column(self, prop: Property, kind: Kind, value: Json) -> Json:
        for target, wire in kind.references(value):
            if self._types is not None and self._types[target].local(wire) is None:
                return _NOTHING
        return prop.column(value)


def _search_text(name: str, value: Json) -> str | None:
    """Give a search's text; None if it has no word, for then everything matches."""
    if not isinstance(value, str):
        raise MethodError("invalidArguments", f"filter {name} is a text", arguments=["filter"])
    try:
        return value if fulltext.parse(value).terms else None
    except fulltext.TooComplex as error:
        raise MethodError("unsupportedFilter", str(error)) from None


def _member_kind(prop: Property) -> Kind:
    assert isinstance(prop.kind, SetOf)
    return prop.kind.member


def _kind(filter: Filter, prop: Property) -> Kind:
    match filter.test:
        case Test.ONE_OF:
            return ListOf(prop.kind)
        case Test.OUTSIDE:
            return ListOf(_member_kind(prop))
        case Test.MEMBER | Test.NOT_MEMBER | Test.ANY_IN_GROUP | Test.ALL_IN_GROUP | Test.NONE_IN_GROUP:
            return _member_kind(prop)
        case Test.OVERLAY:
            return Boolean()
        case _:
            return prop.kind


def _comparator(type: Type, given: JsonObject) -> Order:
    name, ascending = given.get("property"), given.get("isAscending", True)
    if not isinstance(name, str) or not isinstance(ascending, bool):
        raise MethodError("invalidArguments", "a comparator names a property", arguments=["sort"])
    sort = type.sorts.get(name)
    if sort is None:
        raise MethodError("unsupportedSort", f"{type.name} can't be sorted by {name[:100]!r}")
    collation = given.get("collation")
    if collation is not None and not isinstance(collation, str):
        raise MethodError("invalidArguments", "a collation is named by a string", arguments=["sort"])
    # What compares no text ignores the collation (RFC 8620 §5.5).
    if collation not in (None, *COLLATIONS) and _compares_text(type, sort):
        raise MethodError("unsupportedSort", "the collation is unknown")
    # Other members are left alone: jmapc puts the arguments of the query into each comparator.
    return Order(sort, ascending, _sort_argument(type, sort, given))


def _compares_text(type: Type, sort: Sort) -> bool:
    kind = type.properties[sort.on].kind
    return isinstance(kind.inner if isinstance(kind, Nullable) else kind, String) and sort.rank is Rank.COLUMN


def _sort_argument(type: Type, sort: Sort, given: JsonObject) -> Json:
    if sort.rank is Rank.COLUMN or sort.argument is None:
        return None
    prop = type.properties[sort.on]
    value = given.get(sort.argument)
    if not _member_kind(prop).accepts(value):
        raise MethodError(
            "invalidArguments", f"a sort by {sort.name} needs {sort.argument}", arguments=["sort"]
        )
    return prop.column(value)
