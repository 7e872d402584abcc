"""Spool: a message while it comes in, in memory as long as it is small, then in a file without a name."""

from __future__ import annotations

import os
import tempfile
import threading


class Budget:
    """Octets of memory that all spools share; usable from any thread."""

    def __init__(self, octets: int) -> None:
        self._left = octets
        self._lock = threading.Lock()

    def take(self, octets: int) -> bool:
        """Take memory, if so much is left."""
        with self._lock:
            if octets > self._left:
                return False
            self._left -= octets
            return True

    def give_back(self, octets: int) -> None:
        """Undo `take`."""
        with self._lock:
            self._left += octets


class Spool:
    """The octets of one message.

    The file goes with this object, not with `close`: a thread may still be at it when everybody else has left.

    :param in_memory: from so many octets on they lie in a file.
    :param budget: where memory is taken from; a spool that gets none is in a file at once.
    """

    def __init__(self, in_memory: int, budget: Budget) -> None:
        self.size = 0
        self._in_memory = in_memory
        self._budget = budget
        self._taken = 0
        self._pieces: list[bytes] = []
        self._file: int | None = None

    def __del__(self) -> None:
        if self._file is not None:
            os.close(self._file)

    def keeps_in_memory(self, octets: int) -> bool:
        """Take memory for so many octets more; False: they go to the disk, so writing them may take time."""
        if self._file is not None or self.size + octets > self._in_memory or not self._budget.take(octets):
            return False
        self._taken += octets
        return True

    def append(self, data: bytes) -> None:
        """Keep octets that `keeps_in_memory` agreed to."""
        self._pieces.append(data)
        self.size += len(data)

    def write(self, data: bytes) -> None:
        """Write octets to the file, behind those that were in memory. Raises `OSError`."""
        if self._file is None:
            with tempfile.TemporaryFile() as file:
                self._file = os.dup(file.fileno())
            for piece in self._pieces:
                self._write(piece)
            self.close()
        self._write(data)
        self.size += len(data)

    def read(self, offset: int, length: int) -> bytes:
        """Give octets from an offset, fewer only at the end; from any thread, once all are there."""
        if self._file is not None:
            return os.pread(self._file, length, offset)
        if len(self._pieces) > 1:
            self._pieces = [b"".join(self._pieces)]
        return self._pieces[0][offset : offset + length] if self._pieces else b""

    def close(self) -> None:
        """Give back the memory."""
        self._budget.give_back(self._taken)
        self._taken = 0
        self._pieces = []

    def _write(self, data: bytes) -> None:
        assert self._file is not None
        left = memoryview(data)
        while left:
            left = left[os.write(self._file, left) :]
