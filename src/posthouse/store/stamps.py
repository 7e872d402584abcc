"""Stamps: when each object was made, changed and gone, and what changed since a state (DESIGN D4, D5).

Every changed object draws its own number from the account's counter, so a list of changes can be cut
anywhere. An object's place in such a list is ``made`` if it was made after the state, else ``changed``;
``main`` moves only when more than counters changed; ``gone`` is the number of its destruction, or 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum, auto
from typing import NamedTuple, TypeAlias, cast

from posthouse.model.ports import Changes, Touched
from posthouse.store.sqlite import IN_LIST, Database, in_list

_CREATED = (
    "SELECT id, made, 0, 1 FROM stamp INDEXED BY stamp_made "
    "WHERE account = ? AND type = ? AND made > ? AND gone = 0 ORDER BY made LIMIT ?"
)
_CHANGED = (
    "SELECT id, changed, gone, main FROM stamp INDEXED BY stamp_changed "
    "WHERE account = ? AND type = ? AND changed > ? AND made <= ? ORDER BY changed LIMIT ?"
)

_Rows: TypeAlias = Iterable[tuple[int, int, int, int]]


class Act(IntEnum):
    """What happened to an object."""

    CREATED = auto()
    UPDATED = auto()
    COUNTED = auto()
    """Nothing but its counters changed."""
    DESTROYED = auto()


class Step(NamedTuple):
    """One change in a list of changes: its place there, which no other object has, and the object's id."""

    place: int
    id: int
    act: Act


def made(database: Database, account: int, type: int, objects: Iterable[tuple[int, int, int | None]]) -> None:
    """Stamp new objects: the id, number and group of each."""
    database.many(
        "INSERT INTO stamp(account, type, id, made, changed, main, grp) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(account, type, id, number, number, number, group) for id, number, group in objects],
    )


def changed(database: Database, account: int, type: int, id: int, number: int) -> None:
    """Stamp a change of an object."""
    database.run(
        "UPDATE stamp SET changed = ?, main = ? WHERE account = ? AND type = ? AND id = ?",
        (number, number, account, type, id),
    )


def counted(database: Database, account: int, type: int, id: int, number: int) -> None:
    """Stamp a change of an object's counters."""
    database.run(
        "UPDATE stamp SET changed = ? WHERE account = ? AND type = ? AND id = ?", (number, account, type, id)
    )


def gone(database: Database, account: int, type: int, objects: Iterable[tuple[int, int]]) -> None:
    """Stamp the end of objects, the id and number of each; the rows stay as their tombstones."""
    database.many(
        "UPDATE stamp SET changed = ?, main = ?, gone = ? WHERE account = ? AND type = ? AND id = ?",
        [(number, number, number, account, type, id) for id, number in objects],
    )


def changes(
    database: Database,
    where: tuple[int, int],
    since: int,
    high: int,
    limit: int,
    beside: Iterable[tuple[int, int]] = (),
    *,
    counts: bool = False,
) -> Changes:
    """Tell the changes of a type after a state, oldest first, at most ``limit`` (RFC 8620 §5.2).

    An object that was made and destroyed since then is left out. The answer ends at a place between two
    changes, from which the next call goes on.

    where: the account and the number of the type. beside: changes that left no stamp, the number and the id of each.
    counts: the type has counters; then an object that has changed otherwise too has a place for each of both.
    """
    account, type = where
    wanted = limit + 1
    rows = database.all(_CREATED, (account, type, since, wanted))
    steps = [Step(place, id, Act.CREATED) for id, place, _, _ in cast("_Rows", rows)]
    rows = database.all(_CHANGED, (account, type, since, since, -1 if counts else wanted))
    for id, place, gone, main in cast("_Rows", rows):
        if gone or not counts:
            steps.append(Step(place, id, Act.DESTROYED if gone else Act.UPDATED))
            continue
        if main > since:
            steps.append(Step(main, id, Act.UPDATED))
        if main < place:
            steps.append(Step(place, id, Act.COUNTED))
    if beside := [*beside]:
        known = _existing(database, account, type, since, [id for _, id in beside])
        steps += [Step(place, id, Act.UPDATED) for place, id in beside if id in known]
    return cut(steps, high, limit)


def _existing(database: Database, account: int, type: int, since: int, ids: Iterable[int]) -> set[int]:
    """Give those objects that are there and were at a state."""
    rows = database.all(
        f"SELECT id FROM stamp WHERE account = ? AND type = ? AND id {IN_LIST} AND made <= ? AND gone = 0",
        (account, type, in_list(ids), since),
    )
    return {cast(int, row[0]) for row in rows}


def cut(steps: list[Step], high: int, limit: int) -> Changes:
    """Make an answer of all steps after a state, or of the first of them; high: the state after all."""
    steps.sort()
    page = steps[:limit]
    more = len(steps) > limit
    ids = {act: [*dict.fromkeys(step.id for step in page if step.act is act)] for act in Act}
    updated = dict.fromkeys(step.id for step in page if step.act in (Act.UPDATED, Act.COUNTED))
    return Changes(
        created=ids[Act.CREATED],
        updated=[*updated],
        destroyed=ids[Act.DESTROYED],
        until=page[-1].place if more else high,
        more=more,
        main=any(step.act is not Act.COUNTED for step in page),
    )


def touched(
    database: Database,
    account: int,
    type: int,
    since: int,
    whole_groups: bool,
    beside: Iterable[tuple[int, int]] = (),
) -> Touched:
    """Give the ids that may have come into, left or moved in a query since a state (DESIGN D5).

    beside: changes that left no stamp, the number and the id of each.
    """
    rows = database.all(
        "SELECT id, made, grp FROM stamp INDEXED BY stamp_changed WHERE account = ? AND type = ? AND changed > ?",
        (account, type, since),
    )
    if whole_groups:
        groups: set[int] = {row[2] for row in rows if row[2] is not None}  # type: ignore[misc]
        rows += database.all(
            "SELECT id, made, grp FROM stamp INDEXED BY stamp_grp "
            f"WHERE account = ? AND type = ? AND grp {IN_LIST} AND (gone = 0 OR gone > ?)",
            (account, type, in_list(groups), since),
        )
    known: dict[int, int] = {id: number for id, number, _ in rows}  # type: ignore[misc]
    existed = {id for id, number in known.items() if number <= since}
    if beside := [*beside]:
        existed |= _existing(database, account, type, since, [id for _, id in beside])
    return Touched(ids=frozenset(existed.union(known)), existed=sorted(existed))
