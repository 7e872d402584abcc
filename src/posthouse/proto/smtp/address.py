"""Addresses in the envelope: reverse-path and forward-path (RFC 5321 §4.1.2, RFC 6531 §3.3)."""

from __future__ import annotations

import ipaddress
import re
from typing import Final, NamedTuple

_LONGEST_LOCAL: Final = 255
"""Octets. The RFC asks for 64 at least; senders that code whom a bounce is about need more."""
_LONGEST_DOMAIN: Final = 255  # octets, RFC 5321 §4.5.3.1.2

_WIDE = "\u00a0-\ud7ff\ue000-\U0010ffff"
_ATOM = rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~\-{_WIDE}]++"
_DOT_STRING = rf"{_ATOM}(?:\.{_ATOM})*+"
_QUOTED = rf'"(?:[ !#-\[\]-~{_WIDE}]|\\[ -~])*+"'
_LABEL = rf"[A-Za-z0-9_{_WIDE}](?:[A-Za-z0-9_{_WIDE}-]{{0,62}})"
_DOMAIN = rf"{_LABEL}(?:\.{_LABEL})*+"
_LITERAL = r"\[[A-Za-z0-9:.-]{1,64}+\]"
_ROUTE = rf"@{_DOMAIN}(?:,@{_DOMAIN})*+:"
_PATH: Final = re.compile(rf"<(?:{_ROUTE})?({_DOT_STRING}|{_QUOTED})@({_DOMAIN}|{_LITERAL})>")
_POSTMASTER: Final = re.compile(r"<postmaster>", re.IGNORECASE)
_IS_DOT_STRING: Final = re.compile(_DOT_STRING)
_PAIR: Final = re.compile(r"\\(.)")
_SPECIAL: Final = re.compile(r'(["\\])')


class Address(NamedTuple):
    """A mailbox: its local part without quotes, and its domain or address literal as given.

    The domain is empty for the ``Postmaster`` of this host, whom one may write to without a domain.
    """

    local: str
    domain: str

    @property
    def needs_utf8(self) -> bool:
        """Whether it can be written only where SMTPUTF8 was agreed on."""
        return not (self.local.isascii() and self.domain.isascii())

    def __str__(self) -> str:
        """Write it without angle brackets, the local part in quotes only if it needs them."""
        plain = _IS_DOT_STRING.fullmatch(self.local)
        local = self.local if plain else '"' + _SPECIAL.sub(r"\\\1", self.local) + '"'
        return f"{local}@{self.domain}" if self.domain else local


class PathError(ValueError):
    """A path that cannot be read; the message says what is wrong, and quotes nothing."""


def read_reverse_path(text: str) -> tuple[Address | None, str]:
    """Read the path at the start of what follows ``MAIL FROM:``; None is the null path ``<>``.

    Gives also the rest of the text. Raises `PathError`. A source route is ignored (RFC 5321 Appendix C).
    """
    if text.startswith("<>"):
        return None, text[2:]
    return _read(text)


def read_forward_path(text: str) -> tuple[Address, str]:
    """Read the path at the start of what follows ``RCPT TO:``; as `read_reverse_path` (RFC 5321 §4.1.1.3)."""
    found = _POSTMASTER.match(text)
    if found:
        return Address(text[1 : found.end() - 1], ""), text[found.end() :]
    return _read(text)


def _read(text: str) -> tuple[Address, str]:
    found = _PATH.match(text)
    if found is None:
        raise PathError("An address in angle brackets is needed")
    local, domain = found[1], found[2]
    if local.startswith('"'):
        local = _PAIR.sub(r"\1", local[1:-1])
    if len(local.encode()) > _LONGEST_LOCAL or len(domain.encode()) > _LONGEST_DOMAIN:
        raise PathError("The address is too long")
    if domain.startswith("["):
        _check_literal(domain[1:-1])
    elif domain.endswith("-") or "-." in domain:
        raise PathError("A label of the domain ends in a hyphen")
    return Address(local, domain), text[found.end() :]


def _check_literal(text: str) -> None:
    """Raise `PathError` for what is no IPv4 or IPv6 address as a literal has it (RFC 5321 §4.1.3)."""
    try:
        if text[:5].lower() == "ipv6:":
            ipaddress.IPv6Address(text[5:])
        else:
            ipaddress.IPv4Address(text)
    except ValueError:
        raise PathError("The address literal is none of IPv4 or IPv6") from None
