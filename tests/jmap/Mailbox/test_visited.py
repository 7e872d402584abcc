"""The counts of Mailboxes as they are shown to somebody who sees but some of them (RFC 8621 §2, RFC 9670)."""

from __future__ import annotations

import random
from itertools import combinations

import pytest

from bakery.kitchen import BAKER, HOME
from mailroom.room import COUNTS, Room, message
from posthouse.capabilities.mail.email import email
from posthouse.capabilities.mail.mailbox import RIGHTS, mailbox
from posthouse.kit.json import JsonObject
from posthouse.model.caller import Access
from posthouse.store.txn import Transaction

GUEST = 77
VISITED = Access(HOME.account, HOME.shard, "visited", is_personal=False, through=frozenset({GUEST}))
READ = RIGHTS.bit("mayReadItems")


def share(room: Room, *boxes: str, bits: int = READ) -> None:
    """Let the guest see these Mailboxes and no others."""

    def unit(txn: Transaction) -> None:
        for id in txn.ids(mailbox):
            txn.share(mailbox, id, {GUEST: bits} if mailbox.wire(id) in boxes else {}, BAKER.person, 0)

    room.write(unit)


def shown(room: Room) -> tuple[dict[str, dict[str, int]], list[JsonObject]]:
    """Give the counts of each Mailbox, and all Emails, as the guest sees them."""

    def unit(txn: Transaction) -> tuple[dict[str, dict[str, int]], list[JsonObject]]:
        boxes = txn.values(mailbox, None, COUNTS).values()
        return {box["id"]: {name: box[name] for name in COUNTS} for box in boxes}, [
            *txn.values(email, None, ["threadId", "mailboxIds", "keywords"]).values()
        ]

    return room.run(room.store.read(VISITED, GUEST, unit))


def counted(box: str, trash: str, emails: list[JsonObject]) -> dict[str, int]:
    """Count by hand; for a guest who does not see the trash no Email is in it."""
    inside = [one for one in emails if box in one["mailboxIds"]]
    unread = [one for one in emails if not {"$seen", "$draft"} & one["keywords"].keys()]
    if box == trash:
        unread = [one for one in unread if trash in one["mailboxIds"]]
    else:
        unread = [one for one in unread if one["mailboxIds"].keys() - {trash}]
    threads = {one["threadId"] for one in inside}
    return {
        "totalEmails": len(inside),
        "unreadEmails": len([one for one in inside if not {"$seen", "$draft"} & one["keywords"].keys()]),
        "totalThreads": len(threads),
        "unreadThreads": len(threads & {one["threadId"] for one in unread}),
    }


@pytest.mark.parametrize("seed", range(3))
def test_counts_are_of_what_the_guest_sees(room: Room, seed: int) -> None:
    chance = random.Random(seed)
    boxes = [room.role["inbox"], room.role["trash"], room.mailbox("one"), room.mailbox("two")]
    for at in range(20):
        thread = chance.randrange(6)
        room.imported(
            message(f"Re: {thread}", id=f"{at}@x", refers=f"t{thread}@x"),
            mailboxIds=dict.fromkeys(chance.sample(boxes, chance.randint(1, 2)), True),
            keywords=dict.fromkeys(
                chance.sample(["$seen", "$draft", "$flagged"], chance.randint(0, 2)), True
            ),
        )
    for most in range(len(boxes) + 1):
        for some in combinations(boxes, most):
            share(room, *some)
            counts, emails = shown(room)
            assert {box: counted(box, room.role["trash"], emails) for box in some} == counts


def test_who_may_not_read_a_mailbox_is_told_no_counts(room: Room) -> None:
    room.imported(message())
    share(room, room.role["inbox"], bits=RIGHTS.all & ~READ)
    assert ({room.role["inbox"]: dict.fromkeys(COUNTS, 0)}, []) == shown(room)


def test_an_unread_email_that_is_hidden_makes_no_thread_unread(room: Room) -> None:
    hidden = room.mailbox("hidden")
    room.imported(message(id="a@x"), keywords={"$seen": True})
    room.imported(message("Re: Hello", id="b@x", refers="a@x"), mailboxIds={hidden: True})
    assert 1 == room.one("Mailbox", room.role["inbox"])["unreadThreads"]
    share(room, room.role["inbox"])
    assert 0 == shown(room)[0][room.role["inbox"]]["unreadThreads"]
