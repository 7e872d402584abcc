"""A tree of files as every source has it: a single file, a directory, a zip or a tar."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path as FilePath
from types import TracebackType
from typing import Protocol

from posthouse.app.sources.item import SourceError
from posthouse.app.sources.mbox import Readable

DEEPEST = 64
"""Directories below each other that are looked into."""

LARGEST_READ = 1 << 20
"""Bytes that are asked for at once, at most."""

_LONGEST_NAME = 4096
_MOST_NAMES = 2_000_000  # names of one directory, which are sorted in memory


class Opened(Readable, AbstractContextManager["Opened"], Protocol):
    """A stream that closes itself."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or directory in a tree.

    ``parts``: its path below the root, as text. ``size``: in bytes, unpacked. ``problem``: why it cannot be
    read, for people; then `open` must not be called. `open` is good only until the next entry is asked for.
    """

    parts: tuple[str, ...]
    size: int
    open: Callable[[], Opened]
    problem: str | None = None
    is_directory: bool = False

    @property
    def name(self) -> str:
        """The path below the root as people write it."""
        return "/".join(self.parts)


class Tree(Protocol):
    """Files by name, in an order that stays the same from run to run, and how far reading them has come.

    ``name`` is what reports and mailboxes call it, ``folder`` where loose messages are said to come from.
    ``may_have_wrapper`` says that directories which hold everything mean nothing, as in archives. ``errors``
    are what reading an entry may raise. ``total_bytes`` is known once all entries were asked for.
    """

    name: str
    folder: str
    may_have_wrapper: bool
    total_bytes: int
    done_bytes: int
    errors: tuple[type[Exception], ...]

    def entries(self) -> Iterator[Entry]:
        """Yield all entries; may be called again, from the start.

        Damage that ends the whole tree is an `Entry` with a problem, and the last one.
        """


class Meter:
    """Adds what is read from a stream to a tree's ``done_bytes``."""

    def __init__(self, stream: Readable, tree: Tree, close: Callable[[], None]) -> None:
        self._stream = stream
        self._tree = tree
        self._close = close

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes, and none only at the end."""
        data = self._stream.read(size)
        self._tree.done_bytes += len(data)
        return data

    def __enter__(self) -> Meter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()


class FileTree:
    """A single file."""

    may_have_wrapper = False
    errors: tuple[type[Exception], ...] = (OSError,)

    def __init__(self, path: FilePath) -> None:
        self.name = text_of(path.name)
        self.folder = text_of(path.resolve().parent.name) or "Imported"
        self.total_bytes = path.stat().st_size
        self.done_bytes = 0
        self._path = path

    def entries(self) -> Iterator[Entry]:
        """Yield the file."""
        self.done_bytes = 0
        yield Entry((self.name,), self.total_bytes, lambda: open_file(self._path, self))
        self.done_bytes = self.total_bytes


class DirectoryTree:
    """A directory on disk, sorted by name; links and devices are entries with a problem."""

    may_have_wrapper = False
    errors: tuple[type[Exception], ...] = (OSError,)

    def __init__(self, path: FilePath) -> None:
        self.name = self.folder = text_of(path.resolve().name) or "Imported"
        self.done_bytes = 0
        self.total_bytes = 0
        self._path = path

    def entries(self) -> Iterator[Entry]:
        """Yield directories and files, each directory's files before its directories."""
        self.done_bytes = 0
        pending: list[tuple[FilePath, tuple[str, ...]]] = [(self._path, ())]
        while pending:
            directory, parts = pending.pop()
            try:
                names = _sorted_names(directory)
            except OSError as error:
                yield _broken(parts, error.strerror or "unreadable")
                continue
            inner = []
            for name in names:
                entry = self._entry(directory / name, (*parts, text_of(name)))
                if entry.is_directory and entry.problem is None:
                    inner.append((directory / name, entry.parts))
                before = self.done_bytes
                yield entry
                self.done_bytes = before + entry.size
            pending += reversed(inner)
        self.total_bytes = self.done_bytes

    def _entry(self, path: FilePath, parts: tuple[str, ...]) -> Entry:
        try:
            status = path.lstat()
        except OSError as error:
            return _broken(parts, error.strerror or "unreadable")
        if stat.S_ISLNK(status.st_mode):
            return _broken(parts, "symbolic links are not followed")
        if stat.S_ISDIR(status.st_mode):
            return Entry(parts, 0, _never, name_problem(parts), is_directory=True)
        if not stat.S_ISREG(status.st_mode):
            return _broken(parts, "not a regular file")
        return Entry(parts, status.st_size, lambda: open_file(path, self))


def read_whole(entry: Entry) -> bytes:
    """Read an entry, which the caller found small enough, up to the size it claims."""
    with entry.open() as stream:
        return read_full(stream, entry.size)


def read_full(stream: Readable, size: int) -> bytes:
    """Read this many bytes, or fewer if the stream ends before."""
    parts = []
    while size > 0 and (data := stream.read(min(size, LARGEST_READ))):
        parts.append(data)
        size -= len(data)
    return b"".join(parts)


def open_file(path: FilePath, tree: Tree) -> Meter:
    """Open a regular file for reading; raises OSError, also for a link that took its place."""
    number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    stream = os.fdopen(number, "rb", buffering=0)
    return Meter(stream, tree, stream.close)


def name_problem(parts: tuple[str, ...]) -> str | None:
    """Tell why a path is refused, if it is."""
    if len(parts) > DEEPEST:
        return "too many directories below each other"
    return "the name is too long" if sum(map(len, parts)) > _LONGEST_NAME else None


def text_of(name: str) -> str:
    """Make a file name text: bytes that are no UTF-8 become replacement characters."""
    return os.fsencode(name).decode("utf-8", "replace")


def _sorted_names(directory: FilePath) -> list[str]:
    names = os.listdir(directory)
    if len(names) > _MOST_NAMES:
        raise OSError(0, f"more than {_MOST_NAMES:,} files in one directory")
    return sorted(names)


def _broken(parts: tuple[str, ...], problem: str) -> Entry:
    return Entry(parts, 0, _never, problem)


def _never() -> Opened:
    raise SourceError("this entry has no content")
