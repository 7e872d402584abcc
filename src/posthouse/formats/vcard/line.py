"""Content lines as bytes: cut, and folded ones put together again (RFC 6350 §3.2).

Folding is undone before bytes become text, for old writers cut inside characters. Before version 4.0 two more
ways to go on exist: a quoted-printable value whose line ends in ``=``, and base64 that just begins a new line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

MAX_LINE = 16 << 20
"""Octets of one content line, folded or not: a photo of 12 megabytes in base64."""

_HEAD = 2000  # octets in which an encoding is looked for
_VERSION = re.compile(rb"VERSION[^:]*:\s*(2\.1|3\.0|4\.0)\s*\Z", re.I)
_QUOTED_PRINTABLE = re.compile(rb"[^:]*;\s*(?:ENCODING\s*=\s*)?\"?QUOTED-PRINTABLE\"?\s*[;:]", re.I)
_BASE64 = re.compile(rb"[^:]*;\s*(?:ENCODING\s*=\s*)?\"?(?:BASE64|B)\"?\s*[;:]", re.I)

Line = tuple[int, bytes | None]
"""The number of a line, from 1, and its octets without line break; None for one that is too long."""


def content_lines(chunks: Iterable[bytes]) -> Iterator[Line]:
    """Yield the content lines of a stream of bytes; empty ones are left out."""
    pieces: list[bytes] = []
    start = size = 0
    version = b""
    is_quoted = is_base64 = False
    for number, line in _lines(chunks):
        if pieces:
            folded = line is not None and line[:1] in (b" ", b"\t")
            if is_quoted and pieces[-1].endswith(b"="):
                pieces[-1] = pieces[-1][:-1]
                folded = True
            elif folded and line is not None:
                line = line if version == b"2.1" and not is_base64 else line[1:]
            elif is_base64 and line is not None and b":" not in line:
                folded = True  # also an empty line: some writers put one after each line
            if folded:
                size += MAX_LINE if line is None else len(line)
                if size <= MAX_LINE:
                    pieces.append(line or b"")
                continue
            yield start, b"".join(pieces) if size <= MAX_LINE else None
            pieces = []
        if line is None:
            yield number, None
        elif line:
            pieces, start, size = [line], number, len(line)
            if line[:1] in b"Vv" and (match := _VERSION.match(line)):
                version = match[1]
            elif line[:1] in b"Bb" and line[:6].upper() == b"BEGIN:":
                version = b""
            may_be_encoded = version != b"4.0" and b";" in line
            is_quoted = may_be_encoded and _QUOTED_PRINTABLE.match(line, 0, _HEAD) is not None
            is_base64 = may_be_encoded and _BASE64.match(line, 0, _HEAD) is not None
    if pieces:
        yield start, b"".join(pieces) if size <= MAX_LINE else None


def _lines(chunks: Iterable[bytes]) -> Iterator[Line]:
    """Cut at LF, CRLF or CR alone; of a line that is too long nothing is kept."""
    number = 1
    begun: list[bytes] = []
    size = 0
    after_return = False
    for chunk in chunks:
        if after_return and chunk:
            after_return = False
            chunk = chunk.removeprefix(b"\n")
        if not chunk:
            continue
        after_return = chunk.endswith(b"\r")
        lines = chunk.splitlines()
        is_open = chunk[-1:] not in (b"\n", b"\r")
        for at, line in enumerate(lines):
            if is_open and at == len(lines) - 1:
                size += len(line)
                if size <= MAX_LINE:
                    begun.append(line)
                break
            size += len(line)
            yield number, None if size > MAX_LINE else b"".join([*begun, line]) if begun else line
            number += 1
            begun, size = [], 0
    if size:
        yield number, None if size > MAX_LINE else b"".join(begun)
