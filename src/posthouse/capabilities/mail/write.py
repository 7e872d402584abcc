"""Writing: Emails created, changed and copied by /set and /copy (RFC 8621 §4.6, §4.7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from posthouse.capabilities.mail import crowd, draft, ingest, source, upkeep
from posthouse.capabilities.mail import thread as thread_
from posthouse.capabilities.mail.draft import Draft
from posthouse.capabilities.mail.email import email
from posthouse.capabilities.mail.ingest import Prepared
from posthouse.capabilities.mail.thread import thread
from posthouse.capabilities.mail.upkeep import Moved
from posthouse.engine.blob import readable
from posthouse.kit import clock
from posthouse.kit.json import JsonObject
from posthouse.model import blobid
from posthouse.model.blobid import BlobId
from posthouse.model.change import Act, Change, Stage
from posthouse.model.ports import BlobSource, Preparing, Txn
from posthouse.proto.jmap.errors import SetError

_MOST_COMPOSED: Final = 200_000_000
"""Octets of messages after which one call composes no more."""
_OF_THE_STORE: Final = ("mailboxIds", "keywords", "receivedAt")


@email.prepare
async def _prepare(call: Preparing, changes: Sequence[Change]) -> Mapping[str, Exception]:
    """Compose the messages of creates, read those of copies, and store their bytes."""
    refused: dict[str, Exception] = {}
    now = int(clock.now())
    drafts: dict[str, Draft] = {}
    for change in changes:
        try:
            if change.source is not None:
                message = await call.aside(partial(_copied, call.blobs, change, change.source))
                _accept(change, message, now)
            else:
                drafts[change.key] = draft.read(_given(change), now)
        except SetError as error:
            refused[change.key] = error
    found = await readable(call, {wire for one in drafts.values() for wire in one.body.blobs()})
    left = _MOST_COMPOSED
    for change in changes:
        if change.key not in drafts:
            continue
        try:
            if left < 0:
                raise SetError("rateLimit", "so much can't be composed at once")
            message = await call.aside(partial(_composed, call.blobs, drafts[change.key], found, now))
            left -= message.values["size"]
            _accept(change, message, now)
        except SetError as error:
            refused[change.key] = error
    return refused


def _given(change: Change) -> JsonObject:
    """Give what the client says of the message itself."""
    values = change.after()
    return {name: values[name] for name in values if name in change.named and name not in _OF_THE_STORE}


def _composed(blobs: BlobSource, wanted: Draft, found: Mapping[str, BlobId], now: int) -> Prepared:
    """Write a message and store it.

    Raises SetError ``blobNotFound`` or ``tooLarge``.
    """
    wires = list(dict.fromkeys(wanted.body.blobs()))
    missing = source.missing(wires, found)
    if missing:
        raise SetError("blobNotFound", "these blobs are not there", notFound=missing)
    too_large = SetError("tooLarge", "the content is too large", maxSize=draft.MOST_ATTACHED)
    contents: dict[str, bytes] = {}
    for wire in wires:
        contents[wire] = source.load(blobs, found[wire])
        if sum(map(len, contents.values())) > draft.MOST_ATTACHED:
            raise too_large
    if wanted.body.size(contents) > draft.MOST_ATTACHED:
        raise too_large
    data = wanted.compose(contents)
    return ingest.digest(data, blobs.put_many([data], now + source.LEASE)[0])


def _copied(blobs: BlobSource, change: Change, original: JsonObject) -> Prepared:
    """Read the message of a copy; raises SetError ``invalidProperties`` if it is to be another one."""
    values = change.after()
    wrong = [
        name for name, value in values.items() if name not in _OF_THE_STORE and value != original.get(name)
    ]
    if wrong:
        raise SetError("invalidProperties", "a copy has the same message", sorted(wrong))
    named = blobid.decode(original["blobId"])
    assert named is not None
    return ingest.digest(blobs.read(named.digest), named.digest)


def _accept(change: Change, message: Prepared, now: int) -> None:
    """Let the change make an Email of this message."""
    values = change.after()
    change.new = {
        **message.values,
        "mailboxIds": values["mailboxIds"],
        "keywords": values["keywords"],
        "receivedAt": values.get("receivedAt") or clock.utc_date(now),
    }
    change.prepared = message
    change.search = message.search


@email.check
def _check(txn: Txn, change: Change, stage: Stage) -> None:
    """Refuse an Email in no Mailbox, or with too many or too many keywords; a new one is given its Thread."""
    new = change.after()
    if not new["mailboxIds"]:
        raise SetError("invalidProperties", "an Email is in one Mailbox at least", ["mailboxIds"])
    crowd.check(new, change.old)
    if change.act is Act.CREATE:
        # Here and not later, so that a reply finds the Thread of a message that the same call creates.
        [group] = thread_.choose(txn, [(_message(change).keys, None)])
        new["threadId"] = thread.wire(group)


@email.after
def _after(txn: Txn, change: Change) -> None:
    if change.act is Act.CREATE:
        txn.hold_blob(_message(change).blob, email, change.id)
    upkeep.settle(txn, [Moved(change.id, change.old, change.new)])


def _message(change: Change) -> Prepared:
    assert isinstance(change.prepared, Prepared)
    return change.prepared
