"""Heard: the newest change in each shared container, which is what those who see but it have as their state.

An item that changes is heard in those of its containers in which it can be seen that it did. A commit draws numbers
of its own for what is heard, as many as there are shared containers of the type: so each of these has a place of its
own among them, by which the changes of their counters can be told one by one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple, TypeAlias, cast

from posthouse.model.kind import Column
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


def note(
    news: News,
    type: str,
    before: Iterable[Column],
    after: Iterable[Column],
    is_move: bool,
    listened: Collection[int] | None,
) -> None:
    """Note a change of an item.

    before, after: the containers that it was in and is in. is_move: nothing but these changed, so those that it
    stays in hear nothing. listened: the containers in which others listen; None: all.
    """
    was = now = {*cast("Iterable[int]", before)}
    if after is not before:
        now = {*cast("Iterable[int]", after)}
    reached = was ^ now if is_move else was | now
    if listened is not None:
        reached.intersection_update(listened)
    if not reached:
        return
    containers = news.setdefault(type, {})
    for container in reached:
        containers[container] = container in now - was or containers.get(container, False)


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
