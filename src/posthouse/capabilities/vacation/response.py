"""VacationResponse: the one object that says whether and what to reply (RFC 8621 §8)."""

from __future__ import annotations

from typing import Final

from posthouse.model.kind import Boolean, String, UTCDate
from posthouse.model.ports import Txn
from posthouse.model.property import Property
from posthouse.model.type import Type

_LONGEST_BODY: Final = 1_000_000

vacation_response = Type(
    "VacationResponse",
    letter="v",
    methods="get set",
    singleton="singleton",
    properties=[
        Property("isEnabled", Boolean(), default=False),
        Property("fromDate", UTCDate() | None, default=None),
        Property("toDate", UTCDate() | None, default=None),
        Property("subject", String(max_octets=1000) | None, default=None),
        Property("textBody", String(max_octets=_LONGEST_BODY) | None, default=None),
        Property("htmlBody", String(max_octets=_LONGEST_BODY) | None, default=None),
    ],
)


def defaults(txn: Txn) -> None:
    """Give an account its VacationResponse, switched off."""
    values = {name: prop.default for name, prop in vacation_response.properties.items() if name != "id"}
    id = vacation_response.local("singleton")
    assert id is not None
    txn.insert(vacation_response, id, values)
