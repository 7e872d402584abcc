"""The counts of Mailboxes, and Threads, after any history of changes (RFC 8621 §2, §3)."""

from __future__ import annotations

import random
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bakery.kitchen import STORES
from mailroom.room import COUNTS, Room, message


def test_the_example_of_the_standard(room: Room) -> None:
    """An unread Email in the trash and a read one in the inbox: 1 for the trash and 0 for the inbox."""
    room.imported(message(id="a@x"), keywords={"$seen": True})
    room.imported(message("Re: Hello", id="b@x", refers="a@x"), mailboxIds={room.role["trash"]: True})
    assert 1 == room.one("Mailbox", room.role["trash"])["unreadThreads"]
    assert 0 == room.one("Mailbox", room.role["inbox"])["unreadThreads"]


def test_an_unread_email_elsewhere_makes_a_thread_unread_here(room: Room) -> None:
    other = room.mailbox("other")
    room.imported(message(id="a@x"), keywords={"$seen": True})
    room.imported(message("Re: Hello", id="b@x", refers="a@x"), mailboxIds={other: True})
    assert 1 == room.one("Mailbox", room.role["inbox"])["unreadThreads"]
    assert 0 == room.one("Mailbox", room.role["inbox"])["unreadEmails"]


def test_an_email_in_the_trash_and_elsewhere_counts_in_both(room: Room) -> None:
    both = {room.role["trash"]: True, room.role["inbox"]: True}
    room.imported(message(), mailboxIds=both)
    for id in both:
        assert [1, 1, 1, 1] == [room.one("Mailbox", id)[name] for name in COUNTS]


def test_a_draft_is_not_unread(room: Room) -> None:
    room.imported(message(), keywords={"$draft": True})
    assert [1, 0, 1, 0] == [room.one("Mailbox", room.role["inbox"])[name] for name in COUNTS]


def test_no_keyword_is_taken_for_a_word_of_the_counts(room: Room) -> None:
    room.imported(message(), keywords={"$seen": True, "!unread": True, "unread": True})
    room.check_counts()
    assert 1 == len(room.found("Email", filter={"hasKeyword": "!unread"}))
    assert 1 == room.ask("Email/query", filter={"hasKeyword": "!unread"}, calculateTotal=True)["total"]


def test_only_counts_are_named_as_updated(room: Room) -> None:
    state = room.state("Mailbox")
    room.imported(message())
    changes = room.ask("Mailbox/changes", sinceState=state)
    assert sorted(COUNTS) == sorted(changes["updatedProperties"])
    assert [room.role["inbox"]] == changes["updated"]


def test_a_keyword_that_counts_nowhere_leaves_mailboxes_alone(room: Room) -> None:
    id = room.imported(message())
    state = room.state("Mailbox")
    room.ask("Email/set", update={id: {"keywords/$flagged": True}})
    assert state == room.state("Mailbox")


@pytest.mark.parametrize("swap", [False, True])
def test_the_trash_may_become_another_mailbox(room: Room, swap: bool) -> None:
    other = room.mailbox("other")
    room.imported(message(id="a@x"), keywords={"$seen": True})
    room.imported(message("Re: Hello", id="b@x", refers="a@x"), mailboxIds={room.role["trash"]: True})
    seen = {"$seen": True}
    room.imported(message("Re: Hello", id="c@x", refers="a@x"), mailboxIds={other: True}, keywords=seen)
    update = {room.role["trash"]: {"role": None}}
    if swap:
        update[other] = {"role": "trash"}
    assert room.ask("Mailbox/set", update=update)["notUpdated"] is None
    room.check_counts()


ACTS = st.lists(
    st.tuples(
        st.sampled_from(
            ["import", "reply", "seen", "unseen", "draft", "move", "add", "destroy", "trash", "empty"]
        ),
        st.integers(0, 1000),
    ),
    min_size=5,
    max_size=30,
)


@pytest.mark.parametrize("store", list(STORES))
@given(acts=ACTS)
@settings(max_examples=30)
def test_counts_hold_after_any_history(
    store: str, acts: list[tuple[str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder: Path = tmp_path_factory.mktemp("room")
    with closing(Room(STORES[store], folder)) as room:
        history = _History(room)
        for act, number in acts:
            history.do(act, random.Random(number))
        room.check_counts()


class _History:
    """Does one act after the other to whatever Emails and Mailboxes there are."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.boxes = [room.role["inbox"], room.role["trash"], room.mailbox("other")]
        self.emails: list[str] = []
        self.sent = 0
        for number in range(6):
            self._reply(random.Random(number))

    def do(self, act: str, chance: random.Random) -> None:
        getattr(self, f"_{act}")(chance)

    def _boxes(self, chance: random.Random) -> dict[str, bool]:
        return dict.fromkeys(chance.sample(self.boxes, chance.randint(1, len(self.boxes))), True)

    def _import(self, chance: random.Random, refers: str | None = None) -> None:
        self.sent += 1
        data = message(f"Topic {chance.choice([0, 0, 0, 1])}", id=f"{self.sent}@x", refers=refers)
        keywords = chance.choice([{}, {"$seen": True}, {"$draft": True}])
        day = chance.randint(1, 9)
        self.emails.append(
            self.room.imported(
                data,
                mailboxIds=self._boxes(chance),
                keywords=keywords,
                receivedAt=f"2024-01-0{day}T00:00:00Z",
            )
        )

    def _reply(self, chance: random.Random) -> None:
        self._import(chance, f"{chance.randint(0, self.sent)}@x")

    def _update(self, chance: random.Random, patch: dict[str, object]) -> None:
        chosen = chance.sample(self.emails, min(len(self.emails), chance.randint(1, 3)))
        self.room.ask("Email/set", update=dict.fromkeys(chosen, patch))

    def _seen(self, chance: random.Random) -> None:
        self._update(chance, {"keywords/$seen": True})

    def _unseen(self, chance: random.Random) -> None:
        self._update(chance, {"keywords/$seen": None})

    def _draft(self, chance: random.Random) -> None:
        self._update(chance, {"keywords": {"$draft": True}})

    def _move(self, chance: random.Random) -> None:
        self._update(chance, {"mailboxIds": self._boxes(chance)})

    def _add(self, chance: random.Random) -> None:
        self._update(chance, {f"mailboxIds/{chance.choice(self.boxes)}": True})

    def _destroy(self, chance: random.Random) -> None:
        gone = chance.sample(self.emails, min(len(self.emails), chance.randint(1, 3)))
        self.emails = [id for id in self.emails if id not in gone]
        self.room.ask("Email/set", destroy=gone)

    def _trash(self, chance: random.Random) -> None:
        old = self.room.found("Mailbox", filter={"role": "trash"})
        update = {id: {"role": None} for id in old}
        new = chance.choice([*self.boxes[1:], None])
        if new is not None:
            update[new] = {"role": "trash"}
        self.room.ask("Mailbox/set", update=update)

    def _empty(self, chance: random.Random) -> None:
        box = self.boxes.pop()
        self.room.ask("Mailbox/set", destroy=[box], onDestroyRemoveEmails=True)
        self.boxes.append(self.room.mailbox(f"box {chance.random()}"))
        known = {
            found["id"] for found in self.room.ask("Email/get", ids=self.emails, properties=["id"])["list"]
        }
        self.emails = [id for id in self.emails if id in known]
