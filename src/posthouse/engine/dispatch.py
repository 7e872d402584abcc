"""Dispatch: a request's method calls, one after the other (RFC 8620 §3.3, §3.10).

Consecutive calls that read the same account form a *run*, which shares one snapshot; each call that writes
stands alone. A call that fails is answered with an error, and the next one is processed as normal.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Coroutine
from dataclasses import replace
from functools import partial
from typing import Final, TypeAlias

from posthouse.engine import access, argument, room
from posthouse.engine.call import Call, Tools
from posthouse.engine.changes import changes
from posthouse.engine.copy import copy
from posthouse.engine.get import get
from posthouse.engine.query import query
from posthouse.engine.querychanges import query_changes
from posthouse.engine.result import Result, Rows, error
from posthouse.engine.session import Sessions
from posthouse.engine.set import set as set_
from posthouse.kit import log
from posthouse.kit.json import JsonObject
from posthouse.model.caller import Access, Caller
from posthouse.model.capability import Method
from posthouse.model.ports import TooMuch
from posthouse.model.type import Type
from posthouse.proto.jmap import references
from posthouse.proto.jmap.errors import MethodError
from posthouse.proto.jmap.request import Invocation, Request
from posthouse.proto.jmap.response import encode_response
from posthouse.store.lanes import Interrupted
from posthouse.store.txn import Transaction

Answer: TypeAlias = Result | Rows
_Reader: TypeAlias = Callable[[Call, Transaction, Type, JsonObject], Answer]
_Writer: TypeAlias = Callable[[Call, Type, JsonObject], Coroutine[None, None, Result | list[Result]]]

_READERS: Final[dict[str, _Reader]] = {
    "get": get,
    "changes": changes,
    "query": query,
    "queryChanges": query_changes,
}
_WRITERS: Final[dict[str, _Writer]] = {"set": set_, "copy": copy}
_MOST_OCTETS: Final = 200_000_000
_NOBODY: Final = Access(account=0, shard=0, name="")

_log = log.get("engine")


class Engine:
    """Answers requests; `session` and `answer` are what the HTTP edge calls.

    lenient_using: answer calls whose capability is known but not in ``using``, against RFC 8620 §3.3.
    """

    def __init__(self, tools: Tools, sessions: Sessions, *, lenient_using: bool = False) -> None:
        self._tools = tools
        self._sessions = sessions
        self._lenient_using = lenient_using

    @property
    def capabilities(self) -> Collection[str]:
        """The URIs of all capabilities of this server."""
        return self._tools.registry.capabilities.keys()

    def session(self, caller: Caller, base_url: str) -> bytes:
        """Write the caller's Session object (RFC 8620 §2)."""
        return self._sessions.session(caller, base_url)

    async def answer(self, caller: Caller, request: Request, *, aside: bool = False) -> bytes:
        """Process a request and write the Response object (RFC 8620 §3.4).

        aside: this runs in another thread than the store's, with an event loop of its own.
        """
        tools = replace(self._tools, inline=False) if aside else self._tools
        batch = _Batch(tools, self._sessions, caller, request, self._lenient_using)
        results = await batch.run()
        return encode_response(
            ((result.name, result.pieces(), result.call_id) for result in results),
            None if request.created_ids is None else batch.created_ids,
            self._sessions.state(caller),
        )


class _Batch:
    """The calls of one request."""

    def __init__(
        self, tools: Tools, sessions: Sessions, caller: Caller, request: Request, lenient_using: bool
    ) -> None:
        self._tools = tools
        self._sessions = sessions
        self._caller = caller
        self._request = request
        self._lenient_using = lenient_using
        self._room = references.Room()
        self.created_ids: dict[str, str] = dict(request.created_ids or {})

    async def run(self) -> list[Answer]:
        results: list[Answer] = []
        calls = self._request.calls
        at = 0
        while at < len(calls):
            place = self._reads(calls[at])
            end = at + 1
            if place is None:
                results += await self._write(calls[at], results)
            else:
                while end < len(calls) and self._reads(calls[end]) is place:
                    end += 1
                results += await self._run(place, calls[at:end], results)
            at = end
        return results

    async def _run(self, place: Access, run: list[Invocation], before: list[Answer]) -> list[Answer]:
        unit = partial(self._read, place, run, before, self._room.left)
        try:
            return await self._tools.store.read(place, self._caller.person, unit, inline=self._tools.inline)
        except TooMuch as much:
            problem = MethodError("requestTooLarge", str(much))
            return [error(invocation.call_id, problem) for invocation in run]

    def _reads(self, call: Invocation) -> Access | None:
        """Give the account of a call that only reads; None for all others, which stand alone."""
        known = self._tools.registry.methods.get(call.name)
        if known is None:
            return None
        _, of, verb = known
        if verb not in _READERS and not (isinstance(of, Method) and of.reads is not None):
            return None
        wire = call.arguments.get("accountId")
        return self._caller.accounts.get(wire) if isinstance(wire, str) else None

    def _read(
        self, place: Access, run: list[Invocation], before: list[Answer], left: int, txn: Transaction
    ) -> list[Answer]:
        """Answer a run on one snapshot; it may be run again from its start, so it keeps its own list."""
        answers: list[Answer] = []
        octets = sum(map(_octets, before))
        self._room.left = left
        for invocation in run:
            try:
                txn.pause()
                _demand_room(octets)
                answer = self._read_one(txn, place, invocation, [*before, *answers])
                octets += _octets(answer)
                answers.append(answer)
            except MethodError as problem:
                answers.append(error(invocation.call_id, problem))
            except TooMuch as much:
                answers.append(error(invocation.call_id, MethodError("requestTooLarge", str(much))))
            except Interrupted:
                raise
            except Exception as fault:
                answers.append(_server_fail(invocation, fault))
        return answers

    def _read_one(
        self, txn: Transaction, place: Access, invocation: Invocation, before: list[Answer]
    ) -> Answer:
        of, verb = self._method(invocation.name)
        given = references.resolve(invocation.arguments, before, self._room)
        self._demand_supported(invocation.name, place)
        call = self._call(invocation, place)
        if isinstance(of, Method):
            assert of.reads is not None
            arguments = argument.check(argument.of_method(of), given)
            return Result(invocation.name, invocation.call_id, of.reads(call, txn, arguments))
        arguments = argument.check(argument.of_verb(of, verb), given)
        return _READERS[verb](call, txn, of, arguments)

    async def _write(
        self, invocation: Invocation, before: list[Answer], *, implied: bool = False
    ) -> list[Answer]:
        """Answer a call that stands alone. implied: another one asked for it, and not the client."""
        try:
            _demand_room(sum(map(_octets, before)))
            return await self._write_one(invocation, before, implied)
        except MethodError as problem:
            return [error(invocation.call_id, problem)]
        except TooMuch as much:
            return [error(invocation.call_id, MethodError("requestTooLarge", str(much)))]
        except Exception as fault:
            full = room.unavailable(fault)
            return [_server_fail(invocation, fault) if full is None else error(invocation.call_id, full)]

    async def _write_one(self, invocation: Invocation, before: list[Answer], implied: bool) -> list[Answer]:
        of, verb = self._method(invocation.name, implied)
        given = references.resolve(invocation.arguments, before, self._room)
        if isinstance(of, Method) and of.parameters is None:
            assert of.writes is not None
            call = self._call(invocation, _NOBODY)
            return [Result(invocation.name, invocation.call_id, await of.writes(call, given))]
        taken = argument.of_method(of) if isinstance(of, Method) else argument.of_verb(of, verb)
        arguments = argument.check(taken, given)
        place = access.account(self._caller, arguments["accountId"])
        self._demand_supported(invocation.name, place)
        call = self._call(invocation, place)
        if isinstance(of, Type):
            if verb in _READERS:
                return [await call.read(lambda txn: _READERS[verb](call, txn, of, arguments))]
            answered = await _WRITERS[verb](call, of, arguments)
            return await self._followed(invocation, place.wire, answered, before)
        if of.reads is not None:
            reads = of.reads
            values = await call.read(lambda txn: reads(call, txn, arguments))
        else:
            assert of.writes is not None
            values = await of.writes(call, arguments)
        return [Result(invocation.name, invocation.call_id, values)]

    async def _followed(
        self, invocation: Invocation, place: str, answered: Result | list[Result], before: list[Answer]
    ) -> list[Answer]:
        """Make the calls that others imply; each is answered behind what implied it, with the same call id."""
        answers: list[Answer] = []
        for result in answered if isinstance(answered, list) else [answered]:
            answers.append(result)
            for name, arguments in result.implied:
                asked = {"accountId": place} | arguments
                following = Invocation(name, asked, invocation.call_id)
                answers += await self._write(following, [*before, *answers], implied=True)
        return answers

    def _call(self, invocation: Invocation, place: Access) -> Call:
        using = self._request.using
        return Call(self._tools, self._caller, place, invocation.call_id, self.created_ids, using)

    def _demand_supported(self, name: str, place: Access) -> None:
        """Refuse with ``accountNotSupportedByMethod`` (RFC 8620 §3.6.2)."""
        uri, *_ = self._tools.registry.methods[name]
        if not self._sessions.supports(uri, self._caller, place):
            raise MethodError("accountNotSupportedByMethod")

    def _method(self, name: str, implied: bool = False) -> tuple[Type | Method, str]:
        """Find a method among the capabilities that the request uses (RFC 8620 §3.3), or any that is implied."""
        known = self._tools.registry.methods.get(name)
        if known is None or not (implied or self._lenient_using or known[0] in self._request.using):
            raise MethodError("unknownMethod")
        return known[1], known[2]


def _octets(answer: Answer) -> int:
    return sum(map(len, answer.pieces()))


def _demand_room(octets: int) -> None:
    """Refuse with ``requestTooLarge`` to answer more when the answers so far are very large."""
    if octets > _MOST_OCTETS:
        raise MethodError("requestTooLarge", "the answers to the calls before are too large for another one")


def _server_fail(invocation: Invocation, fault: Exception) -> Result:
    """Answer a call that failed through our fault, with an id that is in the log (RFC 8620 §3.6.2)."""
    mark = secrets.token_hex(4)
    _log.error("engine.fail", id=mark, method=invocation.name, **log.fault(fault))
    problem = MethodError("serverFail", f"an unexpected error; the server's log has it as {mark}")
    return error(invocation.call_id, problem)
