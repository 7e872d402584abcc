"""Hub: hears what moved in any process and tells the watches of this one (RFC 8620 §7, DESIGN D11)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, Protocol

from posthouse.bus import Bus, Missed, Moved, News, Reached, SignedOut
from posthouse.kit import log
from posthouse.model import news as news_
from posthouse.model.caller import Access, Caller, wire_account
from posthouse.serve.push.watch import End, Watch

MERGED: Final = 0.05
"""Seconds after a watch was told something in which all that follows is gathered into one."""

AGAIN: Final = 5.0
"""Seconds until what could not be read is looked at again."""

_IN_A_TURN: Final = 100

_log = log.get("push")


class Levels(Protocol):
    """Reads how far the types of an account have come."""

    async def levels(self, place: Access, person: int) -> Mapping[str, int]:
        """Give the newest number of each type of an account that a person sees any of, by the type's name."""


class Standing(Protocol):
    """Knows whether credentials still hold, and what is open with them."""

    def stands(self, caller: Caller) -> bool:
        """Say whether what a caller signed in with would still let him in."""

    def is_current(self, caller: Caller) -> bool:
        """Say whether the accounts of a caller are those that are open to him now."""

    async def current(self, caller: Caller) -> Caller | None:
        """Give a caller as he is now, the very same if nothing changed; None if he is let in no more."""


class Hub:
    """The watches of one event loop, by account and by person.

    `open` begins to listen, and is called in that loop before the first `watch`.
    """

    def __init__(self, bus: Bus, levels: Levels, standing: Standing) -> None:
        self._bus = bus
        self._levels = levels
        self._standing = standing
        self._by_account: dict[int, set[Watch]] = {}
        self._by_person: dict[int, set[Watch]] = {}
        self._heard: deque[Sequence[News]] = deque()
        self._deaf: Callable[[], None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._look_again = False
        self._visitors: dict[int, set[Watch]] = {}
        self._visiting: asyncio.Task[None] | None = None
        self._others: set[asyncio.Task[None]] = set()
        self._later: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    def open(self) -> None:
        """Listen to the bus from now on, in the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._deaf = self._bus.listen(self._hear)

    def close(self) -> None:
        """End every watch, as the server goes away; no new one lives."""
        self._closed = True
        if self._deaf is not None:
            self._deaf()
        for task in (self._looking, self._visiting, *self._others):
            if task is not None:
                task.cancel()
        if self._later is not None:
            self._later.cancel()
        for watch in {watch for watches in self._by_person.values() for watch in watches}:
            self._end(watch, End.GOING_AWAY)

    async def watch(
        self,
        caller: Caller,
        types: Collection[str] | None,
        wake: Callable[[], None],
        since: Mapping[str, int] | None = None,
    ) -> Watch:
        """Open a watch, which has to be given to `leave` at its end; `Watch` tells of types and wake.

        since: see `Watch.start`.
        """
        watch = Watch(caller, types, wake)
        self._by_person.setdefault(caller.person, set()).add(watch)
        try:
            for access in list(watch.accounts.values()):
                await self._begin(watch, access, since)
            if self._closed:
                self._end(watch, End.GOING_AWAY)
            elif not self._standing.stands(caller):  # He may have been signed out since he signed in.
                self._end(watch, End.SIGNED_OUT)
            elif not self._standing.is_current(caller):  # Or other accounts may be open to him.
                await self._renew(watch)
        except BaseException:
            self.leave(watch)
            raise
        return watch

    async def _begin(self, watch: Watch, access: Access, since: Mapping[str, int] | None) -> None:
        """Let a watch hear of an account: what moves from here on is heard, what moved before is read.

        Unless the watch was left, or it is not open to its caller any more, or in another way, of which this
        hears by itself.
        """
        if (
            watch not in self._by_person.get(watch.caller.person, ())
            or watch.accounts.get(access.wire) != access
        ):
            return
        self._by_account.setdefault(access.account, set()).add(watch)
        levels = await self._levels.levels(access, watch.caller.person)
        if watch.accounts.get(access.wire) == access and watch.start(access.wire, levels, since):
            self._tell(watch)

    def leave(self, watch: Watch) -> None:
        """Tell a watch nothing any more."""
        self._forget(self._by_person, watch.caller.person, watch)
        for access in watch.accounts.values():
            self._forget(self._by_account, access.account, watch)

    def taken(self, watch: Watch) -> None:
        """Hear that everything was taken from a watch, which is told of the next change in `MERGED` seconds."""
        assert self._loop is not None
        watch.due = False
        watch.told = self._loop.time()

    # -- what comes in --

    def _hear(self, news: Sequence[News]) -> None:
        """Hand news over to the event loop, from any thread.

        Who watches nothing needs no news: a watch is there before what it begins from is read.
        """
        if not self._by_person:
            return
        assert self._loop is not None
        self._heard.append(news)
        try:
            self._loop.call_soon_threadsafe(self._digest)
        except RuntimeError:  # The loop was closed: nobody is left to be told.
            self._heard.clear()

    def _digest(self) -> None:
        while self._heard:
            for one in self._heard.popleft():
                if isinstance(one, Moved):
                    self._moved(one)
                elif isinstance(one, SignedOut):
                    self._look_at(self._by_person.get(one.person, ()))
                elif isinstance(one, Reached):
                    self._reached(one.person)
                elif isinstance(one, Missed):
                    self._missed()

    def _moved(self, moved: Moved) -> None:
        watches = self._by_account.get(moved.account)
        if not watches:
            return
        wire = wire_account(moved.account)
        levels = {type: level for type, level in moved.levels.items() if news_.is_type(type)}
        owners = [watch for watch in watches if watch.accounts[wire].through is None] if levels else []
        self._wake([watch for watch in owners if watch.add(wire, levels)])
        audience = news_.audience(moved.levels)
        if audience is None or audience:
            visitors = [watch for watch in watches if watch.accounts[wire].through is not None]
            self._visit(
                moved.account,
                [watch for watch in visitors if audience is None or watch.caller.person in audience],
            )

    def _visit(self, account: int, watches: Collection[Watch]) -> None:
        """Find out for visitors whether what moved is theirs to know, which only the store can say."""
        if not watches:
            return
        self._visitors.setdefault(account, set()).update(watches)
        if self._visiting is None or self._visiting.done():
            self._visiting = asyncio.ensure_future(self._visit_all())

    async def _visit_all(self) -> None:
        while self._visitors:
            accounts, self._visitors = self._visitors, {}
            for account, watches in accounts.items():
                await self._look_through(account, watches)
            await asyncio.sleep(MERGED)  # what moves meanwhile is looked at together

    async def _look_through(self, account: int, watches: Collection[Watch]) -> None:
        """Read how far an account is as its visitors see it, once for all connections of each, and tell them."""
        wire = wire_account(account)
        alike: dict[tuple[int, Access], list[Watch]] = {}
        for watch in watches:
            access = watch.accounts.get(wire)
            if access is not None and watch.ended is None:
                alike.setdefault((watch.caller.person, access), []).append(watch)
        for (person, access), same in alike.items():
            try:
                levels = await self._levels.levels(access, person)
            except Exception as error:
                self._failed(error)
                return
            self._wake([watch for watch in same if wire in watch.accounts and watch.catch_up(wire, levels)])

    def _reached(self, person: int) -> None:
        """Look anew at what is open to a person."""
        for watch in list(self._by_person.get(person, ())):
            task = asyncio.ensure_future(self._renew(watch))
            self._others.add(task)
            task.add_done_callback(self._others.discard)

    async def _renew(self, watch: Watch) -> None:
        """Let a watch hear of the accounts that are open to its caller now, all of those that are new to him."""
        try:
            caller = await self._standing.current(watch.caller)
            if caller is None or watch not in self._by_person.get(watch.caller.person, ()):
                return  # who was signed out is told so in another way, who left is told nothing
            gone, new = watch.renew(caller)
            for access in gone:
                self._forget(self._by_account, access.account, watch)
            for access in new:  # all at once, so that those behind one that can't be read are looked at again
                self._by_account.setdefault(access.account, set()).add(watch)
            for access in new:
                await self._begin(watch, access, {})
        except Exception as error:
            self._failed(error)

    def _wake(self, watches: list[Watch]) -> None:
        """Tell many watches, a few in each turn of the loop, so that nobody waits for all of them."""
        assert self._loop is not None
        for watch in watches[:_IN_A_TURN]:
            self._tell(watch)
        if len(watches) > _IN_A_TURN:
            self._loop.call_soon(self._wake, watches[_IN_A_TURN:])

    def _missed(self) -> None:
        """Look at the accounts and the credentials of all watches again."""
        if self._later is not None:
            self._later.cancel()
            self._later = None
        self._look_again = True
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(self._look())

    async def _look(self) -> None:
        while self._look_again:
            self._look_again = False
            for account in list(self._by_account):
                await self._look_at_account(account)
            for person in list(self._by_person):
                self._look_at(self._by_person.get(person, ()))
                self._reached(person)

    async def _look_at_account(self, account: int) -> None:
        wire = wire_account(account)
        watches = list(self._by_account.get(account, ()))
        self._visit(account, [watch for watch in watches if watch.accounts[wire].through is not None])
        owner = next((watch for watch in watches if watch.accounts[wire].through is None), None)
        if owner is None:
            return
        try:
            levels = await self._levels.levels(owner.accounts[wire], owner.caller.person)
        except Exception as error:
            self._failed(error)
            return
        for watch in list(self._by_account.get(account, ())):
            if watch.accounts[wire].through is None and watch.catch_up(wire, levels):
                self._tell(watch)

    def _look_at(self, watches: Collection[Watch]) -> None:
        for watch in list(watches):
            try:
                if not self._standing.stands(watch.caller):
                    self._end(watch, End.SIGNED_OUT)
            except Exception as error:
                self._failed(error)

    def _failed(self, error: Exception) -> None:
        """Look again in a while, as something could not be read."""
        assert self._loop is not None
        _log.error("push.look", **log.fault(error))
        if self._later is None and not self._closed:
            self._later = self._loop.call_later(AGAIN, self._missed)

    # -- what goes out --

    def _tell(self, watch: Watch) -> None:
        assert self._loop is not None
        if watch.due or watch.ended is not None:
            return
        watch.due = True
        wait = watch.told + MERGED - self._loop.time()
        if wait <= 0:
            watch.wake()
        else:
            self._loop.call_later(wait, watch.wake)

    def _end(self, watch: Watch, why: End) -> None:
        self.leave(watch)
        if watch.ended is None:
            watch.ended = why
            watch.wake()

    @staticmethod
    def _forget(watches: dict[int, set[Watch]], key: int, watch: Watch) -> None:
        held = watches.get(key)
        if held is not None:
            held.discard(watch)
            if not held:
                del watches[key]
