"""Mask: a value as it is seen by somebody from whom some of the objects are hidden to which it refers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from posthouse.kit.json import Json
from posthouse.model.kind import Kind, ListOf, MapOf, Nullable, Record, Ref, SetOf

Shows: TypeAlias = Callable[[str, str], bool]
"""Says whether an object is seen: it takes the name of its type and its id on the wire."""


def masked(kind: Kind, value: Json, shows: Shows) -> Json:
    """Give a value of a kind without its references to what is not seen.

    Members of sets, lists and maps that refer to such an object are left out, and a single reference is null.
    """
    if isinstance(kind, Ref):
        return value if value is not None and shows(kind.target, value) else None
    if value is None:
        return None
    if isinstance(kind, Nullable):
        return masked(kind.inner, value, shows)
    if isinstance(kind, SetOf):
        return {name: held for name, held in value.items() if _shown(kind.member, name, shows)}
    if isinstance(kind, ListOf):
        shown = [item for item in value if _shown(kind.item, item, shows)]
        return [masked(kind.item, item, shows) for item in shown]
    if isinstance(kind, MapOf):
        return _map(kind, value, shows)
    if isinstance(kind, Record):
        return {name: masked(kind.members[name], held, shows) for name, held in value.items()}
    return value


def _map(kind: MapOf, value: Mapping[str, Json], shows: Shows) -> Json:
    return {
        name: masked(kind.value, held, shows)
        for name, held in value.items()
        if _shown(kind.key, name, shows) and _shown(kind.value, held, shows)
    }


def _shown(kind: Kind, value: Json, shows: Shows) -> bool:
    """Say whether a member may stay: it does unless it is itself a reference to what is not seen."""
    return not isinstance(kind, Ref) or shows(kind.target, value)
