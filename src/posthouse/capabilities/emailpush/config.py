"""EmailPushConfig: of which new Emails a client wants to be sent what (draft-ietf-jmap-emailpush-03, section 4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from posthouse.engine import filter
from posthouse.engine.get import checked
from posthouse.kit.json import JsonObject, dumps
from posthouse.kit.limits import Limits
from posthouse.model.caller import Access, Caller
from posthouse.model.capability import Capability
from posthouse.model.condition import Both, Leaf, Query
from posthouse.model.kind import Anything, Enum, Id, ListOf, MapOf, Nullable, Record, String
from posthouse.model.type import Type
from posthouse.proto.jmap.errors import MethodError, SetError

URI: Final = "urn:ietf:params:jmap:emailpush"
EMAIL: Final = "Email"
ARRIVALS: Final = "EmailDelivery"
"""The name under which new Emails move an account (RFC 8621 §1.5)."""

_MAILBOX: Final = "Mailbox"


def _where_mail_is(limits: Limits, caller: Caller, access: Access) -> JsonObject | None:
    return {} if access.kinds is None or _MAILBOX in access.kinds else None


EMAILPUSH: Final = Capability(URI, per_account=_where_mail_is)

CONFIGS: Final[Nullable] = (
    MapOf(
        Id(),
        Record(
            {
                "filter": MapOf(String(), Anything()) | None,
                "properties": ListOf(String()),
                "urgency": Enum(frozenset({"very-low", "low", "normal", "high"})),
            },
            required=frozenset({"properties"}),
        ),
    )
    | None
)
"""The kind of the property ``emailPush``."""

_LONGEST: Final = 32_768  # octets of JSON for one subscription


def completed(configs: JsonObject, caller: Caller, types: Mapping[str, Type]) -> JsonObject:
    """Hold what a client asks for against its accounts and the Email type, and fill in what it left out.

    configs: is of the kind `CONFIGS`. Raises SetError ``invalidProperties``.
    """
    if len(dumps(configs)) > _LONGEST:
        raise _wrong(f"it is longer than {_LONGEST} octets")
    whole: JsonObject = {}
    for wire, config in configs.items():
        if wire not in caller.accounts:
            raise _wrong(f"{wire} is no account of yours")
        whole[wire] = {"filter": None, "urgency": "normal", **config}
        try:
            condition(whole[wire], types)
            properties(whole[wire], types)
        except MethodError as error:
            raise _wrong(error.description or error.type) from None
    return whole


def condition(config: JsonObject, types: Mapping[str, Type]) -> Query:
    """Read the filter as Email/query does (RFC 8621 §4.4.1); drafts never fit, for nobody delivers them.

    Raises the MethodErrors of `filter.query`.
    """
    email = types[EMAIL]
    asked = filter.query(email, {"filter": config["filter"], "sort": None}, types)
    delivered = Leaf(email.filters["notKeyword"], "$draft")
    return Query(delivered if asked.where is None else Both((asked.where, delivered)))


def properties(config: JsonObject, types: Mapping[str, Type]) -> list[str]:
    """Give the wanted properties as Email/get takes them (RFC 8621 §4.2), in their order and each once.

    Raises MethodError ``invalidArguments``.
    """
    return checked(types[EMAIL], config["properties"])


def _wrong(why: str) -> SetError:
    return SetError("invalidProperties", f"emailPush: {why}", ["emailPush"])
