"""Email/import: uploaded messages become Emails (RFC 8621 §4.8).

Two Emails of an account may hold the same bytes, so nothing is refused as ``alreadyExists``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

from posthouse.capabilities.mail import crowd, ingest, source
from posthouse.capabilities.mail.capability import MAIL
from posthouse.capabilities.mail.email import email
from posthouse.capabilities.mail.ingest import Filing, Prepared
from posthouse.capabilities.mail.mailbox import mailbox
from posthouse.engine import access, state
from posthouse.engine.blob import readable
from posthouse.kit import clock
from posthouse.kit.json import Json, JsonObject
from posthouse.model.blobid import BlobId
from posthouse.model.capability import Parameter
from posthouse.model.change import Act, Change
from posthouse.model.kind import Anything, Id, Kind, MapOf, String, UTCDate
from posthouse.model.ports import BlobSource, Calling, Txn
from posthouse.proto.jmap.errors import MethodError, SetError
from posthouse.store.txn import Transaction


class _BlobReference(Kind):
    """A blob id, or ``#`` and the creation id of one."""

    def accepts(self, value: Json) -> bool:
        return type(value) is str and Id().accepts(value.removeprefix("#"))


_KINDS: Final[dict[str, Kind]] = {
    "blobId": _BlobReference(),
    "mailboxIds": email.properties["mailboxIds"].kind,
    "keywords": email.properties["keywords"].kind,
    "receivedAt": UTCDate() | None,
}
_MOST_OCTETS: Final = 300_000_000
"""Octets of memory that the messages of one call may take, about."""
_REQUIRED: Final = ("blobId", "mailboxIds")


@dataclass(slots=True)
class _Wanted:
    """One EmailImport on its way."""

    change: Change
    blob: str
    received_at: str | None
    message: Prepared | None = None


@dataclass(slots=True)
class _Outcome:
    old_state: str
    new_state: str
    created: dict[str, JsonObject]
    refused: dict[str, SetError]


@MAIL.writes(
    "Email/import",
    ifInState=Parameter(String() | None),
    emails=Parameter(MapOf(Id(), MapOf(String(), Anything())), required=True),
)
async def import_(call: Calling, arguments: JsonObject) -> JsonObject:
    """Answer Email/import.

    Raises MethodError ``accountReadOnly``, ``requestTooLarge`` or ``stateMismatch``.
    """
    place = call.caller.accounts[arguments["accountId"]]
    access.to_change(place)
    emails: dict[str, JsonObject] = arguments["emails"]
    most = call.limits.max_objects_in_set
    if len(emails) > most:
        raise MethodError("requestTooLarge", f"at most {most} can be imported")
    refused: dict[str, SetError] = {}
    wanted: list[_Wanted] = []
    for key, given in emails.items():
        try:
            wanted.append(_read(call, key, given))
        except SetError as error:
            refused[key] = error
    found = await readable(call, [one.blob for one in wanted])
    ready: list[_Wanted] = []
    messages: dict[BlobId, Prepared] = {}
    room = _MOST_OCTETS
    for one in wanted:
        id = found.get(one.blob)
        if id is None:
            refused[one.change.key] = SetError("invalidProperties", "there is no such blob", ["blobId"])
            continue
        if id not in messages:
            if room < 0:
                refused[one.change.key] = SetError("rateLimit", "so much can't be imported at once")
                continue
            messages[id] = await call.aside(partial(_digest, call.blobs, id))
            room -= messages[id].weight
        one.message = messages[id]
        ready.append(one)
    outcome = await call.write(partial(_file, ready, arguments["ifInState"]))
    refused.update(outcome.refused)
    call.created_ids.update({key: values["id"] for key, values in outcome.created.items()})
    return {
        "accountId": arguments["accountId"],
        "oldState": outcome.old_state,
        "newState": outcome.new_state,
        "created": outcome.created or None,
        "notCreated": {key: error.as_json() for key, error in refused.items()} or None,
    }


def _read(call: Calling, key: str, given: JsonObject) -> _Wanted:
    """Hold one EmailImport against what it may be; raises SetError ``invalidProperties``, or as `crowd.check`."""
    wrong = [name for name, value in given.items() if name not in _KINDS or not _KINDS[name].accepts(value)]
    wrong += [name for name in _REQUIRED if name not in given]
    if not wrong and not given["mailboxIds"]:
        wrong.append("mailboxIds")
    if wrong:
        raise SetError("invalidProperties", "these properties are wrong or missing", sorted(wrong))
    new = {
        "mailboxIds": _KINDS["mailboxIds"].resolved(given["mailboxIds"], call.created_ids),
        "keywords": _KINDS["keywords"].resolved(given.get("keywords", {}), {}),
    }
    crowd.check(new)
    return _Wanted(
        Change(Act.CREATE, key, new=new, named=frozenset(new)),
        source.creation_resolved(call, given["blobId"]),
        given.get("receivedAt"),
    )


def _digest(blobs: BlobSource, id: BlobId) -> Prepared:
    digest, data = source.whole(blobs, id)
    return ingest.digest(data, digest)


def _file(ready: list[_Wanted], if_in_state: str | None, txn: Transaction) -> _Outcome:
    """File what can be filed, in one transaction."""
    view, eyes = access.view(txn), txn.seen()
    state.demand(eyes, email, if_in_state)
    outcome = _Outcome(state.current(eyes, email), "", {}, {})
    now = int(clock.now())
    keys: list[str] = []
    filings: list[Filing] = []
    for one in ready:
        assert one.message is not None
        try:
            filings.append(_filing(eyes, view, one, one.message, now))
            keys.append(one.change.key)
        except SetError as error:
            outcome.refused[one.change.key] = error
    for key, moved in zip(keys, ingest.file(txn, filings), strict=True):
        values = moved.new or {}
        told = {name: values[name] for name in ("blobId", "threadId", "size")}
        outcome.created[key] = {"id": email.wire(moved.id), **told}
    outcome.new_state = state.current(txn.seen(), email)
    return outcome


def _filing(eyes: Txn, view: access.View, one: _Wanted, message: Prepared, now: int) -> Filing:
    new = one.change.after()
    numbers = {id for wire in new["mailboxIds"] if (id := mailbox.local(wire)) is not None}
    if len(numbers) < len(new["mailboxIds"]) or eyes.exists(mailbox, numbers) != numbers:
        raise SetError("invalidProperties", "there is no such Mailbox", ["mailboxIds"])
    access.demand(view, email, mailbox, one.change)
    received_at = message.received_at
    if one.received_at is not None:
        received_at = clock.parse_utc_date(one.received_at)
    return Filing(
        message, frozenset(numbers), frozenset(new["keywords"]), now if received_at is None else received_at
    )
