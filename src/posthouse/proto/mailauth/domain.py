"""Domain names as signatures, policies and header fields write them (RFC 5890, RFC 8616)."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

import idna
from publicsuffixlist import PublicSuffixList

_MAX: Final = 253
_LABELS: Final = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.|\Z))+")


def canonical(text: str) -> str | None:
    """Write a domain name in lower-case A-labels without a last dot, or return None if it is none.

    Underscores are letters here, as they are in the names of keys.
    """
    name = text.removesuffix(".").lower()
    if len(name) > _MAX:
        return None
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            return None
    return name if len(name) <= _MAX and not name.endswith(".") and _LABELS.fullmatch(name) else None


def askable(name: str) -> bool:
    """Tell whether a name fits into a question: two labels or more, of 1 to 63 octets, 253 octets in all."""
    labels = name.split(".")
    return len(name) <= _MAX and len(labels) > 1 and all(1 <= len(label) <= 63 for label in labels)


def is_within(name: str, parent: str) -> bool:
    """Tell whether a canonical name is another one or lies below it."""
    return name == parent or name.endswith("." + parent)


def organizational(name: str) -> str:
    """Return the organizational domain of a canonical name: one label more than its public suffix (RFC 7489 §3.2).

    A name that is itself a public suffix is its own.
    """
    return _suffixes().privatesuffix(name) or name


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()
