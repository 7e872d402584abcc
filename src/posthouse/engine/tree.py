"""Queries that keep to a tree: ``sortAsTree`` and ``filterAsTree`` (RFC 8621 §2.3)."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from posthouse.kit.json import JsonObject
from posthouse.model.condition import Query
from posthouse.model.ports import Finding
from posthouse.model.type import Type
from posthouse.store.txn import Transaction


def is_asked(arguments: JsonObject) -> bool:
    """Say whether a query keeps to the tree."""
    return bool(arguments.get("sortAsTree") or arguments.get("filterAsTree"))


class Tree:
    """A query's results, pruned and ordered by their place in the tree; see `ports.Finding`.

    filterAsTree keeps an object only if all its ancestors match as well; sortAsTree puts each object
    behind its parent, and compares two that share none by their ancestors that do, whether those match or not.
    """

    def __init__(
        self, txn: Transaction, type: Type, query: Query, found: Finding, arguments: JsonObject
    ) -> None:
        assert type.tree is not None
        self._parents: dict[int, int | None] = {}
        for id, values in txn.values(type, None, [type.tree]).items():
            parent = values[type.tree]
            self._parents[id] = None if parent is None else type.local(parent)
        ids = found.all()
        matching = self._rooted(ids) if arguments.get("filterAsTree") else set(ids)
        if arguments.get("sortAsTree"):
            ids = self._nested(txn.find(type, replace(query, where=None)).all())
        self._ids = array("q", [id for id in ids if id in matching])

    def _rooted(self, ids: Iterable[int]) -> set[int]:
        """Give those whose ancestors are all among the ids."""
        among = set(ids)
        children = self._children(among)
        rooted: set[int] = set()
        waiting = children[None]
        while waiting:
            id = waiting.pop()
            rooted.add(id)
            waiting.extend(children[id])
        return rooted

    def _nested(self, ids: Iterable[int]) -> array[int]:
        """Give all objects, parents first and siblings in the order of the ids."""
        children = self._children(ids)
        ordered = array("q")
        waiting = children[None][::-1]
        while waiting:
            id = waiting.pop()
            ordered.append(id)
            waiting.extend(reversed(children[id]))
        return ordered

    def _children(self, ids: Iterable[int]) -> defaultdict[int | None, list[int]]:
        children: defaultdict[int | None, list[int]] = defaultdict(list)
        for id in ids:
            children[self._parents[id]].append(id)
        return children

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

    def among(self, ids: Iterable[int]) -> set[int]:
        """See `ports.Finding.among`."""
        return set(self._ids).intersection(ids)
