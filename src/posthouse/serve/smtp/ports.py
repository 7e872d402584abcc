"""What mail on sockets asks of the rooms below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from posthouse.directory.attempts import TooManyAttempts
from posthouse.model.caller import Caller
from posthouse.proto.smtp.event import MailFrom, RcptTo
from posthouse.proto.smtp.peer import Peer
from posthouse.proto.smtp.reply import Reply
from posthouse.proto.smtp.scram import Key, Keys

__all__ = ["Body", "Reception", "SignIn", "TooManyAttempts", "Transaction"]


class Body(Protocol):
    """The octets of a message, to be read as often as needed, from any thread, until `Transaction.message` ends."""

    @property
    def size(self) -> int:
        """Their number."""

    def read(self, offset: int, length: int) -> bytes:
        """Give octets from an offset, fewer only at the end."""


class Transaction(Protocol):
    """One message on its way in: it knows its sender, and learns its recipients one by one.

    What it does not answer but raises is answered for it with a temporary refusal.
    """

    async def recipient(self, recipient: RcptTo) -> Reply:
        """Say whether a recipient is taken; only the reply's code decides (RFC 5321 §3.3)."""

    async def message(self, body: Body) -> Sequence[Reply]:
        """Take the message; give a reply for each recipient that was taken, in order.

        A positive reply promises that nothing loses the message. One reply alone stands for all recipients. It is not
        cancelled when the peer hangs up meanwhile.
        """


class Reception(Protocol):
    """What takes messages. One that is given up is simply heard of no more."""

    async def begin(self, peer: Peer, caller: Caller | None, sender: MailFrom) -> Transaction | Reply:
        """Begin a message, or refuse its sender.

        :param caller: who signed in; never None where submission is spoken.
        """


class SignIn(Protocol):
    """What knows who may sign in; `peer` is the address that one comes from (RFC 4954).

    All raise `TooManyAttempts`.
    """

    async def basic(self, username: str, password: str, peer: str) -> Caller | None:
        """Return who has this name and this password or app password, None if no one has."""

    async def bearer(self, token: str, peer: str) -> Caller | None:
        """Return who this token was given to, None if it is no one's."""

    async def scram_keys(self, username: str, peer: str) -> Keys:
        """Return the keys that may prove this name; of nobody's name what looks the same."""

    async def scram(self, username: str, key: Key | None, peer: str) -> Caller | None:
        """Return who has this name and proved this key, None if it is good no more.

        No key: nothing was proved, which counts as a failure.
        """
