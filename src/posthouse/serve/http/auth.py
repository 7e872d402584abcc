"""Signing in: what a request shows becomes a Caller (RFC 8620 §8.2, RFC 7617, RFC 6750).

That is the Authorization header. A browser sends none for an EventSource or a WebSocket of a page, so these two
may also show a ticket in the URL or our cookie. Nothing else may, for a browser adds cookies to requests that
another site made it send. A ticket counts only for the page that it was made for; the cookie only for pages of
our own, and no page of another origin gets to read what it lets in.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from typing import Final, Literal

from posthouse.model.caller import Caller
from posthouse.serve.http.answer import Headers
from posthouse.serve.http.exchange import Exchange
from posthouse.serve.http.ports import SignIn, Tickets, TooManyAttempts
from posthouse.serve.http.problem import Refused, too_busy
from posthouse.serve.http.proxy import Proxies

COOKIE: Final = "posthouse"
"""The name of our cookie."""

_SIGN_IN = "Sign in with Basic or Bearer."
_LONGEST = 8192  # octets of an Authorization header
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BASIC = (b"www-authenticate", b'Basic realm="Posthouse", charset="UTF-8"')
_BEARER = (b"www-authenticate", b'Bearer realm="Posthouse"')
_INVALID_TOKEN = (b"www-authenticate", b'Bearer realm="Posthouse", error="invalid_token"')


@dataclass(frozen=True, slots=True)
class Guest:
    """Who came in to listen, and the ticket that he showed, if it was by one."""

    caller: Caller
    ticket: str | None = None


class Door:
    """Lets in who shows a valid credential, on each request anew."""

    def __init__(self, sign_in: SignIn, tickets: Tickets, proxies: Proxies) -> None:
        self._sign_in = sign_in
        self._tickets = tickets
        self._proxies = proxies

    async def caller(self, exchange: Exchange) -> Caller:
        """Return who sends this request.

        Raises `Refused`: 401 with one challenge a scheme for a missing, malformed or wrong credential, 429
        after too many attempts.
        """
        scheme, _, credential = (exchange.text(b"authorization") or "").strip().partition(" ")
        scheme, credential = scheme.lower(), credential.lstrip(" ")
        peer = self._proxies.client(exchange)
        caller: Caller | None = None
        try:
            if len(credential) > _LONGEST:
                pass
            elif scheme == "basic":
                pair = _basic(credential)
                if pair is not None:
                    caller = await self._sign_in.basic(*pair, peer)
            elif scheme == "bearer" and _TOKEN.fullmatch(credential):
                caller = await self._sign_in.bearer(credential, peer)
        except TooManyAttempts as error:
            raise too_busy("Too many attempts to sign in.", error.retry_after) from None
        if caller is None:
            came = credential and scheme in ("basic", "bearer")
            said = "This password or token is wrong, or good no more." if came else _SIGN_IN
            raise Refused(401, said, _challenges(exchange, scheme == "bearer"))
        return caller

    async def listener(self, exchange: Exchange, kind: Literal["eventsource", "websocket"]) -> Guest:
        """Return who asks to be told of changes: by Authorization, else by ticket, else by cookie.

        Raises `Refused` as `caller` does. A page gets no challenge upon which its browser would ask the user.
        """
        if b"authorization" in exchange.headers:
            return Guest(await self.caller(exchange))
        caller: Caller | None = None
        ticket = exchange.parameter("ticket")
        if ticket is not None:
            caller = await self._tickets.redeem(ticket, kind, self.page(exchange))
        else:
            cookie = cookie_of(exchange)
            if cookie is not None and self.is_our_page(exchange):
                caller = await self._tickets.redeem(cookie, "cookie", None)
        if caller is None:
            if b"sec-fetch-mode" in exchange.headers or ticket is not None:
                raise Refused(401, "Sign in: ask for a ticket or a cookie.", (_BEARER,))
            raise Refused(401, _SIGN_IN, _challenges(exchange, bad_token=False))
        return Guest(caller, ticket)

    def page(self, exchange: Exchange) -> str | None:
        """Return the web origin of the page that sends this request, None if no page does.

        Browsers leave Origin out of a GET to the page's own origin, and say so (Fetch Metadata).
        """
        origin = exchange.text(b"origin")
        if origin is None and exchange.headers.get(b"sec-fetch-site") == b"same-origin":
            return self._proxies.origin(exchange)
        return origin

    def is_our_page(self, exchange: Exchange) -> bool:
        """Say whether a page of our own origin sends this request."""
        return self.page(exchange) == self._proxies.origin(exchange)


def cookie_of(exchange: Exchange) -> str | None:
    """Return the value of our cookie, or None (RFC 6265 §4.2.1)."""
    for pair in (exchange.text(b"cookie") or "").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == COOKIE:
            return value
    return None


def _basic(credential: str) -> tuple[str, str] | None:
    """Read the name and password of Basic; None if it is malformed (RFC 7617 §2)."""
    try:
        text = binascii.a2b_base64(credential, strict_mode=True).decode()
    except ValueError:
        return None
    name, colon, password = text.partition(":")
    return None if not colon or _CONTROL.search(text) else (name, password)


def _challenges(exchange: Exchange, bad_token: bool) -> Headers:
    """Return one challenge a line, Basic first, since some clients read only the first.

    A browser would pop up its own dialog at a Basic challenge, so our web client gets none.
    """
    bearer = _INVALID_TOKEN if bad_token else _BEARER
    if exchange.headers.get(b"x-requested-with", b"").lower() == b"posthouse-web":
        return (bearer,)
    return (_BASIC, bearer)
