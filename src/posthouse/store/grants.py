"""Grants: what Principals may do with containers of an account, and what they were told of it (RFC 9670 §4).

Each grant is a row that stays: without a bit it is a revocation. ``made`` is the number that its newest change drew,
so that a visitor's states are void when what he may see is another. ``told`` are the bits of which the Principal
knows; a row in which they differ is a notification to be written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple, cast

from posthouse.store.sqlite import IN_LIST, Database, in_list

TABLES = """
CREATE TABLE IF NOT EXISTS granted(
    account INTEGER NOT NULL, type INTEGER NOT NULL, id INTEGER NOT NULL, principal INTEGER NOT NULL,
    bits INTEGER NOT NULL, made INTEGER NOT NULL, told INTEGER NOT NULL, by INTEGER NOT NULL, at INTEGER NOT NULL,
    name TEXT NOT NULL, PRIMARY KEY (account, principal, type, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS granted_object ON granted(account, type, id);
CREATE INDEX IF NOT EXISTS granted_untold ON granted(account) WHERE told <> bits;
"""
"""The statements that make the rows' table."""

_PUT = (
    "INSERT INTO granted VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?) ON CONFLICT DO UPDATE "
    "SET bits = excluded.bits, made = excluded.made, by = excluded.by, at = excluded.at, name = excluded.name"
)


class Granted(NamedTuple):
    """A grant of which its Principal was not told yet.

    type, id: the container. principal: who may do what ``bits`` say; ``told`` is what he knows of. made: the number
    that the change drew. by: the Principal who made it, 0 for the server. at: when, in Unix seconds; 0 if the
    container was destroyed, of which no time is kept. name: what a destroyed container was called, else empty.
    """

    type: str
    id: int
    principal: int
    bits: int
    told: int
    made: int
    by: int
    at: int
    name: str


class Held(NamedTuple):
    """What a visitor holds: his rights on containers, as bits by type number and id; and the newest change of them."""

    rights: Mapping[int, Mapping[int, int]]
    newest: int


def held(database: Database, account: int, principals: Iterable[int]) -> Held:
    """Give what is granted to any of some Principals."""
    rights: defaultdict[int, dict[int, int]] = defaultdict(dict)
    newest = 0
    rows = database.all(
        f"SELECT type, id, bits, made FROM granted WHERE account = ? AND principal {IN_LIST}",
        (account, in_list(principals)),
    )
    for type, id, bits, made in cast("list[tuple[int, int, int, int]]", rows):
        newest = max(newest, made)
        if bits:
            rights[type][id] = rights[type].get(id, 0) | bits
    return Held(rights, newest)


def shares(database: Database, account: int, type: int, ids: Iterable[int]) -> dict[int, dict[int, int]]:
    """Give who has which rights on containers of a type: the bits by id and Principal, of those who have any."""
    found: dict[int, dict[int, int]] = {}
    rows = database.all(
        "SELECT id, principal, bits FROM granted "
        f"WHERE account = ? AND type = ? AND id {IN_LIST} AND bits <> 0 ORDER BY id, principal",
        (account, type, in_list(ids)),
    )
    for id, principal, bits in cast("list[tuple[int, int, int]]", rows):
        found.setdefault(id, {})[principal] = bits
    return found


def put(
    database: Database,
    account: int,
    type: int,
    id: int,
    number: int,
    rights: Mapping[int, int],
    by: int,
    at: int,
    name: str = "",
) -> None:
    """Write the new rights of some Principals on a container; none is a revocation.

    name: what a container is called that goes.
    """
    database.many(
        _PUT,
        [(account, type, id, principal, bits, number, by, at, name) for principal, bits in rights.items()],
    )


def touch(database: Database, account: int, number: int, principal: int) -> None:
    """Note that a Principal is in other groups than before, with a row that is of no container."""
    database.run(_PUT, (account, 0, 0, principal, 0, number, 0, 0, ""))


def newest(database: Database, account: int, type: int, ids: Collection[int]) -> int:
    """Give the number of the newest change of any grant on some containers of a type."""
    if not ids:
        return 0
    row = database.one(
        f"SELECT max(made) FROM granted WHERE account = ? AND type = ? AND id {IN_LIST}",
        (account, type, in_list(ids)),
    )
    return cast(int, row[0] or 0) if row else 0


def since(database: Database, account: int, type: int, number: int) -> list[tuple[int, int]]:
    """Give the containers of a type on which a grant changed after a state: the newest number, and the id."""
    rows = database.all(
        "SELECT max(made), id FROM granted WHERE account = ? AND type = ? AND made > ? GROUP BY id",
        (account, type, number),
    )
    return cast("list[tuple[int, int]]", rows)


def untold(database: Database, account: int, names: Mapping[int, str], limit: int) -> list[Granted]:
    """Give grants of which their Principals were not told yet, container by container; names: those of types."""
    rows = database.all(
        "SELECT type, id, principal, bits, told, made, by, at, name FROM granted "
        "WHERE account = ? AND told <> bits ORDER BY type, id, principal LIMIT ?",
        (account, limit),
    )
    found = cast("list[tuple[int, int, int, int, int, int, int, int, str]]", rows)
    return [
        Granted(names[type], id, principal, bits, told, made, by, at, name)
        for type, id, principal, bits, told, made, by, at, name in found
    ]


def told(database: Database, account: int, codes: Mapping[str, int], grants: Iterable[Granted]) -> None:
    """Note that Principals were told of grants, as they were when `untold` gave them."""
    database.many(
        "UPDATE granted SET told = ? WHERE account = ? AND principal = ? AND type = ? AND id = ?",
        [(one.bits, account, one.principal, codes[one.type], one.id) for one in grants],
    )
