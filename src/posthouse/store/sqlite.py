"""SQLite: the embedded database, opened the one way that this server relies on."""

from __future__ import annotations

import array
import errno
import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias

import apsw

Row: TypeAlias = tuple[int | str | bytes | float | None, ...]
"""A row as a database gives it."""

Interrupted = apsw.InterruptError
Full = apsw.FullError

IN_LIST = "IN carray(?)"
"""The text that holds a column against an `in_list` parameter."""

EACH = "carray(?)"
"""The text of a table with a row for each number of an `in_list` parameter, in their order: its ``value``."""

_NO_NUMBERS = array.array("q", [-(2**63)])  # carray takes no empty array; this number is none of ours
_PAGE_CACHE_KIB = 16_384
_STATEMENTS_KEPT = 128  # the library looks through as many at each statement


def connect(path: Path, *, readonly: bool = False) -> apsw.Connection:
    """Open a database file in WAL mode; what is committed is on the disk before COMMIT returns.

    SQLite takes no locks of its own around the connection: whoever shares it between threads must.
    readonly: refuse writes on this connection. A file that is not there is made, for nobody else to read.
    Raises OSError for a file that can't be used as a database.
    """
    # SQLite gives its other files the same mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    with as_os_errors(path):
        return _open(path, readonly)


@contextmanager
def as_os_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite raises about a file into OSError, whose text is for the operator."""
    try:
        yield
    except apsw.FullError as error:
        raise OSError(errno.ENOSPC, "no space left on the disk", str(path)) from error
    except (apsw.NotADBError, apsw.CorruptError) as error:
        raise OSError(errno.EIO, "the file is damaged: restore it from a backup", str(path)) from error
    except apsw.Error as error:
        raise OSError(errno.EIO, str(error), str(path)) from error


@contextmanager
def committed(connection: apsw.Connection) -> Iterator[apsw.Connection]:
    """Make one transaction of what is done with a connection, and undo it where that fails."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _open(path: Path, readonly: bool) -> apsw.Connection:
    connection = apsw.Connection(
        str(path),
        flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_NOMUTEX,
        statementcachesize=_STATEMENTS_KEPT,
    )
    connection.set_busy_timeout(10_000)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"PRAGMA cache_size=-{_PAGE_CACHE_KIB}")
    connection.execute("PRAGMA temp_store=MEMORY")
    # Else the planner looks at values that are bound, and prepares a statement anew when the next ones differ.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    if readonly:
        connection.execute("PRAGMA query_only=ON")
    return connection


def in_list(numbers: Iterable[int]) -> object:
    """Make the parameter of `IN_LIST`."""
    return apsw.carray(array.array("q", numbers) or _NO_NUMBERS)


class Database:
    """A connection with the few verbs that the store's statements need."""

    __slots__ = ("_cursor", "connection", "many", "run")

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection
        # Making a cursor costs more than a short statement; so those that are run to their end share one.
        self._cursor = cursor = connection.cursor()
        self.run: Callable[..., object] = cursor.execute
        """Run a statement, with a sequence of parameters if it has any."""
        self.many: Callable[[str, Iterable[Sequence[Any]]], object] = cursor.executemany
        """Run a statement once for each row of parameters; making the rows must run none."""

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[Row]:
        """Run a query and give its rows one by one; others may be run in between."""
        return self.connection.execute(sql, parameters)

    def scan(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[Row]:
        """Run a query and give its rows one by one; the next statement ends it."""
        return self._cursor.execute(sql, parameters)

    def all(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Run a query and give all its rows."""
        return self._cursor.execute(sql, parameters).fetchall()

    def one(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """Run a query and give its first row."""
        # Read to the end, so that the statement is done with and can be used again at once.
        found = self._cursor.execute(sql, parameters).fetchall()
        return found[0] if found else None

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


class FileLock:
    """A lock that one thread of one process holds at a time, by the operating system's lock on a file.

    It vanishes with its holder, so a killed process blocks nobody.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def __enter__(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(
        self, type: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let the file go."""
        os.close(self._file)


class Presence:
    """A process's sign, on a file, that it uses what lies beside it; it vanishes with the process."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_SH)

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Keep others from coming in meanwhile; says whether that can be, which needs that nobody else is here."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
        finally:
            fcntl.flock(self._file, fcntl.LOCK_SH)

    def close(self) -> None:
        """Take the sign away; a second time changes nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
