"""The SPF record: its terms and its macros (RFC 7208 §5, §6, §7, §12)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final, TypeAlias

Network: TypeAlias = IPv4Network | IPv6Network

_RESULTS: Final = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}
_MODIFIER: Final = re.compile(r"([A-Za-z][A-Za-z0-9._-]*)=(.*)")
_DIRECTIVE: Final = re.compile(r"([+?~-]?)([A-Za-z][A-Za-z0-9._-]*)(.*)")
_CIDR: Final = re.compile(r"(?:/(0|[1-9][0-9]{0,2}))?(?://(0|[1-9][0-9]{0,2}))?\Z")
_V4_MAPPED: Final = IPv6Network("::ffff:0:0/96")

_LETTERS: Final = "slodiphvSLODIPHV"
_MACRO: Final = r"%%\{[%s](?:0*[1-9][0-9]*)?[rR]?[.+,/_=-]*\}|%%%%|%%_|%%-"
_LITERAL: Final = r"[!-$&-~]"
_MACRO_STRING: Final = re.compile(f"(?:{_MACRO % _LETTERS}|{_LITERAL})*+")
_EXPLANATION: Final = re.compile(f"(?:{_MACRO % (_LETTERS + 'crtCRT')}|{_LITERAL}| )*+")
_TOKEN: Final = re.compile(f"{_MACRO % _LETTERS}|{_LITERAL}+")
_TOP_LABEL: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")
_MAX_RECORD: Final = 8192


class BadRecord(ValueError):
    """The record is not as RFC 7208 §12 wants it; the message quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class Directive:
    """A mechanism, and what it means that it matches.

    :ivar result: ``pass``, ``fail``, ``softfail`` or ``neutral``.
    :ivar name: of the mechanism, in lower case.
    :ivar target: its domain-spec with macros; empty if there is none.
    :ivar prefix4, prefix6: lengths of the prefixes to compare, for ``a`` and ``mx``.
    :ivar network: of ``ip4`` and ``ip6``.
    """

    result: str
    name: str
    target: str = ""
    prefix4: int = 32
    prefix6: int = 128
    network: Network | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """An SPF record: its directives in order, and the domain-specs of its modifiers, empty if it has none."""

    directives: tuple[Directive, ...]
    redirect: str
    explanation: str


def is_record(text: str) -> bool:
    """Tell whether the text of a TXT record is meant as an SPF record (RFC 7208 §4.5)."""
    return text[:6].lower() == "v=spf1" and text[6:7] in ("", " ")


@lru_cache(maxsize=256)
def parse(text: str) -> Record:
    """Read a record whose version is known.

    Raises `BadRecord` for any error anywhere in it, or if it has more than 8192 octets (RFC 7208 §4.6).
    """
    if len(text) > _MAX_RECORD:
        raise BadRecord("the record is too long")
    directives: list[Directive] = []
    modifiers: dict[str, str] = {}
    for term in filter(None, text[6:].split(" ")):
        if modifier := _MODIFIER.fullmatch(term):
            name = modifier[1].lower()
            if name not in ("redirect", "exp"):
                _require_macros(modifier[2])
            elif name in modifiers:
                raise BadRecord("a modifier stands twice")
            else:
                modifiers[name] = _domain_spec(modifier[2])
        else:
            directives.append(_directive(term))
    return Record(tuple(directives), modifiers.get("redirect", ""), modifiers.get("exp", ""))


def _directive(term: str) -> Directive:
    found = _DIRECTIVE.fullmatch(term)
    if found is None:
        raise BadRecord("malformed term")
    result, name, rest = _RESULTS[found[1] or "+"], found[2].lower(), found[3]
    match name:
        case "all" if not rest:
            return Directive(result, name)
        case "include" | "exists" if rest.startswith(":"):
            return Directive(result, name, _domain_spec(rest[1:]))
        case "ptr" if not rest or rest.startswith(":"):
            return Directive(result, name, _domain_spec(rest[1:]) if rest else "")
        case "a" | "mx" if not rest or rest[0] in ":/":
            return _with_prefixes(result, name, rest)
        case "ip4" | "ip6" if rest.startswith(":"):
            return Directive(result, name, network=_network(name, rest[1:]))
    raise BadRecord("unknown or malformed mechanism")


def _with_prefixes(result: str, name: str, rest: str) -> Directive:
    """Read what follows ``a`` or ``mx``: a domain-spec and prefix lengths, each or none (RFC 7208 §5.3)."""
    slash = _CIDR.search(rest)
    assert slash is not None  # it matches the empty end
    four, six = (int(length) if length else None for length in slash.groups())
    target = rest[: slash.start()]
    if (four or 0) > 32 or (six or 0) > 128:
        raise BadRecord("malformed prefix length")
    return Directive(
        result,
        name,
        _domain_spec(target[1:]) if target else "",
        32 if four is None else four,
        128 if six is None else six,
    )


def _network(name: str, text: str) -> Network:
    """Read the network of ``ip4`` or ``ip6``; one of mapped IPv4 addresses is one of IPv4 (RFC 7208 §5.6)."""
    address, slash, length = text.partition("/")
    if slash and _CIDR.fullmatch("/" + length) is None:
        raise BadRecord("malformed prefix length")
    try:
        found = ip_network(text, strict=False)
    except ValueError:
        raise BadRecord("malformed network") from None
    if found.version != int(name[2]) or "%" in address:
        raise BadRecord("malformed network")
    if isinstance(found, IPv6Network) and found.subnet_of(_V4_MAPPED):
        return IPv4Network((int(found.network_address) & 0xFFFFFFFF, found.prefixlen - 96))
    return found


def _domain_spec(text: str) -> str:
    """Require a domain-spec: letters and macros that end in a top label or a macro (RFC 7208 §7.1)."""
    _require_macros(text)
    *_, last = _TOKEN.findall(text) or [""]
    if not last.startswith("%"):
        _, dot, label = last.removesuffix(".").rpartition(".")
        if not dot or _TOP_LABEL.fullmatch(label) is None or label.isdecimal():
            raise BadRecord("malformed domain")
    return text


def _require_macros(text: str) -> None:
    if _MACRO_STRING.fullmatch(text) is None:
        raise BadRecord("malformed macro")


def is_explanation(text: str) -> bool:
    """Tell whether a text may be expanded as an explanation (RFC 7208 §6.2)."""
    return len(text) <= _MAX_RECORD and _EXPLANATION.fullmatch(text) is not None
