"""Pusher: the one process of a machine that pushes to subscriptions, and keeps in step with their rows."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from posthouse.bus import Bus, Missed, News, Subscribed
from posthouse.kit import log
from posthouse.model.subscription import Course, Subscription
from posthouse.proto.webpush.vapid import Signer
from posthouse.serve.push.hub import Hub
from posthouse.serve.work.delivery import Arrivals, Callers, Delivery, Means
from posthouse.serve.work.lead import Lead
from posthouse.serve.work.outward import Outward
from posthouse.serve.work.timer import Appointment, LoopTimer, Timer
from posthouse.store.subscriptions import SubscriptionStore

_NOTED_AFTER: Final = 1.0  # seconds in which what is to be noted gathers
_AFTER_A_FAULT: Final = 5.0
_GRACE: Final = 3.0  # seconds for messages under way at the end
_AT_ONCE: Final = 50  # deliveries that begin before others get their turn

_log = log.get("push")


class Pusher:
    """Pushes to all subscriptions, in one event loop, for as long as this process has the lead.

    `open` asks for the lead, in that loop and once its hub is open; `close` gives it to the next process.
    """

    def __init__(
        self,
        *,
        store: SubscriptionStore,
        bus: Bus,
        hub: Hub,
        callers: Callers,
        outward: Outward,
        signer: Signer,
        arrivals: Arrivals,
        lead: Lead,
        timer: Timer | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._bus = bus
        self._lead = lead
        self._timer = timer or LoopTimer()
        self._means = Means(
            hub=hub,
            callers=callers,
            outward=outward,
            signer=signer,
            arrivals=arrivals,
            timer=self._timer,
            jitter=jitter,
            keep=self._keep,
            note=self._note,
            remove=self._remove,
        )
        self._deliveries: dict[int, Delivery] = {}
        self._persons: dict[int, set[int]] = {}
        self._changed: set[int | None] = set()
        """Whose rows have to be read again; None stands for everybody's."""
        self._removed: set[int] = set()
        """Which were removed since rows began to be read, and may still be among those."""
        self._looking: asyncio.Task[None] | None = None
        self._noted: dict[int, Course] = {}
        self._due: Appointment | None = None
        self._writing: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._deaf: Callable[[], None] | None = None
        self._closed = False

    def open(self) -> None:
        """Push as soon as no other process of the machine does."""
        self._loop = asyncio.get_running_loop()
        self._lead.take(lambda: self._call(self._begin))

    async def close(self) -> None:
        """Push nothing more, close the connections, and write down how far all clients have been told."""
        self._closed = True
        if self._deaf is not None:
            self._deaf()
        if self._looking is not None:
            self._looking.cancel()
        await asyncio.gather(*(delivery.close(_GRACE) for delivery in self._deliveries.values()))
        self._means.outward.close()
        if self._due is not None:
            self._due.cancel()
        if self._writing is not None:
            await self._writing
        await self._write()
        self._lead.close()

    def _begin(self) -> None:
        if not self._closed:
            _log.debug("push.leads")
            self._deaf = self._bus.listen(self._hear)
            self._look_at([None])

    def _call(self, call: Callable[[], None]) -> None:
        """Call something in the event loop, from any thread."""
        assert self._loop is not None
        with suppress(RuntimeError):  # The loop was closed: the process ends.
            self._loop.call_soon_threadsafe(call)

    # -- which subscriptions there are --

    def _hear(self, news: Sequence[News]) -> None:
        changed = [
            one.person if isinstance(one, Subscribed) else None
            for one in news
            if isinstance(one, Subscribed | Missed)
        ]
        if changed:
            self._call(lambda: self._look_at(changed))

    def _look_at(self, changed: Collection[int | None]) -> None:
        self._changed.update(changed)
        if (self._looking is None or self._looking.done()) and not self._closed:
            self._looking = asyncio.ensure_future(self._look())

    async def _look(self) -> None:
        while self._changed:
            person = None if None in self._changed else next(iter(self._changed))
            # Before they are read: what changes from here on is told again.
            self._changed = set() if person is None else self._changed - {person}
            self._removed.clear()
            try:
                await self._match(person, await asyncio.to_thread(self._store.read, person))
            except OSError as error:
                _log.error("push.look", **log.fault(error))
                self._timer.at(self._timer.now() + _AFTER_A_FAULT, partial(self._look_at, [person]))

    async def _match(self, person: int | None, found: Sequence[Subscription]) -> None:
        """Bring the deliveries, of one person or all, in step with the rows."""
        known = self._deliveries.keys() if person is None else self._persons.get(person, set())
        gone = known - {one.id for one in found}
        for id in gone:
            delivery = self._forget(id)
            if delivery is not None:
                await delivery.close()
        if gone:
            await asyncio.to_thread(self._store.scrub)
        for count, one in enumerate(found, 1):
            self._go_on(one)
            if count % _AT_ONCE == 0:
                await asyncio.sleep(0)

    def _go_on(self, subscription: Subscription) -> None:
        delivery = self._deliveries.get(subscription.id)
        if delivery is not None:
            delivery.renew(subscription)
            return
        if subscription.id in self._removed:
            return
        self._persons.setdefault(subscription.person, set()).add(subscription.id)
        self._deliveries[subscription.id] = Delivery(self._means, subscription)
        self._deliveries[subscription.id].wake()

    def _forget(self, id: int) -> Delivery | None:
        delivery = self._deliveries.pop(id, None)
        if delivery is None:
            return None
        of_person = self._persons[delivery.person]
        of_person.discard(id)
        if not of_person:
            del self._persons[delivery.person]
        self._noted.pop(id, None)
        return delivery

    # -- what deliveries ask --

    async def _remove(self, id: int) -> None:
        self._forget(id)
        self._removed.add(id)
        await asyncio.to_thread(self._store.remove, [id])

    async def _keep(self, id: int, course: Course) -> None:
        await asyncio.to_thread(self._store.note, [(id, course)])

    def _note(self, id: int, course: Course) -> None:
        if not self._noted and not self._closed:
            self._due = self._timer.at(self._timer.now() + _NOTED_AFTER, self._write_soon)
        self._noted[id] = course

    def _write_soon(self) -> None:
        if self._noted and not self._closed:
            self._writing = asyncio.ensure_future(self._write())

    async def _write(self) -> None:
        noted, self._noted = self._noted, {}
        if noted:
            try:
                await asyncio.to_thread(self._store.note, noted.items())
            except OSError as error:
                # Those who take over push again what was pushed since it was last written.
                _log.error("push.note", **log.fault(error))
