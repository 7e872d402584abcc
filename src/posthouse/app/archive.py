"""Write mail to Maildir or mbox, and cards to a ``.vcf``, so that a user can always leave.

Each message's bytes are written as they are. What the formats cannot say is added in a way that other
programs ignore and our own import reads (`posthouse.app.sources.mark`), so that import after export gives the
same messages, mailboxes, keywords and dates.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path as FilePath
from typing import BinaryIO

from posthouse.app.sources import keyword
from posthouse.app.sources.folder import INBOX, encode_utf7
from posthouse.app.sources.item import Path
from posthouse.app.sources.layout import DOVECOT_KEYWORDS
from posthouse.app.sources.mark import FIELD, FOLDER_FILE, Mark, write_folder_line, write_mark

CARDS_FILE = "contacts.vcf"
"""The file for cards, beside the mail."""

_LONGEST_FILE_NAME = 200  # bytes; file systems allow 255, and suffixes need some
_LONGEST_PATH = 1000  # bytes below the target; systems allow 1024 at least
_MOST_OPEN_FILES = 64
_SUFFIX = ".mbox"
_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|]')
_FROM = re.compile(rb"^(?=>*From )", re.MULTILINE)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Exported:
    """A message to write.

    ``mailboxes``: at least one; ``("Inbox",)`` becomes the top of a Maildir, so pass the account's Inbox so.
    ``keywords``: in lower case. ``received_at``: Unix seconds, or None where unknown. ``data``: the message.
    """

    mailboxes: list[Path]
    keywords: frozenset[str]
    received_at: int | None
    data: bytes


class ArchiveError(Exception):
    """The target cannot be written; the message is one line that says what to do."""


def export_maildir(messages: Iterable[Exported], directory: FilePath) -> int:
    """Write a Maildir++ tree; return the number of messages.

    A message in several mailboxes is written into each. Raises `ArchiveError` if ``directory`` exists and is
    not empty, or cannot be written; what was written so far stays.
    """
    _make_empty(directory)
    folders: dict[Path, _Folder] = {}
    names = _Names(prefix=".", separator=".")
    count = 0
    try:
        _make_maildir(directory)
        for message in messages:
            count += 1
            for mailbox in message.mailboxes:
                folder = folders.get(mailbox)
                if folder is None:
                    home = directory if mailbox == INBOX else directory / names.of(map(encode_utf7, mailbox))
                    folder = folders[mailbox] = _Folder.make(home, mailbox)
                folder.add(message, count)
    except OSError as error:
        raise _one_line(error, directory) from error
    return count


def export_mbox(messages: Iterable[Exported], directory: FilePath) -> int:
    """Write one mbox file for each mailbox, in the dialect mboxrd; return the number of messages.

    Mailboxes below others lie in directories. Raises `ArchiveError` as `export_maildir` does.
    """
    _make_empty(directory)
    names = _Names(prefix="", separator="/")
    paths: dict[Path, FilePath] = {}
    count = 0
    try:
        with _Appending() as files:
            for message in messages:
                count += 1
                for mailbox in message.mailboxes:
                    if mailbox not in paths:
                        path = directory / f"{names.of(map(_safe, mailbox))}{_SUFFIX}"
                        path.parent.mkdir(parents=True, exist_ok=True)
                        paths[mailbox] = path
                    files.write(paths[mailbox], _mbox_entry(message, mailbox))
    except OSError as error:
        raise _one_line(error, directory) from error
    return count


def export_vcards(cards: Iterable[bytes], path: FilePath) -> int:
    """Write vCards into one file, if there are any; return their number. Raises `ArchiveError`."""
    count = 0
    try:
        with ExitStack() as stack:
            for count, card in enumerate(cards, 1):
                if count == 1:
                    file = stack.enter_context(path.open("xb"))
                file.write(card)
    except OSError as error:
        raise _one_line(error, path) from error
    return count


@dataclass(slots=True)
class _Folder:
    """One Maildir that is being written, and the letters that stand for keywords in it."""

    home: FilePath
    letters: dict[str, str] = field(default_factory=lambda: dict(keyword.MAILDIR))
    known: set[str] = field(default_factory=lambda: set(keyword.MAILDIR.values()))

    @classmethod
    def make(cls, home: FilePath, mailbox: Path) -> _Folder:
        _make_maildir(home)
        if mailbox != INBOX:
            (home / "maildirfolder").touch()  # Maildir++: what marks a folder below the top
        folder = cls(home)
        folder._note(FOLDER_FILE, write_folder_line({"mailbox": mailbox}))
        return folder

    def add(self, message: Exported, number: int) -> None:
        """Write a message to ``tmp`` and move it to ``cur`` with its flags in its name."""
        for name in sorted(message.keywords - self.known):
            self._learn(name)
        seconds = "unknown" if message.received_at is None else str(message.received_at)
        unique = f"{seconds}.{number:08d}.posthouse,S={len(message.data)}"
        rare = sorted(message.keywords - set(self.letters.values()))
        if rare:
            self._note(FOLDER_FILE, write_folder_line({"message": unique, "keywords": rare}))
        temporary = self.home / "tmp" / unique
        temporary.write_bytes(message.data)
        if message.received_at is not None:
            os.utime(temporary, (message.received_at, message.received_at))
        flags = "".join(sorted(keyword.to_letters(message.keywords, self.letters)))
        temporary.rename(self.home / "cur" / f"{unique}:2,{flags}")

    def _learn(self, name: str) -> None:
        """Give a keyword one of the 26 letters that Dovecot has for them, if one is left."""
        self.known.add(name)
        number = len(self.letters) - len(keyword.MAILDIR)
        if number < 26:
            self.letters[chr(ord("a") + number)] = name
            self._note(DOVECOT_KEYWORDS, f"{number} {name}\n".encode())

    def _note(self, file: str, line: bytes) -> None:
        with (self.home / file).open("ab") as stream:
            stream.write(line)


class _Names:
    """File names for mailboxes, each one once, also where upper and lower case are the same."""

    def __init__(self, prefix: str, separator: str) -> None:
        self._prefix = prefix
        self._separator = separator
        self._taken: set[str] = set()

    def of(self, names: Iterable[str]) -> str:
        """Join names to a path, shortened and numbered as need be."""
        parts = list(names)
        joined = self._prefix + self._separator.join(parts)
        encoded = os.fsencode(joined)
        if len(encoded) > _LONGEST_PATH or max(map(len, encoded.split(b"/"))) > _LONGEST_FILE_NAME:
            joined = self._prefix + os.fsencode(parts[-1])[:100].decode(errors="ignore")
        name, number = joined, 1
        while name.casefold() in self._taken:
            number += 1
            name = f"{joined}~{number}"
        self._taken.add(name.casefold())
        return name


class _Appending(ExitStack):
    """Files that are open for appending, not more than `_MOST_OPEN_FILES` at once."""

    def __init__(self) -> None:
        super().__init__()
        self._open: dict[FilePath, BinaryIO] = {}

    def write(self, path: FilePath, data: bytes) -> None:
        stream = self._open.get(path)
        if stream is None:
            if len(self._open) >= _MOST_OPEN_FILES:
                self.close()
                self._open.clear()
            stream = self._open[path] = self.enter_context(path.open("ab"))
        stream.write(data)


def _mbox_entry(message: Exported, mailbox: Path) -> bytes:
    """Write a separator, the state of the message, the message quoted, and a blank line."""
    data = message.data
    first = data.find(b"\n")
    line_end = "\r\n" if first > 0 and data[first - 1 : first] == b"\r" else "\n"
    others = " ".join(
        sorted(message.keywords - set(keyword.STATUS.values()) - set(keyword.X_STATUS.values()))
    )
    head = [
        f"From posthouse@localhost {_asctime(message.received_at or 0)}",
        f"Status: {keyword.to_letters(message.keywords, keyword.STATUS)}O",
        f"X-Status: {keyword.to_letters(message.keywords, keyword.X_STATUS)}",
        f"X-Keywords: {others}",
        f"{FIELD}: {write_mark(Mark(len(data), message.received_at, mailbox))}",
        "",
    ]
    closing = b"" if data.endswith(b"\n") else line_end.encode()
    return line_end.join(head).encode() + _FROM.sub(b">", data) + closing + line_end.encode()


def _asctime(seconds: int) -> str:
    """Write Unix seconds as RFC 4155 wants them in a separator: in UTC, in English, without a zone."""
    try:
        moment = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        moment = _EPOCH
    day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
    return f"{day} {month} {moment.day:2d} {moment:%H:%M:%S} {moment.year:04d}"


def _safe(name: str) -> str:
    """Make a mailbox name a file name that every system takes."""
    text = _UNSAFE.sub("_", name).strip(" ")
    if text.casefold().endswith(_SUFFIX):  # else the directory of one mailbox may be the file of another
        text += "_"
    return f"_{text}" if not text or text.startswith((".", "~")) else text


def _make_empty(directory: FilePath) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise ArchiveError(f"{directory}: is not empty; name a directory that is new")
    except OSError as error:
        raise _one_line(error, directory) from error


def _make_maildir(home: FilePath) -> None:
    for name in ("cur", "new", "tmp"):
        (home / name).mkdir(parents=True, exist_ok=True)


def _one_line(error: OSError, directory: FilePath) -> ArchiveError:
    return ArchiveError(f"{error.filename or directory}: cannot be written: {error.strerror or error}")
