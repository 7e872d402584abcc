"""The event source: a response that goes on, and tells of each change as it happens (RFC 8620 §7.3).

A listener costs as little as he can: one coroutine, which waits for one future. There is a timer only where he
wants pings or his credential ends, and what he has not taken yet is merged in his watch, not queued.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from posthouse.kit import clock
from posthouse.kit.json import dumps
from posthouse.kit.limits import Limits
from posthouse.model.caller import Caller
from posthouse.serve.http.answer import Answer, Headers, Receive, Send, until_gone
from posthouse.serve.http.auth import Door, Guest
from posthouse.serve.http.concurrency import Full, Gate
from posthouse.serve.http.exchange import Exchange
from posthouse.serve.http.ports import Tickets
from posthouse.serve.http.problem import Refused, too_busy
from posthouse.serve.push import position
from posthouse.serve.push.hub import Hub
from posthouse.serve.push.watch import Watch

SHORTEST_PING: Final = 5
"""Seconds between pings, at the least."""

LONGEST_PING: Final = 3600
"""Seconds between pings, at the most."""

LOOK: Final = 3600
"""Seconds between looks at the clock for the end of a credential, at the most: it may be set meanwhile."""

_SECONDS: Final = re.compile(r"[0-9]{1,10}")
_NAME: Final = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
_MOST_NAMES: Final = 100
_HEADERS: Final[Headers] = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"referrer-policy", b"no-referrer"),
)


class EventSourceResource:
    """Lets callers listen, each of them to a bounded number of streams."""

    def __init__(self, door: Door, hub: Hub, tickets: Tickets, limits: Limits) -> None:
        self._door = door
        self._hub = hub
        self._tickets = tickets
        self._gate = Gate(limits.max_event_sources, 0)

    async def get(self, exchange: Exchange) -> Answer:
        """Answer with a stream of events.

        Raises `Refused`: 400 for a parameter that is missing or malformed, 401 as `Door.listener` says, 429
        for one stream too many.
        """
        types = _types(exchange.parameter("types"))
        closes = _closes_after_state(exchange.parameter("closeafter"))
        interval = _interval(exchange.parameter("ping"))
        since = _since(exchange.text(b"last-event-id"))
        guest = await self._door.listener(exchange, "eventsource")
        try:
            await self._gate.enter(guest.caller.key)
        except Full:
            raise too_busy("Too many event sources at once.", 60, "maxEventSources") from None
        if guest.ticket is not None:
            self._tickets.hold(guest.ticket)
        stream = _Stream(guest.caller, closes, interval)
        try:
            watch = await self._hub.watch(guest.caller, types, stream.wake, since)
        except BaseException:
            self._leave(guest)
            raise

        async def play(start: dict[str, Any], receive: Receive, send: Send) -> None:
            try:
                await stream.play(watch, self._hub, start, receive, send)
            finally:
                self._hub.leave(watch)
                self._leave(guest)

        return Answer(200, _HEADERS, play=play)

    def _leave(self, guest: Guest) -> None:
        self._gate.leave(guest.caller.key)
        if guest.ticket is not None:
            self._tickets.let_go(guest.ticket)


class _Stream:
    """One listener: sends what his watch has, until one of them ends.

    closes: the stream ends after one state event. interval: seconds between pings, 0 for none.
    """

    __slots__ = ("_caller", "_closes", "_interval", "_is_gone", "_is_woken", "_loop", "_waiter")

    def __init__(self, caller: Caller, closes: bool, interval: int) -> None:
        self._caller = caller
        self._closes = closes
        self._interval = interval
        self._loop = asyncio.get_running_loop()
        self._is_woken = False
        self._is_gone = False
        self._waiter: asyncio.Future[None] | None = None

    def wake(self) -> None:
        """Hear that the watch has something, or has ended."""
        self._is_woken = True
        self._go_on()

    async def play(self, watch: Watch, hub: Hub, start: dict[str, Any], receive: Receive, send: Send) -> None:
        """Send the response, from its start to its end."""
        gone = asyncio.ensure_future(until_gone(receive))
        gone.add_done_callback(self._left)
        try:
            await send(start)
            # The comment makes proxies pass the head on. The id is where a client goes on that is cut off before
            # the first event; without data it is no event.
            await _send(send, f": welcome\nid: {watch.position}\n\n")
            await self._tell(watch, hub, send)
            await send({"type": "http.response.body"})
        finally:
            gone.cancel()

    async def _tell(self, watch: Watch, hub: Hub, send: Send) -> None:
        sent = self._loop.time()
        while not self._is_over(watch):
            if self._is_woken:
                self._is_woken = False
                change = watch.take()
                hub.taken(watch)
                if change is None:
                    continue
                await _send(send, f"event: state\nid: {watch.position}\ndata: {dumps(change).decode()}\n\n")
                if self._closes:
                    return
            elif self._interval and self._loop.time() >= sent + self._interval:
                await _send(send, f'event: ping\ndata: {{"interval":{self._interval}}}\n\n')
            else:
                await self._wait(self._deadline(sent))
                continue
            sent = self._loop.time()

    def _is_over(self, watch: Watch) -> bool:
        expires = self._caller.expires
        return self._is_gone or watch.ended is not None or (expires is not None and expires <= clock.now())

    def _deadline(self, sent: float) -> float | None:
        """Return when to go on even if nothing happens, in the loop's seconds."""
        deadlines = []
        if self._interval:
            deadlines.append(sent + self._interval)
        if self._caller.expires is not None:
            deadlines.append(self._loop.time() + min(self._caller.expires - clock.now(), LOOK))
        return min(deadlines, default=None)

    async def _wait(self, deadline: float | None) -> None:
        self._waiter = self._loop.create_future()
        timer = None if deadline is None else self._loop.call_at(deadline, self._go_on)
        try:
            await self._waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()

    def _left(self, gone: asyncio.Future[None]) -> None:
        self._is_gone = True
        self._go_on()

    def _go_on(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


async def _send(send: Send, text: str) -> None:
    """Send a piece, and wait first as long as the peer has too much that he did not take."""
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


def _types(text: str | None) -> frozenset[str] | None:
    """Read which types to tell of; None stands for all."""
    if text == "*":
        return None
    names = _names(text or "")
    if names is None:
        raise Refused(400, f'"types" must be * or up to {_MOST_NAMES} names of types with commas between.')
    return names


@lru_cache(maxsize=256)
def _names(text: str) -> frozenset[str] | None:
    """Read a list of names, those of many listeners once; names that no type has never come up."""
    names = text.split(",", _MOST_NAMES)
    return frozenset(names) if len(names) <= _MOST_NAMES and all(map(_NAME.fullmatch, names)) else None


def _closes_after_state(text: str | None) -> bool:
    if text not in ("state", "no"):
        raise Refused(400, '"closeafter" must be "state" or "no".')
    return text == "state"


def _interval(text: str | None) -> int:
    """Read the seconds between pings and bring them into our bounds; 0 stands for none."""
    if text is None or _SECONDS.fullmatch(text) is None:
        raise Refused(400, '"ping" must be a number of seconds, or 0.')
    seconds = int(text)
    return seconds and min(max(seconds, SHORTEST_PING), LONGEST_PING)


def _since(last_event_id: str | None) -> Mapping[str, int] | None:
    """Read up to where the client knows all; who comes with an id that is none of ours knows nothing."""
    return (position.read(last_event_id) or {}) if last_event_id else None
