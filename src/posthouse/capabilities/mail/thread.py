"""Thread: a flat list of the Emails of one conversation (RFC 8621 §3, DESIGN D17)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from posthouse.model.kind import ListOf, Ref
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
    properties=[Property("emailIds", ListOf(Ref("Email")), server=True)],
)


def choose(txn: Txn, emails: Sequence[tuple[Sequence[int], int | None]]) -> list[int]:
    """Give the Thread that each new Email joins: the oldest that shares a key with it, or a new one.

    The Email's keys lead to that Thread from now on, also for the Emails behind it. Threads are never merged:
    their Emails' ``threadId`` is immutable (RFC 8621 §3).

    emails: of each its thread keys, see `threads.keys`, and what all messages of its conversation in an
    imported source have in common, see `threads.Grouping`; a Thread that has that goes before older ones.

    What a visitor makes joins no Thread of which he sees nothing: its id would tell him that it is there.
    """
    wanted = [
        (keys if source_key is None else [source_key, *keys], source_key) for keys, source_key in emails
    ]
    oldest = txn.find_keys(_KEYS, {key for keys, _ in wanted for key in keys})
    if txn.through is not None:
        hidden = _hidden(txn, {*oldest.values()})
        oldest = {key: id for key, id in oldest.items() if id not in hidden}
    chosen: list[int] = []
    added: defaultdict[int, list[int]] = defaultdict(list)
    for keys, source_key in wanted:
        id = None if source_key is None else oldest.get(source_key)
        if id is None:
            id = min([oldest[key] for key in keys if key in oldest], default=None)
        if id is None:
            id = txn.allocate()
        for key in keys:
            oldest[key] = min(id, oldest.get(key, id))
        if keys:
            added[id] += keys
        chosen.append(id)
    for id, keys in added.items():
        txn.put_keys(_KEYS, id, keys)
    return chosen


def _hidden(txn: Txn, ids: set[int]) -> set[int]:
    """Give those Threads of which the visitor sees nothing; one that this very call begins is none."""
    return txn.exists(thread, ids) - txn.seen().exists(thread, ids)


def close(txn: Txn, id: int) -> None:
    """Let nothing join a Thread any more."""
    txn.drop_keys(_KEYS, id)
