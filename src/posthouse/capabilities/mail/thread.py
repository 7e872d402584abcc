"""Thread: a flat list of the Emails of one conversation (RFC 8621 §3, DESIGN D17)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from posthouse.model.kind import Id, ListOf
from posthouse.model.ports import Txn
from posthouse.model.property import Property
from posthouse.model.type import Type

MOST_EMAILS: Final = 1000
"""A Thread with so many Emails gets no more: what follows opens a new one. Each Email that joins rewrites the
list, so a Thread without end would make every delivery to it slower.
"""

_KEYS: Final = "thread"

thread = Type(
    "Thread",
    letter="t",
    methods="get changes",
    properties=[Property("emailIds", ListOf(Id()), server=True)],
)


def choose(txn: Txn, keys: Sequence[int], source_key: int | None = None) -> int:
    """Give the Thread that a new Email joins: the oldest that shares a key with it, or a new one.

    The Email's keys lead to that Thread from now on. Threads are never merged: their Emails' ``threadId``
    is immutable (RFC 8621 §3).

    keys: the Email's thread keys, see `threads.keys`. source_key: what all messages of its conversation in
    an imported source have in common, see `threads.Grouping`; a Thread that has it goes before older ones.
    """
    found = [] if source_key is None else txn.find_keys(_KEYS, [source_key])
    if not found and keys:
        found = txn.find_keys(_KEYS, keys)
    chosen = found[0] if found else txn.allocate()
    added = [*keys] if source_key is None else [source_key, *keys]
    if added:
        txn.put_keys(_KEYS, chosen, added)
    return chosen


def close(txn: Txn, id: int) -> None:
    """Let nothing join a Thread any more."""
    txn.drop_keys(_KEYS, id)
