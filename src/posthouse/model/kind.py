"""Kinds: which JSON values a property or an argument may have (RFC 8620 §1.1 to §1.4)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from posthouse.kit import clock, ids
from posthouse.kit.json import Json
from posthouse.proto.jmap.ids import MAX_INT, MIN_INT, is_id

Column: TypeAlias = int | str | None
"""What a value becomes in an indexed column."""

_IDS = re.compile(r"(?:[A-Za-z0-9_-]{1,255}(?: (?=.)|\Z))++", re.ASCII)


def fold(text: str) -> str:
    """Fold a text for comparing: compatibility forms, case and marks go (RFC 5051 in spirit)."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in folded if not unicodedata.combining(letter))


def sort_key(text: str) -> str:
    """Fold a text as `fold` does and keep its first 255 characters."""
    return fold(text[:255])[:255]


class Kind:
    """A set of JSON values; a subclass says which."""

    def accepts(self, value: Json) -> bool:
        """Say whether the value is of this kind."""
        raise AssertionError("a kind says what it accepts")

    def accepts_all(self, values: list[Json]) -> bool:
        """Say whether every value is of this kind."""
        return all(self.accepts(value) for value in values)

    def column(self, value: Json) -> Column:
        """Give the value's form in an indexed column."""
        raise TypeError(f"{type(self).__name__} has no column form")

    def references(self, value: Json) -> Iterator[tuple[str, str]]:
        """Give each (type name, id) that an accepted value refers to; ids may be ``#creation`` ids."""
        return iter(())

    def resolved(self, value: Json, created: Mapping[str, str]) -> Json:
        """Give the value with each ``#creation`` id that is known replaced by its real id."""
        return value

    def __or__(self, other: None) -> Nullable:
        return Nullable(self)


class Nullable(Kind):
    """Another kind or null."""

    def __init__(self, inner: Kind) -> None:
        self.inner = inner

    def accepts(self, value: Json) -> bool:
        """Say whether the value is null or of the inner kind."""
        return value is None or self.inner.accepts(value)

    def column(self, value: Json) -> Column:
        """Give null, or the inner kind's form."""
        return None if value is None else self.inner.column(value)

    def references(self, value: Json) -> Iterator[tuple[str, str]]:
        """Give what the inner value refers to."""
        return iter(()) if value is None else self.inner.references(value)

    def resolved(self, value: Json, created: Mapping[str, str]) -> Json:
        """Resolve the inner value."""
        return None if value is None else self.inner.resolved(value, created)


class Anything(Kind):
    """Any JSON value."""

    def accepts(self, value: Json) -> bool:
        """Accept it."""
        return True


class String(Kind):
    """A text, bounded in UTF-8 octets if asked for."""

    def __init__(self, *, max_octets: int | None = None, min_length: int = 0) -> None:
        self.max_octets = max_octets
        self.min_length = min_length

    def accepts(self, value: Json) -> bool:
        """Accept a string within its bounds."""
        return (
            type(value) is str
            and len(value) >= self.min_length
            and (self.max_octets is None or len(value.encode()) <= self.max_octets)
        )

    def column(self, value: Json) -> Column:
        """Give the text folded for comparing."""
        return sort_key(value)


class Enum(Kind):
    """One of a fixed set of strings."""

    def __init__(self, values: frozenset[str]) -> None:
        self.values = values

    def accepts(self, value: Json) -> bool:
        """Accept a member of the set."""
        return type(value) is str and value in self.values

    def column(self, value: Json) -> Column:
        """Give the string as it is."""
        return str(value)


class Boolean(Kind):
    """True or false."""

    def accepts(self, value: Json) -> bool:
        """Accept a boolean."""
        return type(value) is bool

    def column(self, value: Json) -> Column:
        """Give 0 or 1."""
        return int(value)


class Int(Kind):
    """An integer from ``at_least`` up and below ``below`` (RFC 8620 §1.3)."""

    def __init__(self, *, at_least: int = MIN_INT, below: int = MAX_INT + 1) -> None:
        self.at_least = at_least
        self.below = below

    def accepts(self, value: Json) -> bool:
        """Accept an integer within its bounds; a float or a boolean is none."""
        return type(value) is int and self.at_least <= value < self.below

    def column(self, value: Json) -> Column:
        """Give the integer."""
        return int(value)


class UnsignedInt(Int):
    """An integer from 0 up (RFC 8620 §1.3)."""

    def __init__(self, *, at_least: int = 0, below: int = MAX_INT + 1) -> None:
        super().__init__(at_least=at_least, below=below)


class UTCDate(Kind):
    """A date-time in UTC such as ``2014-10-30T06:12:00Z`` (RFC 8620 §1.4)."""

    def accepts(self, value: Json) -> bool:
        """Accept a string that is a UTCDate."""
        return type(value) is str and clock.parse_utc_date(value) is not None

    def column(self, value: Json) -> Column:
        """Give Unix seconds."""
        return clock.parse_utc_date(value)


class Date(Kind):
    """A date-time with its zone such as ``2014-10-30T14:12:00+08:00`` (RFC 8620 §1.4)."""

    def accepts(self, value: Json) -> bool:
        """Accept a string that is a Date."""
        return type(value) is str and clock.parse_date(value) is not None

    def column(self, value: Json) -> Column:
        """Give Unix seconds."""
        moment = clock.parse_date(value)
        return None if moment is None else int(moment.timestamp() // 1)


class Id(Kind):
    """An Id that refers to nothing we check (RFC 8620 §1.2)."""

    def accepts(self, value: Json) -> bool:
        """Accept an Id."""
        return type(value) is str and is_id(value)

    def accepts_all(self, values: list[Json]) -> bool:
        """Accept a list of Ids, held against one pattern at once: requests name many."""
        try:
            joined = " ".join(values)
        except TypeError:
            return False
        if not values:
            return True
        return joined.count(" ") == len(values) - 1 and _IDS.fullmatch(joined) is not None


class Ref(Kind):
    """The id of an object of a named type in the same account, or ``#`` and a creation id."""

    def __init__(self, target: str) -> None:
        self.target = target

    def accepts(self, value: Json) -> bool:
        """Accept an Id, or a creation id behind ``#``."""
        return type(value) is str and is_id(value[1:] if value.startswith("#") else value)

    def column(self, value: Json) -> Column:
        """Give the local id."""
        return ids.decode(value[1:])

    def references(self, value: Json) -> Iterator[tuple[str, str]]:
        """Give the one reference."""
        yield self.target, value

    def resolved(self, value: Json, created: Mapping[str, str]) -> Json:
        """Replace a known creation id."""
        return created.get(value[1:], value) if value.startswith("#") else value


class SetOf(Kind):
    """An object whose keys are the members and whose values are all true."""

    def __init__(self, member: Kind) -> None:
        self.member = member

    def accepts(self, value: Json) -> bool:
        """Accept a map of accepted members to true."""
        if type(value) is not dict:
            return False
        accepts = self.member.accepts
        # A loop, and not a generator that costs more than it: nearly every change of mail comes by here.
        for name, held in value.items():  # noqa: SIM110
            if held is not True or not accepts(name):
                return False
        return True

    def column(self, value: Json) -> Column:
        """Give one member's form; each member has a row of its own."""
        return self.member.column(value)

    def references(self, value: Json) -> Iterator[tuple[str, str]]:
        """Give what each member refers to."""
        for name in value:
            yield from self.member.references(name)

    def resolved(self, value: Json, created: Mapping[str, str]) -> Json:
        """Resolve each member."""
        return {self.member.resolved(name, created): held for name, held in value.items()}


class ListOf(Kind):
    """An array of one kind."""

    def __init__(self, item: Kind, *, at_most: int | None = None) -> None:
        self.item = item
        self.at_most = at_most

    def accepts(self, value: Json) -> bool:
        """Accept an array of accepted items, not longer than allowed."""
        return (
            type(value) is list
            and (self.at_most is None or len(value) <= self.at_most)
            and self.item.accepts_all(value)
        )

    def references(self, value: Json) -> Iterator[tuple[str, str]]:
        """Give what each item refers to."""
        for item in value:
            yield from self.item.references(item)

    def resolved(self, value: Json, created: Mapping[str, str]) -> Json:
        """Resolve each item."""
        return [self.item.resolved(item, created) for item in value]


class MapOf(Kind):
    """An object from one kind of key to one kind of value."""

    def __init__(self, key: Kind, value: Kind) -> None:
        self.key = key
        self.value = value

    def accepts(self, value: Json) -> bool:
        """Accept an object whose keys and values are accepted."""
        if type(value) is not dict:
            return False
        key, item = self.key, self.value
        for name, held in value.items():  # noqa: SIM110  (see SetOf)
            if not key.accepts(name) or not item.accepts(held):
                return False
        return True

    def references(self, value: Json) -> Iterator[tuple[str, str]]:
        """Give what each key and value refers to."""
        for name, held in value.items():
            yield from self.key.references(name)
            yield from self.value.references(held)

    def resolved(self, value: Json, created: Mapping[str, str]) -> Json:
        """Resolve each key and value."""
        return {
            self.key.resolved(name, created): self.value.resolved(held, created)
            for name, held in value.items()
        }


class Record(Kind):
    """An object with named members; those with a name in ``required`` must be there."""

    def __init__(self, members: Mapping[str, Kind], *, required: frozenset[str] = frozenset()) -> None:
        self.members = members
        self.required = required

    def accepts(self, value: Json) -> bool:
        """Accept an object that has only known members, each accepted, and all required ones."""
        return (
            type(value) is dict
            and self.required <= value.keys()
            and all(name in self.members and self.members[name].accepts(held) for name, held in value.items())
        )

    def references(self, value: Json) -> Iterator[tuple[str, str]]:
        """Give what each member refers to."""
        for name, held in value.items():
            yield from self.members[name].references(held)

    def resolved(self, value: Json, created: Mapping[str, str]) -> Json:
        """Resolve each member."""
        return {name: self.members[name].resolved(held, created) for name, held in value.items()}


class Text(Kind):
    """A string that a predicate accepts, compared as it is."""

    def __init__(self, predicate: Callable[[str], bool]) -> None:
        self.predicate = predicate

    def accepts(self, value: Json) -> bool:
        """Accept a string that passes."""
        return type(value) is str and self.predicate(value)

    def column(self, value: Json) -> Column:
        """Give the string as it is."""
        return str(value)


def targets(kind: Kind) -> Iterator[str]:
    """Name the types that values of a kind can refer to."""
    if isinstance(kind, Ref):
        yield kind.target
    elif isinstance(kind, Nullable):
        yield from targets(kind.inner)
    elif isinstance(kind, SetOf):
        yield from targets(kind.member)
    elif isinstance(kind, ListOf):
        yield from targets(kind.item)
    elif isinstance(kind, MapOf):
        yield from targets(kind.key)
        yield from targets(kind.value)
    elif isinstance(kind, Record):
        for member in kind.members.values():
            yield from targets(member)
