"""Reshape: the objects of a type are led over from the form they were written in to the one declared now.

A property that is new takes its default in the objects there are; columns, indexes, the rows of sets, kept counts and
search text are made anew from the values. What cannot be made of what there is, or would lose what people have
written, is refused, and the message says how to declare it instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, cast

from posthouse.kit.json import Json, JsonObject, dumps, loads
from posthouse.model.property import MISSING, Part, Property
from posthouse.store import derived, members, shape, tables
from posthouse.store.layout import Layout, unpack
from posthouse.store.shape import Shape
from posthouse.store.sqlite import Database
from posthouse.store.tables import WrongSchema
from posthouse.store.tally import Tallies

_AT_ONCE: Final = 500
_ACCOUNT: Final = 32  # how far a key is shifted to give the account
_ID_MASK: Final = (1 << _ACCOUNT) - 1


def differ(database: Database, layouts: Iterable[Layout]) -> bool:
    """Say whether a file has objects of a type in another form than it is declared in."""
    noted = shape.noted(database)
    return any(noted.get(layout.type.name, shape.of(layout)) != shape.of(layout) for layout in layouts)


def lead_over(database: Database, layouts: Iterable[Layout]) -> None:
    """Bring the objects of each type whose declaration has changed into its form, inside a transaction.

    Raises `WrongSchema` for a declaration to which they can't be brought.
    """
    noted = shape.noted(database)
    codes = tables.codes(database)
    for layout in layouts:
        old = noted.get(layout.type.name)
        if old is not None and old != shape.of(layout):
            _lead_over(database, layout, codes[layout.type.name], old)


def _lead_over(database: Database, layout: Layout, code: int, old: Shape) -> None:
    new = shape.of(layout)
    if database.one(f"SELECT 1 FROM obj_{layout.name} LIMIT 1") is not None:
        for fault in _faults(layout, old, new):
            raise WrongSchema(f"{layout.type.name} was declared otherwise when the data was written: {fault}")
    renews_text = _renews_text(old, new)
    _set_aside(database, layout, old, renews_text)
    for statement in tables.statements(layout):
        database.run(statement)
    if old.tally != new.tally:
        for table in ("tally", "tally_group"):
            database.run(f"DELETE FROM {table} WHERE type = ?", (code,))
    objects = _objects(database, layout, old)
    while some := list(islice(objects, _AT_ONCE)):
        _write(database, layout, some)
        if renews_text and layout.type.words is not None:
            words = layout.type.words
            derived.write_words(database, layout, [(key, words(values)) for key, values in some])
        if old.tally != new.tally:
            _count(database, layout, code, some)
    for table in _aside(layout, old):
        database.run(f"DROP TABLE {table}")
    if old.stored != new.stored or old.overlay != new.overlay:
        _outdate(database, layout.type.name)
    shape.note(database, layout)


def _faults(layout: Layout, old: Shape, new: Shape) -> Iterator[str]:
    properties = layout.type.properties
    for name in sorted((old.stored - new.stored) | ({*old.overlay} - {*new.overlay})):
        yield (
            f"the property {name!r} is missing, of which there are values; install the version that has it, or "
            "declare it as one that clients do not see by default (server=True, by_default=False)"
        )
    for name in sorted((new.stored - old.stored) & properties.keys()):
        if _blank(properties[name]) is MISSING and not properties[name].optional:
            yield f"the property {name!r} is new, and has no default for the objects there are; give it one"
    if _renews_text(old, new) and new.search and layout.type.words is None:
        yield "its search text changed, and nothing makes it anew; declare that with words="
    for what, before, now in (("within", old.within, new.within), ("group", old.group, new.group)):
        if before != now:
            yield f"{what} was {before!r} and is {now!r}, which nothing can lead over; give the type a new name"


def _renews_text(old: Shape, new: Shape) -> bool:
    return (old.search, old.text) != (new.search, new.text)


def _blank(prop: Property) -> Json:
    """Give the value that an object has that lacks a property; `MISSING` if there can't be one."""
    if prop.part is Part.COUNTER:
        return 0
    return None if prop.default is MISSING and prop.kind.accepts(None) else prop.default


def _set_aside(database: Database, layout: Layout, old: Shape, renews_text: bool) -> None:
    """Make room for the new tables; what is made anew from the objects goes at once.

    Indexes keep their names with the old tables, and end with them; `tables.create` makes them anew.
    """
    name = layout.name
    tables_of_sets = [f"member_{name}_{held.lower()}" for held in old.sets]
    tables_of_text = [f"search_{name}"] * bool(old.search) + [f"text_{name}"] * old.text
    for table in [*tables_of_sets, *(tables_of_text if renews_text else [])]:
        database.run(f"DROP TABLE {table}")
    for table in _aside(layout, old):
        database.run(f"ALTER TABLE {table.removeprefix('old_')} RENAME TO {table}")


def _aside(layout: Layout, old: Shape) -> list[str]:
    return [f"old_obj_{layout.name}", *([f"old_rare_{layout.name}"] if old.rare else [])]


def _objects(database: Database, layout: Layout, old: Shape) -> Iterator[tuple[int, JsonObject]]:
    """Read the objects in their old form, with what they lack by the new one; each comes with its key."""
    parts = {"o.fixed": old.fixed, "o.live": old.live, **({"r.rare": old.rare} if old.rare else {})}
    columns = [*parts, *[f'o."n_{name}"' for name in old.counters]]
    join = f" JOIN old_rare_{layout.name} r ON r.key = o.key" if old.rare else ""
    blanks = {
        name: blank
        for name, prop in layout.type.properties.items()
        if name in layout.stored and (blank := _blank(prop)) is not MISSING and not prop.optional
    }
    sql = f"SELECT o.key, {', '.join(columns)} FROM old_obj_{layout.name} o{join} ORDER BY o.key"
    for key, *cells in database.rows(sql):
        values = dict(blanks)
        for held, fragment in zip(parts.values(), cells, strict=False):
            if fragment is not None:
                values |= unpack(len(held), cast(bytes, fragment))
        values |= dict(zip(old.counters, cells[len(parts) :], strict=True))
        yield cast(int, key), values


def _write(database: Database, layout: Layout, objects: list[tuple[int, JsonObject]]) -> None:
    blanks = ", ?" * (len(layout.columns) + len(layout.counters))
    database.many(
        f"INSERT INTO obj_{layout.name} VALUES (?, ?{blanks}, ?, ?)",
        [(key, key >> _ACCOUNT, *layout.cells(values)) for key, values in objects],
    )
    if layout.members[Part.RARE]:
        database.many(
            f"INSERT INTO rare_{layout.name} VALUES (?, ?, ?)",
            [(key, key >> _ACCOUNT, layout.pack(Part.RARE, values)) for key, values in objects],
        )
    for prop in layout.member_sets:
        database.many(
            f"INSERT INTO member_{layout.name}_{prop.name.lower()} VALUES (?, ?, ?, ?, ?)",
            [row for key, values in objects for row in _member_rows(layout, prop, key, values)],
        )


def _member_rows(
    layout: Layout, prop: Property, key: int, values: JsonObject
) -> Iterator[tuple[object, ...]]:
    account, id = key >> _ACCOUNT, key & _ID_MASK
    for name in values.get(prop.name) or ():
        yield account, prop.column(name), members.order(layout, prop, values), id, layout.group(values)


def _count(database: Database, layout: Layout, code: int, objects: list[tuple[int, JsonObject]]) -> None:
    for account in {key >> _ACCOUNT for key, _ in objects}:
        tallies = Tallies(database, account)
        for key, values in objects:
            if key >> _ACCOUNT == account:
                tallies.move(layout, code, layout.group(values), {}, values)
        tallies.write()


def _outdate(database: Database, name: str) -> None:
    """Move the state of a type in each account that has one; from no older state can changes be told."""
    rows = cast("list[tuple[int, int, bytes]]", database.all("SELECT account, seq, levels FROM account"))
    for account, seq, text in rows:
        levels = loads(text)
        if name in levels:
            levels[name] = [seq + 1, seq + 1]
            database.run(
                "UPDATE account SET seq = ?, levels = ? WHERE account = ?", (seq + 1, dumps(levels), account)
            )
