"""What answers mean for a subscription."""

from __future__ import annotations

import pytest

from posthouse.model.subscription import Course
from posthouse.serve.work.answer import Answer
from posthouse.serve.work.verdict import Verdict, judge

NOW = 1_800_000_000
DAY = 86_400
FRESH = Course("a1.5", "a1.4")


def after(answer: Answer | str, course: Course = FRESH, now: int = NOW, jitter: float = 1.0) -> Course:
    verdict, course = judge(answer, course, now, jitter)
    assert verdict is Verdict.LATER
    return course


def pause(answer: Answer | str, failures: int = 0, jitter: float = 1.0) -> int:
    course = after(answer, Course("", failures=failures, failing_since=NOW), jitter=jitter)
    assert course.retry is not None
    return course.retry - NOW


def status(number: int, retry_after: int | None = None) -> Answer:
    return Answer(number, retry_after, b"")


@pytest.mark.parametrize("number", [200, 201, 202, 204])
def test_success_forgets_what_failed_and_keeps_the_positions(number: int) -> None:
    failing = Course("a1.5", "a1.4", NOW - 9, NOW - 99, "500", 3, NOW - 50, NOW)
    expected = Course("a1.5", "a1.4", attempted=NOW, succeeded=NOW, response=str(number))
    assert (Verdict.TAKEN, expected) == judge(status(number), failing, NOW, 0.0)


@pytest.mark.parametrize("number", [404, 410])
def test_what_is_not_there_is_gone(number: int) -> None:
    assert Verdict.GONE is judge(status(number), FRESH, NOW, 0.0)[0]


@pytest.mark.parametrize("number", [100, 301, 307, 400, 401, 403, 413, 429, 500, 503])
def test_all_else_is_tried_again_and_told(number: int) -> None:
    course = after(status(number))
    assert ("a1.5", "a1.4", str(number), 1, NOW) == (
        course.position,
        course.mailed,
        course.response,
        course.failures,
        course.failing_since,
    )


def test_no_answer_is_told_in_words() -> None:
    assert "no connection to the host" == after("no connection to the host").response


def test_pauses_double_up_to_an_hour() -> None:
    pauses = [pause(status(500), failures) for failures in range(12)]
    assert [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600] == pauses
    assert 3600 == pause(status(500), 10**6)


def test_up_to_half_of_a_pause_is_left_to_chance() -> None:
    assert (3, 4, 5) == tuple(pause(status(500), jitter=jitter) for jitter in (0.0, 0.5, 1.0))


@pytest.mark.parametrize(
    ("number", "wish", "given"),
    [
        (429, None, 120),
        (429, 7, 120),
        (429, 300, 300),
        (503, 300, 300),
        (503, 0, 5),
        (503, 10**9, DAY),
        (500, 300, 5),
        (400, 300, 5),
    ],
)
def test_a_wish_to_wait_is_heeded_within_bounds(number: int, wish: int | None, given: int) -> None:
    assert given == pause(status(number, wish))


def test_refusals_are_counted_and_faults_are_not() -> None:
    nine = Course("", failures=9, failing_since=NOW)
    for number in (301, 400, 403):
        assert Verdict.GONE is judge(status(number), nine, NOW, 0.0)[0]
    for answer in (status(429), status(500), "no answer within 20 seconds"):
        assert Verdict.LATER is judge(answer, nine, NOW, 0.0)[0]


@pytest.mark.parametrize("answer", [status(500), status(429), "the host has no address"])
def test_faults_that_last_for_days_end_it(answer: Answer | str) -> None:
    failing = Course("", failures=1, failing_since=NOW - 3 * DAY)
    assert Verdict.GONE is judge(answer, failing, NOW, 0.0)[0]
    assert Verdict.LATER is judge(answer, failing, NOW - 1, 0.0)[0]
