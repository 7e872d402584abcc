"""The directory's rows: who there is, which account lives on which shard, and what proves who one is.

A database of its own, beside the shards, since it is read before any account is known (DESIGN D15). Whoever
remembers what he read here asks `DirectoryStore.version` before he uses it, and `changed_since` when that moved.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, cast

import apsw

from posthouse.store.directory_file import DirectoryFile, first
from posthouse.store.sqlite import in_list

INDIVIDUAL: Final = "individual"
"""The type of a principal who can sign in (RFC 9670 §2)."""

PERSON: Final = """
SELECT p.id, p.login, p.created, a.id, a.shard, p.type FROM person p JOIN account a ON a.person = p.id
WHERE p.ready AND p.removed IS NULL AND a.removed IS NULL AND
"""
"""The text of a query for `person`, whose last condition is missing."""

_HALF_MADE: Final = PERSON.replace("p.ready AND ", "")
_TOKEN: Final = "SELECT id, person, label, created, expires, used_day FROM token WHERE"
_TICKET: Final = "SELECT person, key, until FROM ticket WHERE hash = ? AND kind = ? AND origin IS ?"


@dataclass(frozen=True, slots=True)
class Person:
    """A person or a group, and the one account that is its own.

    `login` is the address, and for a person what to sign in with; `created` is in Unix seconds; `account` and
    `shard` are numbers; `type` is one of RFC 9670 §2, `INDIVIDUAL` for a person.
    """

    id: int
    login: str
    created: int
    account: int
    shard: int
    type: str = INDIVIDUAL


@dataclass(frozen=True, slots=True)
class Changes:
    """What moved in the directory: the number of the newest change, and by number the people concerned.

    credentials: those whose credentials changed. reach: those to whom other accounts, or parts of them, are open.
    """

    newest: int
    credentials: frozenset[int]
    reach: frozenset[int]


@dataclass(frozen=True, slots=True)
class Removed:
    """What a person or a group left behind.

    reached: by number the people to whom less is open now. members: those who were in it. visited: of whose
    accounts something may have been shared with it.
    """

    reached: Sequence[int]
    members: Sequence[int]
    visited: Sequence[Person]


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
class Proof:
    """What proves a token, by number, to us and us to who has it (RFC 5802 §3)."""

    token: int
    stored: bytes
    server: bytes


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
        self.file = DirectoryFile(path)

    # -- people --

    def add_person(
        self,
        login: str,
        key: str,
        domain: str,
        password_hash: str | None,
        *,
        shards: int,
        now: int,
        type: str = INDIVIDUAL,
    ) -> Person | None:
        """Add a person or a group with an account and an address, not yet open; None if the key is taken.

        One that was added but never opened is taken up again, with the same ids and the new password and type.
        """
        with self.file.writing() as connection:
            row = first(connection, f"{_HALF_MADE} p.key = ?", (key,))
            if row is None:
                if first(connection, "SELECT 1 FROM address WHERE key = ?", (key,)) is not None:
                    return None  # it is an alias
                added = _new_person(connection, login, key, domain, shards=shards, now=now)
            elif first(connection, "SELECT ready FROM person WHERE id = ?", row[:1]) == (1,):
                return None
            else:
                added = person(row)
            connection.execute("UPDATE person SET type = ? WHERE id = ?", (type, added.id))
            connection.execute("DELETE FROM password WHERE person = ?", (added.id,))
            if password_hash is not None:
                connection.execute("INSERT INTO password VALUES (?, ?, ?)", (added.id, password_hash, now))
            return replace(added, type=type)

    def open_person(self, person: int) -> None:
        """Let what was added be found, and sign in if it is a person."""
        with self.file.writing() as connection:
            connection.execute("UPDATE person SET ready = 1 WHERE id = ?", (person,))

    def remove_person(self, number: int, now: int) -> Removed:
        """Remove a person or a group with its account, addresses, credentials and memberships.

        The ids stay taken for ever.
        """
        with self.file.writing() as connection:
            removed = _left_behind(connection, number)
            account = "(SELECT id FROM account WHERE person = ?)"
            connection.execute(f"DELETE FROM shared WHERE account IN {account}", (number,))
            connection.execute("DELETE FROM shared WHERE principal = ?", (number,))
            connection.execute("DELETE FROM member WHERE person = ?1 OR grp = ?1", (number,))
            connection.execute(f"DELETE FROM address WHERE account IN {account}", (number,))
            connection.execute("DELETE FROM password WHERE person = ?", (number,))
            connection.execute("DELETE FROM token WHERE person = ?", (number,))
            connection.execute("DELETE FROM ticket WHERE person = ?", (number,))
            connection.execute("UPDATE account SET removed = ? WHERE person = ?", (now, number))
            connection.execute("UPDATE person SET removed = ? WHERE id = ?", (now, number))
            _note_change(connection, number)
            return removed

    def person_by_key(self, key: str) -> Person | None:
        """Find who signs in with this normalised name."""
        return self._person(f"{PERSON} p.type = '{INDIVIDUAL}' AND p.key = ?", key)

    def person_by_id(self, person: int) -> Person | None:
        """Find one who can sign in by number."""
        return self._person(f"{PERSON} p.type = '{INDIVIDUAL}' AND p.id = ?", person)

    def person_by_address(self, key: str) -> Person | None:
        """Find the person or group whose account has this normalised address."""
        return self._person(f"{PERSON} a.id = (SELECT account FROM address WHERE key = ?)", key)

    def people(self) -> list[Person]:
        """Return everyone who can sign in, in order of their names."""
        return [person(row) for row in self.file.rows(f"{PERSON} p.type = '{INDIVIDUAL}' ORDER BY p.key")]

    # -- domains --

    def add_homes(self, *, shards: int, now: int) -> None:
        """Give each domain that an older build made an account for its Principals."""
        if self.file.row("SELECT 1 FROM domain WHERE account IS NULL") is not None:
            with self.file.writing() as connection:
                rows = connection.execute("SELECT id, name FROM domain WHERE account IS NULL").fetchall()
                for domain, name in rows:
                    _give_home(connection, cast(int, domain), cast(str, name), shards=shards, now=now)

    # -- credentials --

    def password_hash(self, person: int) -> str | None:
        """Return the hash of a person's password, None if he has none."""
        row = self.file.row("SELECT hash FROM password WHERE person = ?", (person,))
        return None if row is None else cast(str, row[0])

    def set_password(self, person: int, password_hash: str, now: int) -> None:
        """Give a person another password."""
        with self.file.writing() as connection:
            connection.execute(
                "INSERT INTO password VALUES (?, ?, ?) "
                "ON CONFLICT(person) DO UPDATE SET hash = excluded.hash, changed = excluded.changed",
                (person, password_hash, now),
            )
            _note_change(connection, person)

    def add_token(
        self,
        person: int,
        label: str,
        hash: bytes,
        *,
        stored: bytes,
        server: bytes,
        now: int,
        expires: int | None,
    ) -> Token:
        """Add a token by the SHA-256 of its text; stored, server: see `Proof`."""
        with self.file.writing() as connection:
            connection.execute(
                "INSERT INTO token(person, label, hash, stored, server, created, expires) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (person, label, hash, stored, server, now, expires),
            )
            return Token(connection.last_insert_rowid(), person, label, now, expires, None)

    def token_by_hash(self, hash: bytes) -> Token | None:
        """Find a token by the SHA-256 of its text; it may have expired."""
        row = self.file.row(f"{_TOKEN} hash = ?", (hash,))
        return None if row is None else _token(row)

    def token_by_id(self, id: int) -> Token | None:
        """Find a token by its number; it may have expired."""
        row = self.file.row(f"{_TOKEN} id = ?", (id,))
        return None if row is None else _token(row)

    def tokens(self, person: int) -> list[Token]:
        """Return a person's tokens, oldest first."""
        return [_token(row) for row in self.file.rows(f"{_TOKEN} person = ? ORDER BY id", (person,))]

    def proofs(self, person: int) -> list[Proof]:
        """Return what proves a person's tokens, oldest first; those that an older build gave out have nothing."""
        rows = self.file.rows(
            "SELECT id, stored, server FROM token WHERE person = ? AND stored IS NOT NULL ORDER BY id",
            (person,),
        )
        return [Proof(*cast("tuple[int, bytes, bytes]", row)) for row in rows]

    def secret(self) -> bytes:
        """Return 32 random octets that are always the same for this directory."""
        row = self.file.row("SELECT value FROM secret")
        assert row is not None
        return cast(bytes, row[0])

    def use_token(self, token: int, day: int) -> None:
        """Note on which day a token was last used; drops no one's memory of it."""
        with self.file.writing() as connection:
            connection.execute("UPDATE token SET used_day = ? WHERE id = ?", (day, token))

    def remove_token(self, person: int, token: int) -> bool:
        """Revoke one of a person's tokens; False if he has none of this number."""
        with self.file.writing() as connection:
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
        with self.file.writing() as connection:
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
        row = self.file.row(_TICKET, (hash, kind, origin))
        return None if row is None else _ticket(row)

    def remove_ticket(self, hash: bytes) -> bool:
        """Remove a ticket; of all who do, only one is told True."""
        with self.file.writing() as connection:
            connection.execute("DELETE FROM ticket WHERE hash = ?", (hash,))
            return connection.changes() > 0

    def extend_tickets(self, ends: Sequence[tuple[int, bytes]]) -> None:
        """Let tickets end at other Unix seconds, each given with the hash; those that are gone stay gone."""
        with self.file.writing() as connection:
            connection.executemany("UPDATE ticket SET until = ? WHERE hash = ?", ends)

    # -- what changed --

    def version(self) -> int:
        """Return a number that moves with each commit of any process; it means nothing by itself."""
        return self.file.version()

    def changed_since(self, change: int) -> Changes:
        """Return what changed after the change of the given number, 0 at first."""
        # One statement reads one snapshot.
        rows = self.file.rows(
            "SELECT meta.change, person.id, person.change > ?1, person.reach > ?1 FROM meta "
            "LEFT JOIN person ON person.change > ?1 OR person.reach > ?1",
            (change,),
        )
        return Changes(
            cast(int, rows[0][0]),
            frozenset(cast(int, row[1]) for row in rows if row[2]),
            frozenset(cast(int, row[1]) for row in rows if row[3]),
        )

    def reach(self, person: int) -> int:
        """Return the number of the newest change of what is open to a person."""
        row = self.file.row("SELECT reach FROM person WHERE id = ?", (person,))
        return 0 if row is None else cast(int, row[0])

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def _person(self, sql: str, value: str | int) -> Person | None:
        row = self.file.row(sql, (value,))
        return None if row is None else person(row)


def person(row: apsw.SQLiteValues) -> Person:
    """Read a row of a `PERSON` query."""
    return Person(*cast("tuple[int, str, int, int, int, str]", row))


def note_reach(connection: apsw.Connection, principals: Iterable[int]) -> list[int]:
    """Note that other accounts are open to principals than before; gives the people who they are or who are in them."""
    connection.execute("UPDATE meta SET change = change + 1")
    rows = connection.execute(
        "UPDATE person SET reach = (SELECT change FROM meta) WHERE id IN (SELECT value FROM carray(?1) "
        "UNION SELECT person FROM member WHERE grp IN (SELECT value FROM carray(?1))) "
        f"AND removed IS NULL AND type = '{INDIVIDUAL}' RETURNING id",
        (in_list(principals),),
    )
    return [cast(int, row[0]) for row in rows.fetchall()]


def _left_behind(connection: apsw.Connection, principal: int) -> Removed:
    """Find, and note, who is concerned when a person or a group goes."""
    members = _numbers(connection, "SELECT person FROM member WHERE grp = ?", principal)
    visitors = _numbers(
        connection,
        "SELECT s.principal FROM shared s JOIN account a ON a.id = s.account WHERE a.person = ?",
        principal,
    )
    visited = connection.execute(
        f"{PERSON} a.id IN (SELECT account FROM shared WHERE principal = ?) ORDER BY p.key", (principal,)
    )
    owners = [person(row) for row in visited.fetchall()]
    return Removed(note_reach(connection, [*members, *visitors]), members, owners)


def _numbers(connection: apsw.Connection, sql: str, value: int) -> list[int]:
    return [cast(int, row[0]) for row in connection.execute(sql, (value,)).fetchall()]


def _new_person(
    connection: apsw.Connection, login: str, key: str, domain: str, *, shards: int, now: int
) -> Person:
    number = ensure_domain(connection, domain, shards=shards, now=now)
    one = _new_id(connection, "person")
    connection.execute(
        "INSERT INTO person(id, login, key, domain, created) VALUES (?, ?, ?, ?, ?)",
        (one, login, key, number, now),
    )
    account = _new_account(connection, one, login, shards=shards, now=now)
    connection.execute("INSERT INTO address VALUES (?, ?, ?)", (key, login, account))
    return Person(one, login, now, account, account % shards)


def ensure_domain(connection: apsw.Connection, name: str, *, shards: int, now: int) -> int:
    """Give the number of a domain, which is made if there is none of this name."""
    row = first(connection, "SELECT id, account FROM domain WHERE name = ?", (name,))
    number, home = cast("tuple[int, int | None]", row or (_new_id(connection, "domain"), None))
    if row is None:
        connection.execute("INSERT INTO domain(id, name, created) VALUES (?, ?, ?)", (number, name, now))
    if home is None:
        _give_home(connection, number, name, shards=shards, now=now)
    return number


def _give_home(connection: apsw.Connection, domain: int, name: str, *, shards: int, now: int) -> None:
    """Give a domain an account for its Principals, which is no person's."""
    account = _new_account(connection, 0, name, shards=shards, now=now)
    connection.execute("UPDATE domain SET account = ? WHERE id = ?", (account, domain))


def _new_account(connection: apsw.Connection, person: int, name: str, *, shards: int, now: int) -> int:
    account = _new_id(connection, "account")
    connection.execute(
        "INSERT INTO account(id, person, name, shard, created) VALUES (?, ?, ?, ?, ?)",
        (account, person, name, account % shards, now),
    )
    return account


def _token(row: apsw.SQLiteValues) -> Token:
    return Token(*cast("tuple[int, int, str, int, int | None, int | None]", row))


def _ticket(row: apsw.SQLiteValues) -> Ticket:
    return Ticket(*cast("tuple[int, str, int]", row))


def _new_id(connection: apsw.Connection, table: str) -> int:
    """Draw a random positive number of 31 bits that no row of a table has or ever had."""
    while True:
        number = secrets.randbelow(2**31 - 1) + 1
        if first(connection, f"SELECT 1 FROM {table} WHERE id = ?", (number,)) is None:
            return number


def _note_change(connection: apsw.Connection, person: int) -> None:
    connection.execute("UPDATE meta SET change = change + 1")
    connection.execute("UPDATE person SET change = (SELECT change FROM meta) WHERE id = ?", (person,))
