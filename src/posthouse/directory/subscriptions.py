"""Subscriptions: the URLs that people's credentials have changes pushed to (RFC 8620 §7.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from posthouse.bus import Subscribed
from posthouse.kit import clock
from posthouse.model.caller import Caller
from posthouse.model.subscription import Subscription
from posthouse.store.subscriptions import Rows, SubscriptionStore

T = TypeVar("T")


class Subscriptions:
    """What the methods may do with push subscriptions; usable from any thread.

    `announce` tells every process whose subscriptions changed. `fault` says why nothing may be pushed to a
    URL, or None. `now` tells Unix seconds.
    """

    def __init__(
        self,
        store: SubscriptionStore,
        announce: Callable[[Sequence[Subscribed]], None],
        fault: Callable[[str], str | None],
        *,
        now: Callable[[], float] = clock.now,
    ) -> None:
        self._store = store
        self._announce = announce
        self._fault = fault
        self._now = now

    def now(self) -> int:
        """Return the time in Unix seconds."""
        return int(self._now())

    def fault(self, url: str) -> str | None:
        """Say why nothing can be pushed to a URL; None if it can."""
        return self._fault(url)

    def of(self, caller: Caller) -> list[Subscription]:
        """Return those that a caller's credential made and that have not ended. Raises `OSError`."""
        now = self.now()
        return [
            one
            for one in self._store.read(caller.person)
            if one.key == caller.key and (one.expires is None or one.expires > now)
        ]

    def change(self, caller: Caller, unit: Callable[[Rows], T]) -> T:
        """Run a unit on the rows in one transaction, and tell who pushes. Raises `OSError`."""
        done = self._store.write(unit)
        self._announce([Subscribed(caller.person)])
        return done
