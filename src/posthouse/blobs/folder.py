"""Where things lie in a folder of blobs, and how a name in it becomes durable.

::

    lock        held while a process opens the folder and recovers it
    collector   held by the one process that collects
    index.db    where each blob is; derived from all that follows
    packs/      ID.pack: many small blobs, one after the other
    own/ab/     HASH: one large blob, whole and synced before it got this name
    new/        files that have no name yet
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# macOS has no fdatasync.
sync_data = getattr(os, "fdatasync", os.fsync)

# What else lies in these folders is not ours to judge.
_PACK = re.compile(r"([0-9a-f]{16})\.pack")
_OWN = re.compile(r"[0-9a-f]{64}")


class Folder:
    """The paths inside one folder of blobs; made with its subfolders if it is not there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.index = root / "index.db"
        self.packs = root / "packs"
        self.own = root / "own"
        self.new = root / "new"
        root.parent.mkdir(parents=True, exist_ok=True)
        for folder in (root, self.packs, self.own, self.new):
            folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(root)

    def pack(self, pack: int) -> Path:
        """Return the path of a pack."""
        return self.packs / f"{pack:016x}.pack"

    def pack_ids(self) -> list[int]:
        """Return the ids of all packs that are there, in no order."""
        return [int(found[1], 16) for name in os.listdir(self.packs) if (found := _PACK.fullmatch(name))]

    def file(self, hash: bytes) -> Path:
        """Return the path of a large blob."""
        name = hash.hex()
        return self.own / name[:2] / name

    def files(self) -> Iterator[tuple[bytes, Path]]:
        """Walk the large blobs that are there."""
        for path in self.own.glob("??/*"):
            if _OWN.fullmatch(path.name):
                yield bytes.fromhex(path.name), path

    def place(self, written: Path, hash: bytes) -> None:
        """Give a written and synced file its name as a large blob, durably."""
        path = self.file(hash)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        os.replace(written, path)
        self.sync_place(path)

    def sync_place(self, path: Path) -> None:
        """Make the name of a large blob durable, also if another process gave it."""
        sync_folder(path.parent)
        sync_folder(self.own)

    def nameless(self) -> tuple[int, Path]:
        """Open a new file for writing that has no place yet; return its descriptor and path."""
        path = self.new / secrets.token_hex(16)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), path

    @contextmanager
    def locked(self, name: str, *, wait: bool) -> Iterator[bool]:
        """Hold the OS lock of this name; without `wait`, gives False if another process holds it."""
        fd = os.open(self.root / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            held = True
            try:
                fcntl.flock(fd, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                held = False
            yield held
        finally:
            os.close(fd)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_all(fd: int, data: bytes | bytearray, offset: int) -> None:
    """Write all bytes at an offset, or raise `OSError` with a part of them written."""
    view = memoryview(data)
    while view:
        count = os.pwrite(fd, view, offset)
        view = view[count:]
        offset += count
