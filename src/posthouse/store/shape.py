"""Shape: the form in which the objects of a type lie in a file, so that a changed declaration is noticed.

Rows can only be read in the form in which they were written. So each file notes the shape of each of its types; a
declaration of another shape is either led over, by `reshape`, or refused: it is never guessed at.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final, cast

import msgspec

from posthouse.kit.json import dumps, loads
from posthouse.model.kind import Kind, Nullable
from posthouse.model.property import Part
from posthouse.store.layout import Layout
from posthouse.store.sqlite import Database

TABLE: Final = "CREATE TABLE IF NOT EXISTS shape(type TEXT PRIMARY KEY, shape BLOB NOT NULL) WITHOUT ROWID"
"""The table in which a file notes the shapes of its types."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How the objects of a type lie in rows.

    fixed, live, rare: the members of their fragments. sparse: whether live fragments are. columns: the properties
    with a column, and the kind of each. counters, overlay: the properties of these parts. sets: the properties whose
    members are rows, and what orders these. search: the columns of the search text. text: whether that is kept
    beside the index. within, group, tally: the properties that name an object's containers, its group, and what is
    counted of it.
    """

    fixed: tuple[str, ...]
    live: tuple[str, ...]
    rare: tuple[str, ...]
    sparse: bool
    columns: dict[str, str]
    counters: tuple[str, ...]
    overlay: tuple[str, ...]
    sets: dict[str, str]
    search: tuple[str, ...]
    within: str | None
    group: str | None
    tally: str | None
    text: bool = False

    @property
    def stored(self) -> frozenset[str]:
        """The properties whose values are in the object's own rows."""
        return frozenset((*self.fixed, *self.live, *self.rare, *self.counters))


def of(layout: Layout) -> Shape:
    """Give the shape that a type has by its declaration."""
    type = layout.type
    return Shape(
        fixed=tuple(layout.members[Part.FIXED]),
        live=tuple(layout.members[Part.LIVE]),
        rare=tuple(layout.members[Part.RARE]),
        sparse=layout.sparse,
        columns={prop.name: _named(prop.kind) for prop in layout.columns},
        counters=tuple(layout.counters),
        overlay=tuple(layout.overlay),
        sets={prop.name: str(prop.ordered_by) for prop in layout.member_sets},
        search=type.search,
        within=type.within,
        group=type.group,
        tally=None if type.tally is None else type.tally.words or "",
        text=layout.keeps_text,
    )


def noted(database: Database) -> dict[str, Shape]:
    """Give the shape of each type that a file has, by the type's name; also of types that nobody declares now."""
    rows = cast("list[tuple[str, bytes]]", database.all("SELECT type, shape FROM shape"))
    return {name: msgspec.convert(loads(text), Shape) for name, text in rows}


def note(database: Database, layout: Layout) -> None:
    """Note the shape of a type."""
    database.run(
        "INSERT INTO shape VALUES (?, ?) ON CONFLICT DO UPDATE SET shape = excluded.shape",
        (layout.type.name, dumps(asdict(of(layout)))),
    )


def _named(kind: Kind) -> str:
    return _named(kind.inner) if isinstance(kind, Nullable) else type(kind).__name__
