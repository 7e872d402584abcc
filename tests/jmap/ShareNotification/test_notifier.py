"""Who is told of what is granted and taken back (RFC 9670 §3)."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from bakery import shelf
from posthouse.capabilities.principals import notifier
from posthouse.capabilities.principals.notifier import Notifier
from posthouse.kit.json import JsonObject
from posthouse.model.caller import Access
from posthouse.store.grants import Granted
from posthouse.store.txn import Transaction
from townhall.hall import ANNA, BOB, BOBS, CARL, COUNCIL, COUNCILS, Circle, Hall, caller, wire

NOW = 1_700_000_000
PLANS, DRAFTS = 5, 6
READ, ADD = 1, 3
"""The bits of ``mayRead``, and of that with ``mayAdd``."""


def share(
    hall: Hall, *shares: Mapping[int, int], place: Access = BOBS, id: int = PLANS, by: int = BOB
) -> None:
    """Share a shelf, which is made if absent, first with some and then with others."""

    def unit(txn: Transaction) -> None:
        if not txn.exists(shelf, [id]):
            name = f"Plans {id}"
            txn.insert(shelf, id, {"name": name, "parentId": None, "sortOrder": 0, "isFavourite": True})
        for each in shares:
            txn.share(shelf, id, each, by, NOW)

    hall.write(unit, place)


def tell(hall: Hall, place: Access = BOBS) -> None:
    hall.run(Notifier(hall.store, Circle(), {"Shelf": shelf}, lambda: NOW).tell(place))


def dismiss(hall: Hall, person: int) -> None:
    hall.ask("ShareNotification/set", destroy=[one["id"] for one in told(hall, person)])


def untold(hall: Hall) -> list[Granted]:
    return hall.read(lambda txn: txn.untold(10), BOBS)


def told(hall: Hall, person: int) -> list[JsonObject]:
    hall.caller = caller(person)
    found: list[JsonObject] = hall.ask("ShareNotification/get", ids=None)["list"]
    return found


def changes(hall: Hall, person: int) -> list[tuple[JsonObject | None, JsonObject | None]]:
    return [(one["oldRights"], one["newRights"]) for one in told(hall, person)]


def rights(bits: int) -> JsonObject:
    assert shelf.rights is not None
    return dict(shelf.rights.object(bits))


def test_who_is_granted_something_is_told_what_where_and_by_whom(hall: Hall) -> None:
    """The server SHOULD create a ShareNotification whenever the user's permissions change on an object."""
    share(hall, {ANNA: READ})
    tell(hall)
    [found] = told(hall, ANNA)
    assert {
        "objectType": "Shelf",
        "objectAccountId": BOBS.wire,
        "objectId": shelf.wire(PLANS),
        "oldRights": None,
        "newRights": rights(READ),
        "name": "Plans 5",
    } == {name: found[name] for name in found.keys() - {"id", "created", "changedBy"}}
    assert wire(BOB) == found["changedBy"]["principalId"]
    assert [] == told(hall, CARL)


def test_nobody_is_told_twice(hall: Hall) -> None:
    share(hall, {ANNA: READ})
    tell(hall)
    dismiss(hall, ANNA)
    tell(hall)
    assert [] == told(hall, ANNA)


def test_what_is_taken_back_is_told(hall: Hall) -> None:
    share(hall, {ANNA: ADD})
    tell(hall)
    dismiss(hall, ANNA)
    share(hall, {})
    tell(hall)
    assert [(rights(ADD), None)] == changes(hall, ANNA)


def test_what_came_and_went_before_anyone_was_told_is_not_told(hall: Hall) -> None:
    share(hall, {ANNA: READ}, {})
    tell(hall)
    assert [] == told(hall, ANNA)


def test_each_member_of_a_group_is_told(hall: Hall) -> None:
    share(hall, {COUNCIL: READ})
    tell(hall)
    for person in (ANNA, CARL):
        assert [rights(READ)] == [one["newRights"] for one in told(hall, person)]
    assert [] == told(hall, BOB)


def test_who_may_do_it_already_as_another_principal_is_not_told(hall: Hall) -> None:
    """The "myRights" property of the object for the user: not of the Principal it was granted to."""
    share(hall, {ANNA: ADD})
    tell(hall)
    dismiss(hall, ANNA)
    share(hall, {ANNA: ADD, COUNCIL: READ})
    tell(hall)
    assert [] == told(hall, ANNA)
    assert [(None, rights(READ))] == changes(hall, CARL)


def test_who_keeps_a_right_by_his_group_is_told_that_he_keeps_it(hall: Hall) -> None:
    share(hall, {ANNA: ADD, COUNCIL: READ})
    tell(hall)
    dismiss(hall, ANNA)
    share(hall, {COUNCIL: READ})
    tell(hall)
    assert [(rights(ADD), rights(READ))] == changes(hall, ANNA)


def test_members_of_the_group_that_owns_it_have_nothing_to_be_told(hall: Hall) -> None:
    share(hall, {ANNA: READ, BOB: READ}, place=COUNCILS, by=CARL)
    tell(hall, COUNCILS)
    assert [] == told(hall, ANNA)
    assert 1 == len(told(hall, BOB))


def test_what_one_did_himself_he_is_not_told(hall: Hall) -> None:
    share(hall, {ANNA: READ, CARL: READ}, by=ANNA)
    tell(hall)
    assert [] == told(hall, ANNA)
    assert 1 == len(told(hall, CARL))


def test_each_object_has_a_notification_of_its_own(hall: Hall) -> None:
    share(hall, {ANNA: READ})
    share(hall, {ANNA: READ}, id=DRAFTS)
    tell(hall)
    assert {"Plans 5", "Plans 6"} == {one["name"] for one in told(hall, ANNA)}


def test_who_can_see_a_destroyed_object_no_more_is_told_what_it_was_called(hall: Hall) -> None:
    """The name shows users what it is that they can no longer access."""
    share(hall, {ANNA: READ})
    tell(hall)
    dismiss(hall, ANNA)
    hall.run(hall.store.write(BOBS, BOB, lambda txn: txn.delete(shelf, PLANS)))
    tell(hall)
    assert [(rights(READ), None)] == changes(hall, ANNA)
    assert ["Plans 5"] == [one["name"] for one in told(hall, ANNA)]


def test_principals_who_are_gone_hold_up_nobody(hall: Hall) -> None:
    share(hall, {99: READ, ANNA: READ})
    tell(hall)
    assert 1 == len(told(hall, ANNA))
    assert [] == untold(hall)


def test_what_is_in_an_account_of_nobody_is_told_to_nobody(hall: Hall) -> None:
    share(hall, {ANNA: READ})
    tell(hall, Access(BOBS.account, BOBS.shard, "x"))
    assert [] == untold(hall)
    assert [] == told(hall, ANNA)


def test_more_than_is_written_at_once_is_told_too(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifier, "_GRANTS_AT_ONCE", 3)
    monkeypatch.setattr(notifier, "_NOTICES_AT_ONCE", 1)
    for id in range(1, 6):
        share(hall, {ANNA: READ, COUNCIL: ADD}, id=id)
    tell(hall)
    for person in (ANNA, CARL):
        assert [(None, rights(ADD))] * 5 == changes(hall, person)
