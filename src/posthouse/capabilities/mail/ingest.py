"""Ingest: the one way in which a message becomes an Email (DESIGN §2.3).

In two steps: `digest` reads the message, outside of any transaction; `file` writes what that found, inside.
Email/set, Email/import, Email/copy, the importer of the command line and delivery all come this way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from posthouse.capabilities.mail import part, threads, upkeep
from posthouse.capabilities.mail import thread as thread_
from posthouse.capabilities.mail.email import email
from posthouse.capabilities.mail.mailbox import mailbox
from posthouse.capabilities.mail.thread import thread
from posthouse.capabilities.mail.upkeep import Moved
from posthouse.formats import mime
from posthouse.kit import clock
from posthouse.kit.json import JsonObject
from posthouse.model import blobid
from posthouse.model.ports import Fresh, Txn


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a message's bytes alone say of its Email.

    blob: the message's SHA-256. values: every property but ``threadId receivedAt mailboxIds keywords``.
    search: the text to index, by search column. keys: see `threads.keys`.
    received_at: the time of the topmost Received field in Unix seconds, if there is one.
    """

    blob: bytes
    values: JsonObject
    search: dict[str, str]
    keys: list[int]
    received_at: int | None

    @property
    def weight(self) -> int:
        """About how many octets of memory this takes: many small parts take far more than they are long."""
        counted = sum(len(self.values[name]) for name in ("headers", "textBody", "htmlBody", "attachments"))
        return 800 * counted + 2 * sum(map(len, self.search.values()))


@dataclass(frozen=True, slots=True)
class Filing:
    """A message to file: where, with which keywords (in lower case), and when it was received (Unix seconds).

    source_key: what it has in common with its conversation in an imported source, see `threads.Grouping`.
    """

    message: Prepared
    mailboxes: frozenset[int]
    keywords: frozenset[str]
    received_at: int
    source_key: int | None = None


class Found(Enum):
    """How a message stood in the account when it was to be merged."""

    NEW = "new"
    """It was not there and is now an Email."""
    ELSEWHERE = "elsewhere"
    """An Email has the same bytes, and gained a Mailbox."""
    THERE = "there"
    """An Email with the same bytes is in each of the Mailboxes already."""


def digest(data: bytes, blob: bytes) -> Prepared:
    """Read a message; any bytes are one, and nothing is ever raised.

    blob: the SHA-256 of the data.
    """
    message = mime.parse(data)
    body = mime.body(message)
    found = mime.search_text(data, message)
    told = part.tell(message.root, blob)
    values: JsonObject = {
        **mime.convenience(message),
        "blobId": blobid.encode(blob),
        "size": message.size,
        "hasAttachment": mime.has_attachment(message),
        "preview": mime.preview(data, message),
        "headers": part.fields(message.headers),
        "bodyStructure": part.stored(message.root, told),
        "textBody": [told[one.part_id] for one in body.text],
        "htmlBody": [told[one.part_id] for one in body.html],
        "attachments": [told[one.part_id] for one in body.attachments],
    }
    search = {
        "from": found.from_,
        "to": found.to,
        "cc": found.cc,
        "bcc": found.bcc,
        "subject": found.subject,
        "body": found.body,
        "attachments": found.attachment_names,
    }
    keys = threads.keys(values["subject"], values["messageId"], values["inReplyTo"], values["references"])
    return Prepared(blob, values, search, keys, mime.received_date(message))


def file(txn: Txn, filings: Sequence[Filing]) -> list[Moved]:
    """Make each message an Email of its own; tells their ids and values, in the same order.

    The blobs are durable already and the Mailboxes exist. Many at once cost less than one by one: their rows
    are written together, and Threads and counts are brought in step at the end.
    """
    moved = _insert(txn, filings)
    upkeep.settle(txn, moved)
    return moved


def merge(txn: Txn, filings: Sequence[Filing]) -> list[Found]:
    """File messages whose bytes are no Email yet; an Email that has them gains the Mailboxes it lacks.

    So what is merged twice, or interrupted and merged again, is there once.
    """
    first: dict[bytes, Filing] = {}
    for filing in filings:
        if not txn.blob_holders(filing.message.blob, email):
            first.setdefault(filing.message.blob, filing)
    moved = _insert(txn, [*first.values()])
    outcome: list[Found] = []
    for filing in filings:
        if first.pop(filing.message.blob, None) is not None:
            outcome.append(Found.NEW)
            continue
        gained = _add(txn, txn.blob_holders(filing.message.blob, email), filing.mailboxes)
        if gained is None:
            outcome.append(Found.THERE)
        else:
            moved.append(gained)
            outcome.append(Found.ELSEWHERE)
    upkeep.settle(txn, moved)
    return outcome


def _insert(txn: Txn, filings: Sequence[Filing]) -> list[Moved]:
    groups = thread_.choose(txn, [(filing.message.keys, filing.source_key) for filing in filings])
    fresh = [
        Fresh(txn.allocate(), _values(filing, group), filing.message.search)
        for filing, group in zip(filings, groups, strict=True)
    ]
    txn.insert_all(email, fresh)
    for one, filing in zip(fresh, filings, strict=True):
        txn.hold_blob(filing.message.blob, email, one.id)
    return [Moved(one.id, None, one.values) for one in fresh]


def _values(filing: Filing, group: int) -> JsonObject:
    return {
        **filing.message.values,
        "threadId": thread.wire(group),
        "receivedAt": clock.utc_date(filing.received_at),
        "mailboxIds": _wires(filing.mailboxes),
        "keywords": dict.fromkeys(sorted(filing.keywords), True),
    }


def _add(txn: Txn, holders: Sequence[int], mailboxes: frozenset[int]) -> Moved | None:
    """Let the first of some Emails with the same bytes gain the Mailboxes that none of them is in."""
    stored = txn.values(email, holders, email.basis)
    held = {wire for values in stored.values() for wire in values["mailboxIds"]}
    missing = {wire: True for wire in _wires(mailboxes) if wire not in held}
    if not missing:
        return None
    id = holders[0]
    old = stored[id]
    new = {**old, "mailboxIds": {**old["mailboxIds"], **missing}}
    txn.update(email, id, old, new)
    return Moved(id, old, new)


def _wires(mailboxes: Iterable[int]) -> dict[str, bool]:
    return {mailbox.wire(id): True for id in sorted(mailboxes)}
