"""ShareNotification/query and /queryChanges (RFC 9670 §3.4, §3.5)."""

from __future__ import annotations

import pytest

from posthouse.capabilities.principals.notice import Notice, notify
from posthouse.kit import clock
from posthouse.kit.json import Json, JsonObject
from townhall.hall import ANNA, BOB, BOBS, COUNCILS, Hall

NOW = 1_700_000_000


def told(hall: Hall, account: int, type: str, object: str, at: int) -> None:
    notice = Notice(account, type, object, "Plans", BOB, None, {"mayRead": True})
    hall.write_town(lambda txn: notify(txn, ANNA, notice, at))


def full(hall: Hall) -> Hall:
    told(hall, BOBS.account, "Shelf", "h1", NOW)
    told(hall, BOBS.account, "Mailbox", "m1", NOW + 10)
    told(hall, COUNCILS.account, "Shelf", "h1", NOW + 20)
    return hall


def objects(hall: Hall, **arguments: Json) -> list[tuple[str, str]]:
    ids = hall.found("ShareNotification", **arguments)
    found = {one["id"]: one for one in hall.ask("ShareNotification/get", ids=ids)["list"]}
    return [(found[id]["objectAccountId"], found[id]["objectId"]) for id in ids]


OLD, MAIL, NEW = (BOBS.wire, "h1"), (BOBS.wire, "m1"), (COUNCILS.wire, "h1")


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ({"after": clock.utc_date(NOW + 10)}, [MAIL, NEW]),
        ({"before": clock.utc_date(NOW + 10)}, [OLD]),
        ({"after": None, "before": None}, [OLD, MAIL, NEW]),
        ({"objectType": "Shelf"}, [OLD, NEW]),
        ({"objectType": "shelf"}, []),
        ({"objectAccountId": COUNCILS.wire}, [NEW]),
        ({"objectAccountId": "nonsense"}, []),
        ({"objectType": "Shelf", "objectAccountId": BOBS.wire}, [OLD]),
        ({"operator": "NOT", "conditions": [{"after": None}]}, []),
    ],
)
def test_conditions(hall: Hall, condition: JsonObject, found: list[tuple[str, str]]) -> None:
    assert found == objects(full(hall), filter=condition, sort=[{"property": "created"}])


def test_the_newest_can_come_first(hall: Hall) -> None:
    """The "created" property MUST be supported for sorting."""
    sort = [{"property": "created", "isAscending": False}]
    assert [NEW, MAIL, OLD] == objects(full(hall), sort=sort)


def test_one_that_came_and_one_that_went_are_told(hall: Hall) -> None:
    sort = [{"property": "created", "isAscending": False}]
    before = full(hall).ask("ShareNotification/query", sort=sort)
    assert before["canCalculateChanges"]
    told(hall, BOBS.account, "Shelf", "h9", NOW + 30)
    hall.ask("ShareNotification/set", destroy=[before["ids"][2]])
    [first, *_] = hall.found("ShareNotification", sort=sort)
    changes = hall.ask(
        "ShareNotification/queryChanges", sort=sort, sinceQueryState=before["queryState"], calculateTotal=True
    )
    assert ([before["ids"][2]], [{"id": first, "index": 0}], 3) == (
        changes["removed"],
        changes["added"],
        changes["total"],
    )
