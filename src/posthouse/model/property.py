"""Property: one named value of a type, and how it is stored (RFC 8620 §1.6.3)."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from posthouse.kit.json import Json
from posthouse.model.kind import Column, Kind


class Missing(Enum):
    """The sign that a property has no default."""

    MISSING = auto()


MISSING: Final = Missing.MISSING


class Part(Enum):
    """Where a property lives (DESIGN D7)."""

    FIXED = auto()
    """Stored; never changes; asked for by default."""
    RARE = auto()
    """Stored; never changes; seldom asked for, so kept apart."""
    LIVE = auto()
    """Stored; changes."""
    COUNTER = auto()
    """An integer column that the server keeps; a change of it is no change of the object's main state."""
    OVERLAY = auto()
    """Stored once for each person who sees the object."""
    COMPUTED = auto()
    """Not stored: the type's ``compute`` hook, or the engine, gives it."""
    GRANTED = auto()
    """Not stored with the object, but as grants: who else may do what with a container (RFC 9670 §4)."""
    INDEX = auto()
    """A column that is made of another property, for filters and sorts; no client sees it."""


Part.__hash__ = object.__hash__  # type: ignore[method-assign]  # that of Enum is written in Python


class Property:
    """One property's declaration.

    name: as on the wire. kind: the values it may have.
    required: a create must give it. default: the value of a create that does not, and of a null in a patch.
    optional: an object may lack it: then no answer has it, and a null in a patch takes it away.
    server: only the server sets it. immutable: set at creation, never changed.
    part: where it lives; by default LIVE, or FIXED if it is immutable.
    by_default: whether a /get without ``properties`` returns it.
    index: the value becomes a column that filters and sorts use; ``sorted`` adds a database index to it.
    ordered_by: for a set, its members become rows in the falling order of the property named so.
    column: makes the column's form instead of the kind.
    of: the property that the column is made of; itself, but for what `column_of` declares.
    uri: the capability that a request has to use to see the property; None: that of its type.
    inner: the server's own; no client sees it.
    """

    __slots__ = (
        "by_default",
        "column",
        "default",
        "immutable",
        "index",
        "inner",
        "kind",
        "name",
        "of",
        "optional",
        "ordered_by",
        "part",
        "required",
        "server",
        "sorted",
        "uri",
    )

    def __init__(
        self,
        name: str,
        kind: Kind,
        *,
        required: bool = False,
        optional: bool = False,
        default: Json | Missing = MISSING,
        server: bool = False,
        immutable: bool = False,
        part: Part | None = None,
        by_default: bool = True,
        index: bool = False,
        sorted: bool = False,
        ordered_by: str | None = None,
        column: Callable[[Json], Column] | None = None,
        of: str | None = None,
        uri: str | None = None,
        inner: bool = False,
    ) -> None:
        self.name: str = name
        self.kind: Kind = kind
        self.required: bool = required
        self.optional: bool = optional
        self.default: Json | Missing = default
        self.server: bool = server
        self.immutable: bool = immutable
        self.part: Part = part or (Part.FIXED if immutable else Part.LIVE)
        self.by_default: bool = by_default and not inner
        self.index: bool = index or sorted or ordered_by is not None or column is not None
        self.sorted: bool = sorted
        self.ordered_by: str | None = ordered_by
        self.column: Callable[[Json], Column] = column or kind.column
        self.of: str = of or name
        self.uri: str | None = uri
        self.inner: bool = inner

    def __repr__(self) -> str:
        return f"Property({self.name!r})"


def column_of(
    of: str, name: str, kind: Kind, make: Callable[[Json], Column], *, sorted: bool = False
) -> Property:
    """Declare a column that is made of another property's value, which is None if the object lacks it.

    kind: what filters and sorts take the column for. sorted: whether it gets a database index.
    """
    return Property(
        name, kind, server=True, part=Part.INDEX, by_default=False, column=make, of=of, sorted=sorted
    )
