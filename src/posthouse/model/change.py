"""Change: one object of a /set, /copy or /import on its way through check and commit (RFC 8620 §5.3)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from posthouse.kit.json import JsonObject


class Act(Enum):
    """What is done to the object."""

    CREATE = "create"
    UPDATE = "update"
    DESTROY = "destroy"


Act.__hash__ = object.__hash__  # type: ignore[method-assign]  # that of Enum is written in Python


@dataclass(slots=True, eq=False)
class Change:
    """One create, update or destroy.

    key: the creation id, or the id as the client wrote it. id: the local id, 0 before one is allocated.
    old: the stored values before, new: the values after; a destroy has no new, a create no old.
    named: the top-level properties that the client named. prepared: what the type's ``prepare`` hook made.
    patches: what its ``prepare_update`` hook made of each patch that was applied.
    source: for a copy, the values of the original. search: the words to index, by search column.
    report: server-set values to tell the client beside those that the engine finds by itself.
    arguments: those of the method call that the type added.
    """

    act: Act
    key: str
    id: int = 0
    old: JsonObject | None = None
    new: JsonObject | None = None
    named: frozenset[str] = frozenset()
    prepared: object = None
    patches: list[object] = field(default_factory=list)
    source: JsonObject | None = None
    search: Mapping[str, str] | None = None
    report: JsonObject = field(default_factory=dict)
    arguments: JsonObject = field(default_factory=dict)

    def before(self) -> JsonObject:
        """Give the old values of an update or destroy."""
        assert self.old is not None
        return self.old

    def after(self) -> JsonObject:
        """Give the new values of a create or update."""
        assert self.new is not None
        return self.new


@dataclass(slots=True)
class Stage:
    """All changes of one call that still stand, as a view over the stored rows.

    ``check`` hooks ask it how the account will look when the call is done, so that two objects may swap
    their names in one call (RFC 8620 §5.3).
    """

    changes: dict[int, Change]
    _alike: dict[str, defaultdict[str, list[int]]] = field(default_factory=dict)

    def add(self, change: Change) -> None:
        """Put a change on the stage, unless one of its object stands there."""
        if change.id in self.changes:
            return
        self.changes[change.id] = change
        for name, found in self._alike.items():
            _list(found, name, change)

    def gone(self, id: int) -> bool:
        """Say whether the object is destroyed by this call."""
        change = self.changes.get(id)
        return change is not None and change.act is Act.DESTROY

    def overlaid(self, stored: Mapping[int, JsonObject]) -> dict[int, JsonObject]:
        """Give the stored objects as they will be: changed ones replaced, created ones added, destroyed gone."""
        values = dict(stored)
        for id, change in self.changes.items():
            if change.new is None:
                values.pop(id, None)
            else:
                values[id] = change.new
        return values

    def comes_first(self, change: Change, id: int, names: Iterable[str]) -> bool:
        """Say whether another change goes before this one, where both end with the same values.

        It does if its object had these values all along, or else if it stands first in the call.
        """
        other = self.changes[id]
        if other is change:
            return False
        new = other.after()
        if other.old is not None and all(other.old.get(name) == new.get(name) for name in names):
            return True
        return next(each for each in self.changes.values() if each is other or each is change) is other

    def alike(self, change: Change, name: str) -> list[int]:
        """Give the other objects that this call makes or changes, and that end with the same text in a property."""
        value = change.after().get(name)
        if not isinstance(value, str):
            return []
        if name not in self._alike:
            found = self._alike[name] = defaultdict(list)
            for each in self.changes.values():
                _list(found, name, each)
        return [
            id
            for id in self._alike[name].get(value, ())
            if id in self.changes and self.changes[id] is not change
        ]


def _list(found: defaultdict[str, list[int]], name: str, change: Change) -> None:
    value = None if change.new is None else change.new.get(name)
    if isinstance(value, str):
        found[value].append(change.id)


@dataclass(frozen=True, slots=True)
class Finished:
    """What one call has done, for a type's ``finish`` and ``follow`` hooks.

    arguments: those that the type added. refused: whether any change was. created: the ids of this request by
    their creation ids, as clients see them. changes: those that were done.
    """

    arguments: JsonObject
    refused: bool
    created: Mapping[str, str]
    changes: Sequence[Change] = ()
