"""Talk: what is said over one WebSocket, requests, answers and what is pushed (RFC 8887)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Final

from wsproto.frame_protocol import CloseReason

from posthouse.kit import clock, log
from posthouse.kit.limits import Limits
from posthouse.model.caller import Caller
from posthouse.proto.jmap import websocket as jmap
from posthouse.proto.jmap.errors import RequestError
from posthouse.proto.jmap.request import Request
from posthouse.serve.http.api import LARGE, ApiResource, too_many_requests
from posthouse.serve.http.concurrency import Full, Gate
from posthouse.serve.http.problem import Refused
from posthouse.serve.http.websocket_line import Line
from posthouse.serve.push import position
from posthouse.serve.push.hub import Hub
from posthouse.serve.push.watch import End, Watch

NOTHING: Final = frozenset[str]()
"""The types that a watch is told of which only waits for the end of its credential."""

_log = log.get("http")


@dataclass(frozen=True, slots=True)
class Desk:
    """What all talks of a process share.

    known: the server's capabilities. current: gives a caller as he is now, None if his
    credential does not hold any more; may raise `OSError`.
    """

    api: ApiResource
    hub: Hub
    limits: Limits
    known: Collection[str]
    current: Callable[[Caller], Awaitable[Caller | None]]


class _Asked:
    """A request on its way; its id is known once it was read."""

    __slots__ = ("_body", "_desk", "_message", "id", "size")

    def __init__(self, desk: Desk, body: bytes, message: jmap.Message | None) -> None:
        self._desk = desk
        self._body = body
        self._message = message
        self.size = len(body)
        self.id = None if message is None else message.id

    def read(self) -> Request:
        """Read it, perhaps in another thread. Raises `RequestError`."""
        message = self._message or jmap.read_message(self._body, self._desk.limits)
        self.id = message.id
        return jmap.as_request(message, self._desk.limits, self._desk.known)


class Talk:
    """One client at a WebSocket; the owner of a `Line`.

    pace: see `Line`. tasks: those that the server waits for at its end. gate: which the caller has passed for
    this connection. What comes in is heard once the line has a connection.
    """

    __slots__ = (
        "_caller",
        "_desk",
        "_gate",
        "_has_place",
        "_is_gone",
        "_is_leaving",
        "_is_waiting",
        "_name",
        "_running",
        "_tasks",
        "_timer",
        "_watch",
        "line",
    )

    def __init__(
        self, desk: Desk, caller: Caller, pace: float, tasks: set[asyncio.Task[None]], gate: Gate
    ) -> None:
        self._desk = desk
        self._caller = caller
        self._tasks = tasks
        self._gate = gate
        self._name = log.request_name() or ""  # of the handshake: what comes after it has the same in the log
        self._running = 0  # requests
        self._has_place = False  # among the running requests, for the large message that comes in
        self._is_waiting = False  # for that place, or for a watch
        self._is_leaving = False
        self._is_gone = False
        self._watch: Watch | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.line = Line(self, LARGE, desk.limits.max_size_request, pace)

    def begin(self, watch: Watch) -> None:
        """Begin, with a watch that `wake` was given to and that this talk leaves at its end."""
        self._watch = watch
        self._expire()
        self.wake()

    def wake(self) -> None:
        """See `Watch`."""
        watch = self._watch
        if watch is None:
            return
        if watch.ended is End.SIGNED_OUT:
            self._sign_out()
        elif watch.ended is End.GOING_AWAY:
            self.leave()
        elif not self.line.is_full:
            change = watch.take()
            if change is not None or watch.due:  # else nothing was taken, and the next change need not wait
                self._desk.hub.taken(watch)
            if change is not None:
                self.line.say(jmap.state_change(change, watch.position))

    # -- what the line tells --

    def heard(self, message: bytes) -> None:
        """Take a message of the client (RFC 8887 §4.3)."""
        if len(message) > LARGE:
            self._start_answer(_Asked(self._desk, message, None))
            return
        id = None
        try:
            read = jmap.read_message(message, self._desk.limits)
            id = read.id
            if read.type == jmap.ENABLE:
                self._wait(self._enable(jmap.as_push_enable(read), id))
            elif read.type == jmap.DISABLE:
                self._disable()
            else:
                self._start_answer(_Asked(self._desk, message, read))
        except RequestError as error:
            self._refuse(error, id)

    def swells(self) -> None:
        """Have a large message take its place among the running requests before more of it is read.

        So what one caller has us keep in memory is bounded by what he may have running, as over HTTP.
        """
        self._wait(self._take_place())

    def oversized(self) -> None:
        """Refuse a message for its size; its id, which may be anywhere in it, stays unknown."""
        self._give_place_back()
        detail = f"A request is at most {self._desk.limits.max_size_request} octets long."
        self._refuse(RequestError("limit", 400, detail, "maxSizeRequest"), None)

    def writable(self) -> None:
        """Tell what has gathered meanwhile."""
        self.wake()

    def leave(self) -> None:
        """Hear nothing more, and close once the running requests are answered."""
        self._is_leaving = True
        self._settle()

    def gone(self) -> None:
        """Let go of everything."""
        self._is_gone = True
        self._gate.leave(self._caller.key)
        self._give_place_back()
        if self._timer is not None:
            self._timer.cancel()
        if self._watch is not None:
            self._desk.hub.leave(self._watch)

    # -- requests --

    def _start_answer(self, asked: _Asked) -> None:
        self._running += 1
        has_place, self._has_place = self._has_place, False
        self._start(self._answer(asked, has_place))
        self._settle()

    async def _answer(self, asked: _Asked, has_place: bool) -> None:
        """Answer a request as over HTTP; see `ApiResource`."""
        gate = self._desk.api.gate
        try:
            if not has_place:
                await gate.enter(self._caller.key)
            try:
                answer = await self._answer_in_turn(asked)
            finally:
                gate.leave(self._caller.key)
            if answer is not None:
                self.line.say(*jmap.response(answer, asked.id))
        except Full:
            self._refuse(too_many_requests(), asked.id)
        except RequestError as error:
            self._refuse(error, asked.id)
        except Exception as error:
            self._fail(error, asked.id)
        finally:
            self._running -= 1
            self._settle()

    async def _answer_in_turn(self, asked: _Asked) -> bytes | None:
        """Have a request answered; None if nobody is to get the answer."""
        if self.line.is_closing:
            return None
        caller = await self._desk.current(self._caller)  # the news of a change may be still on their way
        if caller is None:
            self._sign_out()
            return None
        self._caller = caller
        return await self._desk.api.answer(self._caller, asked.size, asked.read)

    async def _take_place(self) -> None:
        try:
            await self._desk.api.gate.enter(self._caller.key)
        except Full:
            self.line.drop()
            self._refuse(too_many_requests(), None)
        else:
            self._has_place = True
            if self._is_gone:
                self._give_place_back()

    def _give_place_back(self) -> None:
        if self._has_place:
            self._has_place = False
            self._desk.api.gate.leave(self._caller.key)

    # -- push --

    async def _enable(self, wish: jmap.PushEnable, id: str | None) -> None:
        """Put another watch in the place of the one that is there (RFC 8887 §4.3.5.2)."""
        before = self._watch
        assert before is not None
        self.wake()  # what the client was to be told by his last wish
        try:
            watch = await self._desk.hub.watch(
                self._caller, wish.types, self.wake, _since(wish.push_state, before)
            )
        except Exception as error:
            self._fail(error, id)
            return
        self._desk.hub.leave(before)
        self._watch = watch
        if self._is_gone:
            self._desk.hub.leave(watch)
        else:
            self.wake()

    def _disable(self) -> None:
        """Tell no more of changes, only of the credential's end (RFC 8887 §4.3.5.3)."""
        assert self._watch is not None
        self._watch.types = NOTHING
        self._watch.take()
        self._desk.hub.taken(self._watch)

    # -- how it ends --

    def _expire(self) -> None:
        """Close when the credential expires."""
        if self._caller.expires is None:
            return
        left = self._caller.expires - clock.now()
        if left <= 0:
            self._sign_out()
        else:  # the clock may be set meanwhile, so look again now and then
            self._timer = asyncio.get_running_loop().call_later(min(left, 3600), self._expire)

    def _sign_out(self) -> None:
        self.line.close(CloseReason.POLICY_VIOLATION, "The credential is good no more.")

    def _settle(self) -> None:
        """Take the next message if there is room for it, or go if we shall."""
        self.line.hold(
            self._is_leaving or self._is_waiting or self._running >= self._desk.limits.max_concurrent_requests
        )
        if self._is_leaving and not self._running:
            self.line.close(CloseReason.GOING_AWAY, "The server stops.")

    # -- common ground --

    def _refuse(self, error: RequestError, id: str | None) -> None:
        """Say why a message is refused (RFC 8887 §4.3.4)."""
        self.line.say(jmap.request_error(error, id))
        self.line.charge()

    def _fail(self, error: Exception, id: str | None) -> None:
        _log.error("http.failed", **log.fault(error))
        detail = f"Something went wrong inside. The server's log has more under {self._name}."
        self._refuse(Refused(500, detail), id)

    def _wait(self, work: Coroutine[Any, Any, None]) -> None:
        """Take no further message until this is done."""

        async def waited() -> None:
            try:
                await work
            finally:
                self._is_waiting = False
                self._settle()

        self._is_waiting = True
        self._settle()
        self._start(waited())

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        log.name_request(self._name)
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _since(push_state: str | None, before: Watch) -> Mapping[str, int] | None:
    """Say up to where a client who wishes to be told has been told; None: of all.

    A ``pushState`` that is none of ours tells nothing of what he knows, so he is told of everything.
    """
    if push_state is not None:
        return position.read(push_state) or {}
    return None if before.types == NOTHING else before.taken()
