"""Values: the escapes and separators inside the text after the colon (RFC 6350 §3.4, §4)."""

from __future__ import annotations

import re
from collections.abc import Iterable

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_SPECIAL = re.compile(r"[\\,\n]")
_SPECIAL_IN_COMPONENT = re.compile(r"[\\,;\n]")
# Up to the next separator: what is escaped belongs to the piece. Possessive, so a long piece is read once.
_UP_TO_COMMA = re.compile(r"(?:[^\\,]|\\.|\\\Z)*+", re.DOTALL)
_UP_TO_SEMICOLON = re.compile(r"(?:[^\\;]|\\.|\\\Z)*+", re.DOTALL)


def text(value: str) -> str:
    """Undo the escapes of a text value (RFC 6350 §3.4).

    A backslash before a letter other than ``n`` stays: it was not meant as one. Before anything else it
    goes, for old programs escape more than they should.
    """
    return _ESCAPE.sub(_plain, value) if "\\" in value else value


def escape(plain: str) -> str:
    """Write text as a value that is one text, or one of a list (RFC 6350 §3.4)."""
    return _SPECIAL.sub(_escaped, _line_feeds(plain))


def escape_component(plain: str) -> str:
    """Write text as a value inside a component of a structured value (RFC 6350 §3.4)."""
    return _SPECIAL_IN_COMPONENT.sub(_escaped, _line_feeds(plain))


def items(value: str) -> list[str]:
    """Split a list at its commas and undo the escapes (RFC 6350 §4)."""
    if "\\" not in value:
        return value.split(",")
    return [text(piece) for piece in _split(value, _UP_TO_COMMA)]


def components(value: str) -> list[list[str]]:
    """Split a structured value into components, each a list of texts with its escapes undone.

    (RFC 6350 §3.3, §6.2.2.) An empty component is the list of one empty text.
    """
    if "\\" not in value:
        return [component.split(",") for component in value.split(";")]
    return [items(component) for component in split_components(value)]


def split_components(value: str) -> list[str]:
    """Split a structured value at its semicolons and leave the escapes."""
    if "\\" not in value:
        return value.split(";")
    return list(_split(value, _UP_TO_SEMICOLON))


def _split(value: str, piece: re.Pattern[str]) -> Iterable[str]:
    at = 0
    while match := piece.match(value, at):
        yield match[0]
        at = match.end() + 1
        if at > len(value):
            return


def _plain(match: re.Match[str]) -> str:
    character = match[1]
    if character in "nN":
        return "\n"
    return match[0] if character.isalnum() else character


def _escaped(match: re.Match[str]) -> str:
    return "\\n" if match[0] == "\n" else "\\" + match[0]


def _line_feeds(plain: str) -> str:
    return plain.replace("\r\n", "\n").replace("\r", "\n") if "\r" in plain else plain
