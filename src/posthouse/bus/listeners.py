"""Listeners: who in this process hears the news."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial

from posthouse.bus.port import Listener, News
from posthouse.kit import log

_log = log.get("bus")


class Listeners:
    """The listeners of one process; usable from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: tuple[Listener, ...] = ()  # replaced and never changed, so that `tell` needs no lock

    def add(self, listener: Listener) -> Callable[[], None]:
        """Take one up; gives the function that drops it."""
        one = partial(listener)  # the same function may be here twice

        def end() -> None:
            with self._lock:
                self._all = tuple(other for other in self._all if other is not one)

        with self._lock:
            self._all += (one,)
        return end

    def tell(self, news: Sequence[News]) -> None:
        """Call each with the news, in this thread; the failure of one does not reach the others."""
        for listener in self._all:
            try:
                listener(news)
            except Exception as error:
                _log.error("bus.listener_failed", **log.fault(error))

    def clear(self) -> None:
        """Drop all of them."""
        with self._lock:
            self._all = ()
