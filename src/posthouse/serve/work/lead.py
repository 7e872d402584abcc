"""Lead: which one of the processes of a machine does what only one may do.

It is the one that holds the OS lock on a file. The others wait for it in a thread each, without polling, and
one of them has it as soon as the holder is gone, however that ended.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable
from pathlib import Path


class Lead:
    """The wish of this process to hold the lock on a file; `take` states it, once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard = threading.Lock()
        self._held: int | None = None
        self._closed = False

    def take(self, taken: Callable[[], None]) -> None:
        """Have a function called, in another thread, as soon as the lock is ours."""
        # Nothing can end the wait from outside, so nobody may wait for this thread.
        threading.Thread(target=self._wait, args=[taken], name="lead", daemon=True).start()

    def close(self) -> None:
        """Let the next one have it, or wait no more."""
        with self._guard:
            self._closed = True
            if self._held is not None:
                os.close(self._held)
                self._held = None

    def _wait(self, taken: Callable[[], None]) -> None:
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(file, fcntl.LOCK_EX)
        with self._guard:
            if self._closed:
                os.close(file)
                return
            self._held = file
        taken()
