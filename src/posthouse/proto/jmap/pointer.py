"""JSON pointers (RFC 6901)."""

from __future__ import annotations

import re

_BAD_ESCAPE = re.compile("~(?![01])")
_INDEX = re.compile("0|[1-9][0-9]{0,15}")


def tokens(pointer: str) -> list[str]:
    """Split a pointer into its reference tokens, with ``~1`` and ``~0`` undone (RFC 6901 §3, §4).

    The empty pointer has none. Raises ValueError for what is not a pointer.
    """
    if not pointer:
        return []
    if pointer[0] != "/":
        raise ValueError("a JSON pointer starts with '/'")
    parts = pointer[1:].split("/")
    if "~" not in pointer:
        return parts
    if _BAD_ESCAPE.search(pointer):
        raise ValueError("in a JSON pointer '~' is followed by '0' or '1'")
    return [part.replace("~1", "/").replace("~0", "~") for part in parts]


def index(token: str) -> int | None:
    """Read a token as an index into an array, or return None if it is none (RFC 6901 §4)."""
    return int(token) if _INDEX.fullmatch(token) else None
