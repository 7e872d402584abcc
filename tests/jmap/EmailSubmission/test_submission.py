"""EmailSubmission: nothing is there, and nothing can be sent yet (RFC 8621 §7)."""

from __future__ import annotations

import pytest

from mailroom.room import Room, message


def test_each_create_is_refused_and_the_email_left_alone(room: Room) -> None:
    email = room.imported(message())
    identity = room.ask("Identity/get")["list"][0]["id"]
    answered = room.ask(
        "EmailSubmission/set",
        create={"k": {"emailId": email, "identityId": identity}},
        onSuccessUpdateEmail={"#k": {"keywords/$draft": None}},
        onSuccessDestroyEmail=["#k"],
    )
    assert "forbiddenToSend" == answered["notCreated"]["k"]["type"]
    assert answered["oldState"] == answered["newState"]
    assert email == room.one("Email", email, "id")["id"]


@pytest.mark.parametrize(
    "filter",
    [
        None,
        {"identityIds": ["i1"], "emailIds": ["e1"], "threadIds": []},
        {"undoStatus": "final", "before": "2024-01-01T00:00:00Z", "after": "2024-01-01T00:00:00Z"},
    ],
)
@pytest.mark.parametrize("sort", ["emailId", "threadId", "sentAt"])
def test_queries_find_nothing(room: Room, filter: dict[str, object] | None, sort: str) -> None:
    answered = room.ask(
        "EmailSubmission/query", filter=filter, sort=[{"property": sort}], calculateTotal=True
    )
    assert ([], 0) == (answered["ids"], answered["total"])


def test_nothing_is_there_and_nothing_changes(room: Room) -> None:
    answered = room.ask("EmailSubmission/get")
    assert [] == answered["list"]
    assert not room.ask("EmailSubmission/changes", sinceState=answered["state"])["updated"]
    assert {"s1"} == room.ask("EmailSubmission/set", destroy=["s1"])["notDestroyed"].keys()
