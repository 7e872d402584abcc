"""A visitor destroys a Mailbox (RFC 8621 §2.5, issue 4)."""

from __future__ import annotations

from village.village import ANNA, BOB, Village, wire

HERS = wire(ANNA)


def test_a_hidden_child_is_not_told_of(village: Village, boxes: dict[str, str]) -> None:
    village.share(ANNA, "Mailbox", boxes["archive"], BOB, "mayReadItems", "mayDelete")
    village.made(ANNA, "Mailbox", HERS, name="child", parentId=boxes["archive"])
    assert {"type": "forbidden"} == village.refused(BOB, "Mailbox/set", HERS, destroy=[boxes["archive"]])


def test_a_child_that_is_seen_is_told_of(village: Village, boxes: dict[str, str]) -> None:
    child = village.made(ANNA, "Mailbox", HERS, name="child", parentId=boxes["archive"])
    for box in (boxes["archive"], child):
        village.share(ANNA, "Mailbox", box, BOB, "mayReadItems", "mayDelete")
    error = village.refused(BOB, "Mailbox/set", HERS, destroy=[boxes["archive"]])
    assert "mailboxHasChild" == error["type"]


def test_emails_that_are_in_hidden_mailboxes_too_stay_there(village: Village, boxes: dict[str, str]) -> None:
    village.share(ANNA, "Mailbox", boxes["archive"], BOB, "mayReadItems", "mayDelete", "mayRemoveItems")
    both = village.mailed(ANNA, HERS, boxes["archive"], boxes["inbox"])
    village.set(BOB, "Mailbox", HERS, destroy=[boxes["archive"]], onDestroyRemoveEmails=True)
    [email] = village.ask(ANNA, "Email/get", HERS, ids=[both], properties=["mailboxIds"])["list"]
    assert {boxes["inbox"]: True} == email["mailboxIds"]


def test_a_mailbox_is_not_emptied_by_who_may_not_remove_items(
    village: Village, boxes: dict[str, str]
) -> None:
    village.share(ANNA, "Mailbox", boxes["archive"], BOB, "mayReadItems", "mayDelete")
    kept = village.mailed(ANNA, HERS, boxes["archive"])
    for empties in (True, False):
        error = village.refused(
            BOB, "Mailbox/set", HERS, destroy=[boxes["archive"]], onDestroyRemoveEmails=empties
        )
        assert "forbidden" == error["type"]
    assert [] == village.ask(ANNA, "Email/get", HERS, ids=[kept])["notFound"]
