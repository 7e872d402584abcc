"""Tickets and the cookie: how a page that has signed in gets what its EventSource and WebSocket can show."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from posthouse.kit import clock
from posthouse.kit.json import NotJSON, loads
from posthouse.model.caller import Caller
from posthouse.serve.http import urls
from posthouse.serve.http.answer import Answer, Headers, json_answer
from posthouse.serve.http.auth import COOKIE, Door, cookie_of
from posthouse.serve.http.concurrency import Full, Gate
from posthouse.serve.http.exchange import Exchange
from posthouse.serve.http.ports import Kind, Tickets
from posthouse.serve.http.problem import Refused, too_busy
from posthouse.serve.http.proxy import Proxies

_LONGEST_BODY: Final = 1000  # octets
_IN_LINE: Final = 16
_SECRET: Final[Headers] = ((b"cache-control", b"no-store"), (b"referrer-policy", b"no-referrer"))


class _Desk:
    """Makes tickets, of one caller one at a time: each is a write to the disk."""

    def __init__(self, tickets: Tickets) -> None:
        self._tickets = tickets
        self._gate = Gate(1, _IN_LINE)

    async def issue(self, caller: Caller, kind: Kind, origin: str | None) -> tuple[str, int]:
        """Give a new ticket and its end in Unix seconds; raises `Refused`: 429."""
        try:
            await self._gate.enter(caller.key)
        except Full:
            raise too_busy("Too many tickets at once.", 1) from None
        try:
            return await self._tickets.issue(caller, kind, origin)
        finally:
            self._gate.leave(caller.key)


class TicketResource:
    """Gives tickets, which are shown in a URL."""

    def __init__(self, door: Door, tickets: Tickets, proxies: Proxies) -> None:
        self._door = door
        self._desk = _Desk(tickets)
        self._proxies = proxies

    async def post(self, exchange: Exchange) -> Answer:
        """Answer with a ticket for the page that asks, and the URL that has it."""
        base_url = self._proxies.base_url(exchange)
        caller = await self._door.caller(exchange)
        kind = _kind(await exchange.body(_LONGEST_BODY, "maxSizeRequest", 413))
        ticket, until = await self._desk.issue(caller, kind, self._door.page(exchange))
        if kind == "eventsource":
            url = f"{base_url}{urls.EVENT_SOURCE}?types={{types}}&closeafter={{closeafter}}&ping={{ping}}&ticket="
        else:
            url = f"ws{base_url.removeprefix('http')}{urls.WEBSOCKET}?ticket="
        answer = {"ticket": ticket, "url": url + ticket, "expires": clock.utc_date(until)}
        return json_answer(201, answer, _SECRET)


def _kind(body: bytes) -> Kind:
    try:
        match loads(body):
            case {"for": "eventsource"}:
                return "eventsource"
            case {"for": "websocket"}:
                return "websocket"
    except NotJSON:
        pass
    raise Refused(400, 'Send {"for": "eventsource"} or {"for": "websocket"}.')


class CookieResource:
    """Puts a cookie into the browser of our own page, and takes it out."""

    def __init__(self, door: Door, tickets: Tickets, proxies: Proxies) -> None:
        self._door = door
        self._tickets = tickets
        self._desk = _Desk(tickets)
        self._proxies = proxies

    async def post(self, exchange: Exchange) -> Answer:
        """Set the cookie for who is signed in by Authorization."""
        self._refuse_other_pages(exchange)
        caller = await self._door.caller(exchange)
        text, until = await self._desk.issue(caller, "cookie", None)
        return self._answer(exchange, text, until - int(clock.now()))

    async def delete(self, exchange: Exchange) -> Answer:
        """Make the cookie void, if there is one, and take it out of the browser."""
        self._refuse_other_pages(exchange)
        text = cookie_of(exchange)
        if text is not None and await self._tickets.redeem(text, "cookie", None) is not None:
            await self._tickets.revoke(text)
        return self._answer(exchange, "", 0)

    def _refuse_other_pages(self, exchange: Exchange) -> None:
        if exchange.text(b"origin") is not None and not self._door.is_our_page(exchange):
            raise Refused(403, "The cookie is for pages of this server.")

    def _answer(self, exchange: Exchange, text: str, seconds: int) -> Answer:
        url = urlsplit(self._proxies.base_url(exchange))
        cookie = (
            f"{COOKIE}={text}; HttpOnly; SameSite=Strict; Path={url.path}/jmap/; Max-Age={max(seconds, 0)}"
        )
        if url.scheme == "https":
            cookie += "; Secure"
        return Answer(204, ((b"set-cookie", cookie.encode()), *_SECRET))
