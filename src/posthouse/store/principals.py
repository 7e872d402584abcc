"""The directory's rows of sharing: who is in which group, which accounts something was shared of, and with whom.

What exactly was shared is said in the account itself. Here is only a pointer to it, written before the grant is
committed and not removed with it: so where nothing points, nothing was shared.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, cast

from posthouse.store.directory import INDIVIDUAL, PERSON, DirectoryStore, Person, note_reach, person
from posthouse.store.sqlite import in_list

_HOME: Final = "SELECT d.id, d.name, a.id, a.shard FROM domain d JOIN account a ON a.id = d.account"


@dataclass(frozen=True, slots=True)
class Home:
    """The account that holds the Principals of a domain (RFC 9670 §1.5.2).

    domain: the number of the domain; name: its name. account, shard: numbers.
    """

    domain: int
    name: str
    account: int
    shard: int


class PrincipalStore:
    """Domains, groups and pointers in the file of an open directory; usable from any thread.

    A principal is the number of a person or a group. Raises `OSError`.
    """

    def __init__(self, directory: DirectoryStore) -> None:
        self._file = directory.file

    # -- who there is --

    def homes(self) -> list[Home]:
        """Return those of all domains."""
        return [_home(row) for row in self._file.rows(f"{_HOME} ORDER BY d.name")]

    def home_of(self, principal: int) -> Home | None:
        """Return that of a principal's domain; None for an unknown one, and in a domain that has none yet."""
        row = self._file.row(f"{_HOME} WHERE d.id = (SELECT domain FROM person WHERE id = ?)", (principal,))
        return None if row is None else _home(row)

    def of_domain(self, domain: int) -> list[Person]:
        """Return the people and groups of a domain, by its number, in order of their names."""
        return self._people("p.domain = ? ORDER BY p.key", domain)

    def groups(self) -> list[Person]:
        """Return all groups, in order of their names."""
        return self._people(f"p.type <> '{INDIVIDUAL}' ORDER BY p.key")

    def principal(self, number: int) -> Person | None:
        """Find a person or a group by number."""
        return next(iter(self._people("p.id = ?", number)), None)

    def owner(self, account: int) -> Person | None:
        """Find whose an account is."""
        return next(iter(self._people("a.id = ?", account)), None)

    # -- who is in which group --

    def members(self, group: int) -> list[Person]:
        """Return who is in a group, in order of their names."""
        return self._people("p.id IN (SELECT person FROM member WHERE grp = ?) ORDER BY p.key", group)

    def groups_of(self, person: int) -> list[Person]:
        """Return the groups that a person is in, in order of their names."""
        return self._people("p.id IN (SELECT grp FROM member WHERE person = ?) ORDER BY p.key", person)

    def people_of(self, principals: Iterable[int]) -> set[int]:
        """Return who the principals are, and in place of each group who is in it."""
        rows = self._file.rows(
            "SELECT id FROM person WHERE id IN (SELECT value FROM carray(?1) UNION SELECT person FROM member "
            f"WHERE grp IN (SELECT value FROM carray(?1))) AND ready AND removed IS NULL AND type = '{INDIVIDUAL}'",
            (in_list(principals),),
        )
        return {cast(int, row[0]) for row in rows}

    def join(self, group: int, people: Sequence[int]) -> None:
        """Put people into a group, who may be in it already."""
        with self._file.writing() as connection:
            connection.execute(
                "INSERT INTO member SELECT ?, value FROM carray(?) WHERE true ON CONFLICT DO NOTHING",
                (group, in_list(people)),
            )
            note_reach(connection, people)

    def leave(self, group: int, people: Sequence[int]) -> None:
        """Take people out of a group, who may be out of it already."""
        with self._file.writing() as connection:
            connection.execute(
                "DELETE FROM member WHERE grp = ? AND person IN (SELECT value FROM carray(?))",
                (group, in_list(people)),
            )
            note_reach(connection, people)

    # -- of which accounts something was shared --

    def known(self, account: int, principals: Iterable[int]) -> set[int]:
        """Return those principals that are in the domain of an account's owner, but for the owner."""
        rows = self._file.rows(
            "SELECT p.id FROM person p, account a JOIN person o ON o.id = a.person "
            "WHERE a.id = ? AND a.removed IS NULL AND p.id IN (SELECT value FROM carray(?)) "
            "AND p.ready AND p.removed IS NULL AND p.domain = o.domain AND p.id <> o.id",
            (account, in_list(principals)),
        )
        return {cast(int, row[0]) for row in rows}

    def point(self, account: int, principals: Iterable[int]) -> None:
        """Note that something of an account is shared with principals; writes only what is not noted."""
        lacking = set(principals)
        rows = self._file.rows("SELECT principal FROM shared WHERE account = ?", (account,))
        lacking.difference_update(cast(int, row[0]) for row in rows)
        if lacking:
            with self._file.writing() as connection:
                connection.execute(
                    "INSERT INTO shared SELECT value, ? FROM carray(?) WHERE true ON CONFLICT DO NOTHING",
                    (account, in_list(lacking)),
                )

    def owners(self, principals: Iterable[int]) -> list[Person]:
        """Return of whose accounts something may be shared with principals, in order of their names.

        These principals themselves are left out.
        """
        return self._people(
            "a.id IN (SELECT account FROM shared WHERE principal IN (SELECT value FROM carray(?1))) "
            "AND p.id NOT IN (SELECT value FROM carray(?1)) ORDER BY p.key",
            in_list(principals),
        )

    def note_reach(self, principals: Iterable[int]) -> list[int]:
        """Note that other accounts are open to principals; gives the people who they are or who are in them."""
        with self._file.writing() as connection:
            return note_reach(connection, principals)

    def _people(self, condition: str, *parameters: object) -> list[Person]:
        return [person(row) for row in self._file.rows(f"{PERSON} {condition}", parameters)]


def _home(row: Sequence[object]) -> Home:
    return Home(*cast("tuple[int, str, int, int]", row))
