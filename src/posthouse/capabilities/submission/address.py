"""Addresses that mail can be sent to: the Mailbox of RFC 5321 §4.1.2, with what RFC 6531 §3.3 adds to it."""

from __future__ import annotations

import ipaddress
import re
from typing import Final, NamedTuple

import idna

_LONGEST: Final = 254  # octets (RFC 5321 §4.5.3.1.3)
_LONGEST_LOCAL: Final = 64  # octets (RFC 5321 §4.5.3.1.1)
_LONGEST_DOMAIN: Final = 253
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u00a1-\U0010ffff]++"
_DOT_STRING: Final = re.compile(rf"{_ATOM}(?:\.{_ATOM})*+")
_QUOTED: Final = re.compile(r'"(?:[ !#-\[\]-~\u00a1-\U0010ffff]|\\[ -~])*+"')
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)


class Address(NamedTuple):
    """An address: its local part, and its domain in A-labels and lower case, or an address literal in brackets."""

    local: str
    domain: str

    @property
    def key(self) -> str:
        """What tells two addresses apart: only who has a domain knows more of what is the same there."""
        return f"{self.local}@{self.domain}"


def read(text: str) -> Address | None:
    """Read an address; None for what no mail can be sent to. It holds no control character, nor a line break."""
    local, at, domain = text.rpartition("@")
    if (
        not at
        or len(text) > _LONGEST
        or len(text.encode()) > _LONGEST
        or len(local.encode()) > _LONGEST_LOCAL
    ):
        return None
    if not _DOT_STRING.fullmatch(local) and not _QUOTED.fullmatch(local):
        return None
    if not local.isprintable():
        return None
    found = _literal(domain) if domain.startswith("[") else _domain(domain)
    return None if found is None else Address(local, found)


def is_ascii(text: str) -> bool:
    """Say whether an address, its domain in A-labels, needs no SMTPUTF8 (RFC 6531 §3.3)."""
    return text.rpartition("@")[0].isascii()


def on_the_wire(text: str) -> str:
    """Write an address as SMTP has it: its domain in A-labels, which every server knows; empty stays empty."""
    found = read(text)
    return text if found is None else found.key


def _domain(text: str) -> str | None:
    try:
        domain = text.lower() if text.isascii() else idna.encode(text, uts46=True).decode()
    except ValueError:  # idna.IDNAError is one
        return None
    labels = domain.split(".")
    if len(domain) > _LONGEST_DOMAIN or not all(map(_LABEL.fullmatch, labels)) or labels[-1].isdigit():
        return None
    return domain


def _literal(text: str) -> str | None:
    inner = text.removeprefix("[").removesuffix("]")
    if len(inner) != len(text) - 2:
        return None
    try:
        if inner[:5].lower() == "ipv6:":
            return f"[IPv6:{ipaddress.IPv6Address(inner[5:]).compressed}]"
        return f"[{ipaddress.IPv4Address(inner)}]"
    except ValueError:
        return None
