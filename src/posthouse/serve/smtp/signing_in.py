"""Signing in: what is said inside AUTH becomes a Caller (RFC 4954)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from posthouse.model.caller import Caller
from posthouse.proto.smtp import sasl, scram
from posthouse.proto.smtp.reply import Reply
from posthouse.serve.smtp.ports import SignIn, TooManyAttempts

_WRONG: Final = Reply(535, "5.7.8", "This name or password or token is wrong, or good no more")
_TOO_OFTEN: Final = Reply(454, "4.7.0", "Too many attempts to sign in; try again later")
_UNREADABLE: Final = Reply(501, "5.5.2", "This is not what the mechanism says")

Step = bytes | Reply | Caller
"""A challenge, a refusal, or who signed in."""


class Talk(Protocol):
    """What is said inside one AUTH."""

    async def hear(self, data: bytes) -> Step:
        """Take a response of the peer, the initial one too."""


class _Plain:
    def __init__(self, sign_in: SignIn, peer: str) -> None:
        self._sign_in = sign_in
        self._peer = peer

    async def hear(self, data: bytes) -> Step:
        said = sasl.read_plain(data)
        if said is None:
            return _UNREADABLE
        return await self._sign_in.basic(said.name, said.password, self._peer) or _WRONG


class _Bearer:
    def __init__(self, sign_in: SignIn, peer: str) -> None:
        self._sign_in = sign_in
        self._peer = peer
        self._has_failed = False

    async def hear(self, data: bytes) -> Step:
        if self._has_failed:
            return _WRONG
        said = sasl.read_bearer(data)
        if said is None:
            return _UNREADABLE
        caller = await self._sign_in.bearer(said.token, self._peer)
        if caller is None:
            self._has_failed = True
            return sasl.INVALID_TOKEN
        return caller


class _Scram:
    def __init__(self, sign_in: SignIn, peer: str) -> None:
        self._sign_in = sign_in
        self._peer = peer
        self._exchange = scram.Exchange(secrets.token_urlsafe(18))
        self._name: str | None = None
        self._caller: Caller | None = None

    async def hear(self, data: bytes) -> Step:
        if self._caller is not None:  # he has heard that we know the key as well
            return self._caller if not data else _UNREADABLE
        if self._name is None:
            self._name = self._exchange.begin(data)
            if self._name is None:
                return _UNREADABLE
            return self._exchange.challenge(await self._sign_in.scram_keys(self._name, self._peer))
        success = self._exchange.finish(data)
        key = None if success is None else success.key
        self._caller = await self._sign_in.scram(self._name, key, self._peer)
        return _WRONG if success is None or self._caller is None else success.final


_MAKERS: Final[Mapping[str, Callable[[SignIn, str], Talk]]] = {
    "PLAIN": _Plain,
    "SCRAM-SHA-256": _Scram,
    "OAUTHBEARER": _Bearer,
}

MECHANISMS: Final = tuple(_MAKERS)
"""What can be offered, the simplest first."""


class Talks:
    """Holds the one AUTH that goes on."""

    def __init__(self, sign_in: SignIn, peer: str) -> None:
        self._sign_in = sign_in
        self._peer = peer
        self._talk: Talk | None = None

    async def begin(self, mechanism: str, initial: bytes | None) -> Step:
        """Begin, with one of `MECHANISMS`; all of them have the client speak first."""
        self._talk = _MAKERS[mechanism](self._sign_in, self._peer)
        return b"" if initial is None else await self.go_on(initial)

    async def go_on(self, data: bytes) -> Step:
        """Take what the peer said to the last challenge."""
        if self._talk is None:
            return _UNREADABLE
        try:
            step = await self._talk.hear(data)
        except TooManyAttempts:
            step = _TOO_OFTEN
        if not isinstance(step, bytes):
            self._talk = None
        return step
