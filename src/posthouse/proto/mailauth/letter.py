"""Letter: a message as signatures see it, its fields and the hash of its body (RFC 6376 §3.4)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from hashlib import sha256
from mmap import mmap
from typing import Final, NamedTuple

MAX_HEADER: Final = 512 * 1024
"""Octets: no signature of a message with a longer header is looked at."""
MAX_FIELDS: Final = 10_000
"""No signature of a message with more fields is looked at."""
_CHUNK: Final = 1 << 20

_BLANK_LINE: Final = re.compile(rb"\n\r?\n")
_BARE_LF: Final = re.compile(rb"(?<!\r)\n")
_FIELD: Final = re.compile(rb"^([!-9;-~]++)[ \t]*+:([^\n]*+\n(?:[ \t][^\n]*+\n)*+)", re.M)
_B_TAG: Final = re.compile(rb"((?:\A|;)[ \t\r\n]*+b[ \t\r\n]*+=)[^;]*+")


class Field(NamedTuple):
    """One header field.

    :ivar name: in lower case.
    :ivar raw: all of it, with name, colon and the last line break.
    :ivar value: what follows the colon, with the last line break.
    """

    name: str
    raw: bytes
    value: bytes

    def relaxed(self) -> bytes:
        """Write it in the relaxed form, with its line break (RFC 6376 §3.4.2)."""
        value = _single_spaces(self.value.replace(b"\r\n", b"")).strip(b" ")
        return self.name.encode("ascii") + b":" + value + b"\r\n"

    def without_b(self) -> Field:
        """Return this signature with an empty b= tag, which is how it signs itself (RFC 6376 §3.7)."""
        value = _B_TAG.sub(rb"\1", self.value, count=1)
        return Field(self.name, self.raw[: len(self.raw) - len(self.value)] + value, value)

    def text(self) -> str | None:
        """Return the value as text, or None if it is no UTF-8."""
        try:
            return self.value.decode("utf-8")
        except UnicodeDecodeError:
            return None


class Digest(NamedTuple):
    """The SHA-256 of a body in one of its forms, and how many octets that form has."""

    value: bytes
    length: int


class Letter:
    """A message; lines may end in a bare LF, which is read as CRLF, as all who show the message do.

    :ivar fields: the header's fields in order.
    :ivar is_sound: whether the header is nothing but fields and within the limits. What is shown of another header
        may differ from what was signed, so its signatures count for nothing (RFC 6376 §3.8).
    """

    __slots__ = ("_data", "_digests", "_start", "by_name", "fields", "is_sound")

    def __init__(self, data: bytes | mmap) -> None:
        if data[:1] == b"\n" or data[:2] == b"\r\n":
            end, self._start = 0, data.find(b"\n") + 1
        elif blank := _BLANK_LINE.search(data):
            end, self._start = blank.start() + 1, blank.end()
        else:
            end = self._start = len(data)
        block = with_crlf(data[: min(end, MAX_HEADER)])
        if block and not block.endswith(b"\n"):
            block += b"\r\n"
        found = list(_FIELD.finditer(block))
        self.fields: tuple[Field, ...] = tuple(
            Field(match[1].decode("ascii").lower(), match[0], match[2]) for match in found[:MAX_FIELDS]
        )
        self.is_sound: bool = (
            end <= MAX_HEADER
            and len(found) <= MAX_FIELDS
            and sum(len(match[0]) for match in found) == len(block)
        )
        self.by_name: dict[str, list[Field]] = defaultdict(list)
        for field in self.fields:
            self.by_name[field.name].append(field)
        self._data = data
        self._digests: dict[bool, Digest] = {}

    @property
    def size(self) -> int:
        """Octets of the whole message."""
        return len(self._data)

    def named(self, name: str) -> list[Field]:
        """Return the fields of a name given in lower case, in order."""
        return self.by_name.get(name, [])

    def select(self, names: Iterable[str]) -> Iterator[Field]:
        """Give the fields that a list of names signs: of each name the lowest not yet taken (RFC 6376 §5.4.2)."""
        left: dict[str, int] = {}
        for name in names:
            among = self.by_name.get(name, ())
            at = left.get(name, len(among))
            if at:
                left[name] = at - 1
                yield among[at - 1]

    def body(self, relaxed: bool) -> Digest:
        """Hash the body in its relaxed or simple form; asked again, it is remembered (RFC 6376 §3.4.3, §3.4.4)."""
        if relaxed not in self._digests:
            self._digests[relaxed] = self._hash(relaxed)
        return self._digests[relaxed]

    def _hash(self, relaxed: bool) -> Digest:
        hasher, length, breaks = sha256(), 0, 0
        for chunk in self._chunks():
            lines = with_crlf(chunk)
            if not lines.endswith(b"\n"):
                lines += b"\r\n"
            if relaxed:
                lines = _single_spaces(lines).replace(b" \r\n", b"\r\n")
            kept = _before_last_breaks(lines)
            if kept:
                hasher.update(b"\r\n" * breaks)
                hasher.update(lines[:kept])
                length += 2 * breaks + kept
                breaks = 0
            breaks += (len(lines) - kept) // 2
        if (
            length or not relaxed
        ):  # the last line ends, and an empty body is one line break in the simple form
            hasher.update(b"\r\n")
            length += 2
        return Digest(hasher.digest(), length)

    def _chunks(self) -> Iterator[bytes]:
        """Cut the body into about 1 MB each, behind line breaks."""
        start, size = self._start, len(self._data)
        while start < size:
            cut = self._data.find(b"\n", start + _CHUNK) + 1 or size
            yield self._data[start:cut]
            start = cut


def with_crlf(lines: bytes) -> bytes:
    """Return lines that all end in CRLF: bare LFs become such."""
    return lines if lines.count(b"\n") == lines.count(b"\r\n") else _BARE_LF.sub(b"\r\n", lines)


def _single_spaces(text: bytes) -> bytes:
    """Make one space of each run of spaces and tabs; a run halves each time, so this is linear."""
    text = text.replace(b"\t", b" ")
    while b"  " in text:
        text = text.replace(b"  ", b" ")
    return text


def _before_last_breaks(lines: bytes) -> int:
    """Return how much lies before the line breaks that end these lines, which have no bare LF."""
    tail = len(lines.rstrip(b"\r\n"))
    odd = lines.rfind(b"\r\r", tail)  # bare CRs are of the line's content
    return tail if odd < 0 else odd + 1
