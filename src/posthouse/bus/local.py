"""A bus inside one process."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from posthouse.bus.listeners import Listeners
from posthouse.bus.port import Listener, News


class LocalBus:
    """Carries news from thread to thread of this process; see `Bus` for what each method promises."""

    def __init__(self) -> None:
        self._listeners = Listeners()

    def publish(self, news: Sequence[News]) -> None:
        """See `Bus.publish`."""
        if news:
            self._listeners.tell(news)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """See `Bus.listen`."""
        return self._listeners.add(listener)

    def close(self) -> None:
        """See `Bus.close`."""
        self._listeners.clear()
