"""Overlays: the values of objects that each person has of his own, and when they changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import cast

from posthouse.kit.json import JsonObject, dumps, loads
from posthouse.store.sqlite import IN_LIST, Database, in_list


def read(
    database: Database, account: int, type: int, person: int, names: Collection[str]
) -> dict[int, JsonObject]:
    """Give a person's own values of all objects of a type that have any, those of these names."""
    values: dict[int, JsonObject] = {}
    rows = database.all(
        "SELECT id, name, value FROM overlay WHERE account = ? AND type = ? AND person = ?",
        (account, type, person),
    )
    for id, name, value in cast("Iterator[tuple[int, str, bytes]]", rows):
        if name in names:
            values.setdefault(id, {})[name] = loads(value)
    return values


def write(
    database: Database, account: int, type: int, person: int, id: int, number: int, values: JsonObject
) -> None:
    """Write a person's own values of an object; a value that is as if there were none is kept too."""
    database.many(
        "INSERT INTO overlay(account, type, person, id, name, value, changed) VALUES (?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET value = excluded.value, changed = excluded.changed",
        [(account, type, person, id, name, dumps(value), number) for name, value in values.items()],
    )


def drop(database: Database, account: int, type: int, ids: Iterable[int]) -> None:
    """Remove everybody's values of objects that are gone."""
    database.many(
        "DELETE FROM overlay WHERE account = ? AND type = ? AND person >= 0 AND id = ?",
        [(account, type, id) for id in ids],
    )


def newest(database: Database, account: int, type: int, person: int, ids: Iterable[int]) -> int:
    """Give the number of the newest change of a person's own values of any of some objects of a type."""
    row = database.one(
        f"SELECT max(changed) FROM overlay WHERE account = ? AND type = ? AND person = ? AND id {IN_LIST}",
        (account, type, person, in_list(ids)),
    )
    return cast(int, row[0] or 0) if row else 0


def since(database: Database, account: int, type: int, person: int, number: int) -> list[tuple[int, int]]:
    """Give the objects of which a person's own values changed after a state: the newest number, and the id."""
    rows = database.all(
        "SELECT max(changed), id FROM overlay "
        "WHERE account = ? AND type = ? AND person = ? AND changed > ? GROUP BY id",
        (account, type, person, number),
    )
    return cast("list[tuple[int, int]]", rows)
