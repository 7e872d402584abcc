"""Writing: cards created, changed and copied by /set and /copy (RFC 9610 §3.5, §3.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final
from uuid import uuid4

from posthouse.capabilities.contacts import media
from posthouse.capabilities.contacts.contactcard import contact_card
from posthouse.capabilities.contacts.media import File
from posthouse.engine.blob import readable
from posthouse.formats import jscard
from posthouse.kit import clock
from posthouse.kit.json import JsonObject, dumps
from posthouse.model import blobid
from posthouse.model.blobid import BlobId
from posthouse.model.change import Act, Change, Stage
from posthouse.model.condition import Leaf, Query
from posthouse.model.ports import BlobSource, Preparing, Txn
from posthouse.proto.jmap.errors import SetError

MOST_BOOKS: Final = 100
"""AddressBooks that one card may be in."""
MOST_OCTETS: Final = 1_000_000
"""Octets of JSON that one card may have; its media, being blobs, do not count."""

_MOST_MEDIA: Final = 100_000_000
"""Octets of parts of messages that one call makes blobs of."""


@contact_card.prepare
@contact_card.prepare_update
async def look_at_media(call: Preparing, changes: Sequence[Change]) -> Mapping[str, Exception]:
    """Store what ``data:`` URIs hold, and look at the blobs that are named."""
    asked = {change.key: media.gather(change.after()) for change in changes}
    wires = {wire for blob_ids, _ in asked.values() for wire in blob_ids}
    found = await readable(call, wires) if wires else {}
    left = _MOST_MEDIA
    refused: dict[str, Exception] = {}
    for change in changes:
        blob_ids, uris = asked[change.key]
        files: dict[str, File | None] = {}
        for uri in uris:
            files[uri] = await call.aside(partial(media.of_uri, call.blobs, uri))
        for wire in blob_ids:
            blob = found.get(wire) or _copied(change, wire)
            left -= 0 if blob is None or blob.range is None else blob.range.length
            if left < 0:
                refused[change.key] = SetError("rateLimit", "so much can't be taken at once")
                break
            files[wire] = None if blob is None else await call.aside(partial(_looked_at, call.blobs, blob))
        change.prepared = files
    return refused


def _copied(change: Change, wire: str) -> BlobId | None:
    """Give a blob that the original of a copy keeps: who may read that may have the blob as well."""
    if change.source is None or all(wire != one for _, one in media.named(change.source)):
        return None
    return blobid.decode(wire)


def _looked_at(blobs: BlobSource, blob: BlobId) -> File | None:
    try:
        return media.of_blob(blobs, blob)
    except KeyError:
        return None  # it was collected meanwhile


@contact_card.check
def check(txn: Txn, change: Change, stage: Stage) -> None:
    """Refuse what is no valid Card, is in no AddressBook, is too large, or has the uid of another one.

    One without a uid is given one, unless a client takes it away: without it, no group could have the card as a
    member, and it would not be known again when it comes back from an export (RFC 9982 §1, §4).
    """
    new = change.after()
    old = change.old or {}
    books = new["addressBookIds"]
    if not books or len(books) > max(MOST_BOOKS, len(old.get("addressBookIds", ()))):
        raise SetError(
            "invalidProperties", f"a card is in 1 to {MOST_BOOKS} AddressBooks", ["addressBookIds"]
        )
    if not _is_changed(old, new):
        return
    if "uid" not in new and "uid" not in change.named:
        new["uid"] = change.report["uid"] = uuid4().urn
    wrong = jscard.faults(new, in_jmap=True)
    if wrong:
        raise SetError("invalidProperties", "these are not as JSContact wants them", wrong)
    if media.settle(new, old, _files(change)):
        change.report["media"] = new["media"]
    _check_size(new)
    if new.get("uid") != old.get("uid"):
        _check_uid(txn, change, stage)
    _stamp(change)


def _is_changed(old: JsonObject, new: JsonObject) -> bool:
    """Say whether a card is another one, and not only elsewhere."""
    return any(old.get(name) != new.get(name) for name in old.keys() | new.keys() if name != "addressBookIds")


def _files(change: Change) -> dict[str, File | None]:
    """Give what was found for all that made the change, which may be several patches."""
    files: dict[str, File | None] = {}
    for prepared in (change.prepared, *change.patches):
        if isinstance(prepared, dict):
            files |= prepared
    return files


def _check_size(new: JsonObject) -> None:
    try:
        size = len(dumps(new))
    except TypeError:  # deeper than JSON is written
        raise SetError("invalidProperties", "it is nested too deeply") from None
    if size > MOST_OCTETS:
        raise SetError("tooLarge", "the card is too large", maxSize=MOST_OCTETS)


def _check_uid(txn: Txn, change: Change, stage: Stage) -> None:
    """Refuse a second card with one uid in the account (RFC 9610 §3)."""
    uid = change.after().get("uid")
    if uid is None:
        return
    twins = [id for id in with_uid(txn, uid) if id not in stage.changes]
    twins += [id for id in stage.alike(change, "uid") if stage.comes_first(change, id, ("uid",))]
    if not twins:
        return
    existing = contact_card.wire(twins[0])
    if change.source is not None:
        raise SetError("alreadyExists", "a card has this uid", existingId=existing)
    raise SetError("invalidProperties", "another card has this uid", ["uid"], existingId=existing)


def with_uid(txn: Txn, uid: str) -> list[int]:
    """Give the card that has a uid, if there is one."""
    return list(txn.find(contact_card, Query(Leaf(contact_card.filters["uid"], uid))).page(0, 1))


def _stamp(change: Change) -> None:
    """Note when a card was made and last changed, unless the client says so itself (RFC 9553 §2.1.3, §2.1.10)."""
    new = change.after()
    now = clock.utc_date(int(clock.now()))
    if change.act is Act.CREATE:
        new.setdefault("created", now)
        new.setdefault("updated", now)
    elif "updated" not in change.named:
        new["updated"] = change.report["updated"] = now
