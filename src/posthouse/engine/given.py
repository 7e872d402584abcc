"""Given: what clients give of an object, new or as a patch, held against its declaration (RFC 8620 §5.3)."""

from __future__ import annotations

from collections.abc import Container, Mapping

from posthouse.kit.json import Json, JsonObject
from posthouse.model.change import Act, Change
from posthouse.model.kind import SetOf
from posthouse.model.property import MISSING
from posthouse.model.type import Type
from posthouse.proto.jmap import patch
from posthouse.proto.jmap.errors import SetError


def new(type: Type, key: str, values: JsonObject, own: JsonObject, foreign: Container[str] = ()) -> Change:
    """Make the change of a create, its defaults filled in.

    foreign: the properties that this request can't know. Raises SetError ``singleton``, ``forbidden``, or
    ``invalidProperties`` with all properties that are wrong.
    """
    if type.singleton is not None:
        raise SetError("singleton", f"there is one {type.name}, and it is there")
    demand_allowed(type, Act.CREATE)
    wrong = [name for name, value in values.items() if name in foreign or not may_create(type, name, value)]
    full = dict(values)
    for name, prop in type.properties.items():
        if name in values or prop.server:
            continue
        if prop.default is not MISSING:
            full[name] = prop.default
        elif prop.required:
            wrong.append(name)
    if wrong:
        raise SetError("invalidProperties", "these properties are wrong or missing", sorted(wrong))
    return Change(Act.CREATE, key, new=full, named=frozenset(values), arguments=own)


def demand_allowed(type: Type, act: Act) -> None:
    """Refuse with SetError ``forbidden`` what no client may do with a type."""
    if act.value in type.forbids:
        raise SetError("forbidden", f"only the server does this to a {type.name}")


def may_create(type: Type, name: str, value: Json) -> bool:
    """Say whether a create may give a property this value."""
    prop = type.properties.get(name)
    if prop is None:
        return type.takes(name)
    return not (prop.server or prop.inner) and prop.kind.accepts(value)


def refusal(type: Type, wrong: list[str]) -> SetError:
    """Make the error for an update of properties that can't be what the client wants.

    A type of which clients may not do everything is kept by the server: there it is ``forbidden`` to change what
    the server sets (RFC 9670 §2.3).
    """
    named = [type.properties[name] for name in wrong if name in type.properties]
    if type.forbids and any((prop.server or prop.immutable) and not prop.inner for prop in named):
        return SetError("forbidden", f"only the server changes these properties of a {type.name}")
    return SetError("invalidProperties", "these properties can't be that", sorted(wrong))


def false_as_null(type: Type, given: JsonObject) -> JsonObject:
    """Read a member of a set that is patched to false as removed, which the standard writes as null."""
    sets = {name for name, prop in type.properties.items() if isinstance(prop.kind, SetOf)}
    return {
        path: None if value is False and path.partition("/")[0] in sets else value
        for path, value in given.items()
    }


def as_kept(type: Type, given: JsonObject, created: Mapping[str, str]) -> tuple[JsonObject, frozenset[str]]:
    """Name the members of sets in a patch as they are kept: a keyword in lower case, a reference by its id.

    Gives also the sets of which all that is patched is named so.
    """
    kept: JsonObject = {}
    members, others = [], []
    for path, value in given.items():
        name, _, member = path.partition("/")
        prop = type.properties.get(name)
        if member and prop is not None and isinstance(prop.kind, SetOf):
            path = f"{name}/{prop.kind.member.resolved(member, created)}"
            members.append(name)
        else:
            others.append(name)
        kept[path] = value
    return kept, frozenset(members).difference(others)


def patch_names(given: JsonObject) -> frozenset[str]:
    """Name the top-level properties of a patch; none if it can't be read, for then it is not applied."""
    try:
        return frozenset(patch.touched(given))
    except SetError:
        return frozenset()


def may_update(type: Type, current: JsonObject, new: JsonObject, name: str) -> bool:
    """Say whether an update may leave a property as it is in the new values."""
    prop = type.properties.get(name)
    if prop is None:
        return type.open is not None and type.open(name)
    if prop.optional and name not in new:
        return True
    if prop.inner:
        return False
    if prop.server or prop.immutable:
        return name in current and new.get(name) == current[name]
    return prop.kind.accepts(new.get(name))
