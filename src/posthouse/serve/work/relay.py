"""Relay: the one process of a machine that sends what waits in the queue, and keeps hold of it meanwhile.

Theory of operation. A job is claimed with a short lease, which is made longer for as long as it is worked on. When
this process dies, whoever takes over the lead begins with what it had. Whoever queues something wakes the relay over
the bus; what is due later wakes it by the clock. It never polls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from posthouse.bus import Bus, Missed, Moved, News
from posthouse.capabilities.submission import letter
from posthouse.kit import log
from posthouse.model import news
from posthouse.serve.work.carrier import Carrier, Lost
from posthouse.serve.work.lead import Lead
from posthouse.store.account import Store
from posthouse.store.jobs import Claim

LEASE: Final = 60
"""Seconds for which a job is the relay's, unless it says again that it is."""
AT_ONCE: Final = 200
"""Letters that are under way."""
_LONGEST_SLEEP: Final = 3600.0
_AFTER_A_FAULT: Final = 5.0
_GRACE: Final = 3.0  # seconds for letters under way at the end

_LEVEL: Final = news.work(letter.KIND)

_log = log.get("relay")


class Relay:
    """Sends letters, in one event loop, for as long as this process has the lead.

    `open` asks for the lead, in that loop; `close` gives it to the next process. now: the time in Unix seconds.
    """

    def __init__(
        self, *, store: Store, bus: Bus, carrier: Carrier, lead: Lead, now: Callable[[], float]
    ) -> None:
        self._store = store
        self._bus = bus
        self._carrier = carrier
        self._lead = lead
        self._now = now
        self._under_way: dict[asyncio.Task[None], Claim] = {}
        self._awake = asyncio.Event()
        self._running: list[asyncio.Task[None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._deaf: Callable[[], None] | None = None
        self._closed = False

    def open(self) -> None:
        """Send as soon as no other process of the machine does."""
        self._loop = asyncio.get_running_loop()
        self._lead.take(lambda: self._call(self._begin))

    async def close(self) -> None:
        """Send nothing more; what is under way gets a few seconds, and is tried again by the next process."""
        self._closed = True
        if self._deaf is not None:
            self._deaf()
        for task in self._running[:1]:  # no more claims, but the leases go on
            task.cancel()
        if self._under_way:
            await asyncio.wait([*self._under_way], timeout=_GRACE)
        for task in (*self._running, *self._under_way):
            task.cancel()
        await asyncio.gather(*self._running, *self._under_way, return_exceptions=True)
        self._lead.close()

    def _begin(self) -> None:
        if not self._closed:
            _log.debug("relay.leads")
            self._deaf = self._bus.listen(self._hear)
            self._running = [asyncio.ensure_future(self._claim()), asyncio.ensure_future(self._keep_hold())]

    def _call(self, call: Callable[[], None]) -> None:
        """Call something in the event loop, from any thread."""
        assert self._loop is not None
        with suppress(RuntimeError):  # The loop was closed: the process ends.
            self._loop.call_soon_threadsafe(call)

    def _hear(self, news: Sequence[News]) -> None:
        if any(isinstance(one, Missed) or (isinstance(one, Moved) and _LEVEL in one.levels) for one in news):
            self._call(self._awake.set)

    async def _claim(self) -> None:
        """Claim what is due, again and again; first of all what a process had that died.

        It is gone for sure, as the lead was its own.
        """
        is_taken_over = False
        while True:
            # Before it is looked: what is queued from here on wakes us again.
            self._awake.clear()
            try:
                if not is_taken_over:
                    await self._store.release(letter.KIND, int(self._now()))
                    is_taken_over = True
                sleep = await self._claim_some()
            except Exception as error:  # Whatever it is, the queue must go on.
                _log.error("relay.claim", **log.fault(error))
                sleep = _AFTER_A_FAULT
            with suppress(TimeoutError):
                async with asyncio.timeout(sleep):
                    await self._awake.wait()

    async def _claim_some(self) -> float:
        """Set out with what is due; says for how many seconds there is nothing more to do."""
        room = AT_ONCE - len(self._under_way)
        if room <= 0:
            return _LONGEST_SLEEP  # the end of any wakes us
        now = int(self._now())
        claims = await self._store.claim(letter.KIND, now, now + LEASE, room)
        for claim in claims:
            task = asyncio.ensure_future(self._carry(claim))
            self._under_way[task] = claim
            task.add_done_callback(self._ended)
        due = await self._store.next_due(letter.KIND)
        return _LONGEST_SLEEP if due is None else min(max(due - self._now(), 0.0), _LONGEST_SLEEP)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._under_way[task]
        self._awake.set()

    async def _carry(self, claim: Claim) -> None:
        try:
            await self._carrier.attempt(claim)
        except Exception as error:
            if isinstance(error, Lost) or (isinstance(error, ExceptionGroup) and error.subgroup(Lost)):
                _log.warning("relay.lost", job=claim.job.id, account=claim.job.account)
                return
            _log.error("relay.failed", job=claim.job.id, account=claim.job.account, **log.fault(error))
            try:
                await self._carrier.rest(claim)
            except Exception as fault:  # Then it is due again when its lease ends.
                _log.error("relay.rest", job=claim.job.id, **log.fault(fault))

    async def _keep_hold(self) -> None:
        """Make the leases of what is under way longer, before they end."""
        while True:
            await asyncio.sleep(LEASE / 3)
            if self._under_way:
                try:
                    await self._store.renew([*self._under_way.values()], int(self._now()) + LEASE)
                except Exception as error:  # As above.
                    _log.error("relay.renew", **log.fault(error))
