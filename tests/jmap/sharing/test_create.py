"""A visitor makes Mailboxes inside of one where he may (RFC 8621 §2, RFC 9670 §4)."""

from __future__ import annotations

import pytest

from posthouse.model.caller import wire_principal
from village.village import ANNA, BOB, CARL, Village, wire

HERS = wire(ANNA)


@pytest.fixture
def parent(village: Village) -> str:
    """A Mailbox of Anna's in which Bob may make others, and share them."""
    parent = village.made(ANNA, "Mailbox", HERS, name="Trips")
    village.share(ANNA, "Mailbox", parent, BOB, "mayReadItems", "mayCreateChild", "mayShare")
    return parent


def test_a_mailbox_of_a_visitor_is_shared_as_its_parent_is_and_he_is_told(
    village: Village, parent: str
) -> None:
    answered = village.set(BOB, "Mailbox", HERS, create={"k": {"name": "Rome", "parentId": parent}})
    made = answered["created"]["k"]
    [shown] = village.ask(BOB, "Mailbox/get", HERS, ids=[made["id"]])["list"]
    [above] = village.ask(ANNA, "Mailbox/get", HERS, ids=[parent])["list"]
    assert above["shareWith"] == shown["shareWith"] == made["shareWith"]
    assert {wire_principal(BOB)} == made["shareWith"].keys()


def test_a_visitor_makes_none_that_is_shared_otherwise(village: Village, parent: str) -> None:
    given = {"name": "Rome", "parentId": parent, "shareWith": {wire_principal(CARL): {"mayReadItems": True}}}
    assert "forbidden" == village.refused(BOB, "Mailbox/set", HERS, create={"k": given})["type"]


def test_a_visitor_gives_no_role(village: Village, parent: str) -> None:
    """Mail would be put where he reads it; and which roles are taken is not for him to know."""
    refusals = [
        village.refused(
            BOB, "Mailbox/set", HERS, create={"k": {"name": "Rome", "parentId": parent, "role": role}}
        )
        for role in ("inbox", "snoozed")
    ]
    assert "forbidden" == refusals[0]["type"]
    assert refusals[0] == refusals[1]
