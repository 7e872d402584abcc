"""Candidates: the objects that a search or a header condition allows, found before a query runs (RFC 8621 §4.4.1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Final, Protocol, cast

from posthouse.kit.json import loads
from posthouse.model.condition import Condition, Either, Leaf, Neither, Test
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
    """What searches and header conditions allow, each found once for a query.

    Searches joined by AND and OR are asked of the index together, as one.
    """

    def __init__(self, database: Database, txn: Searching, layout: Layout) -> None:
        self._database = database
        self._txn = txn
        self._layout = layout
        self._base = txn.account << 32
        self._found: dict[int, list[int]] = {}
        self._common: set[int] = set()
        self._room = _MOST

    def gives(self, part: Condition) -> bool:
        """Say whether a condition is one whose objects are found here: a search, several, or one for a header."""
        if isinstance(part, Leaf):
            return part.filter.test in (Test.SEARCH, Test.HEADER)
        return _expression(part) is not None

    def few(self, part: Condition) -> list[int] | None:
        """Give what `of` does if it is not much; None if it is, which where texts are kept is seen early."""
        expression = _expression(part)
        if expression is not None and self._layout.keeps_text and id(part) not in self._found:
            if id(part) in self._common:
                return None
            found = self._searched(expression, COMMON + 1)
            if len(found) > COMMON:
                self._common.add(id(part))
                return None
            self._found[id(part)] = found
        found = self.of(part)
        return found if len(found) <= COMMON else None

    def knows(self, part: Condition) -> bool:
        """Say whether all that `of` gives was found already."""
        return id(part) in self._found

    def of(self, part: Condition) -> list[int]:
        """Give the keys of all that a condition allows, which is one that `gives`; they are found once.

        Raises `TooMuch` if all of them together are more than one query may hold in memory.
        """
        found = self._found.get(id(part))
        if found is None:
            expression = _expression(part)
            if expression is not None:
                found = self._searched(expression)
            else:
                assert isinstance(part, Leaf)
                found = self._with_header(part.filter.on[0], cast("list[str]", part.value))
            self._found[id(part)] = found
            self._room -= len(found)
            if self._room < 0:
                raise TooMuch("these searches find too much")
        return found

    def _searched(self, expression: str, most: int = -1) -> list[int]:
        self._txn.pause()  # a search does its work inside one step of its statement
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


def _expression(part: Condition) -> str | None:
    """Write a search, or several joined by AND and OR, for the index; None for any other condition."""
    if isinstance(part, Leaf):
        if part.filter.test is not Test.SEARCH:
            return None
        return fulltext.match_expression(fulltext.parse(cast(str, part.value)), part.filter.on)
    parts = _united(part.parts) if isinstance(part, Either) else part.parts
    texts = [_expression(one) for one in parts]
    if isinstance(part, Neither) or not texts or None in texts:
        return None
    return "(" + (" OR " if isinstance(part, Either) else " AND ").join(cast("list[str]", texts)) + ")"


def _united(parts: Sequence[Condition]) -> Sequence[Condition]:
    """Make one of the searches for the same term in several places, so that the index looks for it once."""
    first = parts[0] if parts else None
    if (
        not isinstance(first, Leaf)
        or not all(isinstance(one, Leaf) and one.filter.test is Test.SEARCH for one in parts)
        or len({cast(Leaf, one).value for one in parts}) > 1
        or len(fulltext.parse(cast(str, first.value)).terms) > 1
    ):
        return parts
    columns = dict.fromkeys(column for one in parts for column in cast(Leaf, one).filter.on)
    return [replace(first, filter=replace(first.filter, on=tuple(columns)))]
