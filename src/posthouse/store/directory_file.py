"""The file of the directory: its tables, who may read and write when, and what moved since one looked.

Several processes may have it open; a writer waits for its turn by an OS lock.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, cast

import apsw

from posthouse.store.sqlite import FileLock, as_os_errors, committed, connect

# A file says which version made it, and the oldest version that may still use it.
_VERSION: Final = 5
_READABLE_BY: Final = 1

_SINCE_1: Final = """
CREATE TABLE meta(version INTEGER NOT NULL, readable_by INTEGER NOT NULL, change INTEGER NOT NULL);
CREATE TABLE domain(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, created INTEGER NOT NULL);
CREATE TABLE person(
    id INTEGER PRIMARY KEY, login TEXT NOT NULL, key TEXT NOT NULL, domain INTEGER NOT NULL,
    created INTEGER NOT NULL, ready INTEGER NOT NULL DEFAULT 0, removed INTEGER,
    change INTEGER NOT NULL DEFAULT 0);
CREATE UNIQUE INDEX person_key ON person(key) WHERE removed IS NULL;
CREATE INDEX person_change ON person(change);
CREATE TABLE account(
    id INTEGER PRIMARY KEY, person INTEGER NOT NULL, name TEXT NOT NULL, shard INTEGER NOT NULL,
    created INTEGER NOT NULL, removed INTEGER);
CREATE INDEX account_person ON account(person);
CREATE TABLE address(key TEXT PRIMARY KEY, address TEXT NOT NULL, account INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX address_account ON address(account);
CREATE TABLE password(person INTEGER PRIMARY KEY, hash TEXT NOT NULL, changed INTEGER NOT NULL);
CREATE TABLE token(
    id INTEGER PRIMARY KEY AUTOINCREMENT, person INTEGER NOT NULL, label TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE, created INTEGER NOT NULL, expires INTEGER, used_day INTEGER);
CREATE INDEX token_person ON token(person);
"""
_SINCE_2: Final = """
CREATE TABLE ticket(
    hash BLOB PRIMARY KEY, kind TEXT NOT NULL, person INTEGER NOT NULL, key TEXT NOT NULL, origin TEXT,
    until INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX ticket_until ON ticket(until);
CREATE INDEX ticket_person ON ticket(person, kind, until);
"""
# change: newest change of a person's credentials; reach: of what is open to him.
# domain.account: of the account that holds the Principals of the domain; such accounts have person 0.
_SINCE_3: Final = """
ALTER TABLE person ADD COLUMN type TEXT NOT NULL DEFAULT 'individual';
ALTER TABLE person ADD COLUMN reach INTEGER NOT NULL DEFAULT 0;
CREATE INDEX person_reach ON person(reach);
CREATE INDEX person_domain ON person(domain);
ALTER TABLE domain ADD COLUMN account INTEGER;
CREATE TABLE member(grp INTEGER NOT NULL, person INTEGER NOT NULL, PRIMARY KEY(grp, person)) WITHOUT ROWID;
CREATE INDEX member_person ON member(person);
CREATE TABLE shared(
    principal INTEGER NOT NULL, account INTEGER NOT NULL, PRIMARY KEY(principal, account)) WITHOUT ROWID;
CREATE INDEX shared_account ON shared(account);
"""
# catch_all: number of the account that has what is sent to addresses of the domain that nobody has.
_SINCE_4: Final = "ALTER TABLE domain ADD COLUMN catch_all INTEGER;"
# stored, server: what of a token proves it by SCRAM; tokens from before have neither. secret: one row, what salts
# are made of.
_SINCE_5: Final = """
ALTER TABLE token ADD COLUMN stored BLOB;
ALTER TABLE token ADD COLUMN server BLOB;
CREATE TABLE secret(value BLOB NOT NULL);
INSERT INTO secret VALUES (randomblob(32));
"""
_STEPS: Final = (_SINCE_1, _SINCE_2, _SINCE_3, _SINCE_4, _SINCE_5)


class DirectoryFile:
    """The open file, usable from any thread; to be opened after a fork, not before.

    Raises `OSError` where the file cannot be used: it is damaged, from a later version, or the disk is full.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = threading.Lock()
        self._reading = threading.Lock()
        self._lock = FileLock(path.with_name(path.name + ".lock"))
        with as_os_errors(path):
            self._writer = connect(path)
            self._writer.execute(
                "PRAGMA secure_delete=ON"
            )  # of hashes nothing stays, nor of what ends with them
            self._reader = connect(path, readonly=True)
            self._versions = self._reader.cursor()  # asked with each request
            self._prepare(path)

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> apsw.SQLiteValues | None:
        """Run a query and give its first row."""
        with self._reading, as_os_errors(self._path):
            return first(self._reader, sql, parameters)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[apsw.SQLiteValues]:
        """Run a query and give all its rows, which are of one snapshot."""
        with self._reading, as_os_errors(self._path):
            return self._reader.execute(sql, parameters).fetchall()

    @contextmanager
    def writing(self) -> Iterator[apsw.Connection]:
        """Give the connection that may write, in a transaction that is committed at the end."""
        # The OS lock is one per process, so threads take turns before it.
        with self._turn, self._lock, as_os_errors(self._path), committed(self._writer) as connection:
            yield connection

    def version(self) -> int:
        """Return a number that moves with each commit of any process; it means nothing by itself."""
        try:
            with self._reading:
                return cast(int, self._versions.execute("PRAGMA data_version").get)
        except apsw.Error as error:
            raise OSError(errno.EIO, str(error), str(self._path)) from error

    def close(self) -> None:
        """Close the file."""
        self._reader.close()
        self._writer.close()
        self._lock.close()

    def _prepare(self, path: Path) -> None:
        with self._lock:
            version, readable_by = 0, _READABLE_BY
            if first(self._writer, "SELECT 1 FROM sqlite_schema") is not None:
                row = first(self._writer, "SELECT version, readable_by FROM meta")
                version, readable_by = cast("tuple[int, int]", row)
            if version < _VERSION:
                with committed(self._writer) as connection:
                    for step in _STEPS[version:]:
                        connection.execute(step)
                    if version == 0:
                        connection.execute("INSERT INTO meta VALUES (?, ?, 0)", (_VERSION, _READABLE_BY))
                    connection.execute("UPDATE meta SET version = ?", (_VERSION,))
        if readable_by > _VERSION:
            self.close()
            raise OSError(
                f"{path} was made by a later Posthouse (format {version}, this one knows {_VERSION}): "
                "use that one, or restore a backup from before the upgrade"
            )


def first(connection: apsw.Connection, sql: str, parameters: Sequence[Any] = ()) -> apsw.SQLiteValues | None:
    """Run a query inside a transaction and give its first row."""
    return cast("apsw.SQLiteValues | None", connection.execute(sql, parameters).fetchone())
