"""Notice: what is told to a person whose rights have changed, once for each object (RFC 9670 §3, §6.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from posthouse.capabilities.principals.principal import principal
from posthouse.capabilities.principals.sharenotification import share_notification
from posthouse.kit import clock
from posthouse.kit.json import JsonObject
from posthouse.model.caller import wire_account
from posthouse.model.condition import Both, Filter, Leaf, Order, Query, Test
from posthouse.model.ports import Txn

MOST: Final = 1000
"""ShareNotifications that wait for one person; a further one takes the place of the oldest."""

FOR: Final = Filter("audience", Test.MEMBER, ("audience",))
_ABOUT: Final = Filter("objectId", Test.EQUALS, ("objectId",))
_OLDEST_FIRST: Final = (Order(share_notification.sorts["created"]),)


@dataclass(frozen=True, slots=True)
class Notice:
    """A change of the rights that a person has on an object.

    account: the number of the account that has the object. type: the name of the object's type. object: its id
    on the wire. name: what it is called; empty if that can't be known any more. by: the number of the Principal
    who changed the rights; 0: nobody of this domain. old, new: the rights before and after, as ``myRights``
    shows them; None: there was, or is, no access.
    """

    account: int
    type: str
    object: str
    name: str
    by: int
    old: JsonObject | None
    new: JsonObject | None


def notify(txn: Txn, person: int, notice: Notice, now: int) -> None:
    """Tell a Principal of a change, inside a write on the account that holds the Principals.

    One that he has not dismissed yet and that is about the same object is replaced, and the new one tells of both
    changes; if the rights are again what they were, none is left. now: Unix seconds.
    """
    if not txn.exists(principal, [person]):
        return
    old, name = notice.old, notice.name
    for id, before in _waiting(txn, person, notice).items():
        old, name = before["oldRights"], name or before["name"]
        txn.delete(share_notification, id)
    if old == notice.new:
        return
    _make_room(txn, person)
    values = {
        "created": clock.utc_date(now),
        "changedBy": _entity(txn, notice.by),
        "objectType": notice.type,
        "objectAccountId": wire_account(notice.account),
        "objectId": notice.object,
        "oldRights": old,
        "newRights": notice.new,
        "name": name,
        "audience": {principal.wire(person): True},
    }
    txn.insert(share_notification, txn.allocate(), values)


def _waiting(txn: Txn, person: int, notice: Notice) -> dict[int, JsonObject]:
    """Give what the person was told of the same object and has not dismissed: one, or none."""
    filters = share_notification.filters
    where = Both(
        (
            Leaf(FOR, person),
            Leaf(_ABOUT, notice.object),
            Leaf(filters["objectType"], notice.type),
            Leaf(filters["objectAccountId"], notice.account),
        )
    )
    found = txn.find(share_notification, Query(where)).all()
    return txn.values(share_notification, found, ["oldRights", "name"]) if found else {}


def _make_room(txn: Txn, person: int) -> None:
    mine = txn.find(share_notification, Query(Leaf(FOR, person), _OLDEST_FIRST)).all()
    if len(mine) >= MOST:
        txn.delete_all(share_notification, mine[: len(mine) - MOST + 1])


def _entity(txn: Txn, number: int) -> JsonObject:
    """Describe who made a change (RFC 9670 §3)."""
    found = txn.values(principal, [number], ["name", "email"]).get(number)
    if found is None:
        return {"name": "", "email": None, "principalId": None}
    return {"name": found["name"], "email": found["email"], "principalId": principal.wire(number)}
