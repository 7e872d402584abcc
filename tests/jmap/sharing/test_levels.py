"""What a visitor's push connection is told of (RFC 8620 §7.1, RFC 9670 §1.4)."""

from __future__ import annotations

from village.village import ANNA, BOB, Village, wire


def test_the_account_of_another_holds_no_principals(village: Village, boxes: dict[str, str]) -> None:
    village.share(ANNA, "Mailbox", boxes["inbox"], BOB, "mayReadItems")
    village.mailed(ANNA, wire(ANNA), boxes["inbox"])
    assert {"Email", "Mailbox", "Thread"} <= village.levels(BOB, ANNA).keys()
    assert village.levels(BOB, ANNA).keys().isdisjoint(("Principal", "ShareNotification"))
