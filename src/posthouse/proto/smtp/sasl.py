"""What PLAIN and OAUTHBEARER say (RFC 4616, RFC 7628)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_TOKEN: Final = re.compile(r"Bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)
_GS2: Final = re.compile(r"n,(?:a=([^,]*+))?,")

INVALID_TOKEN: Final = b'{"status":"invalid_token","schemes":"bearer"}'
"""The challenge that says why a token was refused; the peer sends ``^A`` before he hears it (RFC 7628 §3.2.2)."""


class Plain(NamedTuple):
    """A name and a password."""

    name: str
    password: str


class Bearer(NamedTuple):
    """A token, and the name that the peer says it belongs to, empty if he does not say."""

    token: str
    name: str


def read_plain(message: bytes) -> Plain | None:
    """Read the message of PLAIN; None for what is none, or asks to act as somebody else (RFC 4616 §2)."""
    text = _text(message)
    parts = () if text is None else text.split("\0")
    if len(parts) != 3:
        return None
    identity, name, password = parts
    return Plain(name, password) if name and password and identity in ("", name) else None


def read_bearer(message: bytes) -> Bearer | None:
    """Read the message of OAUTHBEARER; None for what is none (RFC 7628 §3.1)."""
    text = _text(message)
    header = None if text is None else _GS2.match(text)
    if text is None or header is None:
        return None
    pairs = text[header.end() :].split("\1")
    if len(pairs) < 4 or pairs[0] or pairs[-1] or pairs[-2]:
        return None
    values = dict(pair.partition("=")[::2] for pair in pairs[1:-2])
    token = _TOKEN.fullmatch(values.get("auth", ""))
    return None if token is None else Bearer(token[1], unescape(header[1] or ""))


def unescape(name: str) -> str:
    """Read a name in which commas and equals signs are escaped (RFC 5802 §5.1)."""
    return name.replace("=2C", ",").replace("=3D", "=")


def _text(message: bytes) -> str | None:
    try:
        return message.decode()
    except UnicodeDecodeError:
        return None
