"""The WebSocket endpoint: the handshake, and who is let in (RFC 8887 §4.1, §4.2, RFC 6455 §4.2).

Extensions are not negotiated: compression would cost each silent connection more memory than all else together.
"""

from __future__ import annotations

import asyncio
import binascii
from collections.abc import Collection, Iterable
from typing import Any, Final, Protocol

from wsproto.utilities import generate_accept_token

from posthouse.kit.limits import Limits
from posthouse.proto.jmap.websocket import SUBPROTOCOL
from posthouse.serve.http.answer import Answer, Headers, Receive, Send
from posthouse.serve.http.api import ApiResource
from posthouse.serve.http.auth import Door
from posthouse.serve.http.concurrency import Full, Gate
from posthouse.serve.http.exchange import Exchange
from posthouse.serve.http.ports import Api, SignIn
from posthouse.serve.http.problem import Refused, too_busy
from posthouse.serve.http.websocket_line import Line
from posthouse.serve.http.websocket_talk import NOTHING, Desk, Talk
from posthouse.serve.push.hub import Hub

UPGRADE: Final = "posthouse.upgrade"
"""The extension of an ASGI scope whose client wants to switch protocols: an `Upgrade`."""

_VERSION: Final = b"13"
_SWITCH: Final[Headers] = ((b"upgrade", b"websocket"), (b"connection", b"upgrade"))
_WANTED: Final[Headers] = (*_SWITCH, (b"sec-websocket-version", _VERSION))


class Upgrade(Protocol):
    """A connection that can be given to another protocol than HTTP.

    pace: see `Line`. tasks: those that the server waits for at its end.
    """

    pace: float
    tasks: set[asyncio.Task[None]]

    def switch(self, headers: Iterable[tuple[bytes, bytes]], line: Line) -> bool:
        """Answer with 101 and hand the connection over; False if the peer has left."""


class WebSocketResource:
    """Lets callers open WebSockets, each of them a bounded number.

    origins: other web origins whose pages may come with what a browser adds by itself.
    """

    def __init__(
        self,
        door: Door,
        api_resource: ApiResource,
        hub: Hub,
        sign_in: SignIn,
        api: Api,
        limits: Limits,
        origins: Collection[str],
    ) -> None:
        self._door = door
        self._desk = Desk(api_resource, hub, limits, frozenset(api.capabilities), sign_in.current)
        self._gate = Gate(limits.max_web_sockets, 0)
        self._origins = frozenset(origins)

    async def get(self, exchange: Exchange) -> Answer:
        """Switch to the subprotocol ``jmap``.

        Raises `Refused`: 426 for a request that is no handshake of this version, 400 for one that is malformed or
        lacks the subprotocol, 403 for a page of a strange origin, 401 as `Door.listener` says, 429 for one
        WebSocket too many.
        """
        accept = _accept(exchange)
        upgrade: Upgrade | None = exchange.scope.get("extensions", {}).get(UPGRADE)
        if upgrade is None:
            raise Refused(426, "This connection cannot become a WebSocket.", _WANTED)
        self._refuse_strange_pages(exchange)
        caller = (await self._door.listener(exchange, "websocket")).caller
        try:
            await self._gate.enter(caller.key)
        except Full:
            raise too_busy("Too many WebSockets at once.", 60, "maxWebSockets") from None
        talk = Talk(self._desk, caller, upgrade.pace, upgrade.tasks, self._gate)
        try:
            watch = await self._desk.hub.watch(caller, NOTHING, talk.wake)
        except BaseException:
            self._gate.leave(caller.key)
            raise

        async def play(start: dict[str, Any], receive: Receive, send: Send) -> None:
            if upgrade.switch(start["headers"], talk.line):
                talk.begin(watch)
            else:
                self._desk.hub.leave(watch)
                self._gate.leave(caller.key)

        return Answer(101, (*_SWITCH, (b"sec-websocket-accept", accept), _PROTOCOL), play=play)

    def _refuse_strange_pages(self, exchange: Exchange) -> None:
        """Refuse a page of another origin that shows what its browser has stored: name and password.

        No page can set the header of a WebSocket, but any could have it sent, and then read all mail
        (RFC 6455 §10.2). The cookie is refused by `Door`; a token can only come from a program.
        """
        page = self._door.page(exchange)
        if page is None or page in self._origins or self._door.is_our_page(exchange):
            return
        if exchange.headers.get(b"authorization", b"").lower().startswith(b"basic"):
            raise Refused(403, f"Pages of {page[:255]} may open a WebSocket with a ticket only.")


_PROTOCOL: Final = (b"sec-websocket-protocol", SUBPROTOCOL.encode())


def _accept(exchange: Exchange) -> bytes:
    """Check a handshake and return the proof that we read it (RFC 6455 §4.2.1, §4.2.2)."""
    is_wanted = "websocket" in _tokens(exchange, b"upgrade", fold=True)
    if not is_wanted or "upgrade" not in _tokens(exchange, b"connection", fold=True):
        raise Refused(426, "Here is a WebSocket; plain requests go to the apiUrl.", _WANTED)
    if exchange.headers.get(b"sec-websocket-version") != _VERSION:
        raise Refused(426, "The version of a WebSocket is 13.", _WANTED)
    key = exchange.headers.get(b"sec-websocket-key", b"")
    try:
        nonce = binascii.a2b_base64(key, strict_mode=True)
    except binascii.Error:
        nonce = b""
    if len(nonce) != 16:
        raise Refused(400, "Sec-WebSocket-Key is the base64 of 16 octets.")
    if SUBPROTOCOL not in _tokens(exchange, b"sec-websocket-protocol", fold=False):
        raise Refused(400, f"The subprotocol of this WebSocket is {SUBPROTOCOL!r}.")
    return generate_accept_token(key)


def _tokens(exchange: Exchange, name: bytes, *, fold: bool) -> list[str]:
    text = exchange.text(name) or ""
    return [token.strip() for token in (text.lower() if fold else text).split(",")]
