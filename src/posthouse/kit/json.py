"""The one door to JSON: reading strictly, writing fast.

Everything that Posthouse sends or stores as JSON goes through here, so that the codec library can be
changed in one place.
"""

from __future__ import annotations

import json as _stdlib
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import orjson

# A JSON value as Python sees it; Any because the type is recursive and checked by declarations instead.
Json: TypeAlias = Any
JsonObject: TypeAlias = dict[str, Any]

Fragment = orjson.Fragment


class NotJSON(ValueError):
    """The bytes are not I-JSON (RFC 7493 §2)."""


dumps: Final[Callable[[Json], bytes]] = orjson.dumps
"""Write a value as compact JSON in UTF-8; `Fragment` values are copied as they are."""


def loads(data: bytes | bytearray | memoryview | str) -> Json:
    """Read JSON that we wrote ourselves.

    Raises `NotJSON` for anything that is not JSON.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise NotJSON(str(error)) from None


def loads_strict(data: bytes) -> Json:
    """Read I-JSON from a stranger: no duplicate key, no lone surrogate, valid UTF-8 (RFC 7493 §2).

    Raises `NotJSON`, also for what is nested too deeply to be written again. Numbers are not judged here:
    the method or property that gets one refuses it.
    """
    value = loads(data)
    # A canonical text that comes back byte for byte has no key twice. Anything else (spaces, escapes) is
    # read again by the slower reader that shows each pair.
    try:
        canonical = orjson.dumps(value)
    except orjson.JSONEncodeError as error:  # the reader goes deeper than the writer
        raise NotJSON(str(error)) from None
    if canonical != data:
        try:
            _stdlib.loads(data, object_pairs_hook=_distinct)
        except (ValueError, RecursionError) as error:
            raise NotJSON(str(error)) from None
    return value


def _distinct(pairs: list[tuple[str, Json]]) -> None:
    if len({key for key, _ in pairs}) != len(pairs):
        raise NotJSON("an object has the same key twice")
