"""Principal: a person, a group, a room or a thing of a domain (RFC 9670 §2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from posthouse.capabilities.principals import wording, zone
from posthouse.kit import log
from posthouse.kit.json import JsonObject
from posthouse.model.caller import account_number
from posthouse.model.change import Change, Stage
from posthouse.model.condition import Filter, Sort, Test, contains
from posthouse.model.kind import Anything, Enum, Id, ListOf, MapOf, String, Text, sort_key
from posthouse.model.ports import Reading, Txn
from posthouse.model.property import Part, Property
from posthouse.model.rights import Rights
from posthouse.model.type import Type

TYPES: Final = frozenset(("individual", "group", "resource", "location", "other"))
"""What a Principal may stand for (RFC 9670 §2)."""
RIGHTS: Final = Rights(("mayRead", "mayChange"), read="mayRead")
"""Each visitor has both on his own Principal and none on others; no client is shown them."""

_MAP: Final = MapOf(String(), Anything())
_log = log.get("principals")

principal = Type(
    "Principal",
    letter="p",
    methods="get changes set query queryChanges",
    people=True,
    forbids="create destroy",
    properties=[
        Property("type", Enum(TYPES), server=True, index=True),
        Property("name", Text(wording.is_name), index=True, column=sort_key),
        Property(
            "description",
            Text(wording.is_description) | None,
            default=None,
            index=True,
            column=wording.column,
        ),
        Property("email", String() | None, server=True, index=True),
        Property("timeZone", Text(zone.is_zone) | None, default=None, index=True),
        Property("capabilities", _MAP, server=True, part=Part.COMPUTED),
        Property("accounts", _MAP | None, server=True, part=Part.COMPUTED),
        # The one account that is its own: it never becomes another's.
        Property("accountId", Id() | None, server=True, inner=True, column=account_number),
        # The name in the directory; the person may have chosen another.
        Property("givenName", String(), server=True, inner=True),
    ],
    filters=[
        # Whether an account is open to the caller is no matter of the Principal, so changes can't be told.
        Filter("accountIds", Test.ONE_OF, ("accountId",), ListOf(Id()), local=False, open_accounts=True),
        contains("email"),
        contains("name"),
        contains("text", "name email description"),
        Filter("type", Test.EQUALS, ("type",), String()),
        Filter("timeZone", Test.EQUALS, ("timeZone",), String()),
    ],
    sorts=[Sort("name", "name"), Sort("email", "email"), Sort("type", "type")],
    rights=RIGHTS,
    needs={"name": "mayChange", "description": "mayChange", "timeZone": "mayChange"},
)


@principal.check
def write_texts_in_one_form(txn: Txn, change: Change, stage: Stage) -> None:
    """Write the name and the description as they are kept, and tell the client where that differs."""
    new = change.after()
    for name, written in (("name", wording.name), ("description", wording.description)):
        text = new[name]
        if name in change.named and text is not None and written(text) != text:
            new[name] = change.report[name] = written(text)


@principal.after
def leave_a_trail(txn: Txn, change: Change) -> None:
    """Log who took another name or description, for he may look like someone else now (RFC 9670 §6.1).

    A commit that fails after this has its line too: one line too many is no harm, one too few is.
    """
    old, new = change.before(), change.after()
    for name, event in (("name", "principals.renamed"), ("description", "principals.described")):
        if old[name] != new[name]:
            _log.info(event, account=txn.account, principal=change.id, person=txn.person)


def _needs(names: Sequence[str], arguments: JsonObject) -> frozenset[str] | None:
    return frozenset() if "accounts" in names or "capabilities" in names else None


@principal.compute(_needs)
def show_accounts(
    reading: Reading, objects: Mapping[int, JsonObject], names: Sequence[str], arguments: JsonObject
) -> None:
    """Add the accounts of each Principal that are open to the caller, as the session shows them (RFC 9670 §2)."""
    owned: dict[int, JsonObject] = {}
    for wire, access in reading.caller.accounts.items():
        if access.owner in objects:
            owned.setdefault(access.owner, {})[wire] = reading.account(access)
    for id, values in objects.items():
        values["accounts"] = owned.get(id)
        values["capabilities"] = {}  # no document that this build follows defines any
