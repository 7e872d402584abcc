"""Members: the rows of an object's sets, in answer order, and when it came into and left its containers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias, cast

from posthouse.kit.json import JsonObject
from posthouse.model.property import Property
from posthouse.store.layout import Layout

Statement: TypeAlias = tuple[str, tuple[object, ...]]
"""A statement, and what is bound to it."""

_LEFT: Final = "UPDATE membership SET gone = ? WHERE account = ? AND type = ? AND container = ? AND id = ?"
_ENTERED: Final = (
    "INSERT INTO membership(account, type, container, id, made) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT DO UPDATE SET made = excluded.made, gone = 0"
)


def moves(
    layout: Layout, where: tuple[int, int, int], number: int, old: JsonObject, new: JsonObject
) -> Iterator[Statement]:
    """Give the statements that bring an object's member rows in step with a change.

    where: the account, the number of the type and the id. number: what the change drew. old, new: the object
    before and after it, empty if it is not there.
    """
    account, code, id = where
    for prop in layout.member_sets:
        before: JsonObject = old.get(prop.name) or {}
        after: JsonObject = new.get(prop.name) or {}
        if before == after:
            continue
        table = f"member_{layout.name}_{prop.name.lower()}"
        order = _order(layout, prop, new or old)
        group = layout.group(new or old)
        is_within = prop.name == layout.type.within
        for value in gained(prop, after, before):
            yield (
                f"DELETE FROM {table} WHERE account = ? AND value = ? AND ord = ? AND id = ?",
                (account, value, order, id),
            )
            if is_within:
                yield _LEFT, (number, account, code, value, id)
        for value in gained(prop, before, after):
            yield f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?)", (account, value, order, id, group)
            if is_within:
                yield _ENTERED, (account, code, value, id, number)


def gained(prop: Property, before: JsonObject, after: JsonObject) -> list[int | str]:
    """Give the members that a set has after a change and had not before, as they stand in rows."""
    return [cast("int | str", prop.column(name)) for name in after if name not in before]


def _order(layout: Layout, prop: Property, values: JsonObject) -> int:
    ordering = layout.type.properties[cast(str, prop.ordered_by)]
    return -cast(int, ordering.column(values[ordering.name]))
