"""Email addresses as names of people and accounts (RFC 5321 §4.1.2, RFC 6531 §3.3)."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

import idna

from posthouse.directory.error import DirectoryError

_LONGEST_LOCAL = 64  # octets, RFC 5321 §4.5.3.1.1
_LONGEST = 254  # octets, RFC 5321 §4.5.3.1.3 without the angle brackets
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010ffff]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class Address(NamedTuple):
    """An address: as it is shown, as it is compared, and its domain in ASCII and lower case."""

    shown: str
    key: str
    domain: str


def parse(text: str) -> Address:
    """Read and normalise an address: the domain as A-labels, the local part in NFC.

    Two addresses that differ only in case are one: no one hands them to different people. Quoted local parts
    and address literals are not taken. Raises `DirectoryError`.
    """
    local, at, domain = text.rpartition("@")
    if not at:
        raise DirectoryError(f"{_shown(text)} is not an email address: write it like ada@example.org")
    local = unicodedata.normalize("NFC", local)
    if not _LOCAL.fullmatch(local) or not local.isprintable() or any(map(str.isspace, local)):
        raise DirectoryError(
            f"{_shown(text)} cannot be used: before the @ only letters, digits, single dots between them "
            "and !#$%&'*+/=?^_`{|}~- are taken"
        )
    domain = _domain(domain, text)
    if len(local.encode()) > _LONGEST_LOCAL or len(local.encode()) + 1 + len(domain) > _LONGEST:
        raise DirectoryError(f"{_shown(text)} is too long: use at most 64 octets before the @ and 254 in all")
    return Address(f"{local}@{domain}", f"{_folded(local)}@{domain}", domain)


def parse_domain(text: str) -> str:
    """Read and normalise a domain, into A-labels in lower case. Raises `DirectoryError`."""
    return _domain(text, text)


def untagged(key: str) -> str:
    """Return the key of the address that one with a tag belongs to, as ``ada@...`` for ``ada+list@...``.

    One without a tag belongs to itself (RFC 5233 §1).
    """
    local, _, domain = key.rpartition("@")
    name, plus, _ = local.partition("+")
    return f"{name}@{domain}" if plus and name else key


def key(text: str) -> str | None:
    """Return what an address is compared by, None for what is no address."""
    try:
        return parse(text).key
    except DirectoryError:
        return None


def _folded(local: str) -> str:
    # Folding may leave NFC, and a key must be what its own key is.
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", local.casefold()).casefold())


def _domain(text: str, whole: str) -> str:
    try:
        if len(text) > _LONGEST:
            raise ValueError
        domain = text.lower() if text.isascii() else idna.encode(text, uts46=True).decode()
        labels = domain.split(".")
        if not all(map(_LABEL.fullmatch, labels)) or labels[-1].isdigit():
            raise ValueError
        for label in labels:
            if label.startswith("xn--"):
                idna.ulabel(label)
    except ValueError:
        raise DirectoryError(
            f"{_shown(whole)} cannot be used: "
            + ("after the @ " if "@" in whole else "")
            + "a domain like example.org is needed"
        ) from None
    return domain


def _shown(text: str) -> str:
    """Show a stranger's text in one short line."""
    return repr(text if len(text) <= 100 else text[:100] + "…")
