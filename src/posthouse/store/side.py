"""Side: rows beside the objects: keys that lead to ids, who keeps and who has uploaded a blob, and notes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

from posthouse.kit.json import Json, dumps, loads
from posthouse.store.sqlite import IN_LIST, Database, in_list


def put_keys(database: Database, account: int, space: str, id: int, keys: Iterable[int]) -> None:
    """Let keys lead to an id."""
    database.many(
        "INSERT INTO lookup VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [(account, space, key, id) for key in keys],
    )


def find_keys(database: Database, account: int, space: str, keys: Iterable[int]) -> dict[int, int]:
    """Give the lowest id that each of the keys leads to; a key that leads nowhere is left out."""
    rows = database.rows(
        f"SELECT key, min(id) FROM lookup WHERE account = ? AND space = ? AND key {IN_LIST} GROUP BY key",
        (account, space, in_list([*keys])),
    )
    return dict(cast("Iterator[tuple[int, int]]", rows))


def drop_keys(database: Database, account: int, space: str, id: int) -> None:
    """Forget all keys of an id."""
    database.run("DELETE FROM lookup WHERE account = ? AND space = ? AND id = ?", (account, space, id))


def holders(database: Database, account: int, digest: bytes) -> dict[int, list[int]]:
    """Give the objects that keep a blob, ascending, by the numbers of their types."""
    found: dict[int, list[int]] = {}
    rows = database.all(
        "SELECT type, id FROM blobref WHERE account = ? AND digest = ? ORDER BY type, id", (account, digest)
    )
    for type, id in cast("list[tuple[int, int]]", rows):
        found.setdefault(type, []).append(id)
    return found


def is_kept(database: Database, account: int, digest: bytes) -> bool:
    """Say whether any object keeps a blob."""
    row = database.one("SELECT 1 FROM blobref WHERE account = ? AND digest = ? LIMIT 1", (account, digest))
    return row is not None


def note_upload(database: Database, account: int, digest: bytes, person: int, until: int) -> None:
    """Let a person read a blob until a time in Unix seconds, though nothing keeps it."""
    database.run(
        "INSERT INTO upload VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET until = max(until, excluded.until)",
        (account, digest, person, until),
    )


def is_uploaded(database: Database, account: int, digest: bytes, person: int, now: int) -> bool:
    """Say whether a person has uploaded a blob, and may still read it at a time in Unix seconds."""
    row = database.one(
        "SELECT 1 FROM upload WHERE account = ? AND digest = ? AND person = ? AND until > ?",
        (account, digest, person, now),
    )
    return row is not None


def note(database: Database, account: int, name: str) -> Json:
    """Give the account's note of a name, or None."""
    row = database.one("SELECT value FROM note WHERE account = ? AND name = ?", (account, name))
    return None if row is None else loads(cast(bytes, row[0]))


def put_note(database: Database, account: int, name: str, value: Json) -> None:
    """Write the account's note of a name."""
    database.run(
        "INSERT INTO note VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
        (account, name, dumps(value)),
    )
