"""Change: one object of a /set, /copy or /import on its way through check and commit (RFC 8620 §5.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from posthouse.kit.json import JsonObject


class Act(Enum):
    """What is done to the object."""

    __hash__ = object.__hash__  # that of Enum is written in Python

    CREATE = "create"
    UPDATE = "update"
    DESTROY = "destroy"


@dataclass(slots=True, eq=False)
class Change:
    """One create, update or destroy.

    key: the creation id, or the id as the client wrote it. id: the local id, 0 before one is allocated.
    old: the stored values before, new: the values after; a destroy has no new, a create no old.
    named: the top-level properties that the client named. prepared: what the type's ``prepare`` hook made.
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
