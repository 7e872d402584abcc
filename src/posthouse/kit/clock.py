"""Time: Unix seconds inside, RFC 3339 dates on the wire (RFC 8620 §1.4)."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta

_DATE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:)(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:[0-5]\d)", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = -62135596800, 253402300799  # the years 1 to 9999
_SECOND = timedelta(seconds=1)


def now() -> float:
    """Return the time in Unix seconds."""
    return time.time()


def utc_date(seconds: int) -> str:
    """Write Unix seconds as a UTCDate such as ``2014-10-30T06:12:00Z``, clamped to the years 1 to 9999."""
    moment = _EPOCH + timedelta(seconds=min(max(seconds, _FIRST), _LAST))
    return moment.replace(tzinfo=None).isoformat() + "Z"


def parse_date(text: str) -> datetime | None:
    """Read a Date: RFC 3339 with upper-case letters, and no fraction that is zero (RFC 8620 §1.4)."""
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    minute, second, fraction, zone = match.groups()
    if fraction is not None and not fraction.strip("0"):
        return None
    if second == "60":  # a leap second
        text = f"{minute}59.{fraction or '0'}{zone}"
    try:
        moment = datetime.fromisoformat(text)
        moment.astimezone(UTC)
        return moment
    except (ValueError, OverflowError):
        return None


def parse_utc_date(text: str) -> int | None:
    """Read a UTCDate, whose zone must be ``Z``, as Unix seconds, fractions dropped; else None."""
    moment = parse_date(text) if text.endswith("Z") else None
    return None if moment is None else (moment - _EPOCH) // _SECOND
