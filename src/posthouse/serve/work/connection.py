"""One HTTP/1.1 connection to a stranger's server, with h11 (RFC 9112).

What the other side sends is bounded in octets before it is parsed, and in events after that; so it can neither
fill the memory nor keep the event loop busy. An exchange that ends in any other way than the protocol has it
closes the connection, and what comes between two exchanges does so too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TypeAlias, cast

import h11

from posthouse.kit import clock
from posthouse.serve.work.answer import Answer, Unreachable, seconds_to_wait
from posthouse.serve.work.target import Target

LONGEST_BODY = 4096  # octets of an answer's body that are read
_LONGEST_ANSWER = 16_384  # octets of all that is read in one exchange
_MOST_EVENTS = 100  # each of interim answers and of pieces of a body
_BODY_PATIENCE = 2.0  # seconds: the status is what counts

_Event: TypeAlias = h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]


class Connection(asyncio.Protocol):
    """Sends one request at a time and reads the answer to it."""

    def __init__(self) -> None:
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_ANSWER)
        self._transport: asyncio.Transport
        self._room = 0
        """Octets that may still come; none between two exchanges."""
        self._news = asyncio.Event()
        self.open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast(asyncio.Transport, transport)
        self.open = True

    def data_received(self, data: bytes) -> None:
        """Take what there is room for, and close the connection if there is more."""
        if not self.open:
            return
        if self._room > 0:
            self._http.receive_data(data[: self._room])
        self._room -= len(data)
        if self._room < 0:
            self.abort()
        self._news.set()

    def connection_lost(self, _: Exception | None) -> None:
        """Tell who waits for an answer that no more will come."""
        self.open = False
        self._http.receive_data(b"")
        self._news.set()

    def abort(self) -> None:
        """Close the connection at once; the exchange on it ends."""
        self.open = False
        self._transport.abort()

    async def exchange(self, target: Target, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post a body and return the answer. The connection is `open` after it if it can serve for another.

        Raises `Unreachable` if what comes is no answer.
        """
        self._room = _LONGEST_ANSWER
        fields = {"Host": target.authority, "User-Agent": "Posthouse"} | dict(headers)
        fields["Content-Length"] = str(len(body))
        for event in (
            h11.Request(method="POST", target=target.path, headers=list(fields.items())),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self._transport.write(self._http.send(event) or b"")
        response = await self._response()
        waits = [value for name, value in response.headers if name == b"retry-after"]
        wait = seconds_to_wait(waits[0].decode("latin-1"), clock.now()) if waits else None
        answer = Answer(response.status_code, wait, await self._body())
        self._finish()
        return answer

    async def _response(self) -> h11.Response:
        try:
            for _ in range(_MOST_EVENTS):
                event = await self._next()
                if isinstance(event, h11.Response):
                    return event
        except h11.RemoteProtocolError as error:
            raise Unreachable(self._complaint()) from error
        raise Unreachable("the host promises an answer again and again")

    def _complaint(self) -> str:
        """Say why there is no answer."""
        if self._room < 0:
            return "the host answers without an end"
        return "the host does not speak HTTP" if self.open else "the host closed the connection"

    async def _body(self) -> bytes:
        """Read what comes of a body in time and in bounds; what fails now takes nothing from the answer."""
        body = bytearray()
        try:
            async with asyncio.timeout(_BODY_PATIENCE):
                for _ in range(_MOST_EVENTS):
                    event = await self._next()
                    if not isinstance(event, h11.Data):
                        break
                    body += event.data
        except (h11.RemoteProtocolError, TimeoutError):
            self.abort()
        return bytes(body[:LONGEST_BODY])

    async def _next(self) -> _Event:
        """Wait for the next thing that the other side says. Raises `h11.RemoteProtocolError`."""
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._news.clear()
            await self._news.wait()
        return event

    def _finish(self) -> None:
        """Make ready for the next exchange, or close if there is none to be had."""
        self._room = 0
        if self.open and self._http.states == {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}:
            early, _ = self._http.trailing_data
            if not early:
                self._http.start_next_cycle()
                return
        self.abort()
