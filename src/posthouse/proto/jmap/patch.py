"""Patch objects: how ``/set`` changes a part of a record (RFC 8620 §5.3)."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from posthouse.kit.json import Json, JsonObject
from posthouse.proto.jmap import pointer
from posthouse.proto.jmap.errors import SetError


def apply(patch: JsonObject, current: JsonObject, defaults: Mapping[str, Json]) -> JsonObject:
    """Return the object that a patch makes of the current one, which is left as it is (RFC 8620 §5.3).

    `defaults` are the values that a top-level property takes when it is set to null; one that is not in
    there is removed. Parts that the patch does not reach are shared with `current`. Raises `SetError`
    ``invalidPatch``.
    """
    patches = [(_path(key), value) for key, value in patch.items()]
    if len(patches) > 1:
        _refuse_prefixes([path for path, _ in patches])
    result = dict(current)
    copied: set[int] = set()
    for path, value in patches:
        parent = result
        for token in path[:-1]:
            child = parent.get(token)
            if not isinstance(child, dict):
                raise SetError("invalidPatch", f"{_written(path)!r} lies in what is no object")
            if id(child) not in copied:
                child = parent[token] = dict(child)
                copied.add(id(child))
            parent = child
        name = path[-1]
        if value is not None:
            parent[name] = value
        elif parent is result and name in defaults:
            parent[name] = defaults[name]
        else:
            parent.pop(name, None)
    return result


def touched(patch: JsonObject) -> set[str]:
    """Return the names of the top-level properties that a patch reaches.

    Raises `SetError` ``invalidPatch``.
    """
    return {_path(key)[0] for key in patch}


def _path(key: str) -> list[str]:
    """Read a key of a patch: a JSON pointer without its leading slash (RFC 8620 §5.3)."""
    if "~" not in key:
        return key.split("/")
    try:
        return pointer.tokens("/" + key)
    except ValueError as error:
        raise SetError("invalidPatch", str(error)) from None


def _refuse_prefixes(paths: list[list[str]]) -> None:
    """Refuse two paths of which one leads to the other (RFC 8620 §5.3).

    In sorted order all paths that start with one stand right behind it, so neighbours tell.
    """
    for before, after in pairwise(sorted(paths)):
        if after[: len(before)] == before:
            raise SetError("invalidPatch", f"{_written(before)!r} is a prefix of {_written(after)!r}")


def _written(path: list[str]) -> str:
    return "/".join(path)[:255]
