"""Verdict: what the answer to a push means for its subscription (RFC 8030 §5, RFC 8620 §7.2)."""

from __future__ import annotations

import math
from enum import Enum
from typing import Final

from posthouse.model.subscription import Course
from posthouse.serve.work.answer import Answer

_FIRST_PAUSE: Final = 5  # seconds, doubled with each failure
_LONGEST_PAUSE: Final = 3600
_TOO_MANY: Final = 120  # seconds at least after a 429, before half of them may be taken off
_LONGEST_WISH: Final = 86_400  # seconds that an endpoint may ask us to wait
_PATIENCE: Final = 3 * 86_400  # seconds for which pushes may fail
_MOST_REFUSED: Final = 10  # pushes in a row, after which an endpoint that answers no will not answer yes
_AS_LONG_AS_IT_SAYS: Final = frozenset({429, 503})


class Verdict(Enum):
    """What becomes of the subscription."""

    TAKEN = "taken"
    """The push arrived."""
    LATER = "later"
    """It failed, and is tried again."""
    GONE = "gone"
    """The subscription is to be destroyed."""


def judge(answer: Answer | str, course: Course, now: int, jitter: float) -> tuple[Verdict, Course]:
    """Judge what a push came to, and give the course after it.

    answer: or why there was none, in words for the owner. jitter: from 0 to 1, so that many that failed
    together do not come back together. A redirect is a failure, for it may lead anywhere.
    """
    status = answer.status if isinstance(answer, Answer) else None
    said = answer if isinstance(answer, str) else str(answer.status)
    if status is not None and 200 <= status < 300:
        taken = Course(course.position, course.mailed, attempted=now, succeeded=now, response=said)
        return Verdict.TAKEN, taken
    failures = course.failures + 1
    since = now if course.failing_since is None else course.failing_since
    wish = answer.retry_after if isinstance(answer, Answer) and status in _AS_LONG_AS_IT_SAYS else None
    failed = Course(
        course.position,
        course.mailed,
        attempted=now,
        succeeded=course.succeeded,
        response=said,
        failures=failures,
        failing_since=since,
        retry=now + _pause(failures, status, wish, jitter),
    )
    refused = status is not None and status < 500 and status != 429
    hopeless = now - since >= _PATIENCE or (refused and failures >= _MOST_REFUSED)
    if status in (404, 410) or hopeless:
        return Verdict.GONE, failed
    return Verdict.LATER, failed


def _pause(failures: int, status: int | None, wish: int | None, jitter: float) -> int:
    doubled = _FIRST_PAUSE << min(failures - 1, 16)
    full = max(min(doubled, _LONGEST_PAUSE), _TOO_MANY if status == 429 else 0)
    pause = math.ceil(full * (0.5 + jitter / 2))
    return pause if wish is None else max(pause, min(wish, _LONGEST_WISH))
