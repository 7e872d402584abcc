"""Each test of the port runs on each implementation."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from posthouse.bus import Bus, News, open_bus

Open = Callable[[], Bus]


class Ear:
    """Keeps what one listener hears, and waits for it."""

    def __init__(self, bus: Bus) -> None:
        self.heard: list[News] = []
        self.threads: set[str] = set()
        self._changed = threading.Condition()
        self.end = bus.listen(self._hear)

    def _hear(self, news: Sequence[News]) -> None:
        with self._changed:
            self.threads.add(threading.current_thread().name)
            self.heard.extend(news)
            self._changed.notify_all()

    def wait(self, is_enough: Callable[[list[News]], bool]) -> list[News]:
        """Wait until what was heard is enough, and give it."""
        with self._changed:
            assert self._changed.wait_for(lambda: is_enough(self.heard), 30), self.heard[-10:]
            return list(self.heard)

    def until(self, last: News) -> list[News]:
        """Wait for this news, and give all up to it."""
        return self.wait(lambda heard: last in heard)


@pytest.fixture(params=["local", "sockets"])
def open_again(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """A function that joins the same bus once more, as another process (or, with local, another part) would."""
    with ExitStack() as stack:
        if request.param == "local":
            only = stack.enter_context(closing(open_bus("local:")))
            yield lambda: only
        else:
            yield lambda: stack.enter_context(closing(open_bus(f"sockets:{tmp_path}/bus")))
