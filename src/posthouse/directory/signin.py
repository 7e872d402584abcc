"""Signing in: from a name and password, or a token, to a Caller (RFC 8620 §8.2, RFC 7617, RFC 6750, RFC 7677).

Theory of operation. A credential that was found good is remembered for ten minutes under a keyed hash, so
that most requests cost no look-up. Before anything remembered is used, the directory is asked whether any
process committed since (one pragma); if so, those people are forgotten whose credentials changed, and those to
whom other accounts are open are looked up anew, which needs no check of a password. A slow check works on what
it read at its start, so before its result is remembered the same rows are read again: a change in between
starts it over, a later one is seen by the next request.

Failures cost an attempt of the address they came from, and of that address with that name. What is remembered
asks for no attempt, so nobody can lock out who is signed in.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import secrets
import time
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, NamedTuple, cast

from posthouse.directory.addresses import key as address_key
from posthouse.directory.attempts import Attempts, TooManyAttempts
from posthouse.directory.callers import Callers
from posthouse.directory.passwords import Passwords, PasswordsBusy
from posthouse.directory.tokens import ITERATIONS, looks_like_token, salt, token_hash
from posthouse.kit import clock, log
from posthouse.model.caller import Caller
from posthouse.proto.smtp.scram import Key, Keys
from posthouse.store.directory import DirectoryStore, Person, Token

_REMEMBERED = 600  # seconds
_MOST_REMEMBERED = 20_000
_LONGEST_NAME = 320  # characters
_DAY = 86400

_log = log.get("directory")


@dataclass(slots=True)
class _Remembered:
    caller: Caller
    until: float
    is_stale: bool


class _Counted(NamedTuple):
    """What failures are counted by: where they come from, and that with a name."""

    origin: str
    pair: str


class SignIn:
    """Says who is behind a credential; used by one event loop.

    `now` tells Unix seconds, for tokens that expire; `monotonic` tells seconds that never jump.
    """

    def __init__(
        self,
        store: DirectoryStore,
        passwords: Passwords,
        callers: Callers,
        *,
        now: Callable[[], float] = clock.now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._callers = callers
        self._now = now
        self._monotonic = monotonic
        self._secret = secrets.token_bytes(32)
        self._salts = store.secret()
        self._remembered: dict[bytes, _Remembered] = {}
        self._checking: dict[bytes, asyncio.Task[Caller | None]] = {}
        self._by_peer = Attempts(burst=100, seconds=3)
        self._by_name = Attempts(burst=10, seconds=30)
        self._version = store.version()
        self._change = store.changed_since(0).newest

    async def basic(self, username: str, password: str, peer: str) -> Caller | None:
        """Return who has this name and this password or app password, None if no one has.

        `peer` is the address that the request came from. Raises `TooManyAttempts`.
        """
        key = self._key(f"{len(username)}:{username}:{password}")
        found = self._recall(key)
        if found is None:
            return await self._once(key, lambda: self._check_basic(key, username, password, peer))
        return found.caller if not found.is_stale else await self._once(key, lambda: self._renew(key, found))

    async def bearer(self, token: str, peer: str) -> Caller | None:
        """Return who this token was given to, None if it is none or has expired or was revoked."""
        key = self._key(token)
        found = self._recall(key)
        if found is None:
            return await self._check_token(key, token, None)
        return found.caller if not found.is_stale else await self._once(key, lambda: self._renew(key, found))

    async def scram_keys(self, username: str, peer: str) -> Keys:
        """Return the keys of the app passwords of who has this name; of nobody's name what looks the same.

        Raises `TooManyAttempts`.
        """
        self._demand_attempts(username, peer)
        name = _normalised(username)
        proofs = self._store.proofs(self._number(name))
        return Keys(salt(self._salts, name), ITERATIONS, [Key(one.stored, one.server) for one in proofs])

    async def scram(self, username: str, key: Key | None, peer: str) -> Caller | None:
        """Return who has this name and proved this key, None if it is good no more.

        No key: nothing was proved, which counts as a failure. Raises `TooManyAttempts`.
        """
        counted = self._demand_attempts(username, peer)
        token = None if key is None else self._token_with(_normalised(username), key)
        caller = None if token is None else await self._admit(token)
        if caller is None:
            self._take(counted)
        return caller

    def stands(self, caller: Caller) -> bool:
        """Say whether what a caller signed in with would still let him in; raises `OSError`."""
        return caller.key == self._standing_key(caller) and not self._has_expired(caller.expires)

    def is_current(self, caller: Caller) -> bool:
        """Say whether the accounts of a caller are those open to him now; raises `OSError`."""
        return caller.reach == self._store.reach(caller.person)

    async def current(self, caller: Caller) -> Caller | None:
        """Return a caller as he is now; None if what he signed in with would not let him in any more.

        He is the very same where nothing changed, and expires when he did. Raises `OSError`.
        """
        if not self.stands(caller):
            return None
        if self.is_current(caller):
            return caller
        found = await self.again(caller.person, caller.key)
        return None if found is None else replace(found, expires=caller.expires)

    async def again(self, person: int, key: Hashable) -> Caller | None:
        """Return the person who once signed in with what a `Caller.key` names, as he is now.

        None if it would not let him in any more. Raises `OSError`.
        """
        kind, number, *_ = cast("tuple[str, int]", key)
        token = self._store.token_by_id(number) if kind == "token" else None
        found = self._store.person_by_id(person)
        if found is None:
            return None
        caller, _ = await self._callers.make(found, key, None if token is None else token.expires)
        return caller if self.stands(caller) else None

    def _standing_key(self, caller: Caller) -> Hashable:
        """Give the key that a caller's credential would have now; None if there is none any more."""
        kind, number, *_ = cast("tuple[str, int]", caller.key)
        if kind == "token":
            token = self._store.token_by_id(number)
            return None if token is None else _token_key(token)
        hashed = self._store.password_hash(caller.person)
        return None if hashed is None else _password_key(caller.person, hashed)

    def _has_expired(self, expires: int | None) -> bool:
        return expires is not None and expires <= self._now()

    def _key(self, credential: str) -> bytes:
        # Keyed BLAKE2 does what an HMAC does, at half the cost.
        return blake2b(credential.encode("utf-8", "surrogatepass"), key=self._secret, digest_size=32).digest()

    def _recall(self, key: bytes) -> _Remembered | None:
        version = self._store.version()
        if version != self._version:
            self._forget_changed()
            self._version = version
        found = self._remembered.get(key)
        if found is None:
            return None
        if found.until <= self._monotonic() or self._has_expired(found.caller.expires):
            del self._remembered[key]
            return None
        return found

    def _forget_changed(self) -> None:
        changes = self._store.changed_since(self._change)
        self._change = changes.newest
        if not changes.credentials and not changes.reach:
            return
        for key, one in list(self._remembered.items()):
            if one.caller.person in changes.credentials:
                del self._remembered[key]
            elif one.caller.person in changes.reach:
                one.is_stale = True

    def _remember(self, key: bytes, caller: Caller, is_stale: bool) -> None:
        if len(self._remembered) >= _MOST_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[key] = _Remembered(caller, self._monotonic() + _REMEMBERED, is_stale)

    async def _renew(self, key: bytes, found: _Remembered) -> Caller | None:
        """Look up what is open to a remembered person now."""
        person = self._store.person_by_id(found.caller.person)
        if person is None:
            return None
        caller, is_whole = await self._callers.make(person, found.caller.key, found.caller.expires)
        if not self.stands(caller):
            return None
        found.caller, found.is_stale = caller, not is_whole
        return caller

    async def _once(
        self, key: bytes, make: Callable[[], Coroutine[Any, Any, Caller | None]]
    ) -> Caller | None:
        """Make a Caller once for all who ask at once, for clients open several connections."""
        task = self._checking.get(key)
        if task is None:
            task = asyncio.ensure_future(make())
            self._checking[key] = task
            task.add_done_callback(lambda done: self._checked(key, done))
        return await asyncio.shield(task)

    def _checked(self, key: bytes, task: asyncio.Task[Caller | None]) -> None:
        del self._checking[key]
        if not task.cancelled():
            task.exception()  # seen by whoever still waits; asyncio would complain if no one does

    async def _check_basic(self, key: bytes, username: str, password: str, peer: str) -> Caller | None:
        name = _normalised(username)
        counted = self._demand_attempts(username, peer)
        self._take(counted)
        failed = False
        try:
            if looks_like_token(password):
                caller = await self._check_token(key, password, name)
            else:
                caller = await self._check_password(key, name, password)
            failed = caller is None
            return caller
        except PasswordsBusy:
            raise TooManyAttempts(1) from None
        finally:
            if not failed:
                self._by_peer.give_back(counted.origin, self._monotonic())
                self._by_name.give_back(counted.pair, self._monotonic())

    def _demand_attempts(self, username: str, peer: str) -> _Counted:
        """Give what failures of a name are counted by; raises `TooManyAttempts` if there were too many."""
        origin = _origin(peer)
        counted = _Counted(origin, f"{origin} {_normalised(username) or username[:_LONGEST_NAME]}")
        now = self._monotonic()
        wait = max(self._by_peer.wait(counted.origin, now), self._by_name.wait(counted.pair, now))
        if wait:
            raise TooManyAttempts(wait)
        return counted

    def _take(self, counted: _Counted) -> None:
        now = self._monotonic()
        self._by_peer.take(counted.origin, now)
        self._by_name.take(counted.pair, now)

    async def _check_password(self, key: bytes, name: str, password: str) -> Caller | None:
        while True:
            person, hashed = self._stored_password(name)
            if not await self._passwords.matches(hashed, password) or person is None or hashed is None:
                return None
            caller, is_whole = await self._callers.make(person, _password_key(person.id, hashed), None)
            if (person, hashed) == self._stored_password(name):
                self._remember(key, caller, not is_whole)
                return caller

    def _stored_password(self, name: str) -> tuple[Person | None, str | None]:
        # For no one the same rows are asked for, so that it takes as long.
        person = self._store.person_by_key(name)
        return person, self._store.password_hash(0 if person is None else person.id)

    async def _check_token(self, key: bytes, text: str, name: str | None) -> Caller | None:
        """Find a token's person; with a name, only if it is his (Basic)."""
        hashed = token_hash(text)
        token = None if hashed is None else self._store.token_by_hash(hashed)
        return None if token is None else await self._admit(token, key, name)

    def _number(self, name: str) -> int:
        """Give the number of who has a normalised name, 0 for nobody, who has no rows but costs the same."""
        person = self._store.person_by_key(name)
        return 0 if person is None else person.id

    def _token_with(self, name: str, key: Key) -> Token | None:
        for one in self._store.proofs(self._number(name)):
            if hmac.compare_digest(one.stored, key.stored):
                return self._store.token_by_id(one.token)
        return None

    async def _admit(self, token: Token, key: bytes | None = None, name: str | None = None) -> Caller | None:
        """Make the Caller of a token, unless it is good no more; with a key he is remembered, with a name it is his."""
        if self._has_expired(token.expires):
            return None
        today = int(self._now()) // _DAY
        if token.used_day != today:
            await self._note_use(token.id, today)
        person = self._store.person_by_id(token.person)
        if person is None or (name is not None and name != address_key(person.login)):
            return None
        caller, is_whole = await self._callers.make(person, _token_key(token), token.expires)
        if self._store.token_by_id(token.id) is None:
            return None  # revoked meanwhile
        if key is not None:
            self._remember(key, caller, not is_whole)
        return caller

    async def _note_use(self, token: int, day: int) -> None:
        try:
            await asyncio.to_thread(self._store.use_token, token, day)
        except OSError as error:
            # A full disk must not keep people out.
            _log.warning("directory.use_token", error=str(error))


def _normalised(username: str) -> str:
    """Return the key of a name; of what is no address an empty one, which is no one's."""
    return (address_key(username) if len(username) <= _LONGEST_NAME else None) or ""


def _token_key(token: Token) -> tuple[str, int]:
    return ("token", token.id)


def _password_key(person: int, hashed: str) -> tuple[str, int, str]:
    """Name a password, so that the next one has another name; it tells nothing of the password itself."""
    return ("password", person, blake2b(hashed.encode(), digest_size=8).hexdigest())


def _origin(peer: str) -> str:
    """Return what failures are counted by: an IPv4 address, or the /64 that one IPv6 host commands."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return peer[:64]
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))
    return str(address)
