"""ShareNotification/get and /changes (RFC 9670 §3, §3.1, §3.2)."""

from __future__ import annotations

from posthouse.capabilities.principals import upkeep
from posthouse.capabilities.principals.notice import MOST, Notice, notify
from posthouse.kit import clock
from posthouse.kit.json import JsonObject
from townhall.hall import ANNA, ANNAS, BOB, BOBS, CARL, TOWN, Hall, caller, wire

NOW = 1_700_000_000
READ: JsonObject = {"mayRead": True, "mayWrite": False}
WRITE: JsonObject = {"mayRead": True, "mayWrite": True}


def notice(old: JsonObject | None, new: JsonObject | None, object: str = "h5", name: str = "Plans") -> Notice:
    return Notice(BOBS.account, "Shelf", object, name, BOB, old, new)


def tell(hall: Hall, *notices: Notice, person: int = ANNA, at: int = NOW) -> None:
    def unit_of(one: Notice, at: int) -> None:
        hall.write_town(lambda txn: notify(txn, person, one, at))

    for later, one in enumerate(notices):
        unit_of(one, at + later)


def all_of(hall: Hall) -> list[JsonObject]:
    found: list[JsonObject] = hall.ask("ShareNotification/get", ids=None)["list"]
    return found


def test_it_has_all_properties_of_the_standard_and_no_others(hall: Hall) -> None:
    tell(hall, notice(None, READ))
    [found] = all_of(hall)
    assert {
        "id": found["id"],
        "created": clock.utc_date(NOW),
        "changedBy": {"name": "Bob", "email": "bob@town.example", "principalId": wire(BOB)},
        "objectType": "Shelf",
        "objectAccountId": BOBS.wire,
        "objectId": "h5",
        "oldRights": None,
        "newRights": READ,
        "name": "Plans",
    } == found
    refused = hall.refusal("ShareNotification/get", ids=[], properties=["audience"])
    assert "invalidArguments" == refused["type"]


def test_each_sees_his_own_only(hall: Hall) -> None:
    tell(hall, notice(None, READ), person=CARL)
    hall.caller = caller(CARL)
    [id] = [one["id"] for one in all_of(hall)]
    hall.caller = caller(ANNA)
    assert [] == all_of(hall)
    assert [id] == hall.ask("ShareNotification/get", ids=[id])["notFound"]
    assert [] == hall.found("ShareNotification")


def test_who_made_the_change_may_be_nobody_of_the_domain(hall: Hall) -> None:
    tell(hall, Notice(BOBS.account, "Shelf", "h5", "Plans", 0, None, READ))
    assert [{"name": "", "email": None, "principalId": None}] == [one["changedBy"] for one in all_of(hall)]


def test_changes_of_one_object_are_told_at_once(hall: Hall) -> None:
    """Servers can mitigate this by coalescing multiple changes to the same object into a single notification."""
    tell(hall, notice(None, READ), notice(None, READ, object="h6"), notice(READ, WRITE, name="Old plans"))
    found = {one["objectId"]: one for one in all_of(hall)}
    assert {"h5", "h6"} == found.keys()
    assert (None, WRITE, "Old plans", clock.utc_date(NOW + 2)) == tuple(
        found["h5"][name] for name in ("oldRights", "newRights", "name", "created")
    )


def test_what_was_taken_back_is_not_told_any_more(hall: Hall) -> None:
    tell(hall, notice(READ, WRITE), notice(WRITE, READ))
    assert [] == all_of(hall)


def test_what_is_told_twice_is_there_once(hall: Hall) -> None:
    """As happens if the server stops between telling and knowing that it has told."""
    tell(hall, notice(None, READ), notice(None, READ))
    assert [(None, READ)] == [(one["oldRights"], one["newRights"]) for one in all_of(hall)]


def test_what_was_dismissed_is_not_taken_up_again(hall: Hall) -> None:
    tell(hall, notice(None, READ))
    hall.ask("ShareNotification/set", destroy=[all_of(hall)[0]["id"]])
    tell(hall, notice(READ, WRITE))
    assert [(READ, WRITE)] == [(one["oldRights"], one["newRights"]) for one in all_of(hall)]


def test_an_object_that_is_gone_keeps_the_name_it_was_told_by(hall: Hall) -> None:
    """The name shows users what it is that they can no longer access."""
    tell(hall, notice(READ, WRITE), notice(WRITE, None, name=""))
    assert [("Plans", None)] == [(one["name"], one["newRights"]) for one in all_of(hall)]


def test_the_oldest_makes_room_when_there_are_too_many(hall: Hall) -> None:
    """Any new notification will cause the previously oldest notification to be automatically deleted."""

    def fill(txn: object) -> None:
        for number in range(MOST + 2):
            notify(txn, ANNA, notice(None, READ, object=f"h{number}"), NOW + number)  # type: ignore[arg-type]

    hall.write_town(fill)
    tell(hall, notice(None, READ), person=CARL)
    found = hall.found("ShareNotification", sort=[{"property": "created"}])
    assert MOST == len(found)
    assert "h2" == hall.one("ShareNotification", found[0])["objectId"]


def test_nobody_is_told_who_is_not_there(hall: Hall) -> None:
    tell(hall, notice(None, READ), person=99)
    hall.write_town(lambda txn: upkeep.drop_principal(txn, 99))


def test_who_leaves_takes_his_notifications_along(hall: Hall) -> None:
    tell(hall, notice(None, READ), person=CARL)
    hall.write_town(lambda txn: upkeep.drop_principal(txn, CARL))
    found = hall.answer(
        ("ShareNotification/get", {"accountId": TOWN.wire, "ids": None}, "0"),
        caller=caller(ANNA, also=[TOWN]),
    )["methodResponses"][0][1]["list"]
    assert [] == found


def test_a_new_one_is_told_by_changes_to_whom_it_is_for(hall: Hall) -> None:
    states = {}
    for person in (ANNA, CARL):
        hall.caller = caller(person)
        states[person] = hall.state("ShareNotification")
    tell(hall, notice(None, READ))
    changes = hall.ask("ShareNotification/changes", sinceState=states[CARL])
    assert ([], states[CARL]) == (changes["created"], changes["newState"])
    hall.caller = caller(ANNA)
    changes = hall.ask("ShareNotification/changes", sinceState=states[ANNA])
    assert [one["id"] for one in all_of(hall)] == changes["created"]


def test_one_that_takes_the_place_of_another_is_told_so(hall: Hall) -> None:
    tell(hall, notice(None, READ))
    [before], state = all_of(hall), hall.state("ShareNotification")
    tell(hall, notice(READ, WRITE))
    [after] = all_of(hall)
    changes = hall.ask("ShareNotification/changes", sinceState=state)
    assert ([after["id"]], [], [before["id"]]) == (
        changes["created"],
        changes["updated"],
        changes["destroyed"],
    )


def test_an_account_of_a_person_has_none(hall: Hall) -> None:
    [name, error, _] = hall.answer(
        ("ShareNotification/get", {"accountId": ANNAS.wire, "ids": None}, "0"), caller=hall.caller
    )["methodResponses"][0]
    assert ("error", "accountNotSupportedByMethod") == (name, error["type"])
