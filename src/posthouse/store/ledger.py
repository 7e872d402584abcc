"""Ledger: an account's own row, which every change writes once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from posthouse.kit.json import dumps, loads
from posthouse.store.heard import News
from posthouse.store.sqlite import Database


class Ledger:
    """An account's own row.

    seq: the number that the newest change drew. next: the next free id. levels: for each type that has changed, the
    number of its newest change and the oldest state that can still be told. shared: for each type of containers the
    ids of those that are shared; None if none ever was. moved: the newest number of each type that has changed
    since the row was read, and the names of `model.news` beside. news: what is to be written of items in shared
    containers.
    """

    __slots__ = ("levels", "moved", "news", "next", "seq", "shared")

    def __init__(
        self,
        seq: int = 0,
        next: int = 1,
        levels: dict[str, Sequence[int]] | None = None,
        shared: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        self.seq = seq
        self.next = next
        self.levels: dict[str, Sequence[int]] = {} if levels is None else levels
        self.shared = shared
        self.moved: dict[str, int] = {}
        self.news: News = {}

    @staticmethod
    def read(database: Database, account: int) -> Ledger:
        """Read an account's row; one that never changed has none."""
        row: Any = database.one("SELECT seq, next, levels, shared FROM account WHERE account = ?", (account,))
        if row is None:
            return Ledger()
        seq, next, levels, shared = row
        return Ledger(seq, next, loads(levels), None if shared is None else loads(shared))

    def write(self, database: Database, account: int) -> None:
        """Write the row."""
        database.run(
            "INSERT INTO account VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE "
            "SET seq = excluded.seq, next = excluded.next, levels = excluded.levels, shared = excluded.shared",
            (
                account,
                self.seq,
                self.next,
                dumps(self.levels),
                None if self.shared is None else dumps(self.shared),
            ),
        )

    def draw(self) -> int:
        """Draw the number of a change."""
        self.seq += 1
        return self.seq

    def move(self, name: str, number: int) -> None:
        """Note a type's newest change."""
        level = self.levels.get(name)
        self.levels[name] = (number, level[1] if level else 0)
        self.moved[name] = number

    def share(self, type: str, id: int, is_shared: bool) -> None:
        """Note whether a container is shared."""
        ids = {*(self.shared or {}).get(type, ())} - {id}
        self.shared = {**(self.shared or {}), type: sorted(ids | {id}) if is_shared else sorted(ids)}

    def copy(self) -> Ledger:
        """Give a copy that stays as it is when this one moves on."""
        copy = Ledger(self.seq, self.next, dict(self.levels), self.shared)
        copy.moved = dict(self.moved)
        copy.news = {type: dict(heard) for type, heard in self.news.items()}
        return copy
