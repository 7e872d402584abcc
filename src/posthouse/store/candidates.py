"""Candidates: the objects that a search or a header condition allows, found before a query runs (RFC 8621 §4.4.1)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final, Protocol, cast

from posthouse.kit.json import loads
from posthouse.model.condition import Leaf, Test
from posthouse.model.kind import fold
from posthouse.model.ports import TooMuch
from posthouse.store import fulltext
from posthouse.store.layout import Layout
from posthouse.store.sqlite import Database

COMMON: Final = 2000
"""What more objects have is common: it is met soon when they are looked at in order."""

_MOST: Final = 4_000_000
_ID_MASK: Final = (1 << 32) - 1


class Searching(Protocol):
    """The part of a transaction that a search asks."""

    account: int

    def pause(self) -> None:
        """See `ports.Txn.pause`."""
        ...


class Candidates:
    """What searches and header conditions allow, each found once for a query."""

    def __init__(self, database: Database, txn: Searching, layout: Layout) -> None:
        self._database = database
        self._txn = txn
        self._layout = layout
        self._base = txn.account << 32
        self._found: dict[int, list[int]] = {}
        self._common: set[int] = set()
        self._room = _MOST

    def few(self, leaf: Leaf) -> list[int] | None:
        """Give what `of` does if it is not much; None if it is, which where texts are kept is seen early."""
        if leaf.filter.test is Test.SEARCH and self._layout.keeps_text and id(leaf) not in self._found:
            if id(leaf) in self._common:
                return None
            found = self._searched(leaf.filter.on, cast(str, leaf.value), COMMON + 1)
            if len(found) > COMMON:
                self._common.add(id(leaf))
                return None
            self._found[id(leaf)] = found
        found = self.of(leaf)
        return found if len(found) <= COMMON else None

    def knows(self, leaf: Leaf) -> bool:
        """Say whether all that `of` gives was found already."""
        return id(leaf) in self._found

    def of(self, leaf: Leaf) -> list[int]:
        """Give the keys that a search or a header condition allows, found once.

        Raises `TooMuch` if all of them together are more than one query may hold in memory.
        """
        found = self._found.get(id(leaf))
        if found is None:
            self._txn.pause()  # a search does its work inside one step of its statement
            if leaf.filter.test is Test.SEARCH:
                found = self._searched(leaf.filter.on, cast(str, leaf.value))
            else:
                found = self._with_header(leaf.filter.on[0], cast("list[str]", leaf.value))
            self._found[id(leaf)] = found
            self._room -= len(found)
            if self._room < 0:
                raise TooMuch("these searches find too much")
        return found

    def _searched(self, columns: tuple[str, ...], text: str, most: int = -1) -> list[int]:
        expression = fulltext.match_expression(fulltext.parse(text), columns)
        assert expression is not None, "a search without a word asks for nothing and is no leaf"
        table = f"search_{self._layout.name}"
        rows = self._database.rows(
            f"SELECT rowid FROM {table} WHERE {table} MATCH ? AND rowid BETWEEN ? AND ? LIMIT ?",
            (expression, self._base, self._base | _ID_MASK, most),
        )
        return [*cast("Iterator[int]", chain.from_iterable(rows))]

    def _with_header(self, on: str, wanted: list[str]) -> list[int]:
        """Give the keys of the objects whose stored header fields match (RFC 8621 §4.4.1)."""
        plan = self._layout.plan([on])
        name = wanted[0].lower()
        text = fold(wanted[1]) if len(wanted) > 1 else None
        found = []
        for row in self._database.rows(
            plan.select + " WHERE +o.account = ? AND o.key BETWEEN ? AND ?",
            (self._txn.account, self._base, self._base | _ID_MASK),
        ):
            fields = loads(b"".join(plan.pluck([row], on) or ()))
            if any(
                field["name"].lower() == name and (text is None or text in fold(field["value"]))
                for field in fields
            ):
                found.append(cast(int, row[0]))
        return found
