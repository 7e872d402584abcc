"""Lists of ``tag=value``, the syntax of DKIM signatures, keys and DMARC policies (RFC 6376 §3.2)."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_SPACE: Final = re.compile(r"[ \t\r\n]+")
_WHITE: Final = " \t\r\n"


class BadTags(ValueError):
    """The text is no such list, or a value in it is not of its kind; the message quotes nothing of it."""


def parse(text: str) -> dict[str, str]:
    """Read a list into a dict that keeps the order, folding white space around names and values dropped.

    Raises `BadTags` for a list that is malformed or has a tag twice (RFC 6376 §3.2).
    """
    found: dict[str, str] = {}
    specs = text.split(";")
    if not specs[-1].strip(_WHITE):
        specs.pop()
    for spec in specs:
        name, equals, value = spec.partition("=")
        name = name.strip(_WHITE)
        if not equals or _NAME.fullmatch(name) is None:
            raise BadTags("malformed tag")
        if name in found:
            raise BadTags("a tag stands twice")
        found[name] = value.strip(_WHITE)
    return found


def names(value: str) -> list[str]:
    """Read a value that is a list of words between colons, in lower case."""
    return _SPACE.sub("", value).lower().split(":")


def octets(value: str) -> bytes:
    """Read a value in base64 with white space anywhere; raises `BadTags` (RFC 6376 §2.10)."""
    try:
        return base64.b64decode(_SPACE.sub("", value), validate=True)
    except (binascii.Error, ValueError):
        raise BadTags("malformed base64") from None


def number(value: str) -> int:
    """Read a value of up to 76 digits; raises `BadTags` (RFC 6376 §3.5)."""
    if not (value.isascii() and value.isdecimal() and len(value) <= 76):
        raise BadTags("malformed number")
    return int(value)
