"""Email/set update and destroy (RFC 8621 §4.6)."""

from __future__ import annotations

from typing import Any

import pytest

from mailroom.room import Room, message


@pytest.fixture
def id(room: Room) -> str:
    """The id of an Email in the inbox."""
    return room.imported(message(), keywords={"$seen": True, "tag": True})


@pytest.mark.parametrize(
    ("patch", "keywords"),
    [
        ({"keywords/$flagged": True}, {"$seen", "tag", "$flagged"}),
        ({"keywords/$FLAGGED": True}, {"$seen", "tag", "$flagged"}),
        ({"keywords/$seen": None}, {"tag"}),
        ({"keywords": {"Other": True}}, {"other"}),
        ({"keywords": None}, set()),
        ({"keywords/none": None}, {"$seen", "tag"}),
        ({"keywords/a~1b": True}, {"$seen", "tag", "a/b"}),
    ],
)
def test_keywords_are_patched(room: Room, id: str, patch: dict[str, Any], keywords: set[str]) -> None:
    assert room.ask("Email/set", update={id: patch})["notUpdated"] is None
    assert keywords == room.one("Email", id, "keywords")["keywords"].keys()
    room.check_counts()


def test_a_keyword_is_removed_whatever_its_case(room: Room, id: str) -> None:
    """A keyword is a case-insensitive string (RFC 8621 §4.1.1)."""
    room.ask("Email/set", update={id: {"keywords/$SEEN": None}})
    assert {"tag": True} == room.one("Email", id, "keywords")["keywords"]


def test_an_email_moves(room: Room, id: str) -> None:
    inbox, archive = room.role["inbox"], room.role["archive"]
    patch = {f"mailboxIds/{inbox}": None, f"mailboxIds/{archive}": True}
    assert room.ask("Email/set", update={id: patch})["notUpdated"] is None
    assert {archive: True} == room.one("Email", id, "mailboxIds")["mailboxIds"]
    room.check_counts()


@pytest.mark.parametrize(
    ("patch", "type"),
    [
        ({"mailboxIds": {}}, "invalidProperties"),
        ({"mailboxIds/m1": None}, "invalidProperties"),
        ({"mailboxIds": {"m999": True}}, "invalidProperties"),
        ({"mailboxIds/m999": True}, "invalidProperties"),
        ({"keywords/a b": True}, "invalidProperties"),
        ({"keywords/$seen": "yes"}, "invalidProperties"),
        ({"keywords": {f"k{number}": True for number in range(300)}}, "tooManyKeywords"),
        ({"subject": "other"}, "invalidProperties"),
        ({"receivedAt": "2020-01-01T00:00:00Z"}, "invalidProperties"),
        ({"threadId": "t1"}, "invalidProperties"),
        ({"keywords": {}, "keywords/a": True}, "invalidPatch"),
        ({"header:X-A": " a"}, "invalidProperties"),
    ],
)
def test_what_can_not_be_is_refused(room: Room, id: str, patch: dict[str, Any], type: str) -> None:
    before = room.one("Email", id)
    assert type == room.refused("Email/set", "update", {id: patch})["type"]
    assert before == room.one("Email", id)


def test_a_property_may_be_named_with_the_value_that_it_has(room: Room, id: str) -> None:
    assert room.ask("Email/set", update={id: {"subject": "Hello"}})["notUpdated"] is None


def test_a_destroyed_email_is_gone_from_everywhere(room: Room, id: str) -> None:
    assert [id] == room.ask("Email/set", destroy=[id])["destroyed"]
    assert [id] == room.ask("Email/get", ids=[id])["notFound"]
    assert [] == room.found("Email", filter={"text": "short"}) == room.found("Email")
    room.check_counts()
