"""Derived: rows that follow from an object's values, but for its columns and members: its words and its blobs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from posthouse.store.layout import Layout
from posthouse.store.sqlite import Database
from posthouse.store.words import index_text


def write_words(
    database: Database, layout: Layout, texts: Iterable[tuple[int, Mapping[str, str] | None]]
) -> None:
    """Add the search text, by column, of objects that have none yet; each comes with its key, None is no text."""
    names = layout.type.search
    columns = ", ".join([f'"{name}"' for name in names])
    database.many(
        f"INSERT INTO search_{layout.name}(rowid, {columns}) VALUES (?{', ?' * len(names)})",
        (
            (key, *[index_text(text.get(name, "")) for name in names])
            for key, text in texts
            if text is not None
        ),
    )


def hold(database: Database, account: int, code: int, held: Iterable[tuple[bytes, int]]) -> None:
    """Note that objects of a type keep blobs: the SHA-256 of each, and the object's id."""
    database.many(
        "INSERT INTO blobref VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [(account, digest, code, id) for digest, id in held],
    )


def release(database: Database, account: int, code: int, left: Iterable[tuple[bytes, int]]) -> None:
    """Note that objects of a type keep blobs no more, as `hold` takes them."""
    database.many(
        "DELETE FROM blobref WHERE account = ? AND digest = ? AND type = ? AND id = ?",
        [(account, digest, code, id) for digest, id in left],
    )
