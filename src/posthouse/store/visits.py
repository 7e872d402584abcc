"""Visits: what changed since a state for somebody who sees but some containers (RFC 8620 §5.2, DESIGN D4).

Theory: an item's stays in the containers he sees, each with the numbers at which it came and went, tell whether he
saw it at a state and whether he sees it now. A stay that ended and began again is known from its new beginning
only: the item is then told as created, to one who may have it. Its place in the list is such that it is told at
the state after it just as it was at the state before: what is seen now and was not then is told where it first came.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple, cast

from posthouse.store.sqlite import EACH, IN_LIST, Database, in_list
from posthouse.store.stamps import Act, Step


class Stay(NamedTuple):
    """An item in a container that is seen: when it came, and when it went (0: it is there)."""

    made: int
    gone: int


class Moved(NamedTuple):
    """An item that changed after a state and is, or once was, in a container that is seen.

    made, main: when it was made and when it changed, but for its containers. group: the number of its group.
    """

    id: int
    made: int
    main: int
    group: int | None
    stays: list[Stay]

    def step(self, since: int) -> Step | None:
        """Give what its change is to somebody who has a state; None if he sees nothing of it."""
        return step(self.id, self.stays, self.main, since)


def step(id: int, stays: Collection[Stay], main: int, since: int) -> Step | None:
    """Judge one object by its stays, or a group by those of all its items.

    main: when it changed otherwise; 0 if that is nothing to see.
    """
    now = any(not stay.gone for stay in stays)
    before = any(stay.made <= since and (not stay.gone or stay.gone > since) for stay in stays)
    came = [stay.made for stay in stays if stay.made > since]
    went = [stay.gone for stay in stays if stay.gone > since]
    if now and not before:
        return Step(min(came), id, Act.CREATED)
    if not now:
        return Step(max(went), id, Act.DESTROYED) if went else None
    numbers = [*came, *went, *([main] if main > since else [])]
    return Step(max(numbers), id, Act.UPDATED) if numbers else None


def moved(database: Database, account: int, type: int, since: int, containers: Iterable[int]) -> list[Moved]:
    """Give the items of a type that changed after a state and are, or were, in some containers."""
    rows = database.all(
        "SELECT s.id, s.made, s.main, s.grp, m.made, m.gone FROM stamp s INDEXED BY stamp_changed "
        "CROSS JOIN membership m ON m.account = s.account AND m.type = s.type "
        f"AND m.container {IN_LIST} AND m.id = s.id WHERE s.account = ? AND s.type = ? AND s.changed > ?",
        (in_list(containers), account, type, since),
    )
    return _joined(cast("Iterable[tuple[int, int, int, int | None, int, int]]", rows))


def in_groups(
    database: Database, account: int, type: int, groups: Iterable[int], containers: Iterable[int]
) -> list[Moved]:
    """Give the items of some groups that are, or were, in some containers."""
    rows = database.all(
        "SELECT s.id, s.made, s.main, s.grp, m.made, m.gone FROM stamp s INDEXED BY stamp_grp "
        "CROSS JOIN membership m ON m.account = s.account AND m.type = s.type "
        f"AND m.container {IN_LIST} AND m.id = s.id WHERE s.account = ? AND s.type = ? AND s.grp {IN_LIST}",
        (in_list(containers), account, type, in_list(groups)),
    )
    return _joined(cast("Iterable[tuple[int, int, int, int | None, int, int]]", rows))


def _joined(rows: Iterable[tuple[int, int, int, int | None, int, int]]) -> list[Moved]:
    """Put the stays of each item together."""
    found: dict[int, Moved] = {}
    for id, made, main, group, came, went in rows:
        item = found.get(id)
        if item is None:
            item = found[id] = Moved(id, made, main, group, [])
        item.stays.append(Stay(came, went))
    return [*found.values()]


def item_steps(
    database: Database, account: int, type: int, since: int, containers: Iterable[int]
) -> list[Step]:
    """Give what changed after a state in items of a type, for somebody who sees those in some containers."""
    items = moved(database, account, type, since, containers)
    return [step for item in items if (step := item.step(since)) is not None]


def group_steps(
    database: Database, account: int, type: int, since: int, containers: Collection[int]
) -> list[Step]:
    """Give what changed after a state in the groups of these items."""
    found = {
        item.group
        for item in moved(database, account, type, since, containers)
        if item.group is not None and any(max(stay) > since for stay in item.stays)
    }
    return groups(in_groups(database, account, type, found, containers), since)


def groups(items: Iterable[Moved], since: int) -> list[Step]:
    """Judge groups by all their items: which of them are seen."""
    stays: dict[int, list[Stay]] = {}
    for item in items:
        if item.group is not None:
            stays.setdefault(item.group, []).extend(item.stays)
    judged = (step(group, all, 0, since) for group, all in stays.items())
    return [one for one in judged if one is not None]


def changed(
    database: Database, account: int, type: int, since: int, ids: Iterable[int]
) -> list[tuple[int, int]]:
    """Give those of some objects that changed after a state, but for their counters: the number, and the id."""
    rows = database.all(
        f"SELECT main, id FROM stamp WHERE account = ? AND type = ? AND id {IN_LIST} AND main > ?",
        (account, type, in_list(ids), since),
    )
    return cast("list[tuple[int, int]]", rows)


def newest(database: Database, account: int, type: int, ids: Iterable[int]) -> int:
    """Give the number of the newest change of any of some objects, but for their counters."""
    row = database.one(
        f"SELECT max(main) FROM stamp WHERE account = ? AND type = ? AND id {IN_LIST}",
        (account, type, in_list(ids)),
    )
    return cast(int, row[0] or 0) if row else 0


def items_in(database: Database, account: int, type: int, containers: Iterable[int]) -> list[int]:
    """Give the items of a type that are in any of some containers, ascending."""
    rows = database.all(
        "SELECT DISTINCT id FROM membership "
        f"WHERE account = ? AND type = ? AND container {IN_LIST} AND gone = 0 ORDER BY id",
        (account, type, in_list(containers)),
    )
    return [cast(int, row[0]) for row in rows]


def seen(
    database: Database, account: int, type: int, ids: Iterable[int], containers: Iterable[int]
) -> set[int]:
    """Give those of some items that are in any of some containers, which are few."""
    rows = database.all(
        f"SELECT m.id FROM {EACH} k CROSS JOIN membership m ON m.account = ? AND m.type = ? "
        f"AND m.container {IN_LIST} AND m.id = k.value WHERE m.gone = 0",
        (in_list(ids), account, type, in_list(containers)),
    )
    return {cast(int, row[0]) for row in rows}


def seen_of(
    database: Database, account: int, type: int, groups: Iterable[int], containers: Iterable[int]
) -> list[tuple[int, int]]:
    """Give the items of some groups that are in any of some containers, which are few: the group and the id."""
    rows = database.all(
        "SELECT s.grp, s.id FROM stamp s INDEXED BY stamp_grp CROSS JOIN membership m ON m.account = s.account "
        f"AND m.type = s.type AND m.container {IN_LIST} AND m.id = s.id "
        f"WHERE s.account = ? AND s.type = ? AND s.grp {IN_LIST} AND m.gone = 0",
        (in_list(containers), account, type, in_list(groups)),
    )
    return cast("list[tuple[int, int]]", rows)


def items_of(database: Database, account: int, type: int, groups: Iterable[int]) -> list[tuple[int, int]]:
    """Give all items of some groups: the group of each, and its id."""
    rows = database.all(
        "SELECT grp, id FROM stamp INDEXED BY stamp_grp "
        f"WHERE account = ? AND type = ? AND grp {IN_LIST} AND gone = 0",
        (account, type, in_list(groups)),
    )
    return cast("list[tuple[int, int]]", rows)


def groups_of(database: Database, account: int, table: str, containers: Iterable[int]) -> list[int]:
    """Give the groups with an item in any of some containers, ascending; table: that of the items' containers."""
    rows = database.all(
        f"SELECT DISTINCT grp FROM {table} WHERE account = ? AND value {IN_LIST} ORDER BY grp",
        (account, in_list(containers)),
    )
    return [cast(int, row[0]) for row in rows]
