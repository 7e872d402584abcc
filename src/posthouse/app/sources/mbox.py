"""Read an mbox file of any dialect as a stream (RFC 4155).

Theory of operation. A line that starts with ``From `` is only a candidate. It separates messages if it ends
in a date and follows a blank line, or if it has one of these two and the next line is a header field. Prose
that starts with "From here on" therefore stays in its message.

A message with ``Content-Length`` (dialects mboxcl, mboxcl2) ends there if, and only if, a separator or the
end of the file stands at that place; it is taken as it is. Any other message had its ``From `` lines quoted
with ``>``. One ``>`` is taken away (mboxrd; for mboxo that is right but for texts that had ``>From ``
themselves), unless the message has a bare ``From `` line too, which shows that its writer quotes nothing.

But for that, and the blank line before the separator, a message's bytes stay as they stand in the file.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.errors import MessageError
from email.header import decode_header, make_header
from typing import Protocol

from posthouse.app.sources import keyword
from posthouse.app.sources.folder import clean_name
from posthouse.app.sources.item import Item, Path, Skipped
from posthouse.app.sources.mark import read_mark

_CHUNK = 1 << 16
_LONGEST_HEAD = 1 << 16  # bytes of header searched for the status fields
_LONGEST_LINE = 1 << 10  # bytes of a separator line that are looked at
_MARGIN = 2 * _LONGEST_LINE

_MONTHS = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_ZONE = rb"(?: +([+-]\d{4})| +[A-Z][A-Za-z]{0,4})?"
_CLOCK = rb" +(\d{1,2}):(\d\d)(?::(\d\d))?"
# "From name Mon Nov 23 12:50:55 2026", with the zone before or after the year where there is one.
_ASCTIME = re.compile(
    rb"From .*?\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?"
    rb" +(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +(\d{1,2})"
    + _CLOCK + _ZONE + rb" +(\d{4})" + _ZONE + rb"[ \t]*\r?$"
)  # fmt: skip
_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")
_BLANK = re.compile(rb"\n\r?\n")
_CONTENT_LENGTH = re.compile(rb"^Content-Length:[ \t]*(\d{1,15})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_QUOTED = re.compile(rb"^>(?=>*From )", re.MULTILINE)
_FROM = re.compile(rb"From ")  # half again as fast as to find the same bytes
_LINE_FEED, _QUOTING = b"\n>"
_STATUS = re.compile(
    rb"^(Status|X-Status|X-Keywords|X-Mozilla-Status|X-Mozilla-Keys|X-Gmail-Labels|Received):"
    rb"(.*(?:\r?\n[ \t].*)*)",
    re.IGNORECASE | re.MULTILINE,
)
_GMAIL_KEYWORDS = {"starred": "$flagged", "important": "$important", "drafts": "$draft", "draft": "$draft"}
_GMAIL_STATES = {"unread", "opened", "starred", "important"}


class Readable(Protocol):
    """A stream of bytes, read forwards only."""

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes, and none only at the end."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A message in the file: its separator line, where that starts, and its bytes, None where too large."""

    offset: int
    separator: bytes
    data: bytes | None


def is_separator(text: bytes | bytearray, *, at: int = 0, after_blank: bool = True) -> bool:
    """Tell whether a line that separates messages stands at this place; see the theory above."""
    if not text.startswith(b"From ", at):
        return False
    end = text.find(b"\n", at, at + _LONGEST_LINE)
    dated = _ASCTIME.match(bytes(text[at : at + _LONGEST_LINE] if end < 0 else text[at:end])) is not None
    if dated and after_blank:
        return True
    return (dated or after_blank) and end >= 0 and _FIELD.match(text, end + 1, end + _MARGIN) is not None


def read_mbox(stream: Readable, mailbox: Path, name: str, max_message: int) -> Iterator[Item | Skipped]:
    """Yield the messages of an mbox that starts with a separator.

    ``mailbox`` is where they go unless labels or our own export say otherwise, ``name`` is how the file is
    called in reports, ``max_message`` is in bytes. Errors of the stream are passed on.
    """
    for number, piece in enumerate(_split(stream, max_message), 1):
        origin = f"{name}, message {number} at byte {piece.offset}"
        if piece.data is None:
            yield Skipped(origin, f"larger than {max_message:,} bytes")
        elif not piece.data.strip(b"\r\n"):
            yield Skipped(origin, "empty message")
        else:
            yield _item(piece.separator, piece.data, mailbox, origin)


def without_separator(data: bytes) -> bytes:
    """Drop the ``From `` line that some programs leave at the top of a single message."""
    return data[data.find(b"\n") + 1 :] if is_separator(data) else data


class _Window:
    """The part of the file in memory: a buffer, the place in the file where it starts, and filling it."""

    def __init__(self, stream: Readable) -> None:
        self.buffer = bytearray()
        self.offset = 0
        self._stream = stream
        self._ended = False

    def holds(self, length: int) -> bool:
        """Read on until the buffer has this many bytes; false if the file ends before."""
        while len(self.buffer) < length and not self._ended:
            chunk = self._stream.read(_CHUNK)
            self._ended = not chunk
            self.buffer += chunk
        return len(self.buffer) >= length

    def drop(self, length: int) -> None:
        """Forget the first bytes."""
        del self.buffer[:length]
        self.offset += length

    def take(self, start: int, stop: int) -> bytes:
        """Copy bytes once, not twice as a slice of a slice would."""
        with memoryview(self.buffer) as view, view[start:stop] as part:
            return part.tobytes()


def _split(stream: Readable, limit: int) -> Iterator[_Piece]:
    window = _Window(stream)
    while window.holds(1):
        window.holds(_LONGEST_LINE)
        start = window.buffer.find(b"\n", 0, _LONGEST_LINE) + 1 or min(len(window.buffer), _LONGEST_LINE)
        offset, separator = window.offset, window.take(0, start)
        end = _counted_end(window, start, limit)
        if end is not None:
            data: bytes | None = window.take(start, end)
            window.drop(end)
            _drop_blank(window)
        else:
            data = _scan(window, start, limit)
        yield _Piece(offset, separator, data)


def _counted_end(window: _Window, start: int, limit: int) -> int | None:
    """Return where ``Content-Length`` says the message ends, if that is true."""
    window.holds(start + _LONGEST_HEAD)
    blank = _BLANK.search(window.buffer, start, start + _LONGEST_HEAD)
    length = _CONTENT_LENGTH.search(window.buffer, start, blank.start() + 1) if blank else None
    if blank is None or length is None or read_mark(window.take(start, blank.end())) is not None:
        return None
    end = blank.end() + int(length[1])
    if end - start > limit:
        return None
    window.holds(end + _MARGIN)
    buffer = window.buffer
    if end > len(buffer):
        return None
    after = end
    for line_end in (b"\r\n", b"\n"):
        if buffer.startswith(line_end, end):
            after = end + len(line_end)
            break
    fits = after == len(buffer) or (buffer[after - 1 : after] == b"\n" and is_separator(buffer, at=after))
    return end if fits else None


def _drop_blank(window: _Window) -> None:
    for line_end in (b"\r\n", b"\n"):
        if window.buffer.startswith(line_end):
            window.drop(len(line_end))
            return


def _scan(window: _Window, start: int, limit: int) -> bytes | None:
    """Take the message up to the next separator or the end, and leave the window there."""
    scanned = start
    bare = quoted = too_large = False
    while True:
        found = _FROM.search(window.buffer, scanned)
        if found is not None:
            line = found.start()
            before = window.buffer[line - 1]
            if before == _LINE_FEED:
                window.holds(line + _MARGIN)
                blank = _blank_before(window.buffer, 0, line)
                if is_separator(window.buffer, at=line, after_blank=blank > 0):
                    break
                bare = True
            quoted = quoted or before == _QUOTING
            scanned = line + 1
        else:
            # The last bytes may be the start of a candidate.
            scanned = max(len(window.buffer) - 4, scanned)
            if not window.holds(len(window.buffer) + 1):
                line = len(window.buffer)
                break
        if scanned - start > limit:
            too_large = True
            cut = scanned - 4  # the bytes before a candidate tell of a blank line
            window.drop(cut)
            scanned, start = scanned - cut, 0
    data = None
    if not too_large and line - start <= limit + 2:
        data = window.take(start, line - _blank_before(window.buffer, start, line))
        if quoted and not bare:
            data = _QUOTED.sub(b"", data)
        if len(data) > limit:
            data = None
    window.drop(line)
    return data


def _blank_before(buffer: bytearray, start: int, line: int) -> int:
    """Count the bytes of the blank line that ends before this place, after a start."""
    tail = bytes(buffer[max(start, line - 3) : line])
    if tail == b"\n\r\n":
        return 2
    return 1 if tail == b"\n" or tail.endswith(b"\n\n") else 0


def _item(separator: bytes, data: bytes, mailbox: Path, origin: str) -> Item | Skipped:
    marked = read_mark(data)
    if marked is not None:
        mark, length = marked
        end = length + mark.size
        # Only line ends may stand behind the message, else the mark is not of this message.
        if end <= len(data) and not data[end:].strip(b"\r\n"):
            own = _Facts.of(data[:length])
            return Item((mark.mailbox,), data[length:end], own.keywords, mark.received_at, origin)
    blank = _BLANK.search(data, 0, _LONGEST_HEAD)
    facts = _Facts.of(data[: blank.start() if blank else _LONGEST_HEAD])
    if facts.deleted:
        return Skipped(origin, "marked as deleted")
    received_at = None if facts.received else _separator_date(separator)
    return Item(facts.mailboxes or (mailbox,), data, facts.keywords, received_at, origin)


@dataclass(slots=True)
class _Facts:
    """What the header says of a message's state."""

    keywords: frozenset[str] = frozenset()
    mailboxes: tuple[Path, ...] = ()
    deleted: bool = False
    received: bool = False

    @classmethod
    def of(cls, head: bytes) -> _Facts:
        facts = cls()
        for match in _STATUS.finditer(head):
            facts._note(match[1].lower(), match[2])
        return facts

    def _note(self, name: bytes, raw: bytes) -> None:
        if name == b"received":
            self.received = True
            return
        text = " ".join(raw.decode(errors="replace").split())
        if name == b"status":
            self.keywords |= keyword.from_letters(text, keyword.STATUS)
        elif name == b"x-status":
            self.keywords |= keyword.from_letters(text, keyword.X_STATUS)
            self.deleted |= keyword.X_STATUS_DELETED in text
        elif name == b"x-keywords":
            self.keywords |= keyword.valid(text.split())
        elif name == b"x-mozilla-status":
            found, expunged = keyword.from_mozilla_status(text)
            self.keywords |= found
            self.deleted |= expunged
        elif name == b"x-mozilla-keys":
            self.keywords |= keyword.from_mozilla_keys(text)
        else:
            keywords, mailboxes = _from_gmail_labels(text)
            self.keywords |= keywords
            self.mailboxes += mailboxes


def _from_gmail_labels(text: str) -> tuple[frozenset[str], tuple[Path, ...]]:
    """Read Gmail's labels: states become keywords, the others mailboxes, the categories nothing."""
    try:
        decoded = str(make_header(decode_header(text)))
        labels = [label.strip() for row in csv.reader([decoded], skipinitialspace=True) for label in row]
    except (MessageError, LookupError, ValueError, csv.Error):
        labels = [label.strip() for label in text.split(",")]
    lowered = {label.lower() for label in labels}
    keywords = {_GMAIL_KEYWORDS[label] for label in lowered if label in _GMAIL_KEYWORDS}
    if "unread" not in lowered:
        keywords.add("$seen")
    named = [
        tuple(clean_name(name) for name in label.split("/") if name.strip())
        for label in labels
        if label.lower() not in _GMAIL_STATES and not label.lower().startswith("category ")
    ]
    # Gmail calls a message "Archived" that is in no other place.
    kept = dict.fromkeys(path for path in named if path)
    return frozenset(keywords), tuple(kept) or (("Archive",),)


def _separator_date(line: bytes) -> int | None:
    """Read the date in a separator as Unix seconds, in UTC unless it says otherwise (RFC 4155)."""
    match = _ASCTIME.match(line.rstrip(b"\r\n"))
    if match is None:
        return None
    month, day, hour, minute, second, before, year, after = match.groups()
    zone = (before or after or b"+0000").decode()
    try:
        moment = datetime(
            int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), min(int(second or 0), 59),
            tzinfo=UTC,
        )  # fmt: skip
    except ValueError:
        return None
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5]))
    return int(moment.timestamp() - offset.total_seconds() * (-1 if zone[0] == "-" else 1))
