"""Heard: the newest change in each shared container, which is what those who see but it have as their state.

An item that changes is heard in those of its containers in which it can be seen that it did. A commit draws numbers
of its own for what is heard, as many as there are shared containers of the type: so each of these has a place of its
own among them, by which the changes of their counters can be told one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias, cast

from posthouse.store.sqlite import IN_LIST, Database, in_list

TABLES = """
CREATE TABLE IF NOT EXISTS heard(
    account INTEGER NOT NULL, type INTEGER NOT NULL, container INTEGER NOT NULL,
    high INTEGER NOT NULL, arrived INTEGER NOT NULL,
    PRIMARY KEY (account, type, container)) WITHOUT ROWID;
"""
"""The statements that make the rows' table."""

News: TypeAlias = dict[str, dict[int, bool]]
"""What was heard and is not written yet: by the name of the items' type the containers, and whether an item came."""


class Level(NamedTuple):
    """How far some containers have come: the newest number heard in them, and the newest at which an item came."""

    high: int
    arrived: int


def note(news: News, type: str, containers: Iterable[int], came: Iterable[int]) -> None:
    """Note a change of an item in some containers, into some of which it came with it."""
    heard = news.setdefault(type, {})
    for container in containers:
        heard.setdefault(container, False)
    for container in came:
        heard[container] = True


def write(database: Database, account: int, type: int, number: int, heard: Mapping[int, bool]) -> None:
    """Write what was heard of items of a type, with the last number that was drawn for it."""
    database.many(
        "INSERT INTO heard VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE "
        "SET high = excluded.high, arrived = max(arrived, excluded.arrived)",
        [(account, type, container, number, number if came else 0) for container, came in heard.items()],
    )


def level(database: Database, account: int, type: int, containers: Iterable[int]) -> Level:
    """Give how far some containers have come."""
    row = database.one(
        f"SELECT max(high), max(arrived) FROM heard WHERE account = ? AND type = ? AND container {IN_LIST}",
        (account, type, in_list(containers)),
    )
    return Level(*[cast(int, number or 0) for number in row or (0, 0)])
