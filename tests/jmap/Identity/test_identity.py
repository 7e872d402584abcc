"""Identity/get and Identity/set (RFC 8621 §6)."""

from __future__ import annotations

from mailroom.room import ADDRESS, Room


def test_a_new_account_has_the_identity_of_its_address(room: Room) -> None:
    [found] = room.ask("Identity/get")["list"]
    assert {
        "id": found["id"],
        "name": "",
        "email": ADDRESS,
        "replyTo": None,
        "bcc": None,
        "textSignature": "",
        "htmlSignature": "",
        "mayDelete": False,
    } == found


def test_a_second_identity_of_the_own_address_can_be_made_changed_and_destroyed(room: Room) -> None:
    create = {"k": {"email": ADDRESS.upper(), "name": "Other"}}
    created = room.ask("Identity/set", create=create)["created"]["k"]
    assert created["mayDelete"]
    id = created["id"]
    update = {id: {"textSignature": "-- \nO", "bcc": [{"name": None, "email": "a@b.c"}]}}
    assert room.ask("Identity/set", update=update)["notUpdated"] is None
    assert "-- \nO" == room.one("Identity", id)["textSignature"]
    assert [id] == room.ask("Identity/set", destroy=[id])["destroyed"]


def test_an_address_of_someone_else_is_refused(room: Room) -> None:
    assert "forbiddenFrom" == room.refused("Identity/set", "create", {"k": {"email": "x@y.example"}})["type"]


def test_the_own_identity_stays(room: Room) -> None:
    [found] = room.ask("Identity/get")["list"]
    answered = room.ask("Identity/set", destroy=[found["id"]])
    assert "forbidden" == answered["notDestroyed"][found["id"]]["type"]
    error = room.refused("Identity/set", "update", {found["id"]: {"email": "x@y.example"}})
    assert ["email"] == error["properties"]
