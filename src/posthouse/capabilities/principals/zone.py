"""Zone: the names of the IANA Time Zone Database."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


def is_zone(name: str) -> bool:
    """Say whether a text names a time zone, such as ``Europe/Vienna`` (RFC 9670 §2)."""
    return name in _names()


@cache
def _names() -> frozenset[str]:
    # That of the package, and not of the system, so that all nodes know the same ones.
    return frozenset(files("tzdata").joinpath("zones").read_text("utf-8").split())
