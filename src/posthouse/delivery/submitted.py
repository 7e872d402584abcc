"""Submitted: what mail programs of our users hand over by SMTP, into the Sent Mailbox and the queue (RFC 6409).

It goes the way of an EmailSubmission, which stands for it from then on: whoever sent it sees there how it went.
"""

from __future__ import annotations

import errno
import secrets
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from functools import partial
from ipaddress import ip_address
from typing import Final

from posthouse.capabilities.mail import birth, ingest
from posthouse.capabilities.mail.email import email
from posthouse.capabilities.mail.ingest import Filing, Prepared
from posthouse.capabilities.submission import address, outbox
from posthouse.capabilities.submission.identity import is_own
from posthouse.delivery.accept import Acceptance
from posthouse.delivery.file import Gone
from posthouse.delivery.keep import Keeper
from posthouse.delivery.received import MOST_HOPS, Envelope, Header, received
from posthouse.delivery.reception import Body, whole
from posthouse.delivery.reply import (
    ACCEPTED,
    FULL,
    LOOP,
    MALFORMED,
    NOT_YOURS,
    QUEUED,
    SIGN_IN_AGAIN,
    UNKNOWN,
    Reply,
)
from posthouse.formats.mime.header import scan
from posthouse.kit import clock
from posthouse.kit.json import JsonObject
from posthouse.model.caller import Access, Caller
from posthouse.model.ports import Txn
from posthouse.proto.jmap.errors import SetError
from posthouse.proto.smtp.event import MailFrom, RcptTo
from posthouse.proto.smtp.peer import Peer
from posthouse.store.account import Store

_SENT: Final = (("Sent",), "sent")
_REFUSALS: Final = {
    "forbiddenFrom": (550, "5.7.1"),
    "forbiddenToSend": (452, "4.3.1"),
    "invalidProperties": (501, "5.5.4"),
    "tooLarge": (552, "5.3.4"),
}
"""How what EmailSubmission/set refuses is said in SMTP; all else is wrong with the message."""


@dataclass(frozen=True, slots=True)
class Office:
    """What all submissions use.

    current: gives a caller as he is now, None if what he signed in with is good no more. addresses: gives those of
    an account by its number, as they are compared. host: our name.
    """

    store: Store
    keeper: Keeper
    acceptance: Acceptance
    current: Callable[[Caller], Awaitable[Caller | None]]
    addresses: Callable[[int], Collection[str]]
    host: str


class Submissions:
    """Takes the messages of those who signed in; each sends from the addresses of his own account."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def begin(self, peer: Peer, caller: Caller | None, sender: MailFrom) -> Submitted | Reply:
        """Begin a message; refuse a return address that is not the sender's own."""
        now = None if caller is None else await self._office.current(caller)
        if now is None:
            return SIGN_IN_AGAIN
        place = next(each for each in now.accounts.values() if each.owner == now.person)
        own = self._office.addresses(place.account)
        if sender.address is not None and not is_own(str(sender.address), own):
            return NOT_YOURS
        return Submitted(self._office, place, own, peer, sender)


class Submitted:
    """One message on its way in."""

    def __init__(
        self, office: Office, place: Access, own: Collection[str], peer: Peer, sender: MailFrom
    ) -> None:
        self._office = office
        self._place = place
        self._own = own
        self._peer = peer
        self._sender = sender
        self._recipients: list[JsonObject] = []

    async def recipient(self, recipient: RcptTo) -> Reply:
        """Say whether a recipient is taken; one of ours that nobody is, is refused at once."""
        text = str(recipient.address)
        if address.read(text) is None:
            return MALFORMED
        if self._office.acceptance.recipient(text) == UNKNOWN:
            return UNKNOWN
        self._recipients.append({"email": text, "parameters": _of_recipient(recipient)})
        return ACCEPTED

    async def message(self, body: Body) -> Sequence[Reply]:
        """File the message and queue it, both or nothing."""
        now = int(clock.now())
        data = await whole(body)
        if Header(data).hops > MOST_HOPS:
            return [LOOP]
        try:
            message = await self._office.keeper.keep(self._completed(data, now))
            unit = partial(self._send, message, now)
            await self._office.store.write(self._place, self._place.owner, unit)
        except SetError as error:
            code, status = _REFUSALS.get(error.type, (554, "5.6.0"))
            return [Reply(code, status, error.description or "It can't be sent")]
        except Gone:
            return [SIGN_IN_AGAIN]
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                return [FULL]
            raise
        return [QUEUED]

    def _send(self, message: Prepared, now: int, txn: Txn) -> None:
        """File the message as sent, unless its very bytes are there, and queue it. Raises SetError and `Gone`."""
        if not self._office.acceptance.is_open(self._place.account):
            raise Gone
        home = frozenset([birth.ensure(txn, *_SENT)])
        ingest.merge(txn, [Filing(message, home, frozenset(["$seen"]), now)])
        sent = min(txn.blob_holders(message.blob, email))
        fields = {"Received": received(self._trace(), self._office.host, now)}
        outbox.submit(txn, sent, self._envelope(), self._own, fields)

    def _envelope(self) -> JsonObject:
        path = "" if self._sender.address is None else str(self._sender.address)
        return {
            "mailFrom": {"email": path, "parameters": _of_sender(self._sender)},
            "rcptTo": self._recipients,
        }

    def _trace(self) -> Envelope:
        peer = self._peer
        return Envelope(
            mail_from="",
            helo=peer.hello,
            peer=ip_address(peer.address) if peer.address else None,
            protocol=peer.protocol(self._sender.smtputf8),
        )

    def _completed(self, data: bytes, now: int) -> bytes:
        """Give the message with the fields Date and Message-ID (RFC 6409 §8.2, §8.3).

        One that has them stays as it is, so that it is found again where its sender files it himself.
        """
        headers, _ = scan(data, 0, len(data))
        there = {name.lower() for name, _, _ in headers}
        added = ""
        if "date" not in there:
            added += f"Date: {formatdate(now).replace('-0000', '+0000')}\r\n"
        if "message-id" not in there:
            added += f"Message-ID: <{secrets.token_hex(16)}@{self._office.host}>\r\n"
        return added.encode("ascii") + data


def _of_sender(sender: MailFrom) -> JsonObject | None:
    """Write the parameters of MAIL as an Envelope object has them (RFC 8621 §7)."""
    until = sender.hold_until
    given = {
        "RET": sender.ret,
        "ENVID": sender.envid,
        "HOLDFOR": None if sender.hold_for is None else str(sender.hold_for),
        "HOLDUNTIL": None if until is None else clock.utc_date(until),
    }
    return {name: value for name, value in given.items() if value is not None} or None


def _of_recipient(recipient: RcptTo) -> JsonObject | None:
    """Write the parameters of RCPT likewise."""
    given: JsonObject = {}
    if recipient.notify is not None:
        given["NOTIFY"] = ",".join(sorted(recipient.notify))
    if recipient.orcpt is not None:
        given["ORCPT"] = recipient.orcpt
    return given or None
