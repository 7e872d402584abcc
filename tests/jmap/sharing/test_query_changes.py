"""A visitor's results follow what comes into his sight and what leaves it (RFC 8620 §5.6, issue 4)."""

from __future__ import annotations

from village.village import ANNA, BOB, Village, wire

HERS = wire(ANNA)


def test_an_old_email_that_is_moved_to_where_it_is_seen_is_added(
    village: Village, boxes: dict[str, str]
) -> None:
    village.share(ANNA, "Mailbox", boxes["inbox"], BOB, "mayReadItems")
    old = village.mailed(ANNA, HERS, boxes["archive"], subject="plan")
    query = {"filter": {"subject": "plan"}, "sort": [{"property": "receivedAt"}]}
    before = village.ask(BOB, "Email/query", HERS, **query)
    assert [] == before["ids"]
    village.set(ANNA, "Email", HERS, update={old: {"mailboxIds": {boxes["inbox"]: True}}})
    came = village.ask(BOB, "Email/queryChanges", HERS, **query, sinceQueryState=before["queryState"])
    assert [{"id": old, "index": 0}] == came["added"]
    village.set(ANNA, "Email", HERS, update={old: {"mailboxIds": {boxes["archive"]: True}}})
    went = village.ask(BOB, "Email/queryChanges", HERS, **query, sinceQueryState=came["newQueryState"])
    assert ([old], []) == (went["removed"], went["added"])
