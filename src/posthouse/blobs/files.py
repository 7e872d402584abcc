"""Blobs in a folder: small ones in packs, larger ones in files of their own.

How a blob becomes durable: its bytes and its lease are appended to this process's pack (a large one's bytes
are first written and synced to a file without a place, and only the lease appended), the pack is synced, and
one index transaction enters everything that this sync covered; calls that wait in other threads share both.
Only then is the call answered. A crash before leaves records that no one was promised.

A twin appends only its lease. The collector may delete the blob between look-up and index transaction; the
transaction sees that, and the call starts over with the bytes.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from posthouse.blobs.collect import collect
from posthouse.blobs.folder import Folder, write_all
from posthouse.blobs.index import OWN_FILE, Index, Place, Writing
from posthouse.blobs.packs import BLOB, LEASE, Pack
from posthouse.blobs.port import BlobMissing, Collected
from posthouse.blobs.reading import Packs
from posthouse.blobs.recover import recover, take_over

#: A blob of this many bytes or more has a file of its own.
LARGE: Final = 256 * 1024
#: A pack that has reached this size is followed by a new one. Rewriting one costs at most half of it.
PACK_SIZE: Final = 256 * 1024 * 1024

_CHUNK = 1 << 20
_LOOKS = 5

# What is kept: the bytes, or a written and synced file that has no place yet.
_Content = bytes | Path


@dataclass(slots=True)
class _Entry:
    """One record that was appended and waits for its sync: a packed blob, a file to place, or a twin."""

    hash: bytes
    until: int
    length: int = 0
    offset: int | None = None
    file: Path | None = None
    lost: bool = False


@dataclass(slots=True)
class _Group:
    """Entries of one pack that one sync and one index transaction will make good."""

    pack: Pack | None = None
    entries: list[_Entry] = field(default_factory=list)
    done: bool = False
    error: OSError | None = None


class FileBlobs:
    """The port `Blobs` on a folder of this machine; to be opened after a fork, not before.

    `pack_size` is in bytes. Raises `OSError` where the folder cannot be used.
    """

    def __init__(self, root: str | Path, *, pack_size: int = PACK_SIZE) -> None:
        self._folder = Folder(Path(root))
        self._index = Index(self._folder.index)
        self._packs = Packs(self._folder)
        self._pack_size = pack_size
        self._appending = threading.Lock()
        self._committing = threading.Lock()
        self._pack: Pack | None = None
        self._group = _Group()
        recover(self._folder, self._index)

    def put(self, data: bytes, until: int) -> bytes:
        """Keep bytes; see `Blobs.put`."""
        hash = sha256(data).digest()
        self._keep({hash: data}, until)
        return hash

    def put_many(self, items: Sequence[bytes], until: int) -> list[bytes]:
        """Keep many items of bytes with one sync; see `Blobs.put_many`."""
        hashes = [sha256(item).digest() for item in items]
        self._keep(dict(zip(hashes, items, strict=True)), until)
        return hashes

    def writer(self) -> FileBlobWriter:
        """Begin a blob that arrives in pieces; see `Blobs.writer`."""
        return FileBlobWriter(self._folder, self._keep)

    def size(self, hash: bytes) -> int | None:
        """Return the size of a blob; see `Blobs.size`."""
        place = self._index.find(hash)
        return None if place is None else place.length

    def read(self, hash: bytes, offset: int = 0, length: int | None = None) -> bytes:
        """Return bytes of a blob; see `Blobs.read`."""
        if offset < 0 or (length is not None and length < 0):
            raise ValueError("offset and length must not be negative")
        # The collector of another process may move the blob between look-up and read.
        for _ in range(_LOOKS):
            place = self._index.find(hash)
            if place is None:
                break
            rest = max(place.length - offset, 0)
            wanted = rest if length is None or length > rest else length
            try:
                if place.pack == OWN_FILE:
                    data = _read_file(self._folder.file(hash), offset, wanted)
                else:
                    data = self._packs.read(place.pack, place.offset + offset, wanted)
            except FileNotFoundError:
                continue
            if len(data) == wanted:
                return data
            break
        raise BlobMissing(hash)

    def verify(self, hash: bytes) -> bool:
        """Say whether a blob still has its hash; see `Blobs.verify`."""
        digest, offset = sha256(), 0
        while chunk := self.read(hash, offset, _CHUNK):
            digest.update(chunk)
            offset += len(chunk)
        return digest.digest() == hash

    def collect(self, is_referenced: Callable[[list[bytes]], set[bytes]], now: int) -> Collected:
        """Delete what nobody needs; see `Blobs.collect`."""
        # Its long walks would hold up readers on this process's connection.
        with closing(Index(self._folder.index)) as index:
            return collect(self._folder, index, is_referenced, now)

    def close(self) -> None:
        """Give back files and locks."""
        self._packs.close()
        if self._pack is not None:
            self._pack.close()
            self._pack = None
        self._index.close()

    def _keep(self, contents: dict[bytes, _Content], until: int) -> None:
        """Make contents durable and leased, under their hashes. Raises `OSError` if any could not be kept."""
        twins = {hash for hash in contents if self._index.find(hash) is not None}
        while contents:
            with self._written(contents, twins) as files:
                group, entries = self._append(contents, twins, files, until)
                self._commit(group)
            contents = {entry.hash: contents[entry.hash] for entry in entries if entry.lost}
            twins = set()

    @contextmanager
    def _written(self, contents: dict[bytes, _Content], twins: set[bytes]) -> Iterator[dict[bytes, Path]]:
        """Give for each large blob that is not there yet a synced file, which is gone afterwards."""
        files: dict[bytes, Path] = {}
        made: list[Path] = []
        try:
            for hash, content in contents.items():
                if hash in twins:
                    continue
                if isinstance(content, Path):
                    files[hash] = content
                elif len(content) >= LARGE:
                    fd, path = self._folder.nameless()
                    made.append(path)
                    try:
                        write_all(fd, content, 0)
                        os.fsync(fd)
                    finally:
                        os.close(fd)
                    files[hash] = path
            yield files
        finally:
            for path in made:
                path.unlink(missing_ok=True)

    def _append(
        self, contents: dict[bytes, _Content], twins: set[bytes], files: dict[bytes, Path], until: int
    ) -> tuple[_Group, list[_Entry]]:
        """Append a record for each content to the pack; return what will commit them."""
        with self._appending:
            pack = self._own_pack()
            entries: list[_Entry] = []
            parts: list[bytes] = []
            end = pack.end
            for hash, content in contents.items():
                entry = _Entry(hash, until, file=files.get(hash))
                kind = LEASE
                if entry.file is not None:
                    entry.length = entry.file.stat().st_size
                elif hash not in twins and isinstance(content, bytes):
                    kind = BLOB
                    entry.length = len(content)
                head = pack.record(kind, hash, entry.length, until)
                parts.append(head)
                end += len(head)
                if kind == BLOB and isinstance(content, bytes):
                    entry.offset = end
                    parts.append(content)
                    end += len(content)
                entries.append(entry)
            pack.append(b"".join(parts))
            group = self._group
            group.pack = pack
            group.entries += entries
            return group, entries

    def _own_pack(self) -> Pack:
        """Return the pack that this process appends to: a free one that has room, or a new one."""
        if self._pack is None:
            self._pack = self._free_pack() or Pack.create(self._folder)
        return self._pack

    def _free_pack(self) -> Pack | None:
        for pack_id in self._folder.pack_ids():
            pack = Pack.lock(self._folder, pack_id)
            if pack is None:
                continue
            try:
                if pack.end < self._pack_size:
                    with self._index.writing() as writing:
                        take_over(self._folder, pack, writing)
                    return pack
            except BaseException:
                pack.close()
                raise
            pack.close()
        return None

    def _commit(self, group: _Group) -> None:
        """Wait until a group is durable and in the index, or do it. Raises `OSError` for the whole group."""
        with self._committing:
            if not group.done:
                self._make_good(group)
        if group.error is not None:
            raise OSError(*group.error.args) from group.error

    def _make_good(self, group: _Group) -> None:
        with self._appending:
            # From here on others append to the next group, and a pack belongs to a whole group.
            self._group = _Group()
            pack = group.pack
            assert pack is not None
            end = pack.end
            if end >= self._pack_size:
                self._pack = None
        group.done = True
        group.error = OSError(errno.EINTR, "interrupted before the blobs were durable")
        try:
            pack.sync()
            with self._index.writing() as writing:
                self._enter(group, pack.id, end, writing)
            group.error = None
        except OSError as error:
            group.error = error
        finally:
            self._retire(pack)

    def _retire(self, pack: Pack) -> None:
        """Give up a pack that is full or broken."""
        with self._appending:
            if pack.broken and self._pack is pack:
                self._pack = None
            if self._pack is not pack:
                pack.close()

    def _enter(self, group: _Group, pack: int, end: int, writing: Writing) -> None:
        for entry in group.entries:
            if entry.offset is not None:
                writing.add(entry.hash, Place(pack, entry.offset, entry.length, entry.until))
            elif entry.file is not None:
                self._folder.place(entry.file, entry.hash)
                writing.add(entry.hash, Place(OWN_FILE, 0, entry.length, entry.until))
            else:
                entry.lost = not self._renew(entry, writing)
        writing.know(pack, end)

    def _renew(self, entry: _Entry, writing: Writing) -> bool:
        place = self._index.find(entry.hash)
        if place is None or (place.pack == OWN_FILE and not self._folder.file(entry.hash).exists()):
            return False
        return writing.lease(entry.hash, entry.until)


class FileBlobWriter:
    """The port `BlobWriter`: bytes gather in memory, and in a file once they are many."""

    def __init__(self, folder: Folder, keep: Callable[[dict[bytes, _Content], int], None]) -> None:
        self._folder = folder
        self._keep = keep
        self._hash = sha256()
        self._size = 0
        self._small = bytearray()
        self._file: tuple[int, Path] | None = None

    def write(self, chunk: bytes) -> None:
        """Take the next bytes; see `BlobWriter.write`."""
        try:
            if self._file is not None:
                write_all(self._file[0], chunk, self._size)
            else:
                self._small += chunk
                if len(self._small) >= LARGE:
                    self._file = self._folder.nameless()
                    write_all(self._file[0], self._small, 0)
                    self._small = bytearray()
        except OSError:
            self.abort()
            raise
        self._hash.update(chunk)
        self._size += len(chunk)

    def finish(self, until: int) -> tuple[bytes, int]:
        """Make the blob durable; see `BlobWriter.finish`."""
        hash = self._hash.digest()
        try:
            if self._file is None:
                self._keep({hash: bytes(self._small)}, until)
            else:
                fd, path = self._file
                os.fsync(fd)
                self._keep({hash: path}, until)
        finally:
            self.abort()
        return hash, self._size

    def abort(self) -> None:
        """Forget the bytes; see `BlobWriter.abort`."""
        self._small = bytearray()
        if self._file is not None:
            fd, path = self._file
            self._file = None
            os.close(fd)
            path.unlink(missing_ok=True)


def _read_file(path: Path, offset: int, length: int) -> bytes:
    """Read up to `length` bytes at an offset; one call of the system gives 2 GiB at most."""
    with path.open("rb", buffering=0) as file:
        parts: list[bytes] = []
        while length and (part := os.pread(file.fileno(), length, offset)):
            parts.append(part)
            offset += len(part)
            length -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
