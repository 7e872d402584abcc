"""Packs: append-only files of many small blobs.

A pack is a header (magic and a secret salt) and then records. A record is 64 bytes, and the blob after them
if it brings one::

    magic 4 · kind 1 · zeros 3 · length 8 · lease until 8 · SHA-256 32 · check 8

The check is a hash of the 56 bytes before it, keyed with the pack's salt, so no message can contain something
that passes for a record. Whatever is torn (a crash in the middle of an append, a disk that was full) is
skipped: a scan goes on at the next sound record, wherever it starts. So recovery never cuts anything off, and
an append may follow a torn one.

Ids of packs are random and never used again: a reader whose knowledge is stale finds no file rather than
another one. A pack is written only by the process that holds its OS lock.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import struct
from collections.abc import Iterator
from hashlib import blake2b, sha256
from typing import Final, NamedTuple

from posthouse.blobs.folder import Folder, sync_data, sync_folder, write_all

BLOB: Final = 1
LEASE: Final = 2

_PACK = struct.Struct(">16s16s")
_PACK_MAGIC = b"posthouse pack 1"
_RECORD = struct.Struct(">4sB3xQq32s")
_RECORD_MAGIC = b"\xf5phr"
_CHECK = 8
_SEARCHED = 1 << 13  # small, since hostile bytes may show the magic everywhere

#: Bytes that a record takes beside those of its blob.
RECORD_SIZE: Final = _RECORD.size + _CHECK
#: Bytes at the start of each pack.
PACK_HEADER_SIZE: Final = _PACK.size


class Record(NamedTuple):
    """A sound record: its kind, the lease of its blob, and where the blob's bytes lie in the pack."""

    kind: int
    hash: bytes
    until: int
    offset: int
    length: int

    @property
    def end(self) -> int:
        """The first byte after the record."""
        return self.offset + (self.length if self.kind == BLOB else 0)


class Pack:
    """A pack under the lock of this process, which alone may append to it, until `close`."""

    def __init__(self, pack: int, fd: int, salt: bytes, end: int) -> None:
        self.id = pack
        self.end = end
        self.broken = False
        self._synced = end
        self._fd = fd
        self._salt = salt

    @classmethod
    def create(cls, folder: Folder) -> Pack:
        """Begin a new pack; its header is durable before it has a name."""
        fd, path = folder.nameless()
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            salt = secrets.token_bytes(16)
            write_all(fd, _PACK.pack(_PACK_MAGIC, salt), 0)
            os.fsync(fd)
            pack = secrets.randbits(62)
            os.rename(path, folder.pack(pack))
            sync_folder(folder.packs)
        except OSError:
            os.close(fd)
            path.unlink(missing_ok=True)
            raise
        return cls(pack, fd, salt, PACK_HEADER_SIZE)

    @classmethod
    def lock(cls, folder: Folder, pack: int) -> Pack | None:
        """Take a pack that is there; None if another holds it, or if it is gone or no pack of ours."""
        try:
            fd = os.open(folder.pack(pack), os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            status = os.fstat(fd)
            head = os.pread(fd, PACK_HEADER_SIZE, 0)
            # Without a link it was deleted between opening and locking.
            if status.st_nlink and len(head) == PACK_HEADER_SIZE and head.startswith(_PACK_MAGIC):
                return cls(pack, fd, _PACK.unpack(head)[1], status.st_size)
        except BlockingIOError:
            pass
        os.close(fd)
        return None

    def record(self, kind: int, hash: bytes, length: int, until: int) -> bytes:
        """Return the bytes that go before a blob, or that stand alone for a lease."""
        head = _RECORD.pack(_RECORD_MAGIC, kind, length, until, hash)
        return head + self._check(head)

    def append(self, data: bytes) -> None:
        """Add bytes at the end, not yet durable. Raises `OSError`; the end is then where it was."""
        try:
            write_all(self._fd, data, self.end)
        except OSError:
            self._cut(self.end)
            raise
        self.end += len(data)

    def sync(self) -> None:
        """Make all that was appended durable.

        Raises `OSError`, and from then on always: after a failed sync the kernel may call clean what never
        reached the disk. So nobody may find it again, and it is cut off.
        """
        if self.broken:
            raise OSError(f"pack {self.id:016x} could not be synced before")
        end = self.end
        try:
            sync_data(self._fd)
        except OSError:
            self.broken = True
            self._cut(self._synced)
            raise
        self._synced = end

    def scan(self, start: int) -> Iterator[Record]:
        """Walk the sound records from an offset on, each blob checked against its hash."""
        at = max(start, PACK_HEADER_SIZE)
        while at + RECORD_SIZE <= self.end:
            record = self._read(at)
            if record is None:
                at = self._next_magic(at + 1)
            else:
                yield record
                at = record.end

    def bytes_of(self, record: Record) -> bytes:
        """Return the blob of a record."""
        return os.pread(self._fd, record.length, record.offset)

    def close(self) -> None:
        """Give up the lock; may be called again."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _check(self, head: bytes) -> bytes:
        return blake2b(head, key=self._salt, digest_size=_CHECK).digest()

    def _cut(self, end: int) -> None:
        try:
            os.ftruncate(self._fd, end)
            self.end = end
        except OSError:
            self.end = os.fstat(self._fd).st_size

    def _read(self, at: int) -> Record | None:
        data = os.pread(self._fd, RECORD_SIZE, at)
        head = data[: _RECORD.size]
        if not head.startswith(_RECORD_MAGIC) or data[_RECORD.size :] != self._check(head):
            return None
        _, kind, length, until, hash = _RECORD.unpack(head)
        record = Record(kind, hash, until, at + RECORD_SIZE, length)
        if record.end > self.end or (kind == BLOB and sha256(self.bytes_of(record)).digest() != hash):
            return None
        return record

    def _next_magic(self, at: int) -> int:
        overlap = len(_RECORD_MAGIC) - 1
        while at + RECORD_SIZE <= self.end:
            found = os.pread(self._fd, _SEARCHED, at).find(_RECORD_MAGIC)
            if found >= 0:
                return at + found
            at += _SEARCHED - overlap
        return self.end
