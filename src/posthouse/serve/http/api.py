"""The API resource: one Request in, one Response out (RFC 8620 §3.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial

from posthouse.kit.limits import Limits
from posthouse.model.caller import Caller
from posthouse.proto.jmap.request import Request, parse_request
from posthouse.serve.http.answer import JSON, Answer
from posthouse.serve.http.auth import Door
from posthouse.serve.http.concurrency import Full, Gate
from posthouse.serve.http.exchange import Exchange
from posthouse.serve.http.ports import Api
from posthouse.serve.http.problem import Refused, too_busy

LARGE = 64 * 1024
"""Octets of a request, above which reading it takes so long that others would wait."""

_LARGE_AT_ONCE = 4  # requests; each may take tens of times its size in memory
_IN_LINE = 256  # requests of one caller that wait above maxConcurrentRequests, before any is refused


class ApiResource:
    """Reads requests, has them answered, and holds back what one caller asks too much at once.

    gate: the requests that each credential has running, over HTTP and over WebSockets.
    """

    def __init__(self, door: Door, api: Api, limits: Limits) -> None:
        self._door = door
        self._api = api
        self._limits = limits
        self._known = frozenset(api.capabilities)
        self.gate = Gate(limits.max_concurrent_requests, _IN_LINE)
        self._large_gate = Gate(1, _IN_LINE)
        self._aside = ThreadPoolExecutor(_LARGE_AT_ONCE, thread_name_prefix="large")

    async def post(self, exchange: Exchange) -> Answer:
        """Answer one API request.

        Above maxConcurrentRequests a request waits, because clients open bursts and some stop at the first
        refusal; only a long line is refused, with 429. The body is read after the wait: a caller's bodies
        in memory are bounded by what he has running.
        """
        caller = await self._door.caller(exchange)
        try:
            await self.gate.enter(caller.key)
        except Full:
            raise too_many_requests() from None
        try:
            body = await exchange.body(self._limits.max_size_request, "maxSizeRequest", 400)
            content_type = exchange.text(b"content-type")
            read = partial(parse_request, body, content_type, self._limits, self._known)
            return Answer(200, (JSON,), await self.answer(caller, len(body), read))
        finally:
            self.gate.leave(caller.key)

    async def answer(self, caller: Caller, size: int, read: Callable[[], Request]) -> bytes:
        """Have a request of so many octets read and answered; its caller has passed `gate`.

        A large one has a thread of its own, one of each caller at a time. Raises what `read` raises.
        """
        if size <= LARGE:
            return await self._api.answer(caller, read())

        def answer() -> bytes:
            return asyncio.run(self._api.answer(caller, read(), aside=True))

        await self._large_gate.enter(caller.key)
        try:
            work = partial(copy_context().run, answer)  # the log names the request
            return await asyncio.get_running_loop().run_in_executor(self._aside, work)
        finally:
            self._large_gate.leave(caller.key)


def too_many_requests() -> Refused:
    """Make the refusal of a request for which there is no room even in the line (RFC 8620 §3.6.1)."""
    return too_busy("Too many requests at once.", 1, "maxConcurrentRequests")
