"""Derived: rows that follow from an object's values, but for its columns and members: its words and its blobs.

A type whose search text follows its values keeps that text beside the index too, as words with a space around
each: so a few objects can be asked for a word without asking the index for all that have it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from posthouse.store import fulltext
from posthouse.store.layout import Layout
from posthouse.store.sqlite import Database
from posthouse.store.words import index_text, split


def write_words(
    database: Database, layout: Layout, texts: Iterable[tuple[int, Mapping[str, str] | None]]
) -> None:
    """Add the search text, by column, of objects that have none yet; each comes with its key, None is no text."""
    names = layout.type.search
    columns = ", ".join([f'"{name}"' for name in names])
    places = f"VALUES (?{', ?' * len(names)})"
    index = f"INSERT INTO search_{layout.name}(rowid, {columns}) {places}"
    if not layout.keeps_text:
        database.many(
            index,
            (
                (key, *[index_text(text.get(name, "")) for name in names])
                for key, text in texts
                if text is not None
            ),
        )
        return
    hays = [
        (key, [fulltext.hay(split(text[name])) if name in text else None for name in names])
        for key, text in texts
        if text is not None
    ]
    database.many(index, [(key, *row) for key, row in hays])
    database.many(
        f"INSERT INTO text_{layout.name} {places}",
        [(key, *[hay and hay.encode() for hay in row]) for key, row in hays],
    )


def drop_words(database: Database, layout: Layout, keys: Iterable[int]) -> None:
    """Remove the search text of objects."""
    rows = [(key,) for key in keys]
    database.many(f"DELETE FROM search_{layout.name} WHERE rowid = ?", rows)
    if layout.keeps_text:
        database.many(f"DELETE FROM text_{layout.name} WHERE key = ?", rows)


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
