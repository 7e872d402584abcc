"""Writing: a card as vCard 4.0 (RFC 6350 §3.2, §3.3)."""

from __future__ import annotations

import re

from posthouse.formats.vcard.card import Card, Property

_LINE = 75  # octets without the line break
_NAME = re.compile(r"[A-Za-z0-9-]+")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9-]")
_NEEDS_QUOTES = re.compile(r"[,;:]|\A\s|\s\Z")
_CARETS = {"^": "^^", "\n": "^n", '"': "^'"}
_FOR_CARETS = re.compile('[\\^\n"]')
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def write(card: Card) -> bytes:
    """Write a card with CRLF line ends, folded at 75 octets and never inside a character.

    ``version`` and ``faults`` are not written: what is written is 4.0. Values are written as they are, but
    for line breaks, which cannot begin another property; in names, what may not stand there becomes ``-``.
    """
    lines = ["BEGIN:VCARD", "VERSION:4.0"]
    lines += [_line(one) for one in card.properties]
    lines.append("END:VCARD\r\n")
    return b"\r\n".join([_folded(line) for line in lines])


def _line(one: Property) -> str:
    head = _name(one.name)
    if one.group:
        head = f"{_name(one.group)}.{head}"
    for name, values in one.parameters.items():
        if values and name:
            head += f";{_name(name)}={','.join([_parameter(value) for value in values])}"
    value = one.value
    if not value.isprintable():
        value = _plain(value).replace("\n", "\\n")
    return f"{head}:{value}"


def _name(name: str) -> str:
    return name if _NAME.fullmatch(name) else _NOT_IN_NAMES.sub("-", name)


def _parameter(value: str) -> str:
    if value.isalnum():
        return value
    value = _FOR_CARETS.sub(lambda match: _CARETS[match[0]], _plain(value))
    return f'"{value}"' if _NEEDS_QUOTES.search(value) else value


def _plain(text: str) -> str:
    return _LONE_SURROGATE.sub("\ufffd", _CONTROL.sub("", text.replace("\r\n", "\n")))


def _folded(line: str) -> bytes:
    """Fold at 75 octets (RFC 6350 §3.2)."""
    octets = line.encode("utf-8")
    if len(octets) <= _LINE:
        return octets
    if len(octets) == len(line):
        rest = [octets[at : at + _LINE - 1] for at in range(_LINE, len(octets), _LINE - 1)]
        return b"\r\n ".join([octets[:_LINE], *rest])
    pieces = []
    at, room = 0, _LINE
    while at < len(octets):
        end = min(at + room, len(octets))
        while end < len(octets) and octets[end] & 0xC0 == 0x80:
            end -= 1
        pieces.append(octets[at:end])
        at, room = end, _LINE - 1
    return b"\r\n ".join(pieces)
