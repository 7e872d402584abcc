"""How much of one caller runs at once (RFC 8620 §2 maxConcurrentRequests, maxConcurrentUpload)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Hashable


class Full(Exception):
    """As much of this caller runs and waits as may."""


class _Place:
    """What one caller has running, and what waits for it."""

    __slots__ = ("line", "running")

    def __init__(self) -> None:
        self.running = 0
        self.line: deque[asyncio.Future[None]] = deque()


class Gate:
    """Lets up to `running` tasks of each caller pass at once; up to `waiting` more stand in line."""

    def __init__(self, running: int, waiting: int) -> None:
        self._running = running
        self._waiting = waiting
        self._places: dict[Hashable, _Place] = {}

    async def enter(self, key: Hashable) -> None:
        """Pass at once or after waiting; each pass is followed by one `leave`. Raises `Full`."""
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = _Place()
        if place.running < self._running:
            place.running += 1
            return
        if len(place.line) >= self._waiting:
            raise Full
        turn = asyncio.get_running_loop().create_future()
        place.line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                place.line.remove(turn)
            else:  # our turn came in the same moment: it goes on to the next
                self.leave(key)
            raise

    def leave(self, key: Hashable) -> None:
        """Make room for the next in line."""
        place = self._places[key]
        while place.line:
            turn = place.line.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        place.running -= 1
        if not place.running:
            del self._places[key]
