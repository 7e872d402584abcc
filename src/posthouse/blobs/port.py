"""The port: what the rest of Posthouse may ask of a keeper of blobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


class BlobMissing(KeyError):
    """No blob has this hash; the hash is the argument."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What one pass of the collector did.

    `marked` blobs were found unneeded for the first time, `deleted` ones are gone, `compacted` packs were
    rewritten or dropped, and `freed` is the number of bytes given back to the file system.
    """

    marked: int = 0
    deleted: int = 0
    compacted: int = 0
    freed: int = 0


class BlobWriter(Protocol):
    """A blob that arrives in pieces; used by one thread, ended by `finish` or `abort`."""

    def write(self, chunk: bytes) -> None:
        """Take the next bytes. Raises `OSError` when they cannot be kept; the writer is then aborted."""

    def finish(self, until: int) -> tuple[bytes, int]:
        """Make the blob durable and leased until this Unix second; return its hash and size."""

    def abort(self) -> None:
        """Forget the bytes; does nothing after `finish`."""


class Blobs(Protocol):
    """Bytes by SHA-256; every method may be called from any thread."""

    def put(self, data: bytes, until: int) -> bytes:
        """Keep bytes, durable on return, at least until this Unix second; return their 32-byte SHA-256.

        A twin of a blob already there renews only its lease. Raises `OSError` (a full disk, for one); then
        nothing was acknowledged and a later call works.
        """

    def put_many(self, items: Sequence[bytes], until: int) -> list[bytes]:
        """Do `put` for each item, in order, with one sync for all small ones; all or none is acknowledged."""

    def writer(self) -> BlobWriter:
        """Begin a blob that is too large to hold in memory."""

    def size(self, hash: bytes) -> int | None:
        """Return the number of bytes of a blob, or None if there is none."""

    def read(self, hash: bytes, offset: int = 0, length: int | None = None) -> bytes:
        """Return a blob's bytes from an offset, at most `length` of them; a range past its end is empty.

        The hash is not computed again: it would double the cost of a read, and `verify` does it.
        Raises `BlobMissing`, and `ValueError` for a negative offset or length.
        """

    def verify(self, hash: bytes) -> bool:
        """Read a whole blob and say whether it still has its hash. Raises `BlobMissing`."""

    def collect(self, is_referenced: Callable[[list[bytes]], set[bytes]], now: int) -> Collected:
        """Delete what nobody refers to and no lease protects, an hour or more after that was first seen.

        `is_referenced` gets a batch of hashes and returns those that are in use; it is asked again under the
        lock before anything is deleted (RFC 8620 §6), so it must not call the blobs. `now` is in Unix
        seconds. Does nothing while another process collects.
        """

    def close(self) -> None:
        """Give back files and locks; nothing may be called afterwards."""
