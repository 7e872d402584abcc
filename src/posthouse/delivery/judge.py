"""Judge: what is thought of a message before it is filed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from posthouse.delivery.received import Envelope
from posthouse.delivery.verify import Verifier
from posthouse.proto.mailauth.results import write_field
from posthouse.proto.smtp.reply import Reply


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a message.

    :ivar is_junk: it goes to the Junk Mailbox.
    :ivar refusal: it is not taken at all, and this is why.
    :ivar fields: header fields to put before it, each with its line break; none must end without one.
    """

    is_junk: bool = False
    refusal: Reply | None = None
    fields: bytes = b""


class Judge(Protocol):
    """Looks at a message from outside."""

    async def judge(self, envelope: Envelope, data: bytes) -> Verdict:
        """Give a verdict on a message as it came; never raises."""
        ...


class Lenient:
    """A `Judge` who takes everything: what a trusted MTA hands over, and where nothing is to be verified."""

    async def judge(self, envelope: Envelope, data: bytes) -> Verdict:
        """See `Judge.judge`."""
        return Verdict()


class Strict:
    """A `Judge` who asks whether a message is from whom it says, and goes by what its author's domain wants.

    What a domain wants refused goes to Junk, not back: mailing lists break signatures, and a policy alone is no
    ground to refuse what they pass on (draft-ietf-dmarc-dmarcbis, section 7.4).

    :param host: our name, by which readers know that the results are ours.
    """

    def __init__(self, verifier: Verifier, host: str) -> None:
        self._verifier = verifier
        self._host = host

    async def judge(self, envelope: Envelope, data: bytes) -> Verdict:
        """See `Judge.judge`."""
        peer = envelope.peer
        if peer is not None and peer.is_loopback:
            peer = None
        results = await self._verifier.verify(data, peer, envelope.helo, envelope.mail_from)
        return Verdict(is_junk=results.author.disposition != "none", fields=write_field(self._host, results))
