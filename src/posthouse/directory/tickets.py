"""Tickets: what signs a page in where it cannot send an Authorization header.

A ticket goes into a URL and a cookie into the browser's jar; both are made by someone who has signed in, stand
for his credential and end with it. A ticket is ``pt_`` and 160 random bits in lower-case base32; only its
SHA-256 is kept, in the directory, so that every process knows it.

Theory of operation. A ticket that nobody shows within `ENTER` is void. One for a WebSocket is gone once it was
shown. An EventSource comes back to the same URL by itself, so its ticket lives on: whoever shows it holds it
while he is connected, and it ends `GRACE` after the last one let go. As long as it is held, the directory says
that it ends `_LEASE` from now. Once in `_TICK` each process writes in one transaction which leases go on and
which tickets were let go, so that connections coming and going cost no write of their own; where a process is
killed, the lease runs out.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from base64 import b32encode
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final, Literal, TypeAlias, cast

from posthouse.directory.signin import SignIn
from posthouse.kit import clock, log
from posthouse.kit.json import dumps, loads
from posthouse.model.caller import Caller
from posthouse.store.directory import DirectoryStore, Ticket

Kind: TypeAlias = Literal["eventsource", "websocket", "cookie"]

ENTER: Final = 60
"""Seconds in which a new ticket has to be shown."""

GRACE: Final = 300
"""Seconds that an EventSource has to come back."""

COOKIE: Final = 14 * 86_400
"""Seconds that a cookie is good."""

AT_MOST: Final = 100
"""Tickets of each kind that one person has; beyond, those that end first are void."""

_LEASE: Final = 600
_TICK: Final = 60
_FORGET: Final = 3600  # seconds that a ticket is kept after its end
_BITS: Final = 160
_SHAPE: Final = re.compile(r"pt_[a-z2-7]{32}")

_log = log.get("directory")


@dataclass(slots=True)
class _Held:
    """A ticket that was shown: by how many who are there still, since when by none, and its end as it is kept."""

    count: int
    free_since: int
    until: int


class Tickets:
    """Gives tickets and cookies out and says who shows one; used by one event loop.

    `now` tells the time in Unix seconds.
    """

    def __init__(
        self, store: DirectoryStore, sign_in: SignIn, *, now: Callable[[], float] = clock.now
    ) -> None:
        self._store = store
        self._sign_in = sign_in
        self._now = now
        self._held: dict[bytes, _Held] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def issue(self, caller: Caller, kind: Kind, origin: str | None) -> tuple[str, int]:
        """Give a caller a new ticket that only a page of this web origin may show, None standing for none.

        Returns its text, and the Unix second from which it is void if it was not shown before.
        """
        now = int(self._now())
        until = now + (COOKIE if kind == "cookie" else ENTER)
        if caller.expires is not None:
            until = min(until, caller.expires)
        text = "pt_" + b32encode(secrets.token_bytes(_BITS // 8)).decode().lower()
        ticket = Ticket(caller.person, _write_key(caller.key), until)
        await asyncio.to_thread(
            self._store.add_ticket,
            ticket,
            _hash(text),
            kind,
            origin,
            forget=now - _FORGET,
            at_most=AT_MOST,
        )
        return text, until

    async def redeem(self, text: str, kind: Kind, origin: str | None) -> Caller | None:
        """Return who is signed in by a ticket that a page of this web origin shows.

        None if it is none of this kind and origin, has ended, or its credential has. One for a WebSocket signs
        in once; who gets in by one for an EventSource calls `hold` at once. A caller by a cookie expires with
        it. Raises `OSError`.
        """
        if _SHAPE.fullmatch(text) is None:
            return None
        hash = _hash(text)
        ticket = self._store.ticket(hash, kind, origin)
        now = int(self._now())
        if ticket is None or ticket.until <= now:
            return None
        caller = await self._sign_in.again(ticket.person, _read_key(ticket.key))
        if caller is None:
            return None
        # Nothing is written before here, so that strangers with tickets of their own invention cost little.
        if kind == "cookie":
            return replace(caller, expires=min(ticket.until, caller.expires or ticket.until))
        if kind == "websocket":
            return caller if await asyncio.to_thread(self._store.remove_ticket, hash) else None
        if ticket.until < now + 2 * _TICK:
            # A full disk must not keep people out: it is good for now, and is written again by and by.
            await asyncio.to_thread(self._write, [(now + _LEASE, hash)])
        return caller

    def hold(self, text: str) -> None:
        """Keep an EventSource's ticket good until `let_go`, which is called once for each call of this."""
        hash = _hash(text)
        held = self._held.get(hash)
        if held is None:
            self._held[hash] = _Held(1, 0, 0)
        else:
            held.count += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_TICK, self._tick)

    def let_go(self, text: str) -> None:
        """Hear that one who held a ticket is gone."""
        held = self._held[_hash(text)]
        held.count -= 1
        held.free_since = int(self._now())

    async def revoke(self, text: str) -> None:
        """Make a ticket or a cookie void."""
        await asyncio.to_thread(self._store.remove_ticket, _hash(text))

    def close(self) -> None:
        """Write what is held, once the event loop has ended."""
        now = int(self._now())
        for held in self._held.values():
            if held.count:
                held.count, held.free_since = 0, now
        self._write(self._ends())

    def _tick(self) -> None:
        self._timer = None
        ends = self._ends()
        loop = asyncio.get_running_loop()
        if ends:
            loop.run_in_executor(None, self._write, ends)
        if self._held:
            self._timer = loop.call_later(_TICK, self._tick)

    def _ends(self) -> list[tuple[int, bytes]]:
        """Give the tickets that end at another time than is kept, and forget those that nobody holds."""
        now = int(self._now())
        ends = []
        for hash, held in list(self._held.items()):
            if not held.count:
                ends.append((held.free_since + GRACE, hash))
                del self._held[hash]
            # Before another process, which it has left meanwhile, can have let it end by what that one writes.
            elif held.until < now + _LEASE - 2 * _TICK:
                held.until = now + _LEASE
                ends.append((held.until, hash))
        return ends

    def _write(self, ends: list[tuple[int, bytes]]) -> None:
        try:
            if ends:
                self._store.extend_tickets(ends)
        except OSError as error:
            # They end too early, and their pages ask for new ones.
            _log.warning("directory.extend_tickets", error=str(error))


def _hash(text: str) -> bytes:
    return sha256(text.encode()).digest()


def _write_key(key: Hashable) -> str:
    return dumps(list(cast("tuple[str | int, ...]", key))).decode()


def _read_key(text: str) -> Hashable:
    return tuple(cast("list[str | int]", loads(text)))
