"""What HTTP asks of the rooms below it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from typing import Protocol

from posthouse.directory.attempts import TooManyAttempts
from posthouse.directory.tickets import Kind
from posthouse.engine.blob import BlobUnknown
from posthouse.kit.json import JsonObject
from posthouse.model.caller import Caller
from posthouse.proto.jmap.request import Request

__all__ = [
    "Api",
    "Beside",
    "BlobAccess",
    "BlobUnknown",
    "Download",
    "Kind",
    "SignIn",
    "Tickets",
    "TooManyAttempts",
]


class SignIn(Protocol):
    """Who is behind a credential (RFC 8620 §8.2).

    `peer` is the address that the request came from. Both raise `TooManyAttempts`, and return None for a
    credential that is wrong.
    """

    async def basic(self, username: str, password: str, peer: str) -> Caller | None:
        """Return who has this name and password."""

    async def bearer(self, token: str, peer: str) -> Caller | None:
        """Return who this token was given to."""

    async def current(self, caller: Caller) -> Caller | None:
        """Return a caller as he is now, None if what he signed in with would not let him in; raises `OSError`."""


class Api(Protocol):
    """What answers the session and the method calls."""

    @property
    def capabilities(self) -> Collection[str]:
        """The URIs of all capabilities of this server."""

    def session(self, caller: Caller, base_url: str) -> bytes:
        """Return the caller's Session object as JSON; `base_url` has no slash at its end (RFC 8620 §2)."""

    async def answer(self, caller: Caller, request: Request, *, aside: bool = False) -> bytes:
        """Return the Response object as JSON (RFC 8620 §3.4).

        aside: called in a thread and an event loop beside those that everything else runs in.
        """


class Tickets(Protocol):
    """What signs a page in where it cannot send an Authorization header.

    `origin` is the web origin of the page, None for what is no page.
    """

    async def issue(self, caller: Caller, kind: Kind, origin: str | None) -> tuple[str, int]:
        """Return a new ticket, and the Unix second from which it is void unless it was shown."""

    async def redeem(self, text: str, kind: Kind, origin: str | None) -> Caller | None:
        """Return who is signed in by a ticket, or None."""

    def hold(self, text: str) -> None:
        """Keep a ticket for an event source good until `let_go`."""

    def let_go(self, text: str) -> None:
        """Hear that one who held a ticket is gone."""

    async def revoke(self, text: str) -> None:
        """Make a ticket void."""


class Beside(Protocol):
    """Work that goes on beside the requests for as long as the server runs, in its event loop."""

    def open(self) -> None:
        """Begin, once changes are heard of."""

    async def close(self) -> None:
        """End, once no request runs any more."""


class Download(Protocol):
    """An open blob."""

    @property
    def size(self) -> int:
        """The length in octets."""

    async def read(self, offset: int, length: int) -> bytes:
        """Return `length` octets from `offset` on; both lie within the blob."""


class BlobAccess(Protocol):
    """What takes and gives the bytes of an account's blobs (RFC 8620 §6).

    Both raise `MethodError` ``accountNotFound`` for an account that the caller cannot see; any other
    refusal is a `MethodError` or a `RequestError` with the status to answer.
    """

    async def upload(
        self, caller: Caller, account_id: str, media_type: str, chunks: AsyncIterator[bytes]
    ) -> JsonObject:
        """Store what the chunks hold and return the upload's answer (RFC 8620 §6.1).

        An exception that comes out of `chunks` means that nothing is to be stored.
        """

    async def open(self, caller: Caller, account_id: str, blob_id: str) -> Download:
        """Return a blob to read from; raises `BlobUnknown` (RFC 8620 §6.2)."""
