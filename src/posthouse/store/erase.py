"""Erase: the end of an account, row by row, in transactions that hold up nobody for long."""

from __future__ import annotations

from typing import Final

from posthouse.store import shape
from posthouse.store.shape import Shape
from posthouse.store.sqlite import Database

AT_ONCE: Final = 500
"""So many rows of each table are removed in one transaction."""

# The tables of all types with their keys, and last the account itself.
_COMMON: Final = {
    "stamp": "account, type, id",
    "membership": "account, type, container, id",
    "tally_group": "account, type, grp, container, word",
    "tally": "account, type, container, word",
    "overlay": "account, type, person, id, name",
    "granted": "account, principal, type, id",
    "heard": "account, type, container",
    "lookup": "account, space, key, id",
    "blobref": "account, digest, type, id",
    "upload": "account, digest, person",
    "note": "account, name",
    "job": "id",
    "account": "account",
}


def some(database: Database, account: int, low: int, high: int) -> bool:
    """Remove up to `AT_ONCE` rows of an account from each table; says whether there were any.

    Also from those of types that nobody declares now. low, high: the first and the last key that the account's
    objects may have.
    """
    removed = 0
    for name, known in shape.noted(database).items():
        removed += _objects(database, name.lower(), known, low, high)
        for held in known.sets:
            table = f"member_{name}_{held}".lower()
            removed += _rows(database, table, "account, value, ord, id", account)
    for table, key in _COMMON.items():
        removed += _rows(database, table, key, account)
    return removed > 0


def _objects(database: Database, name: str, known: Shape, low: int, high: int) -> int:
    keys = database.all(f"SELECT key FROM obj_{name} WHERE key BETWEEN ? AND ? LIMIT ?", (low, high, AT_ONCE))
    tables = [f"obj_{name} WHERE key"]
    if known.rare:
        tables.append(f"rare_{name} WHERE key")
    if known.search:
        tables.append(f"search_{name} WHERE rowid")
    if known.text:
        tables.append(f"text_{name} WHERE key")
    for table in tables:
        database.many(f"DELETE FROM {table} = ?", keys)
    return len(keys)


def _rows(database: Database, table: str, key: str, account: int) -> int:
    database.run(
        f"DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE account = ? LIMIT ?)",
        (account, AT_ONCE),
    )
    return database.connection.changes()
