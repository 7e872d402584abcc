"""Zip and tar archives as trees, read in place: nothing is unpacked to disk.

Bounded against hostile archives: the size of a zip's directory and of each tar header, the memory of xz, the
ratio of unpacked to packed bytes, and the depth of names. Names are only ever shown and compared, never
opened, so ``..`` and absolute ones do no harm.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path as FilePath
from typing import IO, BinaryIO, cast

from posthouse.app.sources.mbox import Readable
from posthouse.app.sources.tree import LARGEST_READ, Entry, Meter, Opened, name_problem

_LARGEST_DIRECTORY = 1 << 26  # bytes of a zip's central directory, about half a million files
_LARGEST_HEADER = 1 << 15  # bytes of a tar header with its extensions
_XZ_MEMORY = 1 << 27
_HIGHEST_RATIO = 200  # text packs to a tenth, a bomb to a thousandth
_FREE_BYTES = 1 << 24  # unpacked bytes that are no bomb at any ratio
_BOMB = f"unpacks to more than {_HIGHEST_RATIO} times its size, which mail does not"

_ZIP_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2}
_ENCRYPTED = 0x1
_UTF8_NAME = 0x800


class Damaged(Exception):
    """An archive breaks the limits or its own format."""


class ZipTree:
    """A zip archive; progress is counted in unpacked bytes."""

    may_have_wrapper = True
    errors: tuple[type[Exception], ...] = (
        OSError, EOFError, ValueError, NotImplementedError, RuntimeError, zlib.error, zipfile.BadZipFile,
        Damaged,
    )  # fmt: skip

    def __init__(self, path: FilePath) -> None:
        self.name = self.folder = path.stem
        self.done_bytes = 0
        self.total_bytes = 0
        self._packed = path.stat().st_size
        self._path = path

    def entries(self) -> Iterator[Entry]:
        """Yield the entries in the order of the archive's directory."""
        self.done_bytes = 0
        try:
            with (
                self._path.open("rb") as raw,
                zipfile.ZipFile(cast(BinaryIO, _ShortReads(raw, _LARGEST_DIRECTORY))) as archive,
            ):
                for info in archive.infolist():
                    before = self.done_bytes
                    yield self._entry(archive, info)
                    self.done_bytes = before + info.file_size
        except self.errors as error:
            yield Entry((), 0, _never, f"damaged archive: {error}")
        self.total_bytes = self.done_bytes

    def _entry(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
        parts = _parts(_zip_name(info))
        problem = self._problem(info, parts)
        return Entry(parts, info.file_size, lambda: self._open(archive, info), problem, info.is_dir())

    def _problem(self, info: zipfile.ZipInfo, parts: tuple[str, ...]) -> str | None:
        kind = info.external_attr >> 28
        if kind not in (0, 0o4, 0o10):
            return "symbolic links are not followed" if kind == 0o12 else "not a regular file"
        if info.flag_bits & _ENCRYPTED:
            return "encrypted"
        if info.compress_type not in _ZIP_METHODS:
            return "packed by a method that is not supported"
        if _is_bomb(info.file_size, info.compress_size) or _is_bomb(
            self.done_bytes + info.file_size, self._packed
        ):
            return _BOMB
        return name_problem(parts)

    def _open(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Opened:
        stream = archive.open(info)
        return Meter(cast(Readable, stream), self, stream.close)


class TarTree:
    """A tar archive, also packed by gzip, bzip2 or xz; progress is counted in packed bytes."""

    may_have_wrapper = True
    errors: tuple[type[Exception], ...] = (
        OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, tarfile.TarError, RecursionError, Damaged,
    )  # fmt: skip

    def __init__(self, path: FilePath) -> None:
        self.name = self.folder = path.name.removesuffix(path.suffix).removesuffix(".tar")
        self.total_bytes = path.stat().st_size
        self._path = path
        self._raw: IO[bytes] | None = None
        self._ended_at = 0

    @property
    def done_bytes(self) -> int:
        """How much of the packed file was read."""
        return self._ended_at if self._raw is None else self._raw.tell()

    @done_bytes.setter
    def done_bytes(self, value: int) -> None:
        """Ignore what a `Meter` counts: those bytes are unpacked ones."""

    def entries(self) -> Iterator[Entry]:
        """Yield the entries in the order of the archive."""
        with self._path.open("rb") as raw:
            self._raw = raw
            stream = Forward(unpacked(raw), raw.tell)
            try:
                yield from self._entries(stream)
            except self.errors as error:
                yield Entry((), 0, _never, f"damaged archive, the rest of it was not read: {error}")
            finally:
                self._raw, self._ended_at = None, raw.tell()

    def _entries(self, stream: Forward) -> Iterator[Entry]:
        with tarfile.open(
            fileobj=cast(BinaryIO, stream), mode="r:", encoding="utf-8", errors="replace"
        ) as tar:
            member = tar.next()
            while member is not None:
                stream.longest = LARGEST_READ
                yield self._entry(tar, member)
                stream.longest = _LARGEST_HEADER
                # Else the list of all entries grows without bound; the type stubs do not know of it.
                cast(list[tarfile.TarInfo], vars(tar)["members"]).clear()
                member = tar.next()

    def _entry(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> Entry:
        if member.size < 0:
            raise Damaged("an entry has a negative size")
        parts = _parts(member.name)
        problem = name_problem(parts)
        if member.issym() or member.islnk():
            problem = "links are not followed"
        elif not member.isdir() and (not member.isreg() or member.issparse()):
            problem = "not a regular file"
        return Entry(
            parts, member.size, lambda: self._open(tar, member), problem, is_directory=member.isdir()
        )

    def _open(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> Opened:
        stream = tar.extractfile(member)
        if stream is None:
            raise Damaged("no content")
        return Meter(cast(Readable, stream), self, stream.close)


def unpacked(raw: BinaryIO) -> Readable:
    """Return the stream inside a gzip, bzip2 or xz stream, told by its first bytes, or the stream itself."""
    start = raw.read(6)
    raw.seek(0)
    if start.startswith(b"\x1f\x8b"):
        return cast(Readable, gzip.GzipFile(fileobj=raw))
    if start.startswith(b"BZh"):
        return cast(Readable, bz2.BZ2File(raw))
    if start == b"\xfd7zXZ\x00":
        return _Xz(raw)
    return raw


class _Xz:
    """An xz stream, read with bounded memory, which `lzma.LZMAFile` cannot do."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._decoder = self._new()
        self._spare = b""

    def read(self, size: int, /) -> bytes:
        while True:
            if self._decoder.eof:
                # Streams may follow each other, with zeros between them.
                self._spare = (self._decoder.unused_data or self._raw.read(io.DEFAULT_BUFFER_SIZE)).lstrip(
                    b"\0"
                )
                if not self._spare:
                    return b""
                self._decoder = self._new()
            elif self._decoder.needs_input and not self._spare:
                self._spare = self._raw.read(io.DEFAULT_BUFFER_SIZE)
                if not self._spare:
                    raise EOFError("the xz stream ends too early")
            data = self._decoder.decompress(self._spare, size)
            self._spare = b""
            if data:
                return data

    def _new(self) -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)


class Forward:
    """A stream for `tarfile` that only goes forwards and refuses large reads and bombs.

    It can step back over the last byte, as `tarfile` does to see whether that is there.
    """

    def __init__(self, stream: Readable, packed: Callable[[], int]) -> None:
        self.longest = _LARGEST_HEADER
        self._stream = stream
        self._packed = packed
        self._place = 0
        self._last = b""
        self._stepped_back = False

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self._place - self._stepped_back

    def seek(self, place: int) -> int:
        """Go on to a place, or back by one byte; raises `Damaged` for anything else."""
        if place == self._place - 1 and self._last:
            self._stepped_back = True
            return place
        if place < self._place:
            raise Damaged("an entry lies before the one it follows")
        self._stepped_back = False
        while self._place < place:
            if not self._next(min(place - self._place, LARGEST_READ)):
                break
        return self._place

    def read(self, size: int = -1) -> bytes:
        """Return so many bytes, or fewer at the end; raises `Damaged` for more than ``longest``."""
        if not 0 <= size <= self.longest:
            raise Damaged("a header is too large")
        parts = []
        if self._stepped_back and size:
            self._stepped_back = False
            parts.append(self._last)
            size -= 1
        while size and (data := self._next(size)):
            parts.append(data)
            size -= len(data)
        return b"".join(parts)

    def seekable(self) -> bool:
        """Say yes, since `tarfile` asks."""
        return True

    def _next(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._place += len(data)
        self._last = data[-1:] or self._last
        if _is_bomb(self._place, self._packed()):
            raise Damaged(_BOMB)
        return data


class _ShortReads:
    """A file that refuses to read more than so many bytes at once."""

    def __init__(self, file: BinaryIO, longest: int) -> None:
        self._file = file
        self._longest = longest
        self.seek = file.seek
        self.tell = file.tell
        self.close = file.close
        self.seekable = file.seekable

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size if 0 <= size <= self._longest else self._longest + 1)
        if len(data) > self._longest:
            raise Damaged(f"its directory is larger than {self._longest:,} bytes")
        return data


def _zip_name(info: zipfile.ZipInfo) -> str:
    """Return the name as text; many programs write UTF-8 without saying so."""
    if info.flag_bits & _UTF8_NAME:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def _parts(name: str) -> tuple[str, ...]:
    return tuple(part for part in name.replace("\\", "/").split("/") if part not in ("", ".", ".."))


def _is_bomb(unpacked_bytes: int, packed_bytes: int) -> bool:
    return unpacked_bytes > _FREE_BYTES + _HIGHEST_RATIO * packed_bytes


def _never() -> Opened:
    raise Damaged("this entry has no content")
