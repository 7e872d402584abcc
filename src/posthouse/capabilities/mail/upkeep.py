"""Upkeep: what follows when Emails come, change and go: their Threads, and the counts of their Mailboxes.

Theory: a Mailbox's counts are sums over the kept tallies of Emails (DESIGN D18), and move in the transaction
that moves those. How many Threads of a Mailbox are unread (RFC 8621 §2) depends on whole Threads. Each Thread
that changed is judged twice from its tallies: as they are, and as they were, which is what they are less what
the changes at hand added. So nothing has to be remembered for each Thread, but which Mailbox was the trash.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from posthouse.capabilities.mail import thread as threads
from posthouse.capabilities.mail.email import LONE, UNREAD, derived_words, email
from posthouse.capabilities.mail.keyword import is_unread
from posthouse.capabilities.mail.mailbox import mailbox, with_role
from posthouse.capabilities.mail.thread import thread
from posthouse.kit import clock
from posthouse.kit.json import JsonObject
from posthouse.model.change import Change
from posthouse.model.ports import Txn

_Tallies: TypeAlias = Mapping[tuple[int, str], int]

_TRASH = "mail.trash"


class Moved(NamedTuple):
    """An Email that came (no old values), changed or went (no new ones).

    The values hold ``threadId receivedAt mailboxIds keywords``.
    """

    id: int
    old: JsonObject | None
    new: JsonObject | None


def settle(txn: Txn, moved: Sequence[Moved]) -> None:
    """Bring Threads and counts in step with Emails whose rows have just been written.

    Every row written since the last time must be told of, once.
    """
    counted = [one for one in moved if _counts(one.old, one.new)]
    if counted:
        _list(txn, counted)
        _count(txn, counted)


def _counts(old: JsonObject | None, new: JsonObject | None) -> bool:
    """Say whether a change may move a Thread's list or any count; most changes of keywords do not."""
    return (
        old is None
        or new is None
        or old["mailboxIds"] != new["mailboxIds"]
        or is_unread(old["keywords"]) != is_unread(new["keywords"])
    )


@mailbox.after
def _follow_the_trash(txn: Txn, change: Change) -> None:
    old = change.old["role"] if change.old else None
    new = change.new["role"] if change.new else None
    if old != new and "trash" in (old, new):
        follow_the_trash(txn)


def follow_the_trash(txn: Txn) -> None:
    """Count unread Threads anew after another Mailbox, or none, became the trash."""
    old, new = txn.note(_TRASH), with_role(txn, "trash")
    if old == new:
        return
    txn.put_note(_TRASH, new)
    deltas: defaultdict[int, Counter[str]] = defaultdict(Counter)
    holders = [id for id in (old, new) if id is not None]
    for group in {group for id in holders for group in txn.groups_in(email, id)}:
        tallies = txn.tallies_of_group(email, group)
        for id in _unread_in(tallies, old):
            deltas[id]["unreadThreads"] -= 1
        for id in _unread_in(tallies, new):
            deltas[id]["unreadThreads"] += 1
    _write(txn, deltas)


# -- Threads --


def _list(txn: Txn, moved: Sequence[Moved]) -> None:
    """Put new Emails in their Threads' lists and take destroyed ones out."""
    came: defaultdict[int, dict[int, str]] = defaultdict(dict)
    went: defaultdict[int, set[int]] = defaultdict(set)
    for id, old, new in moved:
        if old is None and new is not None:
            came[_thread_of(new)][id] = new["receivedAt"]
        elif old is not None and new is None:
            went[_thread_of(old)].add(id)
            came[_thread_of(old)].pop(id, None)
    touched = came.keys() | went.keys()
    stored = txn.values(thread, touched, ["emailIds"]) if touched else {}
    ended: list[int] = []
    for group in sorted(touched):
        gone = {email.wire(id) for id in went[group]}
        before: list[str] = stored[group]["emailIds"] if group in stored else []
        after = [wire for wire in before if wire not in gone]
        _merge(txn, after, came[group])
        if before and not after:
            threads.close(txn, group)
            ended.append(group)
        else:
            _write_thread(txn, group, before, after)
    if ended:
        txn.delete_all(thread, ended)


def _thread_of(values: JsonObject) -> int:
    id = thread.local(values["threadId"])
    assert id is not None
    return id


def _merge(txn: Txn, wires: list[str], came: Mapping[int, str]) -> None:
    """Insert Emails in a list that is sorted by ``receivedAt``, then id (RFC 8621 §3)."""
    known = {id: (_seconds(received_at), id) for id, received_at in came.items()}

    def place(wire: str) -> tuple[int, int]:
        id = email.local(wire)
        assert id is not None
        if id not in known:
            known[id] = (_seconds(txn.values(email, [id], ["receivedAt"])[id]["receivedAt"]), id)
        return known[id]

    for id in sorted(came, key=known.__getitem__):
        # Most messages come last, so the end is looked at before the middle.
        low, high = 0, len(wires)
        if wires and place(wires[-1]) < known[id]:
            low = high
        while low < high:
            middle = (low + high) // 2
            if place(wires[middle]) < known[id]:
                low = middle + 1
            else:
                high = middle
        wires.insert(low, email.wire(id))


def _seconds(received_at: str) -> int:
    seconds = clock.parse_utc_date(received_at)
    assert seconds is not None
    return seconds


def _write_thread(txn: Txn, id: int, before: list[str], after: list[str]) -> None:
    if not before:
        if after:
            txn.insert(thread, id, {"emailIds": after})
    else:
        txn.update(thread, id, {"emailIds": before}, {"emailIds": after})
    if len(after) >= threads.MOST_EMAILS > len(before):
        threads.close(txn, id)


# -- counts --


def _count(txn: Txn, moved: Sequence[Moved]) -> None:
    """Add what the Emails' Mailboxes gained and lost to their counts."""
    groups: defaultdict[int, Counter[tuple[int, str]]] = defaultdict(Counter)
    for _, old, new in moved:
        sums = groups[_thread_of(new or old or {})]
        if old is not None:
            sums.subtract(_words(old))
        if new is not None:
            sums.update(_words(new))
    deltas: defaultdict[int, Counter[str]] = defaultdict(Counter)
    trash = txn.note(_TRASH) if any(any(gains.values()) for gains in groups.values()) else None
    for group, gains in groups.items():
        if not any(gains.values()):
            continue
        now = txn.tallies_of_group(email, group)
        then = {key: now.get(key, 0) - gains[key] for key in now.keys() | gains.keys()}
        for (container, word), gain in gains.items():
            if container and word in _EMAIL_COUNTS:
                deltas[container][_EMAIL_COUNTS[word]] += gain
        for tallies, sign in ((now, 1), (then, -1)):
            for id in _present_in(tallies):
                deltas[id]["totalThreads"] += sign
            for id in _unread_in(tallies, trash):
                deltas[id]["unreadThreads"] += sign
    _write(txn, deltas)


_EMAIL_COUNTS = {"": "totalEmails", UNREAD: "unreadEmails"}


def _words(values: JsonObject) -> list[tuple[int, str]]:
    """Give what an Email adds one to: each Mailbox, and 0 for all, with each derived word and ``""``."""
    containers = [0, *(mailbox.local(wire) for wire in values["mailboxIds"])]
    return [
        (container, word)
        for container in containers
        if container is not None
        for word in ("", *derived_words(values))
    ]


def _present_in(tallies: _Tallies) -> Iterable[int]:
    """Give the Mailboxes that an Email of this Thread is in."""
    return [container for (container, word), n in tallies.items() if container and not word and n]


def _unread_in(tallies: _Tallies, trash: int | None) -> Iterable[int]:
    """Give the Mailboxes that count this Thread as unread (RFC 8621 §2).

    The trash counts it for an unread Email in the trash; any other Mailbox for an unread Email anywhere but
    in the trash only.
    """
    shown = tallies.get((0, UNREAD), 0)
    if trash is not None:
        shown -= tallies.get((trash, LONE), 0)
    return [
        container
        for container in _present_in(tallies)
        if (tallies.get((container, UNREAD), 0) if container == trash else shown) > 0
    ]


@mailbox.recount
def _count_unread_threads(txn: Txn, mailboxes: Mapping[int, JsonObject]) -> None:
    """Count unread Threads by what a visitor sees of them; the trash is none to who does not see it."""
    trash = with_role(txn, "trash")
    outside = () if trash is None else (trash,)
    if txn.sees_all_with(email, UNREAD, outside):
        return  # then the kept counts are those of what he sees
    for id, values in mailboxes.items():
        if "unreadThreads" not in values:
            continue
        if id == trash:
            values["unreadThreads"] = txn.tally(email, id, UNREAD)[1]
        else:
            values["unreadThreads"] = txn.groups_with(email, id, UNREAD, outside)


def _write(txn: Txn, deltas: Mapping[int, Counter[str]]) -> None:
    for id in sorted(deltas):
        moved = {name: delta for name, delta in deltas[id].items() if delta}
        if moved:
            txn.count(mailbox, id, moved)
