"""SPF: may this host send mail for this domain? (RFC 7208)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final, TypeAlias
from urllib.parse import quote

from posthouse.proto.mailauth import domain
from posthouse.proto.mailauth.dns import NOTHING, Answer, Check, Kind, Question, Status
from posthouse.proto.mailauth.spfrecord import BadRecord, Directive, Record, is_explanation, is_record, parse

Address: TypeAlias = IPv4Address | IPv6Address

MAX_LOOKUPS: Final = 10
"""Terms that ask the DNS, in all records of a check (RFC 7208 §4.6.4)."""
MAX_VOID: Final = 2
"""Questions with empty answers, in a check (RFC 7208 §4.6.4)."""
MAX_NAMES: Final = 10
"""Hosts of one ``mx`` that are looked up, and of one ``ptr`` (RFC 7208 §4.6.4)."""
_MAX_NAME: Final = 253
_MACRO: Final = re.compile(r"%(?:\{([A-Za-z])([0-9]*)([rR]?)([.+,/_=-]*)\}|([%_-]))")
_ESCAPES: Final = {"%": "%", "_": " ", "-": "%20"}
_UNRESERVED: Final = "-._~"
_MAX_EXPLANATION: Final = 500


@dataclass(frozen=True, slots=True)
class Verdict:
    """What SPF says.

    :ivar result: ``none``, ``neutral``, ``pass``, ``fail``, ``softfail``, ``temperror`` or ``permerror``
        (RFC 7208 §2.6).
    :ivar domain: the domain that was asked, as it was given.
    :ivar reason: why it is an error; a text of ours.
    :ivar explanation: of a ``fail``, in printable ASCII: a text of the domain's, and so a stranger's.
    """

    result: str
    domain: str = ""
    reason: str = ""
    explanation: str = ""


class _Wrong(Exception):
    """The check ends with an error; `args` are the result and the reason."""

    def __init__(self, result: str, reason: str) -> None:
        super().__init__(result, reason)
        self.result = result
        self.reason = reason


@dataclass(slots=True)
class _Session:
    """One check: who sends, and how much of what it may ask is left."""

    address: Address
    sender: str
    helo: str
    receiver: str
    now: int
    lookups: int = field(default=MAX_LOOKUPS)
    void: int = field(default=MAX_VOID)

    @property
    def kind(self) -> Kind:
        """The type of the address records to compare with (RFC 7208 §5)."""
        return "A" if self.address.version == 4 else "AAAA"

    def count(self) -> None:
        """Count a term that asks; raises `_Wrong` if it is one too many."""
        self.lookups -= 1
        if self.lookups < 0:
            raise _Wrong("permerror", "too many lookups")

    def ask(self, name: str, kind: Kind) -> Check[tuple[str, ...]]:
        """Ask; raises `_Wrong` if there is no answer, or if this was one empty answer too many."""
        answer = yield from _ask(name, kind)
        if answer.status is Status.FAILED:
            raise _Wrong("temperror", "no answer from the DNS")
        if not answer.values:
            self.void -= 1
            if self.void < 0:
                raise _Wrong("permerror", "too many empty answers")
        return answer.values


def _ask(name: str, kind: Kind) -> Check[Answer]:
    """Ask for records; a name that can't exist has none (RFC 7208 §4.3)."""
    name = name.removesuffix(".")
    return (yield Question(name, kind)) if domain.askable(name) else NOTHING


def check(
    address: Address, asked: str, sender: str, helo: str, *, receiver: str = "unknown", now: int = 0
) -> Check[Verdict]:
    """Check one identity: the function check_host() of RFC 7208 §4.

    :param address: of the host that sends; an IPv4 address mapped into IPv6 is one of IPv4.
    :param asked: the domain of the identity.
    :param sender: the address of MAIL FROM or, if that is empty, ``postmaster`` at the name of HELO.
    :param helo: the name given with HELO or EHLO.
    :param receiver: our own name, for explanations.
    :param now: Unix seconds, for explanations.
    """
    local, at, rest = sender.rpartition("@")
    session = _Session(
        address=getattr(address, "ipv4_mapped", None) or address,
        sender=f"{local or 'postmaster'}@{rest or asked}" if at else f"postmaster@{sender or asked}",
        helo=helo,
        receiver=receiver,
        now=now,
    )
    name = domain.canonical(asked) or ""
    try:
        result, explanation = yield from _check_host(session, name)
    except _Wrong as wrong:
        return Verdict(wrong.result, asked, wrong.reason)
    return Verdict(result, asked, explanation=explanation)


def _check_host(session: _Session, name: str) -> Check[tuple[str, str]]:
    """Evaluate the record of a domain; gives result and explanation. Depth is bounded by the count of lookups."""
    record = yield from _record(name)
    if record is None:
        return "none", ""
    for directive in record.directives:
        if (yield from _matches(session, name, directive)):
            explanation = ""
            if directive.result == "fail" and record.explanation:
                explanation = yield from _explain(session, name, record.explanation)
            return directive.result, explanation
    if not record.redirect:
        return "neutral", ""
    session.count()
    target = yield from _expand(session, name, record.redirect)
    result, explanation = yield from _check_host(session, target)
    if result == "none":
        raise _Wrong("permerror", "a redirect leads nowhere")
    return result, explanation


def _record(name: str) -> Check[Record | None]:
    """Ask for the record of a domain; None if it has none (RFC 7208 §4.4, §4.5)."""
    answer = yield from _ask(name, "TXT")
    if answer.status is Status.FAILED:
        raise _Wrong("temperror", "no answer from the DNS")
    records = [text for text in answer.values if is_record(text)]
    if not records:
        return None
    if len(records) > 1:
        raise _Wrong("permerror", "more than one record")
    try:
        return parse(records[0])
    except BadRecord as bad:
        raise _Wrong("permerror", str(bad)) from None


def _matches(session: _Session, name: str, directive: Directive) -> Check[bool]:
    """Tell whether a mechanism matches (RFC 7208 §5)."""
    if directive.name == "all":
        return True
    if directive.network is not None:
        return session.address in directive.network
    session.count()
    target = name
    if directive.target:
        target = yield from _expand(session, name, directive.target)
    match directive.name:
        case "include":
            result, _ = yield from _check_host(session, target)
            if result == "none":
                raise _Wrong("permerror", "an include leads nowhere")
            return result == "pass"
        case "a":
            found = yield from session.ask(target, session.kind)
            return _is_among(session.address, found, directive)
        case "mx":
            return (yield from _is_mx(session, target, directive))
        case "ptr":
            hosts = yield from _validated(session)
            return any(domain.is_within(host, target.removesuffix(".").lower()) for host in hosts)
        case _:  # exists: any address of IPv4 will do (RFC 7208 §5.7)
            return bool((yield from session.ask(target, "A")))


def _is_mx(session: _Session, target: str, directive: Directive) -> Check[bool]:
    hosts = yield from session.ask(target, "MX")
    for number, host in enumerate(hosts):
        if number == MAX_NAMES:
            raise _Wrong("permerror", "too many mail exchangers")
        found = yield from session.ask(host, session.kind)
        if _is_among(session.address, found, directive):
            return True
    return False


def _is_among(address: Address, found: Iterable[str], directive: Directive) -> bool:
    prefix = directive.prefix4 if address.version == 4 else directive.prefix6
    network = ip_network((address, prefix), strict=False)
    return any(ip_address(each) in network for each in found)


def _validated(session: _Session) -> Check[list[str]]:
    """Ask for the names of the address that lead back to it, in lower case (RFC 7208 §5.5).

    A question that fails or finds nothing is no error here, just no name.
    """
    answer = yield from _ask(session.address.reverse_pointer, "PTR")
    names: list[str] = []
    for host in answer.values[:MAX_NAMES]:
        found = yield from _ask(host, session.kind)
        if any(ip_address(each) == session.address for each in found.values):
            names.append(host.removesuffix(".").lower())
    return names


def _explain(session: _Session, name: str, spec: str) -> Check[str]:
    """Ask for the explanation and expand it; empty if there is not just one in printable ASCII (RFC 7208 §6.2)."""
    target = yield from _expand(session, name, spec)
    answer = yield from _ask(target, "TXT")
    if len(answer.values) != 1 or not is_explanation(answer.values[0]):
        return ""
    text = yield from _expand(session, name, answer.values[0], explaining=True)
    return text[:_MAX_EXPLANATION] if text.isascii() and text.isprintable() else ""


def _expand(session: _Session, name: str, text: str, *, explaining: bool = False) -> Check[str]:
    """Put in the macros (RFC 7208 §7.3); a domain that gets too long loses labels on the left."""
    pieces: list[str] = []
    end = 0
    for macro in _MACRO.finditer(text):
        pieces.append(text[end : macro.start()])
        end = macro.end()
        if macro[5]:
            pieces.append(_ESCAPES[macro[5]])
            continue
        letter = macro[1]
        value = yield from _value(session, name, letter.lower())
        value = _transformed(value, macro[2], bool(macro[3]), macro[4])
        pieces.append(quote(value, safe=_UNRESERVED) if letter.isupper() else value)
    expanded = "".join((*pieces, text[end:]))
    if explaining:
        return expanded
    expanded = expanded.removesuffix(".")
    while len(expanded) > _MAX_NAME and "." in expanded:
        expanded = expanded.partition(".")[2]
    return expanded


def _transformed(value: str, digits: str, backwards: bool, delimiters: str) -> str:
    """Split a macro's value, turn it round and keep so many parts of the right, joined by dots (RFC 7208 §7.3)."""
    if not (digits or backwards or delimiters):
        return value
    parts = re.split(f"[{re.escape(delimiters)}]" if delimiters else r"\.", value)
    if backwards:
        parts.reverse()
    keep = min(int(digits[:4]), len(parts)) if digits else len(parts)
    return ".".join(parts[-keep:])


def _value(session: _Session, name: str, letter: str) -> Check[str]:
    """Return what a macro letter stands for (RFC 7208 §7.2)."""
    local, _, sender_domain = session.sender.rpartition("@")
    address = session.address
    match letter:
        case "s":
            return session.sender
        case "l":
            return local
        case "o":
            return sender_domain
        case "d":
            return name
        case "i":
            return (
                str(address) if address.version == 4 else ".".join(address.exploded.replace(":", "").upper())
            )
        case "p":
            return _best_name((yield from _validated(session)), name)
        case "v":
            return "in-addr" if address.version == 4 else "ip6"
        case "h":
            return session.helo
        case "c":
            return str(address)
        case "r":
            return session.receiver
        case _:  # t
            return str(session.now)


def _best_name(hosts: list[str], name: str) -> str:
    """Choose a validated name: the domain itself, one below it, or any; ``unknown`` if none (RFC 7208 §7.3)."""
    wanted = name.lower()
    for host in hosts:
        if host == wanted:
            return host
    return next((host for host in hosts if domain.is_within(host, wanted)), hosts[0] if hosts else "unknown")
