"""Delivery: all that is pushed to one subscription, one message after the other (RFC 8620 §7.2).

Theory of operation. A delivery holds a watch of the hub, opened at the position up to which the client was told
before, so that whatever moves, or moved while nobody pushed, wakes it. Awake, it takes steps until there is
nothing to do; asleep, it is a few objects and costs no time. While a message is under way, or has to wait since
one failed, changes gather in the watch and in `_untold`, and go out as one. The position moves on once all that
was taken has been sent: whoever takes over after a crash repeats at most the last of it.

Before the client has sent the code back, one message is sent, and noted before that: never is a second one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, replace
from typing import Final, Protocol

from posthouse.capabilities.core.subscription import subscription as type_
from posthouse.capabilities.emailpush import config
from posthouse.capabilities.emailpush.arrival import Arrived, pushes
from posthouse.kit import log
from posthouse.kit.json import JsonObject
from posthouse.model.caller import Access, Caller
from posthouse.model.subscription import Course, Subscription
from posthouse.proto.webpush.vapid import Signer
from posthouse.serve.push import position
from posthouse.serve.push.hub import Hub
from posthouse.serve.push.watch import End, Watch
from posthouse.serve.work import notice
from posthouse.serve.work.answer import Answer, Unreachable
from posthouse.serve.work.notice import Notice
from posthouse.serve.work.outward import Outward
from posthouse.serve.work.target import Refused
from posthouse.serve.work.timer import Appointment, Timer
from posthouse.serve.work.verdict import Verdict, judge

_AFTER_A_FAULT: Final = 60  # seconds until it is tried again after something of ours failed

_log = log.get("push")


class Callers(Protocol):
    """Knows who a credential lets in."""

    async def again(self, person: int, key: Hashable) -> Caller | None:
        """Give the Caller of a credential by the person and its key; None if it is good no more."""


class Arrivals(Protocol):
    """Finds new Emails."""

    async def __call__(self, place: Access, person: int, since: int, config: JsonObject) -> Arrived:
        """Give those of an account that came after a number and fit an EmailPushConfig."""


@dataclass(frozen=True, slots=True)
class Means:
    """What all deliveries use.

    jitter: gives numbers from 0 to 1. keep: writes a course to the disk. note: writes it soon.
    remove: destroys a subscription, by its number.
    """

    hub: Hub
    callers: Callers
    outward: Outward
    signer: Signer
    arrivals: Arrivals
    timer: Timer
    jitter: Callable[[], float]
    keep: Callable[[int, Course], Awaitable[None]]
    note: Callable[[int, Course], None]
    remove: Callable[[int], Awaitable[None]]


class Delivery:
    """What is pushed to one subscription; belongs to one event loop, in which `wake` sets it going."""

    def __init__(self, means: Means, subscription: Subscription) -> None:
        self._means = means
        self._subscription = subscription
        self._course = subscription.course
        self._caller: Caller | None = None
        self._watch: Watch | None = None
        self._ends: int | None = None
        self._reached = ""
        self._untold: dict[str, JsonObject] = {}
        self._mailed = _numbers(subscription.course.mailed)
        self._has_mail: set[str] = set()
        self._letters: deque[Notice] = deque()
        self._task: asyncio.Task[None] | None = None
        self._is_awake = False
        self._closed = False
        self._end: Appointment | None = None
        self._retry: Appointment | None = None

    @property
    def person(self) -> int:
        """Whose subscription it is."""
        return self._subscription.person

    def wake(self) -> None:
        """Look at what there is to do."""
        self._is_awake = True
        if self._task is None and not self._closed:
            self._task = asyncio.ensure_future(self._work())

    def renew(self, changed: Subscription) -> None:
        """Go on with what the client changed."""
        before = self._subscription
        self._subscription = replace(changed, course=before.course)
        if self._subscription == before:
            return
        if (changed.types, changed.email_push) != (before.types, before.email_push):
            self._leave()
        self._set_end()
        self.wake()

    async def close(self, patience: float = 0.0) -> None:
        """Push nothing more; a message under way gets so many seconds, and is then broken off."""
        if self._task is not None and patience:
            await asyncio.wait([self._task], timeout=patience)
        self._shut()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    # -- being awake --

    async def _work(self) -> None:
        try:
            while self._is_awake and not self._closed:
                self._is_awake = False
                await self._step()
        except Exception as error:
            _log.error("push.delivery", subscription=self._subscription.id, **log.fault(error))
            self._wait_until(self._means.timer.now() + _AFTER_A_FAULT)
        finally:
            self._task = None

    async def _step(self) -> None:
        watch = self._watch or await self._begin()
        if watch is None or watch.ended is End.GOING_AWAY:
            return
        if watch.ended is End.SIGNED_OUT or self._is_over():
            await self._destroy("ended")
        elif not self._subscription.is_verified:
            if self._course.attempted is None:
                await self._ask(watch)
        elif self._course.retry is not None and self._means.timer.now() < self._course.retry:
            self._wait_until(self._course.retry)
        else:
            self._take(watch)
            if await self._send_mail() and await self._send_changes():
                self._note(replace(self._course, position=self._reached, retry=None))

    async def _begin(self) -> Watch | None:
        """Open the watch; None if that was not to be."""
        mine = self._subscription
        self._caller = await self._means.callers.again(mine.person, mine.key)
        self._set_end()
        if self._caller is None:
            await self._destroy("signed_out")
            return None
        types = mine.types
        if types is not None and mine.email_push:
            types = (*types, config.ARRIVALS)
        told = self._course.position
        since = None if told is None else _numbers(told)
        watch = await self._means.hub.watch(self._caller, types, self.wake, since)
        if self._closed or self._subscription is not mine:
            self._means.hub.leave(watch)
            self._is_awake = True
            return None
        self._watch = watch
        self._reached = watch.position
        for account in mine.email_push or ():
            self._mailed.setdefault(account, watch.reached.get(account, 0))
        if told is not None and self._mailed_text() != self._course.mailed:
            self._note(replace(self._course, mailed=self._mailed_text()))
        return watch

    async def _ask(self, watch: Watch) -> None:
        """Push the verification (RFC 8620 §7.2.2); all that moves from now on is told once there is an answer."""
        asked = replace(
            self._course, position=watch.position, mailed=self._mailed_text(), attempted=self._now()
        )
        await self._means.keep(self._subscription.id, asked)
        self._course = asked
        await self._post(notice.verification(self._subscription, type_))
        self._note(replace(self._course, retry=None))

    def _take(self, watch: Watch) -> None:
        """Take what moved from the watch."""
        change = watch.take()
        self._means.hub.taken(watch)
        self._caller = watch.caller  # as he is now: other accounts may be open to him
        self._reached = watch.position
        types, wanted = self._subscription.types, self._subscription.email_push or {}
        for account, states in (change or {"changed": {}})["changed"].items():
            if account in wanted and config.ARRIVALS in states:
                self._has_mail.add(account)
            told = {name: state for name, state in states.items() if types is None or name in types}
            if told:
                self._untold[account] = self._untold.get(account, {}) | told

    # -- sending --

    async def _send_changes(self) -> bool:
        """Push what moved; False if that has to wait."""
        for part in notice.state_changes(self._untold, self._subscription):
            if not await self._post(part):
                return False
        self._untold = {}
        return True

    async def _send_mail(self) -> bool:
        """Push the new Emails that the client wants to be sent; False if that has to wait."""
        while self._letters or self._has_mail:
            if not self._letters:
                account = next(iter(self._has_mail))
                await self._write_letters(account)
                self._has_mail.remove(account)
            while self._letters:
                if not await self._post(self._letters[0]):
                    return False
                self._letters.popleft()
            self._note(replace(self._course, mailed=self._mailed_text()))
        return True

    async def _write_letters(self, account: str) -> None:
        assert self._caller is not None
        wanted = (self._subscription.email_push or {}).get(account)
        access = self._caller.accounts.get(account)
        if wanted is None or access is None:
            return
        found = await self._means.arrivals(access, self._caller.person, self._mailed[account], wanted)
        self._mailed[account] = found.until
        for written in pushes(account, found.state, found.emails, notice.LONGEST):
            self._letters.append(Notice(written, urgency=wanted["urgency"]))

    async def _post(self, what: Notice) -> bool:
        """Send one message and note what came of it; False if it was not taken."""
        means, mine = self._means, self._subscription
        try:
            origin = means.outward.check(mine.url).origin
            authorization = means.signer.authorization(origin, self._now())
            body, headers = notice.request(what, mine, authorization, self._ends, self._now())
            answer: Answer | str = await means.outward.post(mine.url, body, headers)
        except (Refused, Unreachable) as error:
            answer = str(error)
        verdict, course = judge(answer, self._course, self._now(), means.jitter())
        if verdict is Verdict.GONE:
            await self._destroy("gone")
            return False
        self._note(course)
        self._is_awake = self._is_awake or verdict is Verdict.LATER
        return verdict is Verdict.TAKEN

    # -- time --

    def _now(self) -> int:
        return int(self._means.timer.now())

    def _is_over(self) -> bool:
        return self._ends is not None and self._means.timer.now() >= self._ends

    def _set_end(self) -> None:
        """Be awake when the subscription or its credential expires."""
        ends = [self._subscription.expires, None if self._caller is None else self._caller.expires]
        self._ends = min((end for end in ends if end is not None), default=None)
        if self._end is not None:
            self._end.cancel()
        self._end = None if self._ends is None else self._means.timer.at(self._ends, self._at_end)

    def _at_end(self) -> None:
        if not self._is_over():  # the clock was set back, or the timer was early
            self._set_end()
        self.wake()

    def _wait_until(self, when: float) -> None:
        if self._retry is not None:
            self._retry.cancel()
        self._retry = None if self._closed else self._means.timer.at(when, self.wake)

    # -- the end --

    async def _destroy(self, why: str) -> None:
        _log.info("push.destroyed", subscription=self._subscription.id, why=why)
        self._shut()
        await self._means.remove(self._subscription.id)

    def _shut(self) -> None:
        self._closed = True
        self._leave()
        for appointment in (self._end, self._retry):
            if appointment is not None:
                appointment.cancel()
        self._letters.clear()

    def _leave(self) -> None:
        if self._watch is not None:
            self._means.hub.leave(self._watch)
            self._watch = None

    def _note(self, course: Course) -> None:
        self._course = course
        if not self._closed:
            self._means.note(self._subscription.id, course)

    def _mailed_text(self) -> str:
        return position.write(self._mailed)


def _numbers(text: str | None) -> dict[str, int]:
    """Read a position of ours; one that cannot be read is at the beginning of nothing."""
    return (position.read(text) if text is not None else None) or {}
