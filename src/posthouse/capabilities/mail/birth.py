"""Birth: what a new account's mail begins with, and Mailboxes that are made when they are needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from posthouse.capabilities.mail import upkeep
from posthouse.capabilities.mail.mailbox import DEEPEST, mailbox, named, with_role
from posthouse.model.ports import Txn

# What clients look for in an account (RFC 8621 §2, RFC 6154 §2).
_FIRST: Final = (
    ("Inbox", "inbox"),
    ("Drafts", "drafts"),
    ("Sent", "sent"),
    ("Archive", "archive"),
    ("Junk", "junk"),
    ("Trash", "trash"),
)


def defaults(txn: Txn) -> None:
    """Give a new account its Mailboxes with their roles."""
    for number, (name, role) in enumerate(_FIRST, 1):
        make(txn, name, role=role, sort_order=10 * number)


def make(txn: Txn, name: str, parent: str | None = None, role: str | None = None, sort_order: int = 0) -> int:
    """Make a Mailbox of a valid name that none has under this parent (a wire id; None: at the top)."""
    id = txn.allocate()
    values = {
        "name": name,
        "parentId": parent,
        "role": role,
        "sortOrder": sort_order,
        "isSubscribed": True,
    }
    txn.insert(mailbox, id, values)
    if role == "trash":
        upkeep.follow_the_trash(txn)
    return id


def ensure(txn: Txn, path: Sequence[str], role: str | None = None, top_role: str | None = None) -> int:
    """Give the Mailbox at a path of valid names from the top down, making what is missing.

    role, top_role: what the last and the first Mailbox of the path are for. One that has the role is taken
    whatever its name; else the one at the path gets it if it is made.
    Names below the deepest level allowed are joined to one with slashes between.
    """
    holder = None if role is None else with_role(txn, role)
    if holder is not None:
        return holder
    if len(path) > DEEPEST:
        path = [*path[: DEEPEST - 1], "/".join(path[DEEPEST - 1 :])[:60]]
    roles = [top_role, *[None] * (len(path) - 1)]
    roles[-1] = role if role is not None else roles[-1]
    parent: str | None = None
    id = 0
    for name, level_role in zip(path, roles, strict=True):
        found = None if level_role is None else with_role(txn, level_role)
        if found is None:
            found = named(txn, name, parent)
        id = make(txn, name, parent, level_role) if found is None else found
        parent = mailbox.wire(id)
    return id
