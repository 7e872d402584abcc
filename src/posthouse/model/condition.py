"""Filters and sorts: what a query of a type may ask, in terms that a store can compile (RFC 8620 §5.5)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from posthouse.kit.json import Json
from posthouse.model.kind import Anything, Boolean, Kind, ListOf, String


class Test(Enum):
    """How a filter's value is held against an object."""

    EQUALS = "equals"
    """The property's column is the value; null means no value."""
    ONE_OF = "one_of"
    """The property's column, an integer, is in the list of values."""
    CONTAINS = "contains"
    """The column of one of the properties, a folded text, contains the folded value."""
    IS_SET = "is_set"
    """The property is not null, or null if the value is false."""
    AT_LEAST = "at_least"
    """The column is the value or above."""
    BELOW = "below"
    """The column is below the value."""
    MEMBER = "member"
    """The set has the value as a member."""
    NOT_MEMBER = "not_member"
    """The set has not the value as a member."""
    OUTSIDE = "outside"
    """The set has a member that is not in the list of values."""
    ANY_IN_GROUP = "any_in_group"
    """Some object of the same group has the value as a member."""
    ALL_IN_GROUP = "all_in_group"
    """Every object of the same group has the value as a member."""
    NONE_IN_GROUP = "none_in_group"
    """No object of the same group has the value as a member."""
    SEARCH = "search"
    """The words are in the object's search text."""
    HEADER = "header"
    """A stored list of name and value pairs has such a name, and the value contains the text."""
    OVERLAY = "overlay"
    """The person's own value of the property is the value."""


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition that a FilterCondition of the type may hold.

    name: as on the wire. test: how it is judged. on: the property it reads, for CONTAINS one or more, or for
    SEARCH the names of the search columns. kind: the values it takes; by default the property's own.
    local: false if its truth can change without a change of the object or its group: such a query can't
    calculate changes. open_accounts: the values are ids of accounts, of which only those that are open to the
    caller count.
    """

    name: str
    test: Test
    on: tuple[str, ...]
    kind: Kind | None = None
    local: bool = True
    open_accounts: bool = False

    @property
    def spreads(self) -> bool:
        """Whether a change of one object can change the truth for its whole group."""
        return self.test in (Test.ANY_IN_GROUP, Test.ALL_IN_GROUP, Test.NONE_IN_GROUP)


def equals(name: str, on: str | None = None) -> Filter:
    """Declare that the property is the value."""
    return Filter(name, Test.EQUALS, (on or name,))


def contains(name: str, on: str | None = None) -> Filter:
    """Declare that the text of a property contains the value, whatever the case.

    on: the properties, named with spaces between; the one of the filter's name if left out.
    """
    return Filter(name, Test.CONTAINS, tuple((on or name).split()), String())


def is_set(name: str, on: str) -> Filter:
    """Declare that the property has a value, or has none if false is given."""
    return Filter(name, Test.IS_SET, (on,), Boolean())


def at_least(name: str, on: str) -> Filter:
    """Declare that the property is the value or more."""
    return Filter(name, Test.AT_LEAST, (on,))


def below(name: str, on: str) -> Filter:
    """Declare that the property is less than the value."""
    return Filter(name, Test.BELOW, (on,))


def member(name: str, on: str) -> Filter:
    """Declare that the value is a member of the set."""
    return Filter(name, Test.MEMBER, (on,))


def not_member(name: str, on: str) -> Filter:
    """Declare that the value is no member of the set."""
    return Filter(name, Test.NOT_MEMBER, (on,))


def search(name: str, columns: str) -> Filter:
    """Declare a search for words in these columns, named with spaces between."""
    return Filter(name, Test.SEARCH, tuple(columns.split()), String())


def header(name: str, on: str) -> Filter:
    """Declare a search in header fields: a list of a field name and, if wanted, a text (RFC 8621 §4.4.1)."""
    return Filter(name, Test.HEADER, (on,), ListOf(String(), at_most=2))


class Rank(Enum):
    """What a sort compares."""

    COLUMN = "column"
    """The property's column."""
    MEMBER = "member"
    """Whether the set has the comparator's argument as a member."""
    ANY_IN_GROUP = "any_in_group"
    """Whether some object of the group has the argument as a member."""
    ALL_IN_GROUP = "all_in_group"
    """Whether every object of the group has the argument as a member."""


@dataclass(frozen=True, slots=True)
class Sort:
    """One property that a query of the type may sort by.

    name: as on the wire. on: the property that is compared. argument: the extra member of the Comparator
    that the rank needs, for instance ``keyword`` (RFC 8621 §4.4.2). then: the name of the sort that decides
    between equal ones where a client names no further sort; one database index serves both.
    """

    name: str
    on: str
    rank: Rank = Rank.COLUMN
    argument: str | None = None
    then: str | None = None

    @property
    def spreads(self) -> bool:
        """Whether a change of one object can move its whole group."""
        return self.rank in (Rank.ANY_IN_GROUP, Rank.ALL_IN_GROUP)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A filter with the value it was given, in the form of a column or of local ids."""

    filter: Filter
    value: Json


@dataclass(frozen=True, slots=True)
class Both:
    """All conditions hold."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of the conditions holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Neither:
    """None of the conditions holds."""

    parts: tuple[Condition, ...]


Condition: TypeAlias = Leaf | Both | Either | Neither


@dataclass(frozen=True, slots=True)
class Order:
    """A sort, its direction and its argument in a query."""

    sort: Sort
    ascending: bool = True
    argument: Json = None


@dataclass(frozen=True, slots=True)
class Query:
    """What to find: a condition (None: everything), an order, and whether a group appears but once."""

    where: Condition | None = None
    order: tuple[Order, ...] = ()
    collapse: bool = False

    def leaves(self) -> list[Leaf]:
        """Give every leaf of the condition."""
        found: list[Leaf] = []
        waiting: list[Condition] = [self.where] if self.where is not None else []
        while waiting:
            part = waiting.pop()
            if isinstance(part, Leaf):
                found.append(part)
            else:
                waiting.extend(part.parts)
        return found


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument that a type adds to a standard method.

    default: what it is when the client leaves it out.
    """

    name: str
    kind: Kind = field(default_factory=Anything)
    default: Json = None
