"""A visitor changes what he sees; the rest stays as it is, and nothing tells him of it (issue 4)."""

from __future__ import annotations

import pytest

from village.village import ANNA, BOB, CARL, Village, wire

ALL = ("mayReadItems", "mayAddItems", "mayRemoveItems", "maySetSeen", "maySetKeywords")
HERS = wire(ANNA)


@pytest.fixture
def seen(village: Village, boxes: dict[str, str]) -> str:
    """Anna's inbox, which is shared with Bob."""
    village.share(ANNA, "Mailbox", boxes["inbox"], BOB, *ALL)
    return boxes["inbox"]


@pytest.mark.parametrize(
    "patch", [{"keywords/$seen": True}, {"mailboxIds": {}}, {"mailboxIds/m1": True}, {"id": "e1"}]
)
def test_a_hidden_email_is_not_found_whatever_is_to_be_changed(
    village: Village, boxes: dict[str, str], seen: str, patch: dict[str, object]
) -> None:
    hidden = village.mailed(ANNA, HERS, boxes["archive"])
    assert {"type": "notFound"} == village.refused(BOB, "Email/set", HERS, update={hidden: patch})


def test_hidden_mailboxes_of_an_email_stay_when_a_visitor_names_all_that_he_sees(
    village: Village, boxes: dict[str, str], seen: str
) -> None:
    both = village.mailed(ANNA, HERS, seen, boxes["archive"])
    village.set(BOB, "Email", HERS, update={both: {"mailboxIds": {seen: True}}})
    [email] = village.ask(ANNA, "Email/get", HERS, ids=[both], properties=["mailboxIds"])["list"]
    assert {seen: True, boxes["archive"]: True} == email["mailboxIds"]


def test_a_mailbox_that_is_hidden_can_not_be_told_from_one_that_never_was(
    village: Village, boxes: dict[str, str], seen: str
) -> None:
    both = village.mailed(ANNA, HERS, seen, boxes["archive"])
    unknown = village.refused(BOB, "Email/set", HERS, update={both: {"mailboxIds/m1900000": True}})
    for box in (boxes["trash"], boxes["archive"]):
        patch = {f"mailboxIds/{box}": True}
        assert unknown == village.refused(BOB, "Email/set", HERS, update={both: patch})


def test_whether_an_email_is_where_nothing_is_seen_can_not_be_found_out_by_putting_it_there(
    village: Village, boxes: dict[str, str], seen: str
) -> None:
    for box in (boxes["trash"], boxes["archive"]):
        village.share(ANNA, "Mailbox", box, BOB, "maySetSeen")
    both = village.mailed(ANNA, HERS, seen, boxes["archive"])
    refusals = [
        village.refused(BOB, "Email/set", HERS, update={both: {f"mailboxIds/{box}": True}})
        for box in (boxes["trash"], boxes["archive"])
    ]
    assert refusals == [{"type": "forbidden", "description": "mayAddItems is needed"}] * 2


def test_a_right_that_is_lacking_where_nothing_is_seen_stops_nobody(
    village: Village, boxes: dict[str, str], seen: str
) -> None:
    village.share(ANNA, "Mailbox", boxes["archive"], BOB, "mayAddItems")
    both = village.mailed(ANNA, HERS, seen, boxes["archive"])
    village.set(BOB, "Email", HERS, update={both: {"keywords/$flagged": True}})


def test_a_hidden_parent_can_not_be_found_out(village: Village, boxes: dict[str, str]) -> None:
    child = village.made(ANNA, "Mailbox", HERS, name="child", parentId=boxes["archive"])
    village.share(ANNA, "Mailbox", child, BOB, "mayReadItems", "mayRename")
    refusals = [
        village.refused(BOB, "Mailbox/set", HERS, update={child: {"parentId": parent}})
        for parent in (boxes["archive"], boxes["trash"], "m1900000")
    ]
    assert 1 == len({str(error) for error in refusals})


@pytest.mark.parametrize("value", [None, {}])
def test_who_may_not_share_can_not_take_what_others_were_granted(
    village: Village, seen: str, value: object
) -> None:
    village.ask(BOB, "Mailbox/set", HERS, update={seen: {"shareWith": value}})
    [box] = village.ask(ANNA, "Mailbox/get", HERS, ids=[seen])["list"]
    assert {"p8"} == box["shareWith"].keys()


def test_with_whom_else_something_is_shared_moves_no_state_of_a_visitor(village: Village, seen: str) -> None:
    before = village.ask(BOB, "Mailbox/get", HERS)["state"]
    village.set(ANNA, "Mailbox", HERS, update={seen: {"shareWith/p9": {"mayReadItems": True}}})
    assert before == village.ask(BOB, "Mailbox/get", HERS)["state"]
    assert 1 == len(village.ask(CARL, "Mailbox/get", HERS)["list"])


def test_a_visitor_imports_where_he_may_add(village: Village, seen: str) -> None:
    blob = village.upload(BOB, HERS, b"Subject: hello\r\n\r\nhello\r\n")
    email = {"blobId": blob, "mailboxIds": {seen: True}}
    assert village.ask(BOB, "Email/import", HERS, emails={"k": email})["created"]
