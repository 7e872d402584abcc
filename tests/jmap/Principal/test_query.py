"""Principal/query and Principal/queryChanges (RFC 9670 §2.4, §2.5)."""

from __future__ import annotations

import pytest

from posthouse.kit.json import Json
from townhall.hall import ANNA, ANNAS, BOB, BOBS, CARL, COUNCIL, ROOM, Hall, caller, visited, wire


def found(hall: Hall, **condition: Json) -> list[str]:
    return sorted(hall.found("Principal", filter=condition))


@pytest.mark.parametrize(
    ("condition", "numbers"),
    [
        ({"name": "b"}, [BOB, ROOM]),
        ({"name": "anna a"}, [ANNA]),
        ({"name": "anna a", "type": "group"}, []),
        ({"email": "CIL@"}, [COUNCIL]),
        ({"email": ""}, [ANNA, BOB, CARL, COUNCIL]),
        ({"text": "town.example"}, [ANNA, BOB, CARL, COUNCIL]),
        ({"text": "4b"}, [ROOM]),
        ({"text": "mayor"}, [ANNA]),
        ({"type": "group"}, [COUNCIL]),
        ({"type": "Group"}, []),
        ({"timeZone": "Europe/Vienna"}, [ANNA]),
        ({"timeZone": "Europe/"}, []),
        ({}, [ANNA, BOB, CARL, COUNCIL, ROOM]),
    ],
)
def test_conditions(hall: Hall, condition: dict[str, Json], numbers: list[int]) -> None:
    patch = {"description": "x" * 300 + " The Mayor", "timeZone": "Europe/Vienna"}
    hall.ask("Principal/set", update={wire(ANNA): patch})
    assert sorted(wire(number) for number in numbers) == found(hall, **condition)


def test_accounts_that_are_open_to_the_caller_lead_to_whose_they_are(hall: Hall) -> None:
    """The Principal matches if any of the ids in this list are keys in the Principal's "accounts" property."""
    asked = [ANNAS.wire, BOBS.wire, "nonsense"]
    assert [wire(ANNA)] == found(hall, accountIds=asked)
    hall.caller = caller(ANNA, COUNCIL, also=[visited(BOBS, ANNA)])
    assert sorted([wire(ANNA), wire(BOB)]) == found(hall, accountIds=asked)
    assert [] == found(hall, accountIds=[])


def test_changes_of_what_is_open_to_the_caller_cannot_be_told(hall: Hall) -> None:
    asked = {"filter": {"accountIds": [ANNAS.wire]}}
    answered = hall.ask("Principal/query", **asked)
    assert not answered["canCalculateChanges"]
    refused = hall.refusal("Principal/queryChanges", sinceQueryState=answered["queryState"], **asked)
    assert "cannotCalculateChanges" == refused["type"]


@pytest.mark.parametrize(
    ("name", "value"), [("accountIds", "a1"), ("email", None), ("type", None), ("timeZone", 1)]
)
def test_a_condition_of_the_wrong_kind_is_refused(hall: Hall, name: str, value: Json) -> None:
    assert "invalidArguments" == hall.refusal("Principal/query", filter={name: value})["type"]


def test_names_sort(hall: Hall) -> None:
    ids = hall.found("Principal", sort=[{"property": "name"}])
    assert [wire(number) for number in (ANNA, BOB, CARL, COUNCIL, ROOM)] == ids


def test_a_new_name_moves_a_principal(hall: Hall) -> None:
    sort = [{"property": "name"}]
    state = hall.ask("Principal/query", sort=sort)["queryState"]
    hall.ask("Principal/set", update={wire(ANNA): {"name": "Zoe"}})
    changes = hall.ask("Principal/queryChanges", sort=sort, sinceQueryState=state)
    assert [wire(ANNA)] == changes["removed"]
    assert [{"id": wire(ANNA), "index": 4}] == changes["added"]
