"""ShareNotification: a word to a person that his rights on something have changed (RFC 9670 §3)."""

from __future__ import annotations

from typing import Final

from posthouse.model.caller import account_number
from posthouse.model.condition import Filter, Sort, Test
from posthouse.model.kind import Boolean, Id, MapOf, Record, Ref, SetOf, String, UTCDate
from posthouse.model.property import Property
from posthouse.model.type import Type

_RIGHTS: Final = MapOf(String(), Boolean()) | None
_ENTITY: Final = Record(
    {"name": String(), "email": String() | None, "principalId": Id() | None},
    required=frozenset(("name", "email", "principalId")),
)

share_notification = Type(
    "ShareNotification",
    letter="n",
    methods="get changes set query queryChanges",
    within="audience",
    forbids="create update",
    properties=[
        Property("created", UTCDate(), server=True, immutable=True, index=True),
        Property("changedBy", _ENTITY, server=True, immutable=True),
        Property("objectType", String(), server=True, immutable=True, column=str),
        Property("objectAccountId", Id(), server=True, immutable=True, column=account_number),
        Property("objectId", Id(), server=True, immutable=True, column=str),
        Property("oldRights", _RIGHTS, server=True, immutable=True),
        Property("newRights", _RIGHTS, server=True, immutable=True),
        Property("name", String(), server=True, immutable=True),
        # For whom it is, in an account of all.
        Property("audience", SetOf(Ref("Principal")), server=True, inner=True, ordered_by="created"),
    ],
    filters=[
        Filter("after", Test.AT_LEAST, ("created",), UTCDate() | None),
        Filter("before", Test.BELOW, ("created",), UTCDate() | None),
        Filter("objectType", Test.EQUALS, ("objectType",), String()),
        Filter("objectAccountId", Test.EQUALS, ("objectAccountId",)),
    ],
    sorts=[Sort("created", "created")],
    needs={"destroy": "mayChange"},
)
