"""Principal/get (RFC 9670 §2, §2.1)."""

from __future__ import annotations

from posthouse.capabilities.principals import upkeep
from posthouse.capabilities.principals.upkeep import Entry
from townhall.hall import (
    ANNA,
    ANNAS,
    BOB,
    BOBS,
    CARL,
    COUNCIL,
    COUNCILS,
    ENTRIES,
    ROOM,
    Hall,
    caller,
    visited,
    wire,
)


def test_everyone_of_the_domain_is_shown_to_each_person(hall: Hall) -> None:
    found = hall.ask("Principal/get", ids=None)
    assert [wire(number) for number in sorted(ENTRIES)] == [one["id"] for one in found["list"]]


def test_a_principal_has_all_properties_of_the_standard_and_no_others(hall: Hall) -> None:
    assert {
        "id": wire(ROOM),
        "type": "location",
        "name": "Room 4B",
        "description": None,
        "email": None,
        "timeZone": None,
        "capabilities": {},
        "accounts": None,
    } == hall.one("Principal", wire(ROOM))


def test_the_accounts_of_a_principal_are_those_that_are_open_to_the_caller(hall: Hall) -> None:
    """A map of Account id to Account object for each JMAP Account containing data for this Principal."""
    hall.caller = caller(ANNA, COUNCIL, also=(visited(BOBS, ANNA, is_listed=False), COUNCILS))
    found = {one["id"]: one["accounts"] for one in hall.ask("Principal/get", ids=None)["list"]}
    assert {ANNAS.wire} == found[wire(ANNA)].keys()
    assert {BOBS.wire} == found[wire(BOB)].keys()
    assert {COUNCILS.wire} == found[wire(COUNCIL)].keys()
    assert found[wire(CARL)] is None and found[wire(ROOM)] is None


def test_an_account_is_shown_as_in_the_session(hall: Hall) -> None:
    [account] = hall.one("Principal", wire(ANNA), "accounts")["accounts"].values()
    assert ("anna@town.example", True, False) == (
        account["name"],
        account["isPersonal"],
        account["isReadOnly"],
    )
    assert {"accountIdForPrincipal": "a1", "principalId": wire(ANNA)} == account["accountCapabilities"][
        "urn:ietf:params:jmap:principals:owner"
    ]


def test_no_rights_are_shown(hall: Hall) -> None:
    assert "invalidArguments" == hall.refusal("Principal/get", ids=[], properties=["myRights"])["type"]


def test_what_the_server_keeps_for_itself_is_no_property(hall: Hall) -> None:
    for name in ("accountId", "givenName"):
        assert "invalidArguments" == hall.refusal("Principal/get", ids=[], properties=[name])["type"]


def test_a_change_in_the_directory_is_told(hall: Hall) -> None:
    state = hall.state("Principal")
    entries = {ANNA: ENTRIES[ANNA], BOB: Entry("individual", "Bobby", "bobby@town.example", BOBS.account)}
    entries |= {CARL: ENTRIES[CARL], COUNCIL: ENTRIES[COUNCIL], 31: Entry("resource", "Projector", None, 0)}
    hall.write_town(lambda txn: upkeep.reconcile(txn, entries))
    changes = hall.ask("Principal/changes", sinceState=state)
    assert ([wire(31)], [wire(BOB)], [wire(ROOM)]) == (
        changes["created"],
        changes["updated"],
        changes["destroyed"],
    )
    assert ("Bobby", "bobby@town.example") == tuple(
        hall.one("Principal", wire(BOB), name)[name] for name in ("name", "email")
    )


def test_what_the_directory_says_again_changes_nothing(hall: Hall) -> None:
    state = hall.state("Principal")
    hall.write_town(lambda txn: upkeep.reconcile(txn, ENTRIES))
    assert state == hall.state("Principal")


def test_a_chosen_name_stays_until_the_directory_has_another(hall: Hall) -> None:
    hall.ask("Principal/set", update={wire(ANNA): {"name": "Annie"}})
    hall.write_town(lambda txn: upkeep.reconcile(txn, ENTRIES))
    assert "Annie" == hall.one("Principal", wire(ANNA))["name"]
    renamed = Entry("individual", "Anna Berg", "anna@town.example", ANNAS.account)
    hall.write_town(lambda txn: upkeep.put_principal(txn, ANNA, renamed))
    assert "Anna Berg" == hall.one("Principal", wire(ANNA))["name"]
