"""Vacation: whether who is away answers a message, and with what (RFC 8621 §8, RFC 3834, RFC 5230).

Decided inside the transaction that files the message, in which the answer joins the queue: so each sender is
answered once, and for a message that is there.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from hashlib import blake2b
from typing import Final

from posthouse.capabilities.mail.ingest import Prepared
from posthouse.capabilities.submission import letter
from posthouse.capabilities.submission.identity import is_own
from posthouse.capabilities.submission.letter import Letter, Recipient
from posthouse.capabilities.vacation.response import vacation_response
from posthouse.directory.addresses import key
from posthouse.formats import mime
from posthouse.formats.mime import ComposeInput, HeaderInput, PartInput
from posthouse.kit import clock, log
from posthouse.kit.json import JsonObject, dumps
from posthouse.model.ports import BlobSource, Txn

_log = log.get("delivery")

_PERIOD: Final = 7  # days for which a sender is not answered again (RFC 5230 §4.1)
_SPACE: Final = "vacation"
_LEASE: Final = 3600  # seconds that bytes stay though nothing keeps them yet
_MOST_REFERENCES: Final = 20
_LONGEST_SUBJECT: Final = 500

# Who is no person that would read an answer (RFC 5230 §4.6).
_MACHINES: Final = frozenset({"mailer-daemon", "listserv", "majordomo", "noreply", "no-reply", "postmaster"})
_OF_A_LIST: Final = frozenset(
    f"list-{name}" for name in ("id", "help", "subscribe", "unsubscribe", "post", "owner", "archive")
)
_SECONDS_OF_A_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that comes into an account.

    :ivar sender: the reverse-path; empty for the null one.
    """

    message: Prepared
    sender: str


class Vacation:
    """Answers for those who are away.

    :param addresses: gives the keys of the addresses of an account, by its number.
    :param host: our name, for the Message-ID of answers.
    """

    def __init__(self, blobs: BlobSource, addresses: Callable[[int], Collection[str]], host: str) -> None:
        self._blobs = blobs
        self._addresses = addresses
        self._host = host

    def answer(self, txn: Txn, arrivals: Sequence[Arrival], now: int) -> None:
        """Put the answers to messages into the account's queue, if its owner is away.

        :param now: Unix seconds.
        """
        enabled = [
            id for id, one in txn.values(vacation_response, None, ["isEnabled"]).items() if one["isEnabled"]
        ]
        if not enabled:
            return
        settings = txn.values(vacation_response, enabled)[enabled[0]]
        if not _is_away(settings, now):
            return
        own = self._addresses(txn.account)
        for arrival in arrivals:
            at = _addressed_at(arrival.message.values, own)
            if at is None or not _wants_an_answer(arrival, own):
                continue
            if self._is_first(txn, arrival.sender, settings, now):
                self._send(txn, arrival, at, settings, now)

    def _is_first(self, txn: Txn, sender: str, settings: JsonObject, now: int) -> bool:
        """Say whether a sender was not answered in the period, and note that he is now.

        Whoever changes his answer has everybody told anew (RFC 5230 §4.2).
        """
        today = now // _SECONDS_OF_A_DAY
        days = [day for day in txn.note(_SPACE) or [] if isinstance(day, int)]
        over = [day for day in days if day <= today - _PERIOD]
        for day in over:
            txn.drop_keys(_SPACE, day)
        mark = blake2b(dumps([key(sender) or sender, settings]), digest_size=8).digest()
        number = int.from_bytes(mark, "big", signed=True)
        kept = sorted({*days, today}.difference(over))
        if kept != days:
            txn.put_note(_SPACE, kept)
        if txn.find_keys(_SPACE, [number]):
            return False
        txn.put_keys(_SPACE, today, [number])
        return True

    def _send(self, txn: Txn, arrival: Arrival, at: str, settings: JsonObject, now: int) -> None:
        try:
            data = compose(arrival, at, settings, f"{secrets.token_hex(12)}@{self._host}", now)
        except ValueError as error:  # an address or a subject that no header field can hold
            _log.warning("delivery.no_answer", **log.fault(error))
            return
        # Blobs before rows: here, since only the transaction knows that there is something to say.
        [digest] = self._blobs.put_many([data], now + _LEASE)
        # The null reverse-path, and no wish to hear of it: nobody answers an answer (RFC 3834 §3.3).
        sent = Letter(
            blob=digest.hex(),
            mail_from="",
            recipients=[Recipient(email=arrival.sender, notify=["NEVER"])],
            arrived=now,
            released=now,
        )
        txn.put_job(letter.KIND, now, sent.payload(), keeps=[digest])


def compose(arrival: Arrival, at: str, settings: JsonObject, id: str, now: int) -> bytes:
    """Write the answer to a message (RFC 3834 §3.1). Raises `ValueError` where that can't be done.

    :param at: the address of the account that it was written to.
    :param id: the Message-ID of the answer.
    """
    values = arrival.message.values
    about = values["messageId"] or []
    before = (values["references"] or values["inReplyTo"] or [])[-_MOST_REFERENCES:]
    subject = settings["subject"]
    if subject is None:
        subject = f"Auto: {values['subject'] or ''}".strip()[:_LONGEST_SUBJECT]
    headers = [
        HeaderInput("From", "Addresses", [mime.EmailAddress(name=None, email=at)]),
        HeaderInput("To", "Addresses", [mime.EmailAddress(name=None, email=arrival.sender)]),
        HeaderInput("Subject", "Text", subject),
        HeaderInput("Date", "Raw", " " + formatdate(now).replace("-0000", "+0000")),
        HeaderInput("Message-ID", "MessageIds", [id]),
        HeaderInput("Auto-Submitted", "Raw", " auto-replied (vacation)"),
    ]
    if about:
        headers.append(HeaderInput("In-Reply-To", "MessageIds", about[:1]))
        headers.append(HeaderInput("References", "MessageIds", [*before, *about[:1]]))
    return mime.compose(ComposeInput(tuple(headers), _body(settings)))


def _body(settings: JsonObject) -> PartInput:
    text, html = settings["textBody"], settings["htmlBody"]
    parts = []
    if text is not None or html is None:
        parts.append(PartInput("text/plain", text or ""))
    if html is not None:
        parts.append(PartInput("text/html", html))
    return parts[0] if len(parts) == 1 else PartInput("multipart/alternative", sub_parts=tuple(parts))


def _is_away(settings: JsonObject, now: int) -> bool:
    """Say whether answers are given at a time (RFC 8621 §8)."""
    begin, end = (
        None if settings[name] is None else clock.parse_utc_date(settings[name])
        for name in ("fromDate", "toDate")
    )
    return (begin is None or begin <= now) and (end is None or now < end)


def _wants_an_answer(arrival: Arrival, addresses: Collection[str]) -> bool:
    """Say whether a message was written by a person, and not by the owner himself (RFC 3834 §2, RFC 5230 §4.6)."""
    local = arrival.sender.rpartition("@")[0].lower()
    if (
        not local
        or local in _MACHINES
        or local.startswith("owner-")
        or local.endswith(("-request", "-owner", "-bounces"))
        or is_own(arrival.sender, addresses)
    ):
        return False
    for field in arrival.message.values["headers"]:
        name, value = field["name"].lower(), field["value"].strip().lower()
        if name in _OF_A_LIST:
            return False
        if name == "auto-submitted" and value.partition(";")[0].partition("(")[0].strip() != "no":
            return False
        if name == "precedence" and value in ("bulk", "list", "junk"):
            return False
        if name == "x-auto-response-suppress" and value != "none":
            return False
    return True


def _addressed_at(values: JsonObject, addresses: Collection[str]) -> str | None:
    """Give the address of the account that a message names as its recipient; else it isn't answered (RFC 5230 §4.5)."""
    return next((one for one in _addressed(values) if is_own(one, addresses)), None)


def _addressed(values: JsonObject) -> Iterator[str]:
    """Give the addresses that a message names as its recipients."""
    for name in ("to", "cc", "bcc"):
        yield from (one["email"] for one in values[name] or [])
    for field in values["headers"]:
        if field["name"].lower() in ("resent-to", "resent-cc", "resent-bcc"):
            yield from (one["email"] for one in mime.as_addresses(field["value"]))
