"""Reading: content lines to cards (RFC 6350 §3.3).

Theory: lines outside of a card are passed over. BEGIN opens a card and END closes it; a BEGIN inside a card
closes the open one as broken, unless an AGENT without value stands before it (vCard 2.1): then the inner card
is kept as the text of that AGENT, however deep it nests, and not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import takewhile
from typing import Protocol

from posthouse.formats.vcard.card import Card, Fault, Property
from posthouse.formats.vcard.charset import decode_line
from posthouse.formats.vcard.legacy import upgrade
from posthouse.formats.vcard.line import content_lines
from posthouse.formats.vcard.value import escape

MAX_CARD = 32 << 20
"""Octets of one card."""
MAX_PROPERTIES = 10_000
"""Properties of one card."""
MAX_HEAD = 65_536
"""Characters of a property's name and parameters."""
MAX_VALUE = 1 << 18
"""Characters of a value that is neither a medium nor JSON."""

_MAX_FAULTS = 100
_LARGE = frozenset(("PHOTO", "LOGO", "SOUND", "KEY", "AGENT", "JSPROP", "X-MS-CARDPICTURE"))
_CHUNK = 1 << 16
_MARKS = b"BbEe\xef"  # what such a line starts with, a byte order mark included
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
_HEAD = re.compile(r'(?:[^":]|"[^"]*")*+:')
_PARAMETER = re.compile(r'(?:[^;"]|"[^"]*"?)++')
_PARAMETER_VALUE = re.compile(r'((?:[^,"]|"[^"]*"?)*+)(?:,|\Z)')
_NOT_IN_NAMES = re.compile(r"[^A-Z0-9-]")
_NOT_IN_GROUPS = re.compile(r"[^A-Za-z0-9-]")
_CARET = re.compile(r"\^([n^'])")
_CARETS = {"n": "\n", "^": "^", "'": '"'}
_ENCODINGS = frozenset(("QUOTED-PRINTABLE", "BASE64", "B", "8BIT", "7BIT"))
_VALUES = frozenset(("URL", "URI", "INLINE", "CONTENT-ID", "CID"))


class BinaryFile(Protocol):
    """What `stream` reads from."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` octets, none at the end."""


def read(data: bytes) -> list[Card]:
    """Read all cards of a file (RFC 6350 §3.2).

    Never raises. Bytes without any card give an empty list; see `Card.faults` for what was left out.
    """
    return list(_cards(data[at : at + _CHUNK] for at in range(0, len(data), _CHUNK)))


def stream(file: BinaryFile) -> Iterator[Card]:
    """Read a file card by card, holding no more than one of them.

    Raises only what the file's `read` raises.
    """
    return _cards(takewhile(bool, iter(lambda: file.read(_CHUNK), None)))


def _cards(chunks: Iterable[bytes]) -> Iterator[Card]:
    reader: _Reader | None = None
    number = 1
    for number, line in content_lines(_as_utf8(chunks)):
        mark = _mark(line) if line and line[0] in _MARKS else ""
        if reader is not None and (reader.depth or mark == "BEGIN") and reader.takes_nested(mark, line):
            continue
        if mark == "BEGIN":
            if reader is not None:
                yield reader.finish(number, "the card has no END")
            reader = _Reader(number)
        elif reader is not None:
            if mark == "END":
                yield reader.finish(number)
                reader = None
            else:
                reader.take(number, line)
    if reader is not None:
        yield reader.finish(number, "the card has no END")


def _as_utf8(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Drop a byte order mark; UTF-16, as Windows writes it, becomes UTF-8."""
    iterator = iter(chunks)
    first = next(iterator, b"")
    if first[:2] in (b"\xff\xfe", b"\xfe\xff"):
        codec = "utf-16-le" if first[:1] == b"\xff" else "utf-16-be"
        carried = first[2:]
        for chunk in iterator:
            whole = len(carried) - len(carried) % 2
            yield carried[:whole].decode(codec, "replace").encode("utf-8", "replace")
            carried = carried[whole:] + chunk
        yield carried.decode(codec, "replace").encode("utf-8", "replace")
        return
    yield first.removeprefix(b"\xef\xbb\xbf")
    yield from iterator


def _mark(line: bytes) -> str:
    """Tell a line that begins or ends a card: ``"BEGIN"``, ``"END"`` or ``""``."""
    if len(line) > 64:
        return ""
    plain = line.removeprefix(b"\xef\xbb\xbf").translate(None, b" \t").upper()
    return "BEGIN" if plain == b"BEGIN:VCARD" else "END" if plain == b"END:VCARD" else ""


class _Reader:
    """One card while its lines come in."""

    def __init__(self, number: int) -> None:
        self.card = Card(version="", line=number)
        self.size = 0
        self.is_full = False
        self.depth = 0
        self.agent: list[bytes] = []

    def takes_nested(self, mark: str, line: bytes | None) -> bool:
        """Take the line if it belongs to a card inside this one."""
        if not self.depth:
            last = self.card.properties[-1] if self.card.properties else None
            if mark != "BEGIN" or last is None or last.name != "AGENT" or last.value.strip():
                return False
        self.depth += (mark == "BEGIN") - (mark == "END")
        self.size += len(line or b"") + 1
        if self.size <= MAX_CARD:
            self.agent.append(line or b"")
        if not self.depth:
            self._keep_agent()
        return True

    def take(self, number: int, line: bytes | None) -> None:
        """Read one content line of the card."""
        self.size += len(line or b"")
        if self.is_full:
            return
        if self.size > MAX_CARD or len(self.card.properties) >= MAX_PROPERTIES:
            self.is_full = True
            self._fault(number, "the card is too large; the rest of it is left out")
        elif line is None:
            self._fault(number, "the line is too long")
        else:
            self._read(number, decode_line(line))

    def finish(self, number: int, reason: str = "") -> Card:
        """Return the card, in the form of 4.0."""
        if self.agent:
            self._keep_agent()
        if reason:
            self._fault(number, reason)
        self.card.properties = upgrade(self.card.properties, self.card.version)
        if not self.card.properties:
            self._fault(number, "the card is empty")
        return self.card

    def _read(self, number: int, line: str) -> None:
        if not line.isprintable():
            line = _CONTROL.sub("", line)
        head, colon, value = line.partition(":")
        if head.count('"') % 2 and (match := _HEAD.match(line)):
            head, value = line[: match.end() - 1], line[match.end() :]
        if not colon:
            self._fault(number, "the line has no colon")
        elif len(head) > MAX_HEAD:
            self._fault(number, "the parameters are too long")
        elif not (found := _property(head, value)).name:
            self._fault(number, "the property has no name")
        elif len(value) > MAX_VALUE and found.name not in _LARGE and not value.startswith("data:"):
            self._fault(number, f"the value of {found.name[:40]} is too long")
        elif found.name == "VERSION":
            self.card.version = self.card.version or value.strip()[:10]
        else:
            self.card.properties.append(found)

    def _keep_agent(self) -> None:
        self.card.properties[-1].value = escape("\n".join(decode_line(line) for line in self.agent))
        self.agent = []

    def _fault(self, number: int, reason: str) -> None:
        if len(self.card.faults) < _MAX_FAULTS:
            self.card.faults.append(Fault(number, reason))


def _property(head: str, value: str) -> Property:
    if '"' in head:
        # Some programs escape the quotes of a parameter as if they stood in a value.
        first, *rest = _PARAMETER.findall(head.replace('\\"', '"')) or [""]
    else:
        first, *rest = head.split(";")
    group, dot, name = first.rpartition(".")
    parameters: dict[str, list[str]] = {}
    for parameter in rest:
        key, equals, text = parameter.partition("=")
        key = _name(key)
        if not equals:
            key, text = _bare(key), parameter.strip()
        if key and (text or equals):
            values = _values(text)
            if key == "TYPE":
                # ``TYPE="voice,home"`` is two types (RFC 6350 §5.6), and ``TYPE=HOME,TYPE=VOICE`` is met too.
                values = [one.strip().removeprefix("TYPE=") for value in values for one in value.split(",")]
            parameters.setdefault(key, []).extend(values)
    return Property(
        _name(name), value, parameters, _NOT_IN_GROUPS.sub("-", group.strip()) or None if dot else None
    )


def _name(name: str) -> str:
    """Return a name in upper case; what may not stand in names becomes ``-``, nothing but that is no name."""
    return _short_name(name) if len(name) <= 64 else _long_name(name)


def _long_name(name: str) -> str:
    plain = _NOT_IN_NAMES.sub("-", name.strip().upper())
    return plain if plain.strip("-") else ""


_short_name = lru_cache(maxsize=1024)(_long_name)


def _bare(key: str) -> str:
    """Name the parameter of a value that stands alone, as in vCard 2.1."""
    return "ENCODING" if key in _ENCODINGS else "VALUE" if key in _VALUES else "TYPE"


def _values(text: str) -> list[str]:
    """Read the values of a parameter, quoted or not, and undo the carets (RFC 6868 §3)."""
    if '"' not in text:
        values = [value.strip() for value in text.split(",")]
    else:
        # Behind a value that ends the text the pattern finds one more, which is none.
        found = _PARAMETER_VALUE.findall(text)
        values = [_unquoted(value) for value in (found if text.endswith(",") else found[:-1])]
    if "^" in text:
        values = [_CARET.sub(lambda match: _CARETS[match[1]], value) for value in values]
    return values


def _unquoted(value: str) -> str:
    return value.replace('"', "") if '"' in value else value.strip()
