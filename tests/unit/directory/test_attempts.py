from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from posthouse.directory.attempts import Attempts


def test_a_burst_and_then_one_at_a_time() -> None:
    attempts = Attempts(burst=3, seconds=10)
    for _ in range(3):
        assert 0 == attempts.wait("key", 100)
        attempts.take("key", 100)
    assert 10 == attempts.wait("key", 100)
    assert 1 == attempts.wait("key", 109.5)
    assert 0 == attempts.wait("key", 110)
    assert 0 == attempts.wait("other", 100)


def test_what_is_given_back_was_not_used() -> None:
    attempts = Attempts(burst=1, seconds=10)
    for _ in range(5):
        assert 0 == attempts.wait("key", 0)
        attempts.take("key", 0)
        attempts.give_back("key", 0)


def test_only_so_many_keys_are_remembered() -> None:
    attempts = Attempts(burst=1, seconds=1000, keys=2)
    for key in "abc":
        attempts.take(key, 0)
    assert [0, 1000, 1000] == [attempts.wait(key, 0) for key in "abc"]


@given(st.lists(st.floats(0, 30), max_size=200))
def test_no_more_than_burst_and_refill_pass_in_any_time(pauses: list[float]) -> None:
    attempts, now, passed = Attempts(burst=5, seconds=7), 0.0, 0
    for pause in pauses:
        now += pause
        wait = attempts.wait("key", now)
        if not wait:
            attempts.take("key", now)
            passed += 1
        else:
            assert 0 < wait <= 7
    assert passed <= 5 + now / 7
