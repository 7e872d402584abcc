"""Queries that keep to a tree: ``sortAsTree`` and ``filterAsTree`` (RFC 8621 §2.3)."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence

from posthouse.kit.json import JsonObject
from posthouse.model.ports import Finding
from posthouse.model.type import Type
from posthouse.store.txn import Transaction


def is_asked(arguments: JsonObject) -> bool:
    """Say whether a query keeps to the tree."""
    return bool(arguments.get("sortAsTree") or arguments.get("filterAsTree"))


class Tree:
    """A query's results, pruned and ordered by their place in the tree; see `ports.Finding`.

    filterAsTree keeps an object only if all its ancestors match as well; sortAsTree puts each object
    behind its parent, siblings in the asked order.
    """

    def __init__(self, txn: Transaction, type: Type, found: Finding, arguments: JsonObject) -> None:
        assert type.tree is not None
        self._parents: dict[int, int | None] = {}
        for id, values in txn.values(type, None, [type.tree]).items():
            parent = values[type.tree]
            self._parents[id] = None if parent is None else type.local(parent)
        ids: Iterable[int] = found.all()
        if arguments.get("filterAsTree"):
            ids = self._rooted(list(ids))
        if arguments.get("sortAsTree"):
            ids = self._nested(list(ids))
        self._ids = array("q", ids)

    def _rooted(self, ids: Sequence[int]) -> list[int]:
        matching = set(ids)
        kept: list[int] = []
        for id in ids:
            ancestor = self._parents[id]
            while ancestor is not None and ancestor in matching:
                ancestor = self._parents[ancestor]
            if ancestor is None:
                kept.append(id)
        return kept

    def _nested(self, ids: Sequence[int]) -> list[int]:
        matching = set(ids)
        children: defaultdict[int | None, list[int]] = defaultdict(list)
        for id in ids:
            ancestor = self._parents[id]
            while ancestor is not None and ancestor not in matching:
                ancestor = self._parents[ancestor]
            children[ancestor].append(id)
        ordered: list[int] = []
        waiting = children[None][::-1]
        while waiting:
            id = waiting.pop()
            ordered.append(id)
            waiting.extend(reversed(children[id]))
        return ordered

    def page(self, position: int, limit: int) -> list[int]:
        """See `ports.Finding.page`."""
        return list(self._ids[position : position + limit])

    def around(self, anchor: int, offset: int, limit: int) -> tuple[int, list[int]] | None:
        """See `ports.Finding.around`."""
        if anchor not in self._ids:
            return None
        position = max(self._ids.index(anchor) + offset, 0)
        return position, self.page(position, limit)

    def total(self) -> int:
        """See `ports.Finding.total`."""
        return len(self._ids)

    def all(self) -> array[int]:
        """See `ports.Finding.all`."""
        return self._ids
