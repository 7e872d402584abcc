"""Deliver: a message into the accounts of its recipients, each of whom has an answer of his own.

An answer is given when it is true: a message is delivered once its bytes and its rows are on the disk.
"""

from __future__ import annotations

import asyncio
import errno
import itertools
import secrets
from collections.abc import Callable, Sequence

from posthouse.capabilities.mail.ingest import Prepared
from posthouse.delivery.accept import Target
from posthouse.delivery.file import Filer, Gone, Letter
from posthouse.delivery.judge import Judge, Verdict
from posthouse.delivery.keep import Keeper
from posthouse.delivery.received import MOST_HOPS, Envelope, Header, trace
from posthouse.delivery.reply import DELIVERED, FULL, LOOP, TROUBLE, UNKNOWN
from posthouse.kit import clock, ids, log
from posthouse.model.caller import Access
from posthouse.proto.smtp.reply import Reply

_log = log.get("delivery")


class Deliverer:
    """Delivers messages; of one event loop.

    :param judge: looks at what no trusted MTA hands over.
    :param host: our name.
    """

    def __init__(self, keeper: Keeper, filer: Filer, judge: Judge, host: str) -> None:
        self._keeper = keeper
        self._filer = filer
        self._judge = judge
        self._host = host
        self._process = secrets.token_hex(4)
        self._numbers = itertools.count(1)

    async def message(
        self, envelope: Envelope, targets: Sequence[Target], data: bytes, once: bytes = b""
    ) -> list[Reply]:
        """Deliver a message; gives the reply for each of its recipients, in their order.

        An account gets one copy, however many of its addresses are among them.

        :param targets: at least one, as `Acceptance.recipient` gave them.
        :param data: as it came, lines ending in CRLF.
        :param once: what names the message, if it has a name: under that no account gets it a second time.
        """
        id = f"{self._process}-{ids.encode(next(self._numbers))}"
        header = Header(data)
        if header.hops > MOST_HOPS:
            return [LOOP] * len(targets)
        before = header.delivered_to()
        left = [target for target in targets if target.address.lower() not in before]
        if not left:
            return [LOOP] * len(targets)
        verdict = Verdict() if envelope.is_trusted else await self._judge.judge(envelope, data)
        if verdict.refusal is not None:
            return [verdict.refusal] * len(targets)
        whole = self._completed(envelope, header, verdict, id, [target.address for target in left])
        places = {target.place.account: target.place for target in left}
        outcomes = await self._file(
            whole,
            lambda message: Letter(message, envelope.mail_from, verdict.is_junk, once),
            list(places.values()),
            id,
        )
        replies = dict(zip(places, outcomes, strict=True))
        return [
            LOOP if target.address.lower() in before else replies[target.place.account] for target in targets
        ]

    def _completed(
        self, envelope: Envelope, header: Header, verdict: Verdict, id: str, recipients: Sequence[str]
    ) -> bytes:
        """Give the message with our fields before it, and without those that only we may write."""
        fields = trace(envelope, self._host, id, recipients, clock.now(), verdict.fields)
        return fields + header.without_forged(None if envelope.is_trusted else self._host)

    async def _file(
        self, data: bytes, make: Callable[[Prepared], Letter], places: Sequence[Access], id: str
    ) -> list[Reply]:
        """Put a message into accounts; gives a reply for each."""
        try:
            message = await self._keeper.keep(data)
        except Exception as error:
            return [_failed(error, id)] * len(places)
        letter = make(message)
        filed = [self._filer.file(place, letter) for place in places]
        outcomes = await asyncio.gather(*filed, return_exceptions=True)
        replies = [
            _failed(outcome, id) if isinstance(outcome, BaseException) else DELIVERED for outcome in outcomes
        ]
        _log.info("delivery.filed", id=id, octets=len(data), accounts=replies.count(DELIVERED))
        return replies


def _failed(error: BaseException, id: str) -> Reply:
    """Give the reply for a message that could not be delivered."""
    if isinstance(error, Gone):
        return UNKNOWN
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return FULL
    if not isinstance(error, Exception):
        raise error
    _log.error("delivery.failed", id=id, **log.fault(error))
    return TROUBLE
