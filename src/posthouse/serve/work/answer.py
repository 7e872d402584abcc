"""What a stranger's server answered, as far as we listen, or that it did not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)


class Unreachable(Exception):
    """The request was not answered; the message says why, in words for the owner of the URL."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status, the seconds to wait before another try if it says so, and how its body begins.

    The body is a stranger's: it explains a failure to a reader and is to be trusted with nothing.
    """

    status: int
    retry_after: int | None
    body: bytes


def seconds_to_wait(field: str | None, now: float) -> int | None:
    """Read a ``Retry-After`` field, seconds or a date, at a Unix time (RFC 9110 §10.2.3).

    Gives None if there is none or it makes no sense, and 0 for a time that has passed.
    """
    if field is None:
        return None
    if _SECONDS.fullmatch(field):
        return int(field)
    try:
        moment = parsedate_to_datetime(field)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0, int((moment - datetime.fromtimestamp(now, UTC)).total_seconds()))
    except (ValueError, OverflowError):
        return None
