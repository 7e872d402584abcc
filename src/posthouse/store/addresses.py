"""The directory's rows of addresses: whose each is, and who has what is sent to those that nobody has.

The address that an account was made with is one of them; the others are its aliases.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from posthouse.store.directory import INDIVIDUAL, PERSON, DirectoryStore, Person, ensure_domain, person
from posthouse.store.directory_file import first


@dataclass(frozen=True, slots=True)
class Alias:
    """A further address of an account: as it is shown, and the address that the account was made with."""

    address: str
    login: str


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain that mail is taken for. catch_all: the address that the account of its catch-all was made with."""

    name: str
    catch_all: str | None


class AddressStore:
    """Addresses and catch-alls in the file of an open directory; usable from any thread.

    A key is an address as it is compared. Raises `OSError`.
    """

    def __init__(self, directory: DirectoryStore) -> None:
        self._file = directory.file

    def add(self, key: str, address: str, domain: str, account: int, *, shards: int, now: int) -> bool:
        """Give an account an alias; its domain is made if need be. False if somebody has the address."""
        with self._file.writing() as connection:
            if first(connection, "SELECT 1 FROM address WHERE key = ?", (key,)) is not None:
                return False
            ensure_domain(connection, domain, shards=shards, now=now)
            connection.execute("INSERT INTO address VALUES (?, ?, ?)", (key, address, account))
            return True

    def remove(self, key: str) -> None:
        """Take an alias from who has it."""
        with self._file.writing() as connection:
            connection.execute("DELETE FROM address WHERE key = ?", (key,))

    def aliases(self) -> list[Alias]:
        """Return all aliases, in order of the accounts and then of the aliases."""
        rows = self._file.rows(
            "SELECT d.address, p.login FROM address d JOIN account a ON a.id = d.account "
            "JOIN person p ON p.id = a.person "
            "WHERE p.ready AND p.removed IS NULL AND d.key <> p.key ORDER BY p.key, d.key"
        )
        return [Alias(cast(str, address), cast(str, login)) for address, login in rows]

    def keys(self, account: int) -> frozenset[str]:
        """Return the keys of all addresses of an account."""
        rows = self._file.rows("SELECT key FROM address WHERE account = ?", (account,))
        return frozenset(cast(str, row[0]) for row in rows)

    def domains(self) -> list[Domain]:
        """Return all domains, in order of their names."""
        rows = self._file.rows(
            "SELECT d.name, p.login FROM domain d LEFT JOIN account a ON a.id = d.catch_all AND a.removed IS NULL "
            "LEFT JOIN person p ON p.id = a.person ORDER BY d.name"
        )
        return [Domain(cast(str, name), cast("str | None", login)) for name, login in rows]

    def set_catch_all(self, domain: str, account: int | None) -> bool:
        """Let an account have what is sent to addresses of a domain that nobody has; False: no such domain."""
        with self._file.writing() as connection:
            connection.execute("UPDATE domain SET catch_all = ? WHERE name = ?", (account, domain))
            return connection.changes() > 0

    def holder(self, key: str) -> Person | None:
        """Find whose address this is."""
        return self._one(f"{PERSON} a.id = (SELECT account FROM address WHERE key = ?)", key)

    def has_domain(self, name: str) -> bool:
        """Say whether mail is taken for a domain."""
        return self._file.row("SELECT 1 FROM domain WHERE name = ?", (name,)) is not None

    def catch_all(self, domain: str) -> Person | None:
        """Find who has what is sent to addresses of a domain that nobody has."""
        return self._one(f"{PERSON} a.id = (SELECT catch_all FROM domain WHERE name = ?)", domain)

    def first_of(self, domain: str | None) -> Person | None:
        """Find who was the first of those in a domain (None: of all) who can sign in."""
        return self._one(
            f"{PERSON} p.type = '{INDIVIDUAL}' AND (?1 IS NULL OR p.domain = (SELECT id FROM domain WHERE name = ?1)) "
            "ORDER BY p.created, p.key LIMIT 1",
            domain,
        )

    def is_open(self, account: int) -> bool:
        """Say whether an account is there and can be delivered to."""
        return self._one(f"{PERSON} a.id = ?", account) is not None

    def _one(self, sql: str, value: object) -> Person | None:
        row = self._file.row(sql, (value,))
        return None if row is None else person(row)
