"""ShareNotification/set (RFC 9670 §3.3)."""

from __future__ import annotations

from posthouse.capabilities.principals.notice import Notice, notify
from townhall.hall import ANNA, BOB, BOBS, CARL, Hall, caller


def told(hall: Hall, person: int) -> str:
    notice = Notice(BOBS.account, "Shelf", "h5", "Plans", BOB, None, {"mayRead": True})
    hall.write_town(lambda txn: notify(txn, person, notice, 1_700_000_000))
    hall.caller = caller(person)
    [id] = hall.found("ShareNotification")
    return id


def test_one_dismisses_his_own(hall: Hall) -> None:
    """To dismiss a notification, use a standard "/set" call to destroy it."""
    id = told(hall, ANNA)
    assert [id] == hall.ask("ShareNotification/set", destroy=[id])["destroyed"]
    assert [] == hall.found("ShareNotification")


def test_nobody_dismisses_what_is_for_another(hall: Hall) -> None:
    id = told(hall, CARL)
    hall.caller = caller(ANNA)
    assert "notFound" == hall.ask("ShareNotification/set", destroy=[id])["notDestroyed"][id]["type"]
    hall.caller = caller(CARL)
    assert [id] == hall.found("ShareNotification")


def test_only_the_server_makes_and_changes_them(hall: Hall) -> None:
    """Only destroy is supported; any attempt to create/update MUST be rejected with a "forbidden" SetError."""
    id = told(hall, ANNA)
    assert "forbidden" == hall.refused("ShareNotification/set", "create", {"k": {"name": "x"}})["type"]
    for patch in ({"name": "x"}, {"audience": {}}, {}):
        assert "forbidden" == hall.refused("ShareNotification/set", "update", {id: patch})["type"]
