"""The index: which pack or file holds a blob, in one SQLite file that all processes share.

It is derived: each pack is read again from the offset up to which the index knows it, so commits lost with
the power, or the whole file lost, lose nothing. That is why it commits without a sync.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, cast

import apsw

_VERSION = 1
_BUSY_MS = 60_000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS blob(
    hash BLOB PRIMARY KEY, pack INTEGER NOT NULL, offset INTEGER NOT NULL, length INTEGER NOT NULL,
    until INTEGER NOT NULL, marked INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pack(id INTEGER PRIMARY KEY, known INTEGER NOT NULL);
"""
_FIND = "SELECT pack, offset, length, until FROM blob WHERE hash = ?"
_ADD = """
INSERT INTO blob VALUES (?, ?, ?, ?, ?, NULL)
ON CONFLICT(hash) DO UPDATE SET until = max(until, excluded.until), marked = NULL
"""
_LEASE = "UPDATE blob SET until = max(until, ?2), marked = NULL WHERE hash = ?1"
_KNOWN = "INSERT INTO pack VALUES (?, ?) ON CONFLICT(id) DO UPDATE SET known = max(known, excluded.known)"
_WALK = "SELECT hash, pack, length, until, marked FROM blob WHERE hash > ? ORDER BY hash LIMIT ?"

#: The `Place.pack` of a blob that has a file of its own.
OWN_FILE = -1


class Place(NamedTuple):
    """Where a blob is, how long it is, and until when it is leased (Unix seconds)."""

    pack: int
    offset: int
    length: int
    until: int


class Row(NamedTuple):
    """A blob as the collector sees it; `marked` is the Unix second when it was first found unneeded."""

    hash: bytes
    pack: int
    length: int
    until: int
    marked: int | None


class Writing:
    """What may be changed inside one transaction of `Index.writing`, which holds the index's only lock."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def add(self, hash: bytes, place: Place) -> None:
        """Enter a blob; where it is already known it stays where it is and its lease is renewed."""
        self._connection.execute(_ADD, (hash, *place))

    def lease(self, hash: bytes, until: int) -> bool:
        """Renew a lease; False if the blob is not known."""
        self._connection.execute(_LEASE, (hash, until))
        return self._connection.changes() > 0

    def mark(self, hashes: Iterable[bytes], now: int | None) -> None:
        """Note when blobs were found unneeded, or with None that they are needed."""
        self._connection.executemany("UPDATE blob SET marked = ? WHERE hash = ?", ((now, h) for h in hashes))

    def row(self, hash: bytes) -> Row | None:
        """Look at one blob as the collector does."""
        found = self._connection.execute(
            "SELECT hash, pack, length, until, marked FROM blob WHERE hash = ?", (hash,)
        ).get
        return None if found is None else Row(*cast("tuple[bytes, int, int, int, int | None]", found))

    def delete(self, hash: bytes) -> None:
        """Forget a blob."""
        self._connection.execute("DELETE FROM blob WHERE hash = ?", (hash,))

    def move(self, hash: bytes, pack: int, to: int, offset: int) -> None:
        """Say that a blob of one pack is now in another; does nothing if it is no longer there."""
        self._connection.execute(
            "UPDATE blob SET pack = ?, offset = ? WHERE hash = ? AND pack = ?", (to, offset, hash, pack)
        )

    def know(self, pack: int, known: int) -> None:
        """Note that all records of a pack below this offset are in the index."""
        self._connection.execute(_KNOWN, (pack, known))

    def known(self) -> dict[int, int]:
        """Return for each pack the offset below which its records are in the index."""
        return dict(cast("Iterable[tuple[int, int]]", self._connection.execute("SELECT id, known FROM pack")))

    def forget(self, pack: int) -> None:
        """Forget a pack, and whatever is still said to be in it."""
        self._connection.execute("DELETE FROM blob WHERE pack = ?", (pack,))
        self._connection.execute("DELETE FROM pack WHERE id = ?", (pack,))


class Index:
    """The open index; usable from any thread, and readable while another writes."""

    def __init__(self, path: Path) -> None:
        self._reading = threading.Lock()
        self._turn = threading.Lock()
        try:
            # SQLite gives its other files the same mode.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._writer = _connect(path)
            self._prepare(path)
            self._reader = _connect(path)
        except (apsw.NotADBError, apsw.CorruptError) as error:
            raise OSError(
                f"the index of the blobs is damaged: stop all processes that use {path}, remove it and "
                "its -wal and -shm files, and start again; it is built anew"
            ) from error

    def find(self, hash: bytes) -> Place | None:
        """Look a blob up."""
        with self._reading:
            found = self._reader.execute(_FIND, (hash,)).get
        return None if found is None else Place(*cast("tuple[int, int, int, int]", found))

    def walk(self, after: bytes, limit: int) -> list[Row]:
        """Return the blobs that follow a hash, in order of their hashes."""
        with self._reading:
            rows = cast(
                "Iterable[tuple[bytes, int, int, int, int | None]]",
                self._reader.execute(_WALK, (after, limit)),
            )
            return [Row(*row) for row in rows]

    def count(self, pack: int) -> int:
        """Count the blobs of a pack, by reading the whole index."""
        with self._reading:
            return cast(int, self._reader.execute("SELECT count(*) FROM blob WHERE pack = ?", (pack,)).get)

    @contextmanager
    def writing(self, *, durable: bool = False) -> Iterator[Writing]:
        """Hold the index's lock, over all processes, and commit what is changed; roll back on any error.

        Raises `OSError` if it cannot be committed. Only deleting what other files rest on needs `durable`.
        """
        with self._turn:
            connection = self._writer
            try:
                connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield Writing(connection)
                    connection.execute("COMMIT")
                except BaseException:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    raise
            except apsw.FullError as error:
                raise OSError(errno.ENOSPC, "no space left for the index of the blobs") from error
            except apsw.Error as error:
                raise OSError(errno.EIO, f"the index of the blobs cannot be written: {error}") from error

    def close(self) -> None:
        """Close the file."""
        self._reader.close()
        self._writer.close()

    def _prepare(self, path: Path) -> None:
        self._writer.execute("PRAGMA journal_mode = wal")
        version = cast(int, self._writer.execute("PRAGMA user_version").get)
        if version not in (0, _VERSION):
            raise OSError(
                f"{path} is of version {version}, this build knows {_VERSION}: remove it to rebuild it"
            )
        self._writer.execute(f"{_SCHEMA} PRAGMA user_version = {_VERSION}")


def _connect(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(_BUSY_MS)
    return connection
