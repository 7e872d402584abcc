"""Spool: bytes that wait on the disk, not in memory, for who takes them slowly."""

from __future__ import annotations

import os
import tempfile
from typing import Final

_SMALL: Final = 1 << 20
"""Up to so many octets stay in memory."""


class Spool:
    """Bytes to be read in pieces; large ones lie in a file without a name, which goes with this object.

    Raises OSError when the disk is full.
    """

    __slots__ = ("_data", "_file", "size")

    def __init__(self, data: bytes) -> None:
        self._file: int | None = None
        self.size = len(data)
        self._data = data if len(data) <= _SMALL else b""
        if len(data) > _SMALL:
            with tempfile.TemporaryFile() as file:
                file.write(data)
                file.flush()
                self._file = os.dup(file.fileno())

    def read(self, offset: int, length: int) -> bytes:
        """Give ``length`` bytes from an offset; both lie within."""
        if self._file is None:
            return self._data[offset : offset + length]
        return os.pread(self._file, length, offset)

    def __del__(self) -> None:
        if self._file is not None:
            os.close(self._file)
