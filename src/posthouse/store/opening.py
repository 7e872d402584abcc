"""Opening: what lets a visitor see the objects of a type, as follows from the declarations (RFC 9670 §1.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from posthouse.model.kind import targets
from posthouse.model.type import Type


class By(Enum):
    """What lets a visitor see an object."""

    GRANT = auto()
    """A right that was granted on it: containers."""
    PEOPLE = auto()
    """Nothing: those who stand for people are seen by all."""
    CONTAINER = auto()
    """The right to read one of the containers that it is in: items."""
    ITEM = auto()
    """That he sees one of its items: groups."""
    RIGHT = auto()
    """A right that he holds on any container."""
    NOTHING = auto()
    """Nobody who visits sees one."""


@dataclass(frozen=True, slots=True, eq=False)
class Opening:
    """What lets a visitor see the objects of one type.

    containers: by the names of the types on which a right has to be held, the bits of that right.
    items: for groups, the name of their items' type.
    """

    by: By
    containers: Mapping[str, int] = field(default_factory=dict)
    items: str = ""


CLOSED: Final = Opening(By.NOTHING)


def openings(types: Iterable[Type]) -> dict[str, Opening]:
    """Derive for each of the declared types, by its name, what lets a visitor see its objects."""
    declared = {type.name: type for type in types}
    found = {name: _opening(type, declared) for name, type in declared.items()}
    for name, type in declared.items():
        if found[name].by is By.CONTAINER and type.group is not None:
            for group in targets(type.properties[type.group].kind):
                if found.get(group) is CLOSED:
                    found[group] = Opening(By.ITEM, found[name].containers, name)
    return found


def _opening(type: Type, declared: Mapping[str, Type]) -> Opening:
    if type.people:
        return Opening(By.PEOPLE)
    if type.rights is not None:
        return Opening(By.GRANT)
    if type.within is not None:
        for target in targets(type.properties[type.within].kind):
            rights = declared[target].rights if target in declared else None
            if rights is not None:
                return Opening(By.CONTAINER, {target: rights.bit(rights.read)})
    elif type.granted_by is not None:
        able = [one for one in declared.values() if one.rights and type.granted_by in one.rights.names]
        return Opening(By.RIGHT, {one.name: one.rights.bit(type.granted_by) for one in able if one.rights})
    return CLOSED
