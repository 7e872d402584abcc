"""Threads: which Emails belong together, and in which order (RFC 8621 §3, DESIGN D17)."""

from __future__ import annotations

from mailroom.room import Room, message


def thread_of(room: Room, id: str) -> str:
    return str(room.one("Email", id, "threadId")["threadId"])


def test_a_reply_joins_what_it_answers(room: Room) -> None:
    first = room.imported(message("Plan", id="1@x"))
    second = room.imported(message("Re: [List] plan", id="2@x", In_Reply_To="<1@x>"))
    third = room.imported(message("Fwd: PLAN", id="3@x", refers="1@x"))
    assert {thread_of(room, first)} == {thread_of(room, id) for id in (second, third)}
    assert [first, second, third] == room.one("Thread", thread_of(room, first))["emailIds"]


def test_another_subject_begins_another_thread(room: Room) -> None:
    first = room.imported(message("Plan", id="1@x"))
    second = room.imported(message("Something else", id="2@x", refers="1@x"))
    assert thread_of(room, first) != thread_of(room, second)


def test_the_same_subject_alone_makes_no_thread(room: Room) -> None:
    first, second = room.imported_all([message("Plan", id="1@x"), message("Plan", id="2@x")])
    assert thread_of(room, first) != thread_of(room, second)


def test_messages_without_ids_stand_alone(room: Room) -> None:
    first, second = room.imported_all([message("Plan"), message("Plan")])
    assert thread_of(room, first) != thread_of(room, second)


def test_answers_meet_though_what_they_answer_is_not_there(room: Room) -> None:
    first, second = room.imported_all([message("Re: Plan", id=f"{n}@x", refers="0@x") for n in (1, 2)])
    assert thread_of(room, first) == thread_of(room, second)


def test_emails_are_listed_by_date_then_id(room: Room) -> None:
    ids = {
        day: room.imported(
            message("Plan", id=f"{at}@x", refers="0@x"), receivedAt=f"2024-01-0{day}T00:00:00Z"
        )
        for at, day in enumerate([5, 2, 9, 1])
    }
    twin = room.imported(message("Plan", id="9@x", refers="0@x"), receivedAt="2024-01-02T00:00:00Z")
    assert [ids[1], ids[2], twin, ids[5], ids[9]] == room.one("Thread", thread_of(room, twin))["emailIds"]


def test_threads_are_never_merged_and_the_oldest_is_joined(room: Room) -> None:
    """The threadId of an Email is immutable, so a message that links two Threads joins the older one."""
    first = room.imported(message("Plan", id="1@x"))
    second = room.imported(message("Plan", id="2@x"))
    both = room.imported(message("Plan", id="3@x", References="<2@x> <1@x>"))
    assert thread_of(room, first) == thread_of(room, both) != thread_of(room, second)
    room.check_counts()


def test_an_empty_thread_is_destroyed_and_forgotten(room: Room) -> None:
    first = room.imported(message("Plan", id="1@x"))
    thread = thread_of(room, first)
    state = room.state("Thread")
    room.ask("Email/set", destroy=[first])
    assert [thread] == room.ask("Thread/changes", sinceState=state)["destroyed"]
    assert thread != thread_of(room, room.imported(message("Re: Plan", id="2@x", refers="1@x")))


def test_a_keyword_changes_no_thread(room: Room) -> None:
    id = room.imported(message())
    state = room.state("Thread")
    room.ask("Email/set", update={id: {"keywords/$seen": True}})
    assert state == room.state("Thread")
