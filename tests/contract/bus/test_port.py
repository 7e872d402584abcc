"""What every bus promises."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from posthouse.bus import Missed, Moved, News, SignedOut, open_bus

from .conftest import Ear, Open

ALL: list[News] = [
    Moved(2**62, {"Email": 7, "Mailbox": 2**52}),
    SignedOut(5, 6),
    SignedOut(5, None),
    Moved(1, {}),
    Missed(),
]
LAST = SignedOut(99, 99)


def test_everybody_hears_all_that_is_published(open_again: Open) -> None:
    buses = [open_again() for _ in range(3)]
    ears = [Ear(bus) for bus in buses]
    buses[1].publish(ALL)
    buses[1].publish([LAST])
    for ear in ears:
        assert [*ALL, LAST] == ear.until(LAST)


def test_each_hears_those_who_came_before_and_after(open_again: Open) -> None:
    buses = [open_again() for _ in range(4)]
    ears = [Ear(bus) for bus in buses]
    said: list[News] = [SignedOut(number, None) for number in range(4)]
    for bus, item in zip(buses, said, strict=True):
        bus.publish([item])
    for ear in ears:
        assert set(said) == set(ear.wait(lambda heard: len(heard) == len(said)))


def test_listeners_of_the_publisher_hear_it_before_publish_returns(open_again: Open) -> None:
    bus = open_again()
    ear = Ear(bus)
    bus.publish(ALL)
    assert ALL == ear.heard
    assert {threading.current_thread().name} == ear.threads


def test_news_of_one_publisher_keep_their_order(open_again: Open) -> None:
    bus, ear = open_again(), Ear(open_again())
    said: list[News] = [SignedOut(number, None) for number in range(500)]
    for item in said:
        bus.publish([item])
    assert said == ear.until(said[-1])


def test_threads_may_publish_at_once(open_again: Open) -> None:
    bus, ear = open_again(), Ear(open_again())

    def publish(person: int) -> None:
        for token in range(50):
            bus.publish([SignedOut(person, token)])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(publish, range(8)))
    heard = ear.wait(lambda heard: len(heard) == 8 * 50)
    for person in range(8):
        mine = [item.token for item in heard if isinstance(item, SignedOut) and item.person == person]
        assert list(range(50)) == mine


def test_who_ended_listening_hears_no_more(open_again: Open) -> None:
    bus, other = open_again(), open_again()
    ended, ear = Ear(other), Ear(other)
    ended.end()
    ended.end()
    bus.publish([LAST])
    ear.until(LAST)
    assert [] == ended.heard


def test_a_function_may_listen_twice_and_end_once(open_again: Open) -> None:
    bus = open_again()
    heard: list[News] = []
    end = bus.listen(heard.extend)
    bus.listen(heard.extend)
    bus.publish([LAST])
    end()
    end()
    bus.publish([LAST])
    assert [LAST] * 3 == heard


def test_a_listener_that_fails_harms_nobody(open_again: Open, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(news: Sequence[News]) -> None:
        raise RuntimeError("a secret")

    bus, other = open_again(), open_again()
    bus.listen(fail)
    other.listen(fail)
    ears = [Ear(bus), Ear(other)]
    bus.publish([LAST])
    bus.publish([LAST])
    for ear in ears:
        assert [LAST, LAST] == ear.wait(lambda heard: len(heard) == 2)


def test_a_listener_may_publish(open_again: Open) -> None:
    bus, other = open_again(), open_again()
    ear = Ear(bus)

    def answer(news: Sequence[News]) -> None:
        if SignedOut(1, 1) in news:
            other.publish([LAST])

    other.listen(answer)
    bus.publish([SignedOut(1, 1)])
    ear.until(LAST)


def test_a_listener_may_end_itself_and_close_the_bus(open_again: Open) -> None:
    bus, other = open_again(), open_again()
    closed = threading.Event()

    def leave(news: Sequence[News]) -> None:
        end()
        other.close()
        closed.set()

    end = other.listen(leave)
    bus.publish([LAST])
    assert closed.wait(30)
    other.close()


def test_nothing_is_heard_of_nothing(open_again: Open) -> None:
    bus, other = open_again(), open_again()
    calls: list[int] = []
    other.listen(lambda news: calls.append(len(news)))
    ear = Ear(other)
    bus.publish([])
    bus.publish([LAST])
    ear.until(LAST)
    assert [1] == calls


def test_a_closed_bus_is_silent(open_again: Open) -> None:
    bus = open_again()
    ear = Ear(bus)
    bus.close()
    bus.publish(ALL)
    bus.close()
    assert [] == ear.heard


@pytest.mark.parametrize("name", ["redis:x", "local:x", "sockets:", ":"])
def test_what_names_no_bus_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="names no bus"):
        open_bus(name)
