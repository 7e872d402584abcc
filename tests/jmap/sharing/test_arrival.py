"""The new Emails that are pushed to a visitor (draft-ietf-jmap-emailpush-03, section 3)."""

from __future__ import annotations

from posthouse.capabilities.emailpush.arrival import Arrived, arrived
from posthouse.engine.call import Reading
from posthouse.kit.json import JsonObject
from posthouse.store.txn import Transaction
from village.village import ANNA, BOB, Village, wire

ASKED: JsonObject = {"filter": None, "properties": ["subject"], "urgency": "normal"}


def test_the_state_in_a_push_is_that_of_a_visitor(village: Village, boxes: dict[str, str]) -> None:
    village.share(ANNA, "Mailbox", boxes["inbox"], BOB, "mayReadItems")
    village.mailed(ANNA, wire(ANNA), boxes["inbox"], subject="One")

    def unit(txn: Transaction) -> Arrived:
        return arrived(Reading(txn, village._blobs), 0, ASKED, village.registry.types)

    found = village.run(village.store.read(village.access(BOB, ANNA), BOB, unit))
    assert [{"subject": "One"}] == found.emails
    assert village.ask(BOB, "Email/get", wire(ANNA), ids=[])["state"] == found.state
