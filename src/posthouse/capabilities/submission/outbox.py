"""EmailSubmission: an Email on its way to its recipients (RFC 8621 §7)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from email.utils import formatdate
from functools import partial
from typing import Final

import msgspec

from posthouse.capabilities.mail.email import email
from posthouse.capabilities.mail.thread import thread
from posthouse.capabilities.submission import address
from posthouse.capabilities.submission import envelope as envelope_
from posthouse.capabilities.submission import letter as letter_
from posthouse.capabilities.submission.envelope import Envelope
from posthouse.capabilities.submission.identity import fit, identity, is_own
from posthouse.capabilities.submission.letter import Letter, State
from posthouse.directory.addresses import key
from posthouse.kit import clock
from posthouse.kit.json import JsonObject
from posthouse.model import blobid
from posthouse.model.change import Act, Change, Finished, Stage
from posthouse.model.condition import Argument, Filter, Sort, Test, at_least, below, equals
from posthouse.model.kind import (
    Anything,
    Enum,
    Id,
    ListOf,
    MapOf,
    Nullable,
    Record,
    Ref,
    String,
    UTCDate,
)
from posthouse.model.ports import Txn
from posthouse.model.property import Property
from posthouse.model.type import Type
from posthouse.proto.jmap.errors import SetError

LARGEST: Final = 75_000_000
"""Octets of a message that can be sent: more than the largest that Email/set composes."""
MOST_QUEUED: Final = 5000
"""Messages of one account that may wait to be sent."""

_ADDRESS = Record(
    {"email": String(), "parameters": MapOf(String(), String() | None) | None}, required=frozenset({"email"})
)
_ENVELOPE = Record(
    {"mailFrom": _ADDRESS, "rcptTo": ListOf(_ADDRESS, at_most=10_000)},
    required=frozenset({"mailFrom", "rcptTo"}),
)


submission = Type(
    "EmailSubmission",
    letter="s",
    methods="get changes set query queryChanges",
    needs={"create": "maySubmit"},
    about="emailId",
    properties=[
        Property("identityId", Ref("Identity"), required=True, immutable=True, index=True),
        # Of an Email that is there at first; the record outlives it (RFC 8621 §7.5).
        Property("emailId", Ref("Email"), required=True, immutable=True, index=True),
        Property("threadId", Id(), server=True, immutable=True, column=thread.local),
        Property("envelope", Nullable(_ENVELOPE), default=None, immutable=True),
        Property("sendAt", UTCDate(), server=True, immutable=True, index=True),
        Property(
            "undoStatus", Enum(frozenset({"pending", "final", "canceled"})), default="pending", index=True
        ),
        Property("deliveryStatus", MapOf(String(), Anything()) | None, server=True),
        Property("dsnBlobIds", ListOf(Id()), server=True),
        Property("mdnBlobIds", ListOf(Id()), server=True),
    ],
    filters=[
        Filter("identityIds", Test.ONE_OF, ("identityId",)),
        Filter("emailIds", Test.ONE_OF, ("emailId",)),
        Filter("threadIds", Test.ONE_OF, ("threadId",)),
        equals("undoStatus"),
        below("before", "sendAt"),
        at_least("after", "sendAt"),
    ],
    # RFC 8621 §7.3 names the sort by sendAt "sentAt".
    sorts=[
        Sort("emailId", "emailId"),
        Sort("threadId", "threadId"),
        Sort("sentAt", "sendAt"),
        Sort("sendAt", "sendAt"),
    ],
    arguments={
        "set": [
            Argument("onSuccessUpdateEmail", MapOf(String(), MapOf(String(), Anything())) | None),
            Argument("onSuccessDestroyEmail", ListOf(String()) | None),
        ]
    },
)


@submission.check
def _check(txn: Txn, change: Change, stage: Stage) -> None:
    """Say whether a message may be sent as it is asked, or be kept back (RFC 8621 §7.5)."""
    if change.act is Act.UPDATE:
        _unsend(txn, change)
        return
    if "undoStatus" in change.named:
        raise SetError("invalidProperties", "only the server sets it at first", ["undoStatus"])
    new = change.after()
    is_generated = new["envelope"] is None
    own = _address(txn, new["identityId"])
    change.prepared = _complete(txn, new, own, partial(is_own, addresses=[key(own) or ""]))
    if is_generated:
        change.report["envelope"] = new["envelope"]


def submit(
    txn: Txn, sent: int, envelope: JsonObject, own: Collection[str], fields: Mapping[str, str]
) -> None:
    """Queue an Email of the account as EmailSubmission/set does, from any of the account's addresses.

    sent: its id. own: by key the addresses. fields: header fields to put before it. Raises SetError.
    """
    change = Change(Act.CREATE, "", txn.allocate(), new={"emailId": email.wire(sent), "envelope": envelope})
    new = change.after()
    letter = _complete(txn, new, "", partial(is_own, addresses=own))
    author = envelope_.authors(_message(txn, new["emailId"]))[0]
    new["identityId"] = identity.wire(fit(txn, author))
    txn.insert(submission, change.id, new)
    change.prepared = msgspec.structs.replace(letter, fields={**fields, **letter.fields})
    _after(txn, change)


def _complete(txn: Txn, new: JsonObject, own: str, allows: Callable[[str], bool]) -> Letter:
    """Fill in what a submission lacks, and make its letter.

    own: the return address of a message that comes without an envelope. allows: says of an address whether it can be
    sent from. Raises SetError.
    """
    now = int(clock.now())
    message = _message(txn, new["emailId"])
    if not all(map(allows, envelope_.authors(message))):
        raise SetError("forbiddenFrom", "the Identity does not allow what stands in the message's From")
    envelope = envelope_.read(new["envelope"] or envelope_.generated(message, own, allows), now, allows)
    if message["size"] > LARGEST:
        raise SetError("tooLarge", "the message is too large to be sent", maxSize=LARGEST)
    if txn.count_jobs(letter_.KIND) >= MOST_QUEUED:
        raise SetError("forbiddenToSend", "too much waits to be sent already; try again later")
    letter = _letter(message, envelope, now)
    new |= {
        "threadId": message["threadId"],
        "envelope": envelope.shown,
        "sendAt": clock.utc_date(envelope.released),
        "undoStatus": "pending",
        "deliveryStatus": _status(letter, {}),
        "dsnBlobIds": [],
        "mdnBlobIds": [],
    }
    return letter


def _message(txn: Txn, wire: str) -> JsonObject:
    """Read what is to be known of an Email that exists."""
    id = email.local(wire)
    assert id is not None
    return txn.values(email, [id], ["blobId", "threadId", "size", "headers"])[id]


def _address(txn: Txn, wire: str) -> str:
    """Read the address of an Identity that exists."""
    id = identity.local(wire)
    assert id is not None
    return str(txn.values(identity, [id], ["email"])[id]["email"])


def _letter(message: JsonObject, envelope: Envelope, now: int) -> Letter:
    blob = blobid.decode(message["blobId"])
    assert blob is not None
    return Letter(
        blob=blob.digest.hex(),
        mail_from=envelope.mail_from,
        recipients=envelope.recipients,
        ret=envelope.ret,
        envid=envelope.envid,
        hold=envelope.hold,
        fields=_lacking(message, envelope, now),
        arrived=now,
        released=envelope.released,
    )


def _lacking(message: JsonObject, envelope: Envelope, now: int) -> dict[str, str]:
    """Make the header fields that a message needs and lacks (RFC 6409 §8); the Email stays as it is.

    They are made once, so that each attempt sends the same message.
    """
    there = {field["name"].lower() for field in message["headers"]}
    fields: dict[str, str] = {}
    if "date" not in there:
        fields["Date"] = formatdate(now, usegmt=False).replace("-0000", "+0000")
    if "message-id" not in there:
        found = address.read(envelope.mail_from)
        domain = "localhost" if found is None or found.domain.startswith("[") else found.domain
        fields["Message-ID"] = f"<{secrets.token_hex(16)}@{domain}>"
    return fields


def _unsend(txn: Txn, change: Change) -> None:
    """Judge an update, which can only be that a message is not to be sent after all."""
    before, after = change.before()["undoStatus"], change.after()["undoStatus"]
    if before == after:
        return
    if after != "canceled":
        raise SetError("invalidProperties", "it can only be set to canceled", ["undoStatus"])
    jobs = txn.jobs(letter_.KIND, change.id)
    if not jobs or any(job.tries for job in jobs):
        raise SetError("cannotUnsend", "the message is on its way already")
    change.after()["deliveryStatus"] = None


@submission.after
def _after(txn: Txn, change: Change) -> None:
    """Queue what was created, and take back what was canceled."""
    if change.act is Act.CREATE:
        letter = change.prepared
        assert isinstance(letter, Letter)
        blob = bytes.fromhex(letter.blob)
        txn.put_job(letter_.KIND, letter.released, letter.payload(), change.id, keeps=[blob])
    elif change.act is Act.UPDATE:
        for job in txn.jobs(letter_.KIND, change.id):
            txn.drop_job(job)


@submission.before_destroy
def _remember_the_email(txn: Txn, change: Change, stage: Stage) -> None:
    change.prepared = txn.values(submission, [change.id], ["emailId"])[change.id]["emailId"]


@submission.follow
def _follow(txn: Txn, finished: Finished) -> Sequence[tuple[str, JsonObject]]:
    """Name the one Email/set that changes and destroys what was sent (RFC 8621 §7.5)."""
    asked: Mapping[str, JsonObject] = finished.arguments["onSuccessUpdateEmail"] or {}
    doomed: Sequence[str] = finished.arguments["onSuccessDestroyEmail"] or []
    if not asked and not doomed:
        return []
    emails = _emails(txn, finished.changes)
    update: dict[str, JsonObject] = {}
    for wire, patch in asked.items():
        id = emails.get(_resolved(wire, finished))
        if id is not None:
            update[id] = update.get(id, {}) | patch
    destroy = [id for wire in doomed if (id := emails.get(_resolved(wire, finished))) is not None]
    return (
        [("Email/set", {"update": update or None, "destroy": destroy or None})] if update or destroy else []
    )


def _emails(txn: Txn, changes: Sequence[Change]) -> dict[str, str]:
    """Give the Emails of the submissions that were changed, by the submissions' ids."""
    found = {
        submission.wire(change.id): str(change.prepared) for change in changes if change.act is Act.DESTROY
    }
    stored = txn.values(submission, [change.id for change in changes], ["emailId"])
    return found | {submission.wire(id): values["emailId"] for id, values in stored.items()}


def _resolved(wire: str, finished: Finished) -> str:
    return finished.created.get(wire[1:], wire) if wire.startswith("#") else wire


def record(txn: Txn, id: int, letter: Letter, *, begun: bool, dsns: Sequence[bytes] = ()) -> None:
    """Bring a submission in step with how far its letter is; one that was destroyed stays so.

    begun: whether it can't be called back any more. dsns: the SHA-256 of status notifications that came for it.
    """
    old = txn.values(submission, [id], submission.basis).get(id)
    if old is None:
        return
    new = {**old, "deliveryStatus": _status(letter, old["deliveryStatus"] or {})}
    if begun:
        new["undoStatus"] = "final"
    new["dsnBlobIds"] = [*old["dsnBlobIds"], *map(blobid.encode, dsns)]
    for digest in dsns:
        txn.hold_blob(digest, submission, id)
    if new != old:
        txn.update(submission, id, old, new)


_DELIVERED: Final[Mapping[State, str]] = {
    "queued": "queued",
    "delivered": "yes",
    "relayed": "unknown",
    "failed": "no",
}


def _status(letter: Letter, before: Mapping[str, JsonObject]) -> JsonObject:
    """Write how far it is for each recipient; what was learned of a message that was relayed stays."""
    status: JsonObject = {}
    for one in letter.recipients:
        known = before.get(one.email, {})
        if one.state == "relayed" and known.get("delivered") in ("yes", "no"):
            status[one.email] = known
            continue
        status[one.email] = {
            "smtpReply": one.reply,
            "delivered": _DELIVERED[one.state],
            "displayed": known.get("displayed", "unknown"),
        }
    return status
