"""Inside: what our own users send each other, which never leaves the house."""

from __future__ import annotations

from collections.abc import Sequence

from posthouse.delivery.accept import Acceptance, Target
from posthouse.delivery.deliver import Deliverer
from posthouse.delivery.received import Envelope
from posthouse.proto.smtp.reply import Reply


class Inside:
    """Delivers from the queue; of one event loop.

    :param host: our name.
    """

    def __init__(self, acceptance: Acceptance, deliverer: Deliverer, host: str) -> None:
        self._acceptance = acceptance
        self._deliverer = deliverer
        self._host = host

    def recipient(self, address: str) -> Target | Reply:
        """See `Acceptance.recipient`."""
        return self._acceptance.recipient(address)

    async def deliver(
        self, mail_from: str, targets: Sequence[Target], message: bytes, once: bytes
    ) -> Sequence[Reply]:
        """Deliver a message of ours; see `Deliverer.message`."""
        envelope = Envelope(mail_from=mail_from, helo=self._host, peer=None, protocol="LMTP", is_trusted=True)
        return await self._deliverer.message(envelope, targets, message, once)
