"""Timer: what the time is, and a call when it is another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from posthouse.kit import clock


class Appointment(Protocol):
    """A call that is to come."""

    def cancel(self) -> None:
        """Let it not come."""


class Timer(Protocol):
    """A clock that can be asked to call back; times are Unix seconds."""

    def now(self) -> float:
        """Give the time."""

    def at(self, when: float, call: Callable[[], None]) -> Appointment:
        """Call a function in this event loop once it is that time, or a little before or after."""


class LoopTimer:
    """The `Timer` of the running event loop and the system's clock."""

    def now(self) -> float:
        """See `Timer.now`."""
        return clock.now()

    def at(self, when: float, call: Callable[[], None]) -> Appointment:
        """See `Timer.at`."""
        return asyncio.get_running_loop().call_later(max(0.0, when - self.now()), call)
