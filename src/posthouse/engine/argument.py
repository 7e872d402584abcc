"""Arguments of method calls, held against what the method takes (RFC 8620 §3.6.2)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

from posthouse.engine.result import Ids
from posthouse.kit.json import JsonObject
from posthouse.model.capability import Method, Parameter
from posthouse.model.kind import Boolean, Id, Int, Kind, ListOf, MapOf, String, UnsignedInt
from posthouse.model.type import Type
from posthouse.proto.jmap.errors import MethodError
from posthouse.proto.jmap.ids import is_id

_REQUIRED: Final = object()


class _AnyObject(Kind):
    """An object, whatever is in it: the keys of what was JSON are strings."""

    def accepts(self, value: object) -> bool:
        return type(value) is dict


_ANY_OBJECT: Final = _AnyObject()
_CREATES: Final = MapOf(Id(), _ANY_OBJECT)


class _IdOrCreation(Kind):
    """An Id, or ``#`` and a creation id (RFC 8620 §5.3, corrected by its errata)."""

    def accepts(self, value: object) -> bool:
        return type(value) is str and is_id(value[1:] if value.startswith("#") else value)


_STANDARD: Final[dict[str, dict[str, tuple[Kind, object]]]] = {
    "get": {"ids": (ListOf(Id()) | None, None), "properties": (ListOf(String()) | None, None)},
    "changes": {"sinceState": (String(), _REQUIRED), "maxChanges": (UnsignedInt(at_least=1) | None, None)},
    "set": {
        "ifInState": (String() | None, None),
        "create": (_CREATES | None, None),
        "update": (MapOf(_IdOrCreation(), _ANY_OBJECT) | None, None),
        "destroy": (ListOf(_IdOrCreation()) | None, None),
    },
    "copy": {
        "fromAccountId": (Id(), _REQUIRED),
        "ifFromInState": (String() | None, None),
        "ifInState": (String() | None, None),
        "create": (_CREATES, _REQUIRED),
        "onSuccessDestroyOriginal": (Boolean(), False),
        "destroyFromIfInState": (String() | None, None),
    },
    "query": {
        "filter": (_ANY_OBJECT | None, None),
        "sort": (ListOf(_ANY_OBJECT) | None, None),
        "position": (Int(), 0),
        "anchor": (Id() | None, None),
        "anchorOffset": (Int(), 0),
        "limit": (UnsignedInt() | None, None),
        "calculateTotal": (Boolean(), False),
    },
    "queryChanges": {
        "filter": (_ANY_OBJECT | None, None),
        "sort": (ListOf(_ANY_OBJECT) | None, None),
        "sinceQueryState": (String(), _REQUIRED),
        "maxChanges": (UnsignedInt(at_least=1) | None, None),
        "upToId": (Id() | None, None),
        "calculateTotal": (Boolean(), False),
    },
}


class Taken:
    """What a method takes.

    kinds: of each argument. defaults: of those that may be left out. required: those that may not.
    """

    __slots__ = ("defaults", "kinds", "required")

    def __init__(self, specs: Mapping[str, tuple[Kind, object]]) -> None:
        self.kinds = {name: kind for name, (kind, _) in specs.items()}
        self.defaults = {name: default for name, (_, default) in specs.items() if default is not _REQUIRED}
        self.required = [name for name, (_, default) in specs.items() if default is _REQUIRED]


@cache
def of_verb(type: Type, verb: str) -> Taken:
    """Give what a type's standard method takes, with what the type adds."""
    # What a type adds to its queries counts in queryChanges as well: it is the same query.
    added = type.arguments.get("query" if verb == "queryChanges" else verb, ())
    own = {argument.name: (argument.kind, argument.default) for argument in added}
    return Taken({"accountId": (Id(), _REQUIRED), **_STANDARD[verb], **own})


@cache
def of_no_account(verb: str) -> Taken:
    """Give what a standard method takes of objects that are in no account (RFC 8620 §7.2.1, §7.2.2)."""
    return Taken({name: spec for name, spec in _STANDARD[verb].items() if name != "ifInState"})


@cache
def of_method(method: Method) -> Taken:
    """Give what a capability's own method takes."""
    assert method.parameters is not None
    own = {name: _spec(parameter) for name, parameter in method.parameters.items()}
    return Taken({"accountId": (Id(), _REQUIRED), **own})


def _spec(parameter: Parameter) -> tuple[Kind, object]:
    return parameter.kind, _REQUIRED if parameter.required else parameter.default


def check(taken: Taken, given: JsonObject) -> JsonObject:
    """Give all arguments, defaults included.

    given: references are resolved in it already; it is the caller's own, not the client's.
    Raises MethodError ``invalidArguments`` for one that is unknown, missing or of the wrong kind.
    """
    for name, value in given.items():
        kind = taken.kinds.get(name)
        if kind is None:
            raise MethodError("invalidArguments", f"there is no argument {name[:100]!r}", arguments=[name])
        if isinstance(value, Ids):
            if name == "ids":
                continue
            value = given[name] = list(value)
        if not kind.accepts(value):
            raise MethodError("invalidArguments", f"{name} has a value that it can't have", arguments=[name])
    for name in taken.required:
        if name not in given:
            raise MethodError("invalidArguments", f"{name} is missing", arguments=[name])
    return taken.defaults | given
