"""Email/copy (RFC 8621 §4.7)."""

from __future__ import annotations

from mailroom.room import Room, message


def test_a_copy_has_the_message_and_its_own_place(room: Room) -> None:
    id = room.imported(message("Copied"), keywords={"$seen": True})
    box = room.ask("Mailbox/get", accountId="a2")["list"][1]["id"]
    create = {"k": {"id": id, "mailboxIds": {box: True}, "receivedAt": "2020-01-01T00:00:00Z"}}
    answered = room.ask("Email/copy", fromAccountId="a1", accountId="a2", create=create)
    created = answered["created"]["k"]
    assert {"id", "blobId", "threadId", "size"} <= created.keys()
    names = ["subject", "keywords", "mailboxIds", "receivedAt", "bodyStructure"]
    [found] = room.ask("Email/get", accountId="a2", ids=[created["id"]], properties=names)["list"]
    original = room.one("Email", id, *names)
    assert original["bodyStructure"] == found["bodyStructure"]
    assert ("Copied", {"$seen": True}, {box: True}) == (
        found["subject"],
        found["keywords"],
        found["mailboxIds"],
    )
    assert "2020-01-01T00:00:00Z" == found["receivedAt"]
    assert [created["id"]] == room.ask("Email/query", accountId="a2", filter={"text": "copied"})["ids"]


def test_a_copy_can_not_have_another_message(room: Room) -> None:
    id = room.imported(message("Copied"))
    create = {"k": {"id": id, "mailboxIds": {room.role["inbox"]: True}, "subject": "Other"}}
    answered = room.ask("Email/copy", fromAccountId="a1", accountId="a2", create=create)
    assert ["subject"] == answered["notCreated"]["k"]["properties"]


def test_the_original_can_be_destroyed(room: Room) -> None:
    id = room.imported(message())
    create = {"k": {"id": id, "mailboxIds": {room.role["inbox"]: True}}}
    asked = {"fromAccountId": "a1", "accountId": "a2", "create": create, "onSuccessDestroyOriginal": True}
    (copy, answered, _), (implied, destroyed, _) = room.responses(("Email/copy", asked))
    assert ("Email/copy", "Email/set") == (copy, implied)
    assert answered["notCreated"] is None
    assert [id] == destroyed["destroyed"]
    room.check_counts()


def test_a_copy_must_be_told_its_mailboxes(room: Room) -> None:
    """Those of the original are of another account, even if their ids look the same here."""
    create = {"k": {"id": room.imported(message())}}
    answered = room.ask("Email/copy", fromAccountId="a1", accountId="a2", create=create)
    assert ["mailboxIds"] == answered["notCreated"]["k"]["properties"]
