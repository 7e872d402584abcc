"""Signing in: the Authorization header becomes a Caller (RFC 8620 §8.2, RFC 7617, RFC 6750)."""

from __future__ import annotations

import binascii
import re

from posthouse.model.caller import Caller
from posthouse.serve.http.answer import Headers
from posthouse.serve.http.exchange import Exchange
from posthouse.serve.http.ports import SignIn, TooManyAttempts
from posthouse.serve.http.problem import Refused, too_busy
from posthouse.serve.http.proxy import Proxies

_LONGEST = 8192  # octets of an Authorization header
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BASIC = (b"www-authenticate", b'Basic realm="Posthouse", charset="UTF-8"')
_BEARER = (b"www-authenticate", b'Bearer realm="Posthouse"')
_INVALID_TOKEN = (b"www-authenticate", b'Bearer realm="Posthouse", error="invalid_token"')


class Door:
    """Lets in who shows a valid credential, on each request anew."""

    def __init__(self, sign_in: SignIn, proxies: Proxies) -> None:
        self._sign_in = sign_in
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
            raise Refused(401, "Sign in with Basic or Bearer.", _challenges(exchange, scheme == "bearer"))
        return caller


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
