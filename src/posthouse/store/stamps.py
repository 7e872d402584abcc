"""Stamps: when each object was made, changed and gone, and what changed since a state (DESIGN D4, D5).

Every changed object draws its own number from the account's counter, so a list of changes can be cut
anywhere. An object's place in such a list is ``made`` if it was made after the state, else ``changed``;
``main`` moves only when more than counters changed; ``gone`` is the number of its destruction, or 0.
"""

from __future__ import annotations

from collections.abc import Iterable

from posthouse.model.ports import Changes, Touched
from posthouse.store.sqlite import IN_LIST, Database, in_list

_CREATED = (
    "SELECT id, made, 0, 1 FROM stamp INDEXED BY stamp_made "
    "WHERE account = ? AND type = ? AND made > ? AND gone = 0 ORDER BY made LIMIT ?"
)
_CHANGED = (
    "SELECT id, changed, gone, main > ? FROM stamp INDEXED BY stamp_changed "
    "WHERE account = ? AND type = ? AND changed > ? AND made <= ? ORDER BY changed LIMIT ?"
)


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


def changes(database: Database, account: int, type: int, since: int, high: int, limit: int) -> Changes:
    """Tell the changes of a type after a state, oldest first, at most ``limit`` (RFC 8620 §5.2).

    An object that was made and destroyed since then is left out. The answer ends at a place between two
    changes, from which the next call goes on.
    """
    wanted = limit + 1
    rows = database.all(_CREATED, (account, type, since, wanted))
    fresh = len(rows)
    rows += database.all(_CHANGED, (since, account, type, since, since, wanted))
    tagged: list[tuple[int, int, int, int, bool]] = [
        (place, id, end, main, index < fresh)  # type: ignore[misc]
        for index, (id, place, end, main) in enumerate(rows)
    ]
    tagged.sort()
    page = tagged[:limit]
    more = len(tagged) > limit
    return Changes(
        created=[id for _, id, _, _, is_new in page if is_new],
        updated=[id for _, id, end, _, is_new in page if not is_new and not end],
        destroyed=[id for _, id, end, _, is_new in page if not is_new and end],
        until=page[-1][0] if more else high,
        more=more,
        main=any(main for _, _, _, main, _ in page),
    )


def touched(database: Database, account: int, type: int, since: int, whole_groups: bool) -> Touched:
    """Give the ids that may have come into, left or moved in a query since a state (DESIGN D5)."""
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
    return Touched(
        ids=frozenset(known), existed=sorted(id for id, number in known.items() if number <= since)
    )
