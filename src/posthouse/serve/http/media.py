"""Media types, file names and ranges as headers carry them (RFC 6838, RFC 6266, RFC 9110 §14)."""

from __future__ import annotations

import re
from urllib.parse import quote

OCTETS = "application/octet-stream"

_NAME = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
_TOKEN = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_QUOTED = r'"(?:[\t !#-\[\]-~]|\\[\t -~])*"'
_MEDIA_TYPE = re.compile(rf"{_NAME}/{_NAME}(?:[ \t]*;[ \t]*{_TOKEN}=(?:{_TOKEN}|{_QUOTED}))*")
_LONGEST_TYPE = 255
_RANGE = re.compile(r"bytes=[ \t]*([0-9]{0,19})-([0-9]{0,19})[ \t]*", re.IGNORECASE)
_NOT_PLAIN = re.compile(r"[^ !#-\[\]-~]|%")
_ATTRIBUTE_SAFE = "!#$&+-.^_`|~"  # attr-char (RFC 8187 §3.2.1)


def media_type(text: str) -> str:
    """Return a media type as it is, or ``application/octet-stream`` for what is none (RFC 6838 §4.2)."""
    valid = len(text) <= _LONGEST_TYPE and _MEDIA_TYPE.fullmatch(text)
    return text if valid else OCTETS


def attachment(name: str) -> str:
    """Write the Content-Disposition that saves a file under any name (RFC 6266 §4, RFC 8187 §3.2).

    The plain form holds printable ASCII only, so no name can end the parameter or the header.
    """
    if not name:
        return "attachment"
    plain = _NOT_PLAIN.sub("_", name)
    disposition = f'attachment; filename="{plain}"'
    if plain == name:
        return disposition
    encoded = quote(name, safe=_ATTRIBUTE_SAFE, errors="replace")
    return f"{disposition}; filename*=UTF-8''{encoded}"


def byte_range(text: str, size: int) -> tuple[int, int] | None:
    """Read a Range of one part as its start and end (not included) in `size` octets (RFC 9110 §14.1.2).

    None for what asks for several parts, another unit or nothing readable: the whole is sent then. A range
    that has no octet comes back with its start not before its end.
    """
    match = _RANGE.fullmatch(text)
    if match is None or match[1] == match[2] == "":
        return None
    if not match[1]:
        return max(size - int(match[2]), 0) if int(match[2]) else size, size
    start = int(match[1])
    if not match[2]:
        return start, size
    if int(match[2]) < start:
        return None
    return start, min(int(match[2]) + 1, size)
