"""Removal: Emails leave the store, or one Mailbox as it goes (RFC 8621 §2.5)."""

from __future__ import annotations

from itertools import islice
from typing import Final

from posthouse.capabilities.mail import upkeep
from posthouse.capabilities.mail.email import email
from posthouse.capabilities.mail.mailbox import mailbox, staged_children
from posthouse.capabilities.mail.upkeep import Moved
from posthouse.model.change import Change, Stage
from posthouse.model.condition import Leaf, Query
from posthouse.model.ports import Txn
from posthouse.proto.jmap.errors import SetError

_AT_ONCE: Final = 500


@mailbox.before_destroy
def empty_or_refuse(txn: Txn, change: Change, stage: Stage) -> None:
    """Refuse with ``mailboxHasChild`` or ``mailboxHasEmail``, or take the Emails out if asked to.

    A visitor is not told of children that he does not see.
    """
    children = staged_children(txn, stage, change.id)
    if txn.seen().exists(mailbox, children):
        raise SetError("mailboxHasChild", "it has a child Mailbox")
    if children:
        raise SetError("forbidden")
    if not txn.tally(email, change.id)[0]:
        return
    if not change.arguments["onDestroyRemoveEmails"]:
        raise SetError("mailboxHasEmail", "it has Emails")
    _empty(txn, change.id)


def _empty(txn: Txn, id: int) -> None:
    """Take every Email out of a Mailbox; one that was in no other is destroyed."""
    wire = mailbox.wire(id)
    inside = iter(txn.find(email, Query(Leaf(email.filters["inMailbox"], id))).all())
    while batch := list(islice(inside, _AT_ONCE)):
        moved: list[Moved] = []
        alone: list[int] = []
        for one, old in txn.values(email, batch, email.basis).items():
            left = {other: True for other in old["mailboxIds"] if other != wire}
            if left:
                new = {**old, "mailboxIds": left}
                txn.update(email, one, old, new)
                moved.append(Moved(one, old, new))
            else:
                alone.append(one)
                moved.append(Moved(one, old, None))
        txn.delete_all(email, alone)
        upkeep.settle(txn, moved)
