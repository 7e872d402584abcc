"""Who may submit in a shared Mailbox sends what is in it as its owner (RFC 8621 §2, §7)."""

from __future__ import annotations

import pytest

from posthouse.kit.json import JsonObject
from village.village import ANNA, BOB, Village, wire


def letter(village: Village, box: str) -> JsonObject:
    """Make a letter of Anna's in a Mailbox, and give what it takes to send it."""
    [identity] = village.ask(ANNA, "Identity/get", wire(ANNA))["list"]
    address = [{"email": identity["email"]}]
    id = village.mailed(ANNA, wire(ANNA), box, **{"from": address}, to=[{"email": "x@there.example"}])
    return {"identityId": identity["id"], "emailId": id}


def test_a_letter_in_a_mailbox_in_which_one_may_submit(village: Village, boxes: dict[str, str]) -> None:
    village.share(ANNA, "Mailbox", boxes["drafts"], BOB, "mayReadItems", "maySubmit")
    wanted = letter(village, boxes["drafts"])
    answer = village.set(BOB, "EmailSubmission", wire(ANNA), create={"s": wanted})
    made = answer["created"]["s"]["id"]
    # It is Anna's, who sees it; Bob does not.
    [found] = village.ask(ANNA, "EmailSubmission/get", wire(ANNA), ids=[made])["list"]
    assert wanted["emailId"] == found["emailId"]
    assert [made] == village.ask(BOB, "EmailSubmission/get", wire(ANNA), ids=[made])["notFound"]
    assert [] == village.ask(BOB, "EmailSubmission/get", wire(ANNA))["list"]
    refused = village.refused(
        BOB, "EmailSubmission/set", wire(ANNA), update={made: {"undoStatus": "canceled"}}
    )
    assert "notFound" == refused["type"]


def test_what_follows_is_done_with_the_rights_of_who_sends(village: Village, boxes: dict[str, str]) -> None:
    village.share(ANNA, "Mailbox", boxes["drafts"], BOB, "mayReadItems", "maySubmit")
    wanted = letter(village, boxes["drafts"])
    call = {
        "accountId": wire(ANNA),
        "create": {"s": wanted},
        "onSuccessUpdateEmail": {"#s": {"keywords/$draft": None, "keywords/old": True}},
    }
    responses = village.answer(BOB, ("EmailSubmission/set", call))["methodResponses"]
    assert ["EmailSubmission/set", "Email/set"] == [name for name, _, _ in responses]
    assert "forbidden" == responses[1][1]["notUpdated"][wanted["emailId"]]["type"]


@pytest.mark.parametrize(
    ("rights", "elsewhere", "type"),
    [
        (["mayReadItems"], ["mayReadItems", "maySubmit"], "forbidden"),
        (["maySubmit"], ["mayReadItems", "maySubmit"], "invalidProperties"),
        ([], ["mayReadItems", "maySubmit"], "invalidProperties"),
        (["mayReadItems"], [], "invalidProperties"),
    ],
)
def test_a_letter_in_any_other_mailbox(
    village: Village, boxes: dict[str, str], rights: list[str], elsewhere: list[str], type: str
) -> None:
    village.share(ANNA, "Mailbox", boxes["inbox"], BOB, *rights)
    village.share(ANNA, "Mailbox", boxes["drafts"], BOB, *elsewhere)
    wanted = letter(village, boxes["inbox"])
    refused = village.refused(BOB, "EmailSubmission/set", wire(ANNA), create={"s": wanted})
    assert type == refused["type"], refused
