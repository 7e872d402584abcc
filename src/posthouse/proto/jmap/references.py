"""References to the results of earlier calls in the same request (RFC 8620 §3.7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from posthouse.kit.json import Json, JsonObject
from posthouse.proto.jmap import pointer
from posthouse.proto.jmap.errors import MethodError

MAX_SIZE = 2_000_000
"""The most that the references of one request may bring in: 8 for each value, and the characters of strings and keys.

Without it, 64 calls of ``Core/echo`` that each take the one before twice would answer with 2**64 values.
"""

_VALUE = 8  # what a value costs besides its characters: about the time that one more takes

MAX_DEPTH = 100
"""The deepest that a referenced value may be nested, so that what wraps it can still be written."""


class Previous(Protocol):
    """One response that was already given in the same request."""

    @property
    def name(self) -> str:
        """The name of the response, such as ``Email/query``, or ``error``."""

    @property
    def call_id(self) -> str:
        """The method call id that the response belongs to."""

    def select(self, tokens: list[str]) -> Json:
        """Return what the pointer's tokens select in the response's arguments, as `evaluate` does.

        Raises LookupError.
        """


class Room:
    """How much the references of one request may still bring in; its calls share one."""

    __slots__ = ("left",)

    def __init__(self, left: int = MAX_SIZE) -> None:
        self.left = left


def resolve(arguments: JsonObject, previous: Sequence[Previous], room: Room) -> JsonObject:
    """Replace each ``#name`` argument by what it refers to; without one, return the same object.

    `previous` are the responses so far, in order; what is brought in is taken off the room. Raises
    `MethodError`: ``invalidArguments`` for a name that is there in both forms or a value that is no
    ResultReference, ``invalidResultReference`` if one cannot be resolved (RFC 8620 §3.7).
    """
    for name in arguments:
        if name.startswith("#"):
            break
    else:
        return arguments
    resolved: JsonObject = {}
    for name, value in arguments.items():
        if not name.startswith("#"):
            resolved[name] = value
            continue
        if name[1:] in arguments:
            raise MethodError("invalidArguments", f"{name[1:]!r} is given both as a value and as a reference")
        found = _follow(name, value, previous)
        room.left -= _size(name, found, room.left)
        resolved[name[1:]] = found
    return resolved


def evaluate(value: Json, tokens: Sequence[str]) -> Json:
    """Return what the tokens of a JSON pointer with ``*`` select in a value (RFC 8620 §3.7).

    Linear in the sizes of both: after ``*``, the values at hand are always parts of the document that do
    not overlap. Raises LookupError.
    """
    for place, token in enumerate(tokens):
        if token == "*" and isinstance(value, list):
            return _evaluate_each(value, tokens[place + 1 :])
        value = _step(value, token)
    return value


def _evaluate_each(values: list[Json], tokens: Sequence[str]) -> list[Json]:
    """Apply tokens to every value, and join the arrays that come out (RFC 8620 §3.7)."""
    for token in tokens:
        after: list[Json] = []
        for value in values:
            if token == "*" and isinstance(value, list):
                after.extend(value)
            else:
                after.append(_step(value, token))
        values = after
    flat: list[Json] = []
    for value in values:
        if isinstance(value, list):
            flat.extend(value)
        else:
            flat.append(value)
    return flat


def _step(value: Json, token: str) -> Json:
    """Go one token down, into an object or an array (RFC 6901 §4)."""
    if isinstance(value, dict):
        return value[token]
    if isinstance(value, list):
        place = pointer.index(token)
        if place is not None:
            return value[place]
    raise LookupError(token)


def _follow(name: str, reference: Json, previous: Sequence[Previous]) -> Json:
    """Resolve one ResultReference (RFC 8620 §3.7)."""
    if not isinstance(reference, dict):
        raise MethodError("invalidArguments", f"{name!r} is not a ResultReference")
    result_of, response_name, path = (reference.get(key) for key in ("resultOf", "name", "path"))
    if not (isinstance(result_of, str) and isinstance(response_name, str) and isinstance(path, str)):
        raise MethodError("invalidArguments", f"{name!r} is not a ResultReference")
    for response in previous:
        if response.call_id == result_of:
            break
    else:
        raise MethodError("invalidResultReference", f"{name!r} names a call that has no response yet")
    if response.name != response_name:
        raise MethodError("invalidResultReference", f"the response to {name!r} has another name")
    try:
        return response.select(pointer.tokens(path))
    except (LookupError, ValueError):
        raise MethodError("invalidResultReference", f"the path of {name!r} selects nothing") from None


def _size(name: str, value: Json, room: int) -> int:
    """Measure a value as `MAX_SIZE` does, giving up beyond `room` or `MAX_DEPTH`."""
    if isinstance(value, list):
        # Nearly always a list of ids, which joining measures at once.
        try:
            size = 1 + len(value) + len("".join(value))
        except TypeError:
            pass
        else:
            if size > room:
                raise MethodError("invalidResultReference", f"{name!r} selects too much")
            return size
    size = 0
    level = [value]
    for _ in range(MAX_DEPTH):
        deeper: list[Json] = []
        for item in level:
            if isinstance(item, str):
                size += _VALUE + len(item)
            elif isinstance(item, list):
                size += _VALUE
                deeper.extend(item)
            elif isinstance(item, dict):
                size += _VALUE + sum(map(len, item))
                deeper.extend(item.values())
            else:
                size += _VALUE
            if size + _VALUE * len(deeper) > room:
                raise MethodError("invalidResultReference", f"{name!r} selects too much")
        if not deeper:
            return size
        level = deeper
    raise MethodError("invalidResultReference", f"{name!r} selects values that are nested too deeply")
