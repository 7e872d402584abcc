"""EmailSubmission: an Email on its way to its recipients (RFC 8621 §7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from posthouse.capabilities.mail.email import email
from posthouse.capabilities.mail.thread import thread
from posthouse.model.change import Change
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
from posthouse.model.ports import Preparing
from posthouse.model.property import Property
from posthouse.model.type import Type
from posthouse.proto.jmap.errors import SetError

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
    properties=[
        Property("identityId", Ref("Identity"), required=True, immutable=True, index=True),
        # An id, not a reference: the record outlives the Email (RFC 8621 §7.5).
        Property("emailId", Id(), required=True, immutable=True, column=email.local),
        Property("threadId", Id(), server=True, immutable=True, column=thread.local),
        Property("envelope", Nullable(_ENVELOPE), default=None, immutable=True),
        Property("sendAt", UTCDate(), server=True, immutable=True, index=True),
        Property(
            "undoStatus", Enum(frozenset({"pending", "final", "canceled"})), default="final", index=True
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


@submission.prepare
async def _refuse(call: Preparing, changes: Sequence[Change]) -> Mapping[str, Exception]:
    """Refuse to send: what the two ``onSuccess`` arguments ask for then never comes to pass."""
    return {change.key: SetError("forbiddenToSend", "this server can't send mail yet") for change in changes}
