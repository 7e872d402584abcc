"""VacationResponse: one object that is always there (RFC 8621 §8)."""

from __future__ import annotations

from mailroom.room import Room


def test_there_is_one_and_it_is_off(room: Room) -> None:
    nothing = dict.fromkeys(("fromDate", "toDate", "subject", "textBody", "htmlBody"))
    for asked in ({}, {"ids": ["singleton"]}):
        assert [{"id": "singleton", "isEnabled": False} | nothing] == room.ask(
            "VacationResponse/get", **asked
        )["list"]
    assert ["other"] == room.ask("VacationResponse/get", ids=["other"])["notFound"]


def test_it_can_be_changed(room: Room) -> None:
    values = {"isEnabled": True, "fromDate": "2024-01-01T00:00:00Z", "textBody": "Away."}
    answered = room.ask("VacationResponse/set", update={"singleton": values})
    assert {"singleton": None} == answered["updated"]
    assert {"id": "singleton"} | values == room.one("VacationResponse", "singleton", *values)
    assert answered["newState"] == room.state("VacationResponse")


def test_it_can_be_neither_made_nor_destroyed(room: Room) -> None:
    assert "singleton" == room.refused("VacationResponse/set", "create", {"k": {}})["type"]
    answered = room.ask("VacationResponse/set", destroy=["singleton"])
    assert "singleton" == answered["notDestroyed"]["singleton"]["type"]


def test_a_date_in_another_zone_is_refused(room: Room) -> None:
    patch = {"singleton": {"fromDate": "2024-01-01T00:00:00+01:00"}}
    assert ["fromDate"] == room.refused("VacationResponse/set", "update", patch)["properties"]
