"""The directory's rows: who there is, which account lives on which shard, and what proves who one is.

A database of its own, beside the shards, since it is read before any account is known (DESIGN D15). Several
processes may have it open; a writer waits for its turn by an OS lock. Whoever remembers what he read here
asks `DirectoryStore.version` before he uses it, and `changed_since` when that moved.
"""

from __future__ import annotations

import errno
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import apsw

from posthouse.store.sqlite import FileLock, as_os_errors, committed, connect

# A file says which version made it, and the oldest version that may still use it.
_VERSION: Final = 2
_READABLE_BY: Final = 1

_SCHEMA: Final = """
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
_PERSON: Final = """
SELECT p.id, p.login, p.created, a.id, a.shard FROM person p JOIN account a ON a.person = p.id
WHERE p.removed IS NULL AND a.removed IS NULL AND
"""
_TOKEN: Final = "SELECT id, person, label, created, expires, used_day FROM token WHERE"
_TICKET: Final = "SELECT person, key, until FROM ticket WHERE hash = ? AND kind = ? AND origin IS ?"


@dataclass(frozen=True, slots=True)
class Person:
    """A person and the one account that is his own.

    `login` is the address to sign in with; `created` is in Unix seconds; `account` and `shard` are numbers.
    """

    id: int
    login: str
    created: int
    account: int
    shard: int


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token but its text: times are Unix seconds, `used_day` is days since 1970."""

    id: int
    person: int
    label: str
    created: int
    expires: int | None
    used_day: int | None


@dataclass(frozen=True, slots=True)
class Ticket:
    """What signs a person in again, for the credential that a key names, until a Unix second."""

    person: int
    key: str
    until: int


class DirectoryStore:
    """The open directory, usable from any thread; to be opened after a fork, not before.

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

    # -- people --

    def add_person(
        self, login: str, key: str, domain: str, password_hash: str | None, *, shards: int, now: int
    ) -> Person | None:
        """Add a person with an account and an address, all three not yet open; None if the key is taken.

        One who was added but never opened is taken up again, with the same ids and the new password.
        """
        with self._writing() as connection:
            found = _first(connection, _PERSON + " p.key = ?", (key,))
            if found is None:
                person, account = _new_id(connection, "person"), _new_id(connection, "account")
                connection.execute(
                    "INSERT INTO domain(id, name, created) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                    (_new_id(connection, "domain"), domain, now),
                )
                connection.execute(
                    "INSERT INTO person(id, login, key, domain, created) "
                    "VALUES (?1, ?2, ?3, (SELECT id FROM domain WHERE name = ?4), ?5)",
                    (person, login, key, domain, now),
                )
                connection.execute(
                    "INSERT INTO account(id, person, name, shard, created) VALUES (?, ?, ?, ?, ?)",
                    (account, person, login, account % shards, now),
                )
                connection.execute("INSERT INTO address VALUES (?, ?, ?)", (key, login, account))
                found = (person, login, now, account, account % shards)
            elif _first(connection, "SELECT ready FROM person WHERE id = ?", found[:1]) == (1,):
                return None
            added = Person(*cast("tuple[int, str, int, int, int]", found))
            connection.execute("DELETE FROM password WHERE person = ?", (added.id,))
            if password_hash is not None:
                connection.execute("INSERT INTO password VALUES (?, ?, ?)", (added.id, password_hash, now))
            return added

    def open_person(self, person: int) -> None:
        """Let an added person be found and sign in."""
        with self._writing() as connection:
            connection.execute("UPDATE person SET ready = 1 WHERE id = ?", (person,))

    def remove_person(self, person: int, now: int) -> None:
        """Remove a person, his account, addresses and credentials; the ids stay taken for ever."""
        with self._writing() as connection:
            connection.execute(
                "DELETE FROM address WHERE account IN (SELECT id FROM account WHERE person = ?)", (person,)
            )
            connection.execute("DELETE FROM password WHERE person = ?", (person,))
            connection.execute("DELETE FROM token WHERE person = ?", (person,))
            connection.execute("DELETE FROM ticket WHERE person = ?", (person,))
            connection.execute("UPDATE account SET removed = ? WHERE person = ?", (now, person))
            connection.execute("UPDATE person SET removed = ? WHERE id = ?", (now, person))
            _note_change(connection, person)

    def person_by_key(self, key: str) -> Person | None:
        """Find who signs in with this normalised name."""
        return self._person(" p.ready AND p.key = ?", key)

    def person_by_id(self, person: int) -> Person | None:
        """Find a person by number."""
        return self._person(" p.ready AND p.id = ?", person)

    def person_by_address(self, key: str) -> Person | None:
        """Find whose account has this normalised address."""
        return self._person(" p.ready AND a.id = (SELECT account FROM address WHERE key = ?)", key)

    def people(self) -> list[Person]:
        """Return everyone, in order of their names."""
        rows = self._rows(_PERSON + " p.ready ORDER BY p.key", ())
        return [Person(*cast("tuple[int, str, int, int, int]", row)) for row in rows]

    # -- credentials --

    def password_hash(self, person: int) -> str | None:
        """Return the hash of a person's password, None if he has none."""
        row = self._row("SELECT hash FROM password WHERE person = ?", (person,))
        return None if row is None else cast(str, row[0])

    def set_password(self, person: int, password_hash: str, now: int) -> None:
        """Give a person another password."""
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO password VALUES (?, ?, ?) "
                "ON CONFLICT(person) DO UPDATE SET hash = excluded.hash, changed = excluded.changed",
                (person, password_hash, now),
            )
            _note_change(connection, person)

    def add_token(self, person: int, label: str, hash: bytes, *, now: int, expires: int | None) -> Token:
        """Add a token by the SHA-256 of its text."""
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO token(person, label, hash, created, expires) VALUES (?, ?, ?, ?, ?)",
                (person, label, hash, now, expires),
            )
            return Token(connection.last_insert_rowid(), person, label, now, expires, None)

    def token_by_hash(self, hash: bytes) -> Token | None:
        """Find a token by the SHA-256 of its text; it may have expired."""
        row = self._row(f"{_TOKEN} hash = ?", (hash,))
        return None if row is None else _token(row)

    def token_by_id(self, id: int) -> Token | None:
        """Find a token by its number; it may have expired."""
        row = self._row(f"{_TOKEN} id = ?", (id,))
        return None if row is None else _token(row)

    def tokens(self, person: int) -> list[Token]:
        """Return a person's tokens, oldest first."""
        return [_token(row) for row in self._rows(f"{_TOKEN} person = ? ORDER BY id", (person,))]

    def use_token(self, token: int, day: int) -> None:
        """Note on which day a token was last used; drops no one's memory of it."""
        with self._writing() as connection:
            connection.execute("UPDATE token SET used_day = ? WHERE id = ?", (day, token))

    def remove_token(self, person: int, token: int) -> bool:
        """Revoke one of a person's tokens; False if he has none of this number."""
        with self._writing() as connection:
            connection.execute("DELETE FROM token WHERE id = ? AND person = ?", (token, person))
            removed = connection.changes() > 0
            if removed:
                _note_change(connection, person)
            return removed

    # -- tickets --

    def add_ticket(
        self, ticket: Ticket, hash: bytes, kind: str, origin: str | None, *, forget: int, at_most: int
    ) -> None:
        """Add a ticket of some kind by the SHA-256 of its text; only this web origin may show it, None is none.

        Drops everybody's that ended before the Unix second `forget`, and beyond `at_most` of this person and
        kind those that end first.
        """
        with self._writing() as connection:
            connection.execute("DELETE FROM ticket WHERE until < ?", (forget,))
            connection.execute(
                "DELETE FROM ticket WHERE hash IN (SELECT hash FROM ticket WHERE person = ? AND kind = ? "
                "ORDER BY until DESC LIMIT -1 OFFSET ?)",
                (ticket.person, kind, at_most - 1),
            )
            connection.execute(
                "INSERT INTO ticket(hash, kind, person, key, origin, until) VALUES (?, ?, ?, ?, ?, ?)",
                (hash, kind, ticket.person, ticket.key, origin, ticket.until),
            )

    def ticket(self, hash: bytes, kind: str, origin: str | None) -> Ticket | None:
        """Find a ticket of this kind and web origin; it may have ended."""
        row = self._row(_TICKET, (hash, kind, origin))
        return None if row is None else _ticket(row)

    def remove_ticket(self, hash: bytes) -> bool:
        """Remove a ticket; of all who do, only one is told True."""
        with self._writing() as connection:
            connection.execute("DELETE FROM ticket WHERE hash = ?", (hash,))
            return connection.changes() > 0

    def extend_tickets(self, ends: Sequence[tuple[int, bytes]]) -> None:
        """Let tickets end at other Unix seconds, each given with the hash; those that are gone stay gone."""
        with self._writing() as connection:
            connection.executemany("UPDATE ticket SET until = ? WHERE hash = ?", ends)

    # -- what changed --

    def version(self) -> int:
        """Return a number that moves with each commit of any process; it means nothing by itself."""
        try:
            with self._reading:
                return cast(int, self._versions.execute("PRAGMA data_version").get)
        except apsw.Error as error:
            raise OSError(errno.EIO, str(error), str(self._path)) from error

    def changed_since(self, change: int) -> tuple[int, list[int]]:
        """Return the newest change, and whose credentials changed after the given one (0 at first)."""
        # One statement reads one snapshot.
        rows = self._rows(
            "SELECT meta.change, person.id FROM meta LEFT JOIN person ON person.change > ?", (change,)
        )
        return cast(int, rows[0][0]), [cast(int, row[1]) for row in rows if row[1] is not None]

    def close(self) -> None:
        """Close the file."""
        self._reader.close()
        self._writer.close()
        self._lock.close()

    def _prepare(self, path: Path) -> None:
        with self._lock:
            if _first(self._writer, "SELECT 1 FROM sqlite_schema", ()) is None:
                self._writer.execute("BEGIN IMMEDIATE")
                self._writer.execute(_SCHEMA + _SINCE_2)
                self._writer.execute("INSERT INTO meta VALUES (?, ?, 0)", (_VERSION, _READABLE_BY))
                self._writer.execute("COMMIT")
            row = _first(self._writer, "SELECT version, readable_by FROM meta", ())
            version, readable_by = cast("tuple[int, int]", row)
            if version < _VERSION:
                self._writer.execute("BEGIN IMMEDIATE")
                self._writer.execute(_SINCE_2)
                self._writer.execute("UPDATE meta SET version = ?", (_VERSION,))
                self._writer.execute("COMMIT")
        if readable_by > _VERSION:
            self.close()
            raise OSError(
                f"{path} was made by a later Posthouse (format {version}, this one knows {_VERSION}): "
                "use that one, or restore a backup from before the upgrade"
            )

    def _person(self, condition: str, value: str | int) -> Person | None:
        row = self._row(_PERSON + condition, (value,))
        return None if row is None else Person(*cast("tuple[int, str, int, int, int]", row))

    def _row(self, sql: str, parameters: tuple[apsw.SQLiteValue, ...]) -> apsw.SQLiteValues | None:
        with self._reading, as_os_errors(self._path):
            return _first(self._reader, sql, parameters)

    def _rows(self, sql: str, parameters: tuple[apsw.SQLiteValue, ...]) -> list[apsw.SQLiteValues]:
        with self._reading, as_os_errors(self._path):
            return self._reader.execute(sql, parameters).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[apsw.Connection]:
        # The OS lock is one per process, so threads take turns before it.
        with self._turn, self._lock, as_os_errors(self._path), committed(self._writer) as connection:
            yield connection


def _token(row: apsw.SQLiteValues) -> Token:
    return Token(*cast("tuple[int, int, str, int, int | None, int | None]", row))


def _ticket(row: apsw.SQLiteValues) -> Ticket:
    return Ticket(*cast("tuple[int, str, int]", row))


def _first(
    connection: apsw.Connection, sql: str, parameters: tuple[apsw.SQLiteValue, ...]
) -> apsw.SQLiteValues | None:
    return cast("apsw.SQLiteValues | None", connection.execute(sql, parameters).fetchone())


def _new_id(connection: apsw.Connection, table: str) -> int:
    """Draw a random positive number of 31 bits that no row of a table has or ever had."""
    while True:
        number = secrets.randbelow(2**31 - 1) + 1
        if _first(connection, f"SELECT 1 FROM {table} WHERE id = ?", (number,)) is None:
            return number


def _note_change(connection: apsw.Connection, person: int) -> None:
    connection.execute("UPDATE meta SET change = change + 1")
    connection.execute("UPDATE person SET change = (SELECT change FROM meta) WHERE id = ?", (person,))
