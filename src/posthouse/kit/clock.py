"""Time: Unix seconds inside, RFC 3339 dates on the wire (RFC 8620 §1.4)."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta, timezone

_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now() -> float:
    """Return the time in Unix seconds."""
    return time.time()


def utc_date(seconds: int) -> str:
    """Write Unix seconds as a UTCDate such as ``2014-10-30T06:12:00Z``, clamped to the years 1 to 9999."""
    seconds = min(max(seconds, -62135596800), 253402300799)
    moment = _EPOCH + timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")


def parse_date(text: str) -> datetime | None:
    """Read a Date: RFC 3339 with upper-case letters, and no fraction that is zero (RFC 8620 §1.4)."""
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    fraction, zone = match[7], match[8]
    if fraction is not None and not fraction.strip("0"):
        return None
    offset = timedelta(0)
    if zone != "Z":
        hours, minutes = int(zone[1:3]), int(zone[4:6])
        if hours > 23 or minutes > 59:
            return None
        offset = timedelta(hours=hours, minutes=minutes) * (-1 if zone[0] == "-" else 1)
    second = int(match[6])
    leap = second == 60
    try:
        moment = datetime(
            int(match[1]),
            int(match[2]),
            int(match[3]),
            int(match[4]),
            int(match[5]),
            59 if leap else second,
            int((fraction or "0")[:6].ljust(6, "0")),
            tzinfo=timezone(offset),
        )
        moment.astimezone(UTC)
        return moment
    except (ValueError, OverflowError):
        return None


def parse_utc_date(text: str) -> int | None:
    """Read a UTCDate, whose zone must be ``Z``, as Unix seconds, fractions dropped; else None."""
    moment = parse_date(text) if text.endswith("Z") else None
    return None if moment is None else int((moment - _EPOCH).total_seconds() // 1)
