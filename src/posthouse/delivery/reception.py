"""Reception: a message from its sender's name to the replies for its recipients, as the edge asks for them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, Protocol

from posthouse.delivery.accept import Acceptance, Target
from posthouse.delivery.deliver import Deliverer
from posthouse.delivery.received import Envelope
from posthouse.delivery.reply import ACCEPTED, NO_RELAY
from posthouse.model.caller import Caller
from posthouse.proto.smtp.event import MailFrom, RcptTo
from posthouse.proto.smtp.peer import Peer
from posthouse.proto.smtp.reply import Reply

_LARGE: Final = 1024 * 1024
"""Octets of a message that is read from its file in a thread."""


class Body(Protocol):
    """The octets of a message."""

    @property
    def size(self) -> int:
        """Their number."""

    def read(self, offset: int, length: int) -> bytes:
        """Give octets from an offset, fewer only at the end."""


class Reception:
    """Takes the messages of other hosts, by SMTP and LMTP.

    :param relays: networks of hosts of ours that may hand over mail by LMTP, as this machine may, and of whose mail
        nothing is verified.
    """

    def __init__(
        self, acceptance: Acceptance, deliverer: Deliverer, relays: Sequence[IPv4Network | IPv6Network] = ()
    ) -> None:
        self._acceptance = acceptance
        self._deliverer = deliverer
        self._relays = relays

    async def begin(self, peer: Peer, caller: Caller | None, sender: MailFrom) -> Incoming | Reply:
        """Begin a message; refuse one that a stranger wants to hand over as if he were our own MTA."""
        address = ip_address(peer.address) if peer.address else None
        is_relay = self._is_relay(address)
        if peer.role == "lmtp" and not is_relay and not (address is None or address.is_loopback):
            return NO_RELAY
        envelope = Envelope(
            mail_from="" if sender.address is None else str(sender.address),
            helo=peer.hello,
            peer=address,
            protocol=peer.protocol(sender.smtputf8),
            is_trusted=peer.role == "lmtp" or is_relay,
        )
        return Incoming(self._acceptance, self._deliverer, envelope)

    def _is_relay(self, address: IPv4Address | IPv6Address | None) -> bool:
        return address is not None and any(address in network for network in self._relays)


class Incoming:
    """One message on its way in."""

    def __init__(self, acceptance: Acceptance, deliverer: Deliverer, envelope: Envelope) -> None:
        self._acceptance = acceptance
        self._deliverer = deliverer
        self._envelope = envelope
        self._targets: list[Target] = []

    async def recipient(self, recipient: RcptTo) -> Reply:
        """Say whether a recipient is taken. Raises `OSError` where the directory can't be read."""
        found = self._acceptance.recipient(str(recipient.address))
        if isinstance(found, Reply):
            return found
        self._targets.append(found)
        return ACCEPTED

    async def message(self, body: Body) -> Sequence[Reply]:
        """Deliver the message; gives a reply for each recipient that was taken."""
        return await self._deliverer.message(self._envelope, self._targets, await whole(body))


async def whole(body: Body) -> bytes:
    """Read all of a message, where that holds up nobody."""
    if body.size > _LARGE:
        return await asyncio.to_thread(body.read, 0, body.size)
    return body.read(0, body.size)
