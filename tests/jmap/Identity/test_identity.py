"""Identity/get and Identity/set (RFC 8621 §6)."""

from __future__ import annotations

from mailroom.room import ADDRESS, Room
from posthouse.capabilities.submission import identity


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


def test_an_alias_brings_an_identity_once_and_takes_it_and_its_likes_away(room: Room) -> None:
    for _ in range(2):
        room.write(lambda txn: identity.gain(txn, "Baker@alias.example"))
    emails = {one["email"]: one for one in room.ask("Identity/get")["list"]}
    assert {ADDRESS, "Baker@alias.example"} == emails.keys()
    assert emails["Baker@alias.example"]["mayDelete"]
    room.write(lambda txn: identity.gain(txn, "baker+shop@alias.example"))
    room.write(lambda txn: identity.lose(txn, "baker@Alias.example"))
    assert [ADDRESS] == [one["email"] for one in room.ask("Identity/get")["list"]]


def test_an_address_of_the_own_with_a_tag_is_the_own(room: Room) -> None:
    tagged = ADDRESS.replace("@", "+shop@")
    assert room.ask("Identity/set", create={"k": {"email": tagged}})["created"]["k"]["mayDelete"]
    error = room.refused("Identity/set", "create", {"k": {"email": "+" + ADDRESS}})
    assert "forbiddenFrom" == error["type"]
