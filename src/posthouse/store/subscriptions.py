"""The rows of push subscriptions, and the key by which push services know this server (RFC 8620 §7.2, RFC 8292).

They lie in the directory's file, for they end with what signs a person in: triggers remove them in the very
transaction that revokes a token or sets another password. URLs and keys are overwritten where they lay, and
the log is emptied after each removal.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path
from typing import Final, TypeVar, cast

import apsw

from posthouse.kit.json import dumps, loads
from posthouse.model.subscription import Course, Subscription
from posthouse.store.sqlite import IN_LIST, FileLock, as_os_errors, committed, connect, in_list

T = TypeVar("T")

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS subscription(
    id INTEGER PRIMARY KEY, person INTEGER NOT NULL, key TEXT NOT NULL, device TEXT NOT NULL, url TEXT NOT NULL,
    p256dh TEXT, auth TEXT, code TEXT NOT NULL, expires INTEGER, types TEXT, email_push TEXT,
    is_verified INTEGER NOT NULL, position TEXT, mailed TEXT, attempted INTEGER, succeeded INTEGER,
    response TEXT, failures INTEGER NOT NULL, failing_since INTEGER, retry INTEGER);
CREATE INDEX IF NOT EXISTS subscription_person ON subscription(person);
CREATE TABLE IF NOT EXISTS subscribing(person INTEGER PRIMARY KEY, spent INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS server_key(pem BLOB NOT NULL);
CREATE TRIGGER IF NOT EXISTS subscription_token AFTER DELETE ON token BEGIN
    DELETE FROM subscription WHERE person = OLD.person AND key = json_array('token', OLD.id);
END;
CREATE TRIGGER IF NOT EXISTS subscription_new_password AFTER UPDATE OF hash ON password BEGIN
    DELETE FROM subscription WHERE person = OLD.person AND key ->> 0 = 'password';
END;
CREATE TRIGGER IF NOT EXISTS subscription_no_password AFTER DELETE ON password BEGIN
    DELETE FROM subscription WHERE person = OLD.person AND key ->> 0 = 'password';
END;
"""
_SELECT: Final = (
    "SELECT person, key, device, url, p256dh, auth, code, expires, types, email_push, id, is_verified, position, "
    "mailed, attempted, succeeded, response, failures, failing_since, retry FROM subscription"
)
_INSERT: Final = (
    "INSERT INTO subscription(id, person, key, device, url, p256dh, auth, code, expires, types, email_push, "
    "is_verified, failures) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)"
)
_NOTE: Final = (
    "UPDATE subscription SET position = ?, mailed = ?, attempted = ?, succeeded = ?, response = ?, failures = ?, "
    "failing_since = ?, retry = ? WHERE id = ?"
)


class Rows:
    """The subscriptions inside one transaction."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def of(self, person: int, key: Hashable) -> list[Subscription]:
        """Give those that a credential made, by the person's number and its `Caller.key`."""
        return _read(self._connection, " WHERE person = ? AND key = ? ORDER BY id", (person, _key(key)))

    def count(self, person: int) -> int:
        """Count all that a person has."""
        return cast(
            int,
            self._connection.execute("SELECT count(*) FROM subscription WHERE person = ?", (person,)).get,
        )

    def spend(self, person: int, now: int, burst: int, seconds: int) -> bool:
        """Say whether a person may add one now: `burst` of them at once, then one more every `seconds`.

        If so, this counts as one.
        """
        spent = self._connection.execute("SELECT spent FROM subscribing WHERE person = ?", (person,)).get
        # The time at which all that was spent is regained; each one puts it off.
        until = max(now, cast("int | None", spent) or 0) + seconds
        if until > now + burst * seconds:
            return False
        self._connection.execute(
            "INSERT INTO subscribing VALUES (?, ?) ON CONFLICT(person) DO UPDATE SET spent = excluded.spent",
            (person, until),
        )
        return True

    def add(self, new: Subscription) -> int:
        """Add one, and give the random number that it gets."""
        id = 0
        while not id or _read(self._connection, " WHERE id = ?", (id,)):
            id = secrets.randbits(32)
        p256dh, auth = new.keys or (None, None)
        self._connection.execute(
            _INSERT,
            (id, new.person, _key(new.key), new.device, new.url, p256dh, auth, new.code, *_changeable(new)),
        )
        return id

    def put(self, changed: Subscription) -> None:
        """Write what a client may change of one, and whether it is verified."""
        self._connection.execute(
            "UPDATE subscription SET expires = ?, types = ?, email_push = ?, is_verified = ? WHERE id = ?",
            (*_changeable(changed), changed.id),
        )

    def remove(self, ids: Iterable[int]) -> None:
        """Remove some."""
        self._connection.execute(f"DELETE FROM subscription WHERE id {IN_LIST}", (in_list(ids),))


class SubscriptionStore:
    """Push subscriptions in the file of an open `DirectoryStore`; usable from any thread, opened after a fork.

    Raises `OSError` where the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = threading.Lock()
        self._reading = threading.Lock()
        self._lock = FileLock(path.with_name(path.name + ".lock"))
        with as_os_errors(self._path):
            self._writer = connect(path)
            self._reader = connect(path, readonly=True)
            self._writer.execute("PRAGMA secure_delete=ON")
            with self._lock:
                self._writer.execute(_SCHEMA)

    def read(self, person: int | None = None) -> list[Subscription]:
        """Give everybody's subscriptions, or one person's."""
        where, values = ("", ()) if person is None else (" WHERE person = ?", (person,))
        with self._reading, as_os_errors(self._path):
            return _read(self._reader, where, values)

    def write(self, unit: Callable[[Rows], T]) -> T:
        """Run a unit in one transaction; when this returns, it is on the disk."""
        with self._writing() as connection:
            return unit(Rows(connection))

    def remove(self, ids: Iterable[int]) -> None:
        """Remove some, and what the log still has of them and of any that were removed before."""
        self.write(lambda rows: rows.remove(ids))
        self.scrub()

    def scrub(self) -> None:
        """Empty the log, in which what was removed may still be read."""
        with self._turn, self._lock, as_os_errors(self._path):
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def note(self, courses: Iterable[tuple[int, Course]]) -> None:
        """Write how the pushes to some go, by their numbers."""
        with self._writing() as connection:
            connection.executemany(_NOTE, [(*astuple(course), id) for id, course in courses])

    def server_key(self, make: Callable[[], bytes]) -> bytes:
        """Give the private key that signs requests to push services, in PEM; it is made once."""
        with self._reading, as_os_errors(self._path):
            found = self._reader.execute("SELECT pem FROM server_key").get
        if found is not None:
            return cast(bytes, found)
        with self._writing() as connection:
            found = connection.execute("SELECT pem FROM server_key").get
            if found is None:  # another process may have been faster
                found = make()
                connection.execute("INSERT INTO server_key VALUES (?)", (found,))
            return cast(bytes, found)

    def close(self) -> None:
        """Close the file, after what other threads are at."""
        with self._turn, self._reading:
            self._reader.close()
            self._writer.close()
            self._lock.close()

    @contextmanager
    def _writing(self) -> Iterator[apsw.Connection]:
        # The OS lock is one per process, so threads take turns before it.
        with self._turn, self._lock, as_os_errors(self._path), committed(self._writer) as connection:
            yield connection


def _key(key: Hashable) -> str:
    """Write a credential's key as the triggers read it."""
    return dumps(key).decode()


def _changeable(subscription: Subscription) -> tuple[int | None, str | None, str | None, bool]:
    return (
        subscription.expires,
        None if subscription.types is None else dumps(subscription.types).decode(),
        None if subscription.email_push is None else dumps(subscription.email_push).decode(),
        subscription.is_verified,
    )


def _read(connection: apsw.Connection, where: str, values: Sequence[int | str]) -> list[Subscription]:
    return [_subscription(row) for row in connection.execute(_SELECT + where, values).fetchall()]


def _subscription(row: apsw.SQLiteValues) -> Subscription:
    person, key, device, url, p256dh, auth, code, expires, types, email_push, id, is_verified, *course = row
    return Subscription(
        person=cast(int, person),
        key=tuple(loads(cast(str, key))),
        device=cast(str, device),
        url=cast(str, url),
        keys=None if p256dh is None else (cast(str, p256dh), cast(str, auth)),
        code=cast(str, code),
        expires=cast("int | None", expires),
        types=None if types is None else tuple(loads(cast(str, types))),
        email_push=None if email_push is None else loads(cast(str, email_push)),
        id=cast(int, id),
        is_verified=bool(is_verified),
        course=Course(*course),  # type: ignore[arg-type]
    )
