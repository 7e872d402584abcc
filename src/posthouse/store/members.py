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
    layout: Layout,
    where: tuple[int, int, int],
    group: int | None,
    number: int,
    old: JsonObject,
    new: JsonObject,
) -> Iterator[Statement]:
    """Give the statements that bring an object's member rows in step with a change.

    where: the account, the number of the type and the id. group: the object's. number: what the change drew.
    old, new: the object before and after it, empty if it is not there.
    """
    account, code, id = where
    for prop in layout.member_sets:
        before: JsonObject = old.get(prop.name) or {}
        after: JsonObject = new.get(prop.name) or {}
        if before == after:
            continue
        table = f"member_{layout.name}_{prop.name.lower()}"
        place = order(layout, prop, new or old)
        is_within = prop is layout.within
        for name in before.keys() - after.keys():
            value = prop.column(name)
            yield (
                f"DELETE FROM {table} WHERE account = ? AND value = ? AND ord = ? AND id = ?",
                (account, value, place, id),
            )
            if is_within:
                yield _LEFT, (number, account, code, value, id)
        for name in after.keys() - before.keys():
            value = prop.column(name)
            yield f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?)", (account, value, place, id, group)
            if is_within:
                yield _ENTERED, (account, code, value, id, number)


def order(layout: Layout, prop: Property, values: JsonObject) -> int:
    """Give the place of an object among those that have the same member in a set: it is listed by rising numbers."""
    ordering = layout.type.properties[cast(str, prop.ordered_by)]
    return -cast(int, ordering.column(values[ordering.of]))
