"""How a letter fares, and what its sender is told of it."""

from __future__ import annotations

import pytest

from posthouse.capabilities.submission.letter import Letter, Recipient
from posthouse.delivery import progress
from posthouse.delivery.progress import LATE, PATIENCE, Answer
from posthouse.proto.smtp.reply import Reply

OK = Reply(250, "2.0.0", "ok")
LATER = Reply(451, "4.7.1", "greylisted")
NO = Reply(550, "5.1.1", "unknown")


def letter(*notify: list[str] | None, mail_from: str = "me@x.example") -> Letter:
    recipients = [Recipient(email=f"r{at}@x.example", notify=one) for at, one in enumerate(notify)]
    return Letter(blob="00", mail_from=mail_from, recipients=recipients, arrived=0, released=1000)


def told(of: Letter, now: int = 1000) -> list[tuple[str, list[str]]]:
    return [(one.action, [each.email[:2] for each in one.recipients]) for one in progress.reports(of, now)]


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (Answer(OK, "mx"), "relayed"),
        (Answer(OK, is_final=True), "delivered"),
        (Answer(LATER, "mx"), "queued"),
        (Answer(NO, "mx"), "failed"),
    ],
)
def test_an_answer_decides(answer: Answer, state: str) -> None:
    one = letter(None).recipients[0]
    progress.answered(one, answer, 7)
    assert (state, answer.host, 7) == (one.state, one.host, one.tried)


def test_a_reply_is_shown_in_one_plain_line() -> None:
    """Line breaks become spaces (RFC 8621 §7)."""
    reply = Reply(550, "5.7.1", "Our system\nhas\x1b[31m\u202edetected")
    assert "550 5.7.1 Our system has [31m detected" == progress.line(reply)
    assert "250 ok" == progress.line(Reply(250, "", "ok"))
    assert 1000 == len(progress.line(Reply(550, "", "x" * 5000)))


def test_failures_are_told_once() -> None:
    of = letter(None, None)
    progress.answered(of.recipients[0], Answer(NO), 1)
    assert [("failed", ["r0"])] == told(of)
    assert [] == told(of)
    progress.answered(of.recipients[1], Answer(NO), 1)
    assert [("failed", ["r1"])] == told(of)


@pytest.mark.parametrize(
    ("notify", "expected"),
    [(None, ["failed"]), (["NEVER"], []), (["SUCCESS"], []), (["DELAY", "FAILURE"], ["failed"])],
)
def test_failures_are_told_to_who_wants_to_hear(notify: list[str] | None, expected: list[str]) -> None:
    of = letter(notify)
    progress.answered(of.recipients[0], Answer(NO), 1)
    assert expected == [action for action, _ in told(of)]


def test_success_is_told_to_who_asked_and_by_who_knows() -> None:
    of = letter(["SUCCESS"], ["SUCCESS"], ["SUCCESS"], None)
    for recipient, answer in zip(
        of.recipients,
        [
            Answer(OK, is_final=True),
            Answer(OK, "mx"),
            Answer(OK, "mx", notifies=True),
            Answer(OK, is_final=True),
        ],
        strict=True,
    ):
        progress.answered(recipient, answer, 1)
    assert [("delivered", ["r0"]), ("relayed", ["r1"])] == told(of)


def test_a_delay_is_told_once_when_it_is_long() -> None:
    of = letter(None, ["FAILURE"], ["DELAY"])
    assert [] == told(of, 1000 + LATE - 1)
    assert [("delayed", ["r0", "r2"])] == told(of, 1000 + LATE)
    assert [] == told(of, 1000 + 2 * LATE)


def test_of_a_letter_without_return_path_nothing_is_told() -> None:
    """A notification must not cause another one (RFC 5321 §4.5.5)."""
    of = letter(None, mail_from="")
    progress.answered(of.recipients[0], Answer(NO), 1)
    assert [] == told(of)


def test_after_five_days_it_is_given_up() -> None:
    of = letter(None)
    progress.answered(of.recipients[0], Answer(LATER, "mx"), 1)
    progress.give_up(of, 1000 + PATIENCE - 1)
    assert "queued" == of.recipients[0].state
    progress.give_up(of, 1000 + PATIENCE)
    expected = "554 5.4.7 given up after 5 days; last: 451 4.7.1 greylisted"
    assert ("failed", expected) == (of.recipients[0].state, of.recipients[0].reply)


def test_pauses_grow_and_stay_reasonable() -> None:
    pauses = [progress.pause(tries, 0) for tries in range(1, 100)]
    assert [300, 600, 1200, 2400, 4800, 7200] == pauses[:6]
    assert 7200 == max(pauses)
    assert 330 == progress.pause(1, 1)
    assert sum(pauses[:70]) > PATIENCE > sum(pauses[:50])
