"""PatchObjects: changes to a card, as localizations and JSPROP hold them (RFC 9553 §1.4.3)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from posthouse.kit.json import Json, JsonObject

_BAD_ESCAPE = re.compile("~(?![01])")
_CONTROL = re.compile("[\x00-\x1f\x7f]")
_INDEX = re.compile("0|[1-9][0-9]{0,8}")


class InvalidPatch(ValueError):
    """A PatchObject that must not be applied; `path` is the key that is wrong."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def escaped(token: str) -> str:
    """Write a key as one token of a path (RFC 6901 §3)."""
    return token.replace("~", "~0").replace("/", "~1") if "~" in token or "/" in token else token


def tokens(path: str) -> list[str]:
    """Split a path, with or without its leading slash, into keys.

    Raises `InvalidPatch`.
    """
    if _BAD_ESCAPE.search(path):
        raise InvalidPatch(path)
    return [token.replace("~1", "/").replace("~0", "~") for token in path.removeprefix("/").split("/")]


def applied(card: JsonObject, patch: JsonObject) -> JsonObject:
    """Return what the patch makes of the card, which stays as it is; both may share parts.

    Raises `InvalidPatch` if any of its paths leads nowhere, into what another one sets, or adds to or takes
    from an array; nothing is applied then (RFC 9553 §1.4.3).
    """
    paths = sorted((tokens(path), path) for path in patch)
    for (before, _), (after, path) in pairwise(paths):
        if after[: len(before)] == before:
            raise InvalidPatch(path)
    result = dict(card)
    own = {id(result)}
    for keys, path in paths:
        place: Json = result
        for key in keys[:-1]:
            inner = _inside(place, key)
            if type(inner) is not dict and type(inner) is not list:
                raise InvalidPatch(path)
            if id(inner) not in own:
                inner = inner.copy()
                own.add(id(inner))
                _put(place, key, inner)
            place = inner
        value = patch[path]
        if type(place) is list:
            if value is None or _inside(place, keys[-1]) is _NOTHING:
                raise InvalidPatch(path)
            _put(place, keys[-1], value)
        elif value is None:
            place.pop(keys[-1], None)
        else:
            place[keys[-1]] = value
    return result


def differences(have: JsonObject, want: JsonObject) -> JsonObject:
    """Return the PatchObject that makes of `have` what is wanted; it points into no array.

    Objects that both have are compared inside, unless a key could not stand in a path, or they are patches
    of a localization, which are kept together.
    """
    patch: JsonObject = {}
    open_pairs: list[tuple[list[str], JsonObject, JsonObject]] = [([], have, want)]
    while open_pairs:
        path, old, new = open_pairs.pop()
        for key in (*old, *(key for key in new if key not in old)):
            if key in old and key in new and _same(old[key], new[key]):
                continue
            at = [*path, escaped(key)]
            before, after = old.get(key), new.get(key)
            is_whole = path[:1] == ["localizations"] or not (_may_stand(before) and _may_stand(after))
            if type(before) is dict and type(after) is dict and not is_whole:
                open_pairs.append((at, before, after))
            else:
                patch["/".join(at)] = after
    return patch


_NOTHING: Json = object()


def _inside(place: Json, key: str) -> Json:
    if type(place) is dict:
        return place.get(key, _NOTHING)
    if type(place) is list and _INDEX.fullmatch(key) and int(key) < len(place):
        return place[int(key)]
    return _NOTHING


def _put(place: Json, key: str, value: Json) -> None:
    place[int(key) if type(place) is list else key] = value


def _same(one: Json, other: Json) -> bool:
    """Compare as JSON does: true is not 1."""
    return bool(one == other) and (type(one) is type(other) or (type(one) in (int, float)))


def _may_stand(value: Json) -> bool:
    """Tell whether all keys can stand in a parameter of a vCard, which holds no control characters."""
    return type(value) is dict and not any(map(_CONTROL.search, value))


def is_array_free(card: JsonObject, paths: Iterable[str]) -> bool:
    """Tell whether none of the paths leads into an array, as JSPROP demands (RFC 9555 §3.2.1).

    Raises `InvalidPatch`.
    """
    for path in paths:
        place: Json = card
        for key in tokens(path)[:-1]:
            place = _inside(place, key)
            if type(place) is list:
                return False
    return True
