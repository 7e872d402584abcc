"""Email/query: each filter and sort (RFC 8621 §4.4)."""

from __future__ import annotations

from typing import Any

import pytest

from mailroom.room import Room, message

NAMES = "abcd"


@pytest.fixture
def emails(room: Room) -> dict[str, str]:
    """Four Emails by name; ``a`` and ``b`` are one Thread, ``d`` is in the archive as well."""
    box, archive = {room.role["inbox"]: True}, {room.role["archive"]: True}
    made = {
        "a": room.imported(
            message("Salt and pepper", "Buy salt at the market.\n", id="a@x", Cc="Carl <carl@example.org>"),
            keywords={"$seen": True, "$flagged": True},
            receivedAt="2024-01-01T00:00:00Z",
        ),
        "b": room.imported(
            message("Re: salt and pepper", "Done.\n" * 200, id="b@x", refers="a@x", Bcc="dora@example.org"),
            receivedAt="2024-01-02T00:00:00Z",
        ),
        "c": room.imported(
            b"From: zoe@example.org\r\nTo: Ann <ann@example.org>\r\nSubject: Zebra\r\nX-Spam: no\r\n"
            b"Date: Mon, 1 Jan 2018 00:00:00 +0000\r\nContent-Type: application/pdf; name=crossing.pdf\r\n"
            b"Content-Disposition: attachment\r\n\r\nx\r\n",
            keywords={"$seen": True},
            receivedAt="2024-01-03T00:00:00Z",
        ),
        "d": room.imported(
            message("Apples", "<p>", id="d@x", X_Spam="yes, surely"),
            mailboxIds=box | archive,
            receivedAt="2024-01-04T00:00:00Z",
        ),
    }
    return made


def names(room: Room, emails: dict[str, str], **arguments: Any) -> str:
    by_id = {id: name for name, id in emails.items()}
    return "".join(by_id[id] for id in room.found("Email", **arguments))


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ({}, "abcd"),
        ({"inMailbox": "inbox"}, "abcd"),
        ({"inMailbox": "archive"}, "d"),
        ({"inMailbox": "trash"}, ""),
        ({"inMailboxOtherThan": ["inbox"]}, "d"),
        ({"inMailboxOtherThan": ["inbox", "archive"]}, ""),
        ({"inMailboxOtherThan": []}, "abcd"),
        ({"before": "2024-01-02T00:00:00Z"}, "a"),
        ({"after": "2024-01-02T00:00:00Z"}, "bcd"),
        ({"minSize": 1000}, "b"),
        ({"maxSize": 1000}, "acd"),
        ({"allInThreadHaveKeyword": "$seen"}, "c"),
        ({"someInThreadHaveKeyword": "$Seen"}, "abc"),
        ({"noneInThreadHaveKeyword": "$seen"}, "d"),
        ({"hasKeyword": "$SEEN"}, "ac"),
        ({"notKeyword": "$seen"}, "bd"),
        ({"hasAttachment": True}, "c"),
        ({"hasAttachment": False}, "abd"),
        ({"text": "salt"}, "ab"),
        ({"text": "market"}, "a"),
        ({"text": "carl"}, "a"),
        ({"text": "dora"}, "b"),
        ({"text": "zoe"}, "c"),
        ({"text": "crossing"}, "c"),
        ({"text": '"buy salt"'}, "a"),
        ({"text": '"salt buy"'}, ""),
        ({"text": "mark*"}, "a"),
        ({"from": "zoe"}, "c"),
        ({"from": "carl"}, ""),
        ({"to": "ann"}, "c"),
        ({"cc": "carl"}, "a"),
        ({"bcc": "dora"}, "b"),
        ({"subject": "zebra"}, "c"),
        ({"body": "zebra"}, ""),
        ({"body": "done"}, "b"),
        ({"header": ["x-spam"]}, "cd"),
        ({"header": ["X-Spam", "SURELY"]}, "d"),
        ({"header": ["X-None"]}, ""),
        ({"operator": "NOT", "conditions": [{"text": "salt"}, {"hasAttachment": True}]}, "d"),
        ({"operator": "OR", "conditions": [{"subject": "zebra"}, {"subject": "apples"}]}, "cd"),
        ({"subject": "salt", "hasKeyword": "$flagged"}, "a"),
    ],
)
def test_filters(room: Room, emails: dict[str, str], filter: dict[str, Any], expected: str) -> None:
    for name in ("inMailbox", "inMailboxOtherThan"):
        if name in filter:
            roles = filter[name]
            wires = [room.role[role] for role in ([roles] if isinstance(roles, str) else roles)]
            filter = {name: wires[0] if isinstance(roles, str) else wires}
    sort = [{"property": "receivedAt"}]
    assert expected == names(room, emails, filter=filter, sort=sort)
    assert len(expected) == room.ask("Email/query", filter=filter, calculateTotal=True)["total"]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ({"property": "receivedAt", "isAscending": False}, "dcba"),
        ({"property": "size", "isAscending": False}, "b"),
        ({"property": "from"}, "abdc"),
        ({"property": "to"}, "cabd"),
        ({"property": "subject"}, "dabc"),
        ({"property": "sentAt", "isAscending": False}, "c"),
        ({"property": "hasKeyword", "keyword": "$Flagged", "isAscending": False}, "a"),
        ({"property": "allInThreadHaveKeyword", "keyword": "$seen", "isAscending": False}, "c"),
        ({"property": "someInThreadHaveKeyword", "keyword": "$flagged"}, "cdab"),
    ],
)
def test_sorts(room: Room, emails: dict[str, str], sort: dict[str, Any], expected: str) -> None:
    """The orders that are told are those by which the answer is sorted; ties are by receivedAt."""
    found = names(room, emails, sort=[sort, {"property": "receivedAt"}])
    assert sorted(NAMES) == sorted(found)
    assert expected == found[: len(expected)]


@pytest.mark.parametrize("name", ["hasKeyword", "allInThreadHaveKeyword", "someInThreadHaveKeyword"])
def test_a_sort_by_keyword_needs_one(room: Room, name: str) -> None:
    assert "invalidArguments" == room.refusal("Email/query", sort=[{"property": name}])["type"]


def test_collapsed_threads_are_shown_once(room: Room, emails: dict[str, str]) -> None:
    sort = [{"property": "receivedAt", "isAscending": False}]
    assert "dcb" == names(room, emails, sort=sort, collapseThreads=True)
    answered = room.ask(
        "Email/query", filter={"hasKeyword": "$seen"}, sort=sort, collapseThreads=True, calculateTotal=True
    )
    assert ([emails["c"], emails["a"]], 2) == (answered["ids"], answered["total"])


def test_totals_agree_with_the_counts_of_mailboxes(room: Room, emails: dict[str, str]) -> None:
    for id in room.role.values():
        box = room.one("Mailbox", id)
        for name, collapse in (("totalEmails", False), ("totalThreads", True)):
            asked = {"filter": {"inMailbox": id}, "collapseThreads": collapse, "limit": 0}
            assert box[name] == room.ask("Email/query", calculateTotal=True, **asked)["total"]
