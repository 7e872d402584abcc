"""Tallies: the counts that an account keeps of its items, for each container and each group (DESIGN D18).

``tally`` has, for a type, container and word, how many items carry the word and how many groups have such an
item; ``tally_group`` has the items of one group, from which it is seen when a group enters or leaves a total.
Container 0 stands for the account, the word ``""`` for any item.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TypeAlias, cast

from posthouse.kit.json import JsonObject
from posthouse.model.property import Property
from posthouse.model.type import Tally
from posthouse.store.layout import Layout, tally_word
from posthouse.store.sqlite import IN_LIST, Database, in_list

_Deltas: TypeAlias = defaultdict[tuple[int, str], int]


class Tallies:
    """The kept counts of one account: what moves them is gathered, and written before they are read."""

    __slots__ = ("_account", "_database", "_waiting")

    def __init__(self, database: Database, account: int) -> None:
        self._database = database
        self._account = account
        self._waiting: dict[tuple[int, int], _Deltas] = {}

    def total(self, code: int, container: int, word: str) -> tuple[int, int]:
        """Give how many items of a type, by its number, a container has under a word, and in how many groups."""
        self.write()
        row = self._database.one(
            "SELECT items, grps FROM tally WHERE account = ? AND type = ? AND container = ? AND word = ?",
            (self._account, code, container, word),
        )
        return (0, 0) if row is None else cast(tuple[int, int], row)

    def of_group(self, code: int, group: int) -> dict[tuple[int, str], int]:
        """Give how many items of a group each container has under each word; none is left out."""
        self.write()
        return self._stored(code, group)

    def move(self, layout: Layout, code: int, group: int | None, old: JsonObject, new: JsonObject) -> None:
        """Note what a change of one object adds to the counts and takes from them.

        group: the object's. old, new: the object before and after it, empty if it is not there.
        """
        tally, within = layout.type.tally, layout.within
        if tally is None:
            return
        group = group or 0
        lost, gained = words(tally, old), words(tally, new)
        left = entered = containers_of(within, old)
        if within is not None and old.get(within.name) != new.get(within.name):
            entered = containers_of(within, new)
        else:
            lost, gained = lost - gained, gained - lost
        if not (lost or gained):
            return
        deltas = self._waiting.get((code, group))
        if deltas is None:
            deltas = self._waiting[code, group] = defaultdict(int)
        for word in lost:
            for container in left:
                deltas[container, word] -= 1
        for word in gained:
            for container in entered:
                deltas[container, word] += 1

    def forget(self) -> None:
        """Drop what was noted since the counts were written last."""
        self._waiting.clear()

    def write(self) -> None:
        """Write what was noted."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, {}
        account = self._account
        kept: list[tuple[int, int, int, int, str, int]] = []
        dropped: list[tuple[int, int, int, int, str]] = []
        totals: dict[tuple[int, int, str], list[int]] = {}
        for (code, group), deltas in waiting.items():
            before = self._stored(code, group)
            for place, delta in deltas.items():
                if not delta:
                    continue
                container, word = place
                had = before.get(place, 0)
                has = had + delta
                if has:
                    kept.append((account, code, group, container, word, has))
                else:
                    dropped.append((account, code, group, container, word))
                total = totals.get((code, container, word))
                if total is None:
                    total = totals[code, container, word] = [0, 0]
                total[0] += delta
                total[1] += (has > 0) - (had > 0)
        if kept:
            self._database.many(
                "INSERT INTO tally_group VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET n = excluded.n",
                kept,
            )
        if dropped:
            self._database.many(
                "DELETE FROM tally_group "
                "WHERE account = ? AND type = ? AND grp = ? AND container = ? AND word = ?",
                dropped,
            )
        if totals:
            self._database.many(
                "INSERT INTO tally VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT DO UPDATE SET items = items + excluded.items, grps = grps + excluded.grps",
                [(account, *place, *total) for place, total in totals.items()],
            )

    def _stored(self, code: int, group: int) -> dict[tuple[int, str], int]:
        rows = self._database.all(
            "SELECT container, word, n FROM tally_group WHERE account = ? AND type = ? AND grp = ?",
            (self._account, code, group),
        )
        return {(container, word): n for container, word, n in rows}  # type: ignore[misc]


def containers(database: Database, account: int, code: int, word: str) -> list[int]:
    """Give the containers that have an item under a word, by a type's number; 0, the account, is one of them."""
    rows = database.all(
        "SELECT container FROM tally WHERE account = ? AND type = ? AND word = ? AND items > 0",
        (account, code, word),
    )
    return [cast(int, row[0]) for row in rows]


def groups_with(
    database: Database,
    account: int,
    layout: Layout,
    code: int,
    container: int,
    word: str,
    among: Iterable[int],
) -> int:
    """Count the groups that have an item in a container, and one under a word in any of several containers."""
    assert layout.within is not None
    table = f"member_{layout.name}_{layout.within.name.lower()}"
    row = database.one(
        f"SELECT count(*) FROM (SELECT DISTINCT grp FROM {table} WHERE account = ? AND value = ?) g "
        "WHERE EXISTS(SELECT 1 FROM tally_group t WHERE t.account = ? AND t.type = ? AND t.grp = g.grp "
        f"AND t.container {IN_LIST} AND t.word = ?)",
        (account, container, account, code, in_list(among), word),
    )
    return cast(int, row[0]) if row else 0


def words(tally: Tally, values: JsonObject) -> set[str]:
    """Give the words under which an object is counted; none for one that is not there."""
    if not values:
        return set()
    own = () if tally.words is None else values[tally.words]
    return {"", *map(tally_word, own), *tally.derived(values)}


def containers_of(within: Property | None, values: JsonObject) -> list[int]:
    """Give the containers in which an object is counted: 0, which stands for the account, and its own."""
    if within is None:
        return [0]
    return [0, *map(within.column, values.get(within.name) or ())]  # type: ignore[list-item]
