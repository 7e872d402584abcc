"""Reading packs: a bounded number of them stays open."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from typing import Final

from posthouse.blobs.folder import Folder

_OPEN: Final = 128


class Packs:
    """The packs that were read last, open for reading by any thread."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._open: OrderedDict[int, _Descriptor] = OrderedDict()

    def read(self, pack: int, offset: int, length: int) -> bytes:
        """Read bytes of a pack; fewer if it is shorter. Raises `FileNotFoundError` if the pack is gone."""
        # The local name keeps the descriptor open while another thread drops it from the table.
        descriptor = self._descriptor(pack)
        return os.pread(descriptor.fd, length, offset)

    def close(self) -> None:
        """Close all of them."""
        with self._lock:
            self._open.clear()

    def _descriptor(self, pack: int) -> _Descriptor:
        with self._lock:
            found = self._open.get(pack)
            if found is not None:
                self._open.move_to_end(pack)
                return found
            descriptor = _Descriptor(os.open(self._folder.pack(pack), os.O_RDONLY | os.O_CLOEXEC))
            # A collected pack gives its space back only when nobody has it open.
            for known, other in list(self._open.items()):
                if not os.fstat(other.fd).st_nlink:
                    del self._open[known]
            while len(self._open) >= _OPEN:
                self._open.popitem(last=False)
            self._open[pack] = descriptor
            return descriptor


class _Descriptor:
    """A file descriptor that closes itself when nobody refers to it any more."""

    __slots__ = ("fd",)

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def __del__(self) -> None:
        os.close(self.fd)
