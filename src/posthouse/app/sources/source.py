"""Open a path and read all messages and vCards in it, whatever it is."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path as FilePath

from posthouse.app.sources.item import Contact, Item, Path, Skipped, SourceError
from posthouse.app.sources.layout import Layout
from posthouse.app.sources.mbox import Readable, is_separator, read_mbox, without_separator
from posthouse.app.sources.packed import TarTree, ZipTree, unpacked
from posthouse.app.sources.tree import DirectoryTree, Entry, FileTree, Tree, read_full, read_whole
from posthouse.formats import vcard

MAX_MESSAGE = 100_000_000
"""Bytes of the largest message that is read unless the caller says otherwise."""

_PEEK = 1 << 13
_TAR_MAGIC_AT = 257
_PACKED = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00")
_NESTED = "an archive inside an archive is not opened"
# Fields of which every message that a program wrote has one; a first line alone is also YAML or a program.
_KNOWN = re.compile(
    rb"^(?:From|To|Cc|Subject|Date|Message-ID|Received|Return-Path|Delivered-To|MIME-Version|Content-Type"
    rb"|X-Posthouse-Export)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
_FIRST_LINE = re.compile(rb"(?:>?From [^\r\n]*\r?\n)?[!-9;-~]+[ \t]*:")
_VCARD = re.compile(rb"(?:\xef\xbb\xbf)?\s*BEGIN:VCARD\s", re.IGNORECASE)
_VCARD_SUFFIXES = (".vcf", ".vcard")
_BINARY = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f]")


class Source(Iterator[Item | Contact | Skipped]):
    """All messages and vCards below one path, in an order that stays the same as long as the path does.

    ``total_bytes`` and ``done_bytes`` are in the same unit, for a progress bar; archives are measured by what
    is cheap to know, so it is not always the size on disk.
    """

    def __init__(self, path: FilePath, max_message: int, only_mail: bool) -> None:
        self._tree = _open_tree(path)
        self._label = str(path)
        self._max_message = max_message
        self._only_mail = only_mail
        self._layout = Layout(self._tree)
        self._items = self._read()

    @property
    def total_bytes(self) -> int:
        """How many bytes there are to read."""
        return self._tree.total_bytes

    @property
    def done_bytes(self) -> int:
        """How many bytes of them were read or passed over so far."""
        return min(self._tree.done_bytes, self._tree.total_bytes)

    def __next__(self) -> Item | Contact | Skipped:
        return next(self._items)

    def _read(self) -> Iterator[Item | Contact | Skipped]:
        for entry in self._tree.entries():
            origin = self._origin(entry)
            if entry.problem is not None:
                yield Skipped(origin, entry.problem)
            elif not entry.is_directory and entry.parts:
                try:
                    yield from self._read_entry(entry, origin)
                except self._tree.errors as error:
                    yield Skipped(origin, f"cannot be read: {_one_line(error)}")

    def _read_entry(self, entry: Entry, origin: str) -> Iterator[Item | Contact | Skipped]:
        place = self._layout.place(entry.parts)
        if place.kind == "ignore":
            return
        if place.kind == "unfinished":
            yield Skipped(origin, "its delivery was never finished")
        elif place.deleted:
            yield Skipped(origin, "marked as deleted")
        elif entry.size == 0:
            yield Skipped(origin, "empty file")
        elif place.kind == "file":
            yield from self._read_file(entry, place.mailbox, origin)
        elif entry.size > self._max_message:
            yield Skipped(origin, f"larger than {self._max_message:,} bytes")
        else:
            yield Item((place.mailbox,), read_whole(entry), place.keywords, place.received_at, origin)

    def _read_file(self, entry: Entry, loose: Path, origin: str) -> Iterator[Item | Contact | Skipped]:
        """Read a file whose content says what it is."""
        is_eml = entry.parts[-1].lower().endswith(".eml")
        with entry.open() as stream:
            start = read_full(stream, _PEEK)
            if is_separator(start) and not is_eml:
                mailbox = self._layout.mbox_mailbox(entry.parts)
                yield from read_mbox(_Again(start, stream), mailbox, origin, self._max_message)
                return
            if _VCARD.match(start) or entry.parts[-1].lower().endswith(_VCARD_SUFFIXES):
                if not self._only_mail:
                    yield from _read_vcards(_Again(start, stream), origin)
                return
            reason = _why_no_message(start, is_eml)
            if reason is None and entry.size > self._max_message:
                reason = f"larger than {self._max_message:,} bytes"
            if reason is not None:
                yield Skipped(origin, reason)
                return
            data = start + read_full(stream, entry.size - len(start))
        yield Item((loose,), without_separator(data), frozenset(), None, origin)

    def _origin(self, entry: Entry) -> str:
        """Name an entry by the path that the user gave, and the path in there."""
        if isinstance(self._tree, FileTree) or not entry.parts:
            return self._label
        return (
            f"{self._label}/{entry.name}"
            if isinstance(self._tree, DirectoryTree)
            else f"{self._label}: {entry.name}"
        )


def open_source(path: str | FilePath, *, max_message: int = MAX_MESSAGE, only_mail: bool = False) -> Source:
    """Open an mbox, a Maildir, a message, vCards, a directory of these, or a zip or tar of these.

    ``max_message`` is in bytes; larger messages are skipped without being loaded. ``only_mail`` passes over
    vCards. Raises `SourceError` if there is nothing to open. All names are looked at before this returns, so a
    packed tar is unpacked twice.
    """
    return Source(FilePath(path), max_message, only_mail)


def _read_vcards(stream: Readable, origin: str) -> Iterator[Contact | Skipped]:
    number = 0
    for number, card in enumerate(vcard.stream(stream), 1):
        place = f"{origin}, card {number} at line {card.line}"
        yield Contact(card, place) if card.properties else Skipped(place, "empty card")
    if not number:
        yield Skipped(origin, "no vCard in it")


class _Again:
    """A stream of which the start was read already."""

    def __init__(self, start: bytes, rest: Readable) -> None:
        self._start = start
        self._rest = rest

    def read(self, size: int, /) -> bytes:
        if self._start:
            data, self._start = self._start[:size], self._start[size:]
            return data
        return self._rest.read(size)


def _open_tree(path: FilePath) -> Tree:
    try:
        if path.is_dir():
            return DirectoryTree(path)
        if not path.exists():
            raise SourceError(f"{path}: there is no such file or directory")
        if not path.is_file():
            raise SourceError(f"{path}: is neither a file nor a directory")
        with path.open("rb") as raw:
            start = raw.read(_PEEK)
            if start.startswith(_PACKED[:2]) and zipfile.is_zipfile(path):
                return ZipTree(path)
            is_packed = start.startswith(_PACKED[2:])
            if is_packed:
                raw.seek(0)
                start = read_full(unpacked(raw), _TAR_MAGIC_AT + 8)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}") from error
    except TarTree.errors as error:
        raise SourceError(f"{path}: cannot be unpacked: {_one_line(error)}") from error
    if start.startswith(b"ustar", _TAR_MAGIC_AT):
        return TarTree(path)
    if is_packed:
        raise SourceError(f"{path}: is packed, but not a tar archive; unpack it first")
    return FileTree(path)


def _why_no_message(start: bytes, is_eml: bool) -> str | None:
    """Tell why a file is not one message, judged by its first bytes; one called .eml is trusted more."""
    if start.startswith(_PACKED) or start.startswith(b"ustar", _TAR_MAGIC_AT):
        return _NESTED
    if _FIRST_LINE.match(start) and (is_eml or _KNOWN.search(start)):
        return None
    if is_eml and (_KNOWN.search(start) or not _BINARY.search(start)):
        return None
    return "neither a message nor a vCard"


def _one_line(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()) or type(error).__name__
