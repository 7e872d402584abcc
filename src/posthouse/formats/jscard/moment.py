"""Dates and moments: ISO 8601 as vCard writes it, to and from JSContact (RFC 6350 §4.3, RFC 9553 §2.8.1)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from posthouse.formats.jscard.scalar import is_day
from posthouse.kit.json import JsonObject

_DATE = re.compile(
    r"(?P<year>\d{4})(?:-?(?P<month>\d\d)-?(?P<day>\d\d)|-(?P<month2>\d\d))?|--(?P<month3>\d\d)-?(?P<day3>\d\d)",
    re.ASCII,
)
_TIMESTAMP = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)T(\d\d):?(\d\d)(?::?(\d\d)(?:\.(\d{1,6}))?)?(?:(Z)|([+-])(\d\d)(?::?(\d\d))?)",
    re.ASCII,
)
_OFFSET = re.compile(r"(?:UTC)?([+-])(\d\d?)(?::?(\d\d))?", re.ASCII)


def utc_from(value: str) -> str | None:
    """Read a TIMESTAMP with its zone as a UTCDateTime, or return None (RFC 6350 §4.3.5, RFC 9553 §1.4.5)."""
    match = _TIMESTAMP.fullmatch(value.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, _, sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    try:
        moment = datetime(
            int(year),
            int(month),
            int(day),
            int(hour),
            int(minute),
            int(second or "0"),
            int((fraction or "").ljust(6, "0")),
            timezone(-offset if sign == "-" else offset),
        ).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    seconds = moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    return f"{seconds}.{moment.microsecond:06}".rstrip("0").rstrip(".") + "Z" if fraction else seconds + "Z"


def timestamp(utc: str) -> str:
    """Write a UTCDateTime as a TIMESTAMP, to the second (RFC 6350 §4.3.5)."""
    return utc[:19].replace("-", "").replace(":", "") + "Z"


def date_from(value: str) -> JsonObject | None:
    """Read a DATE or TIMESTAMP as a PartialDate or Timestamp, or return None (RFC 9555 §2.5.1)."""
    value = value.strip()
    match = _DATE.fullmatch(value)
    if match is None:
        utc = utc_from(value)
        return {"@type": "Timestamp", "utc": utc} if utc else None
    found = match.groupdict()
    year = int(found["year"]) if found["year"] else None
    month = found["month"] or found["month2"] or found["month3"]
    day = found["day"] or found["day3"]
    if month and not is_day(year, int(month), int(day or 1)):
        return None
    parts = {"year": year, "month": month and int(month), "day": day and int(day)}
    return {name: part for name, part in parts.items() if part is not None}


def date_value(date: JsonObject) -> str | None:
    """Write a PartialDate or Timestamp as a DATE or TIMESTAMP; None for a year of more than four digits."""
    if "utc" in date:
        return timestamp(date["utc"])
    year, month, day = date.get("year"), date.get("month"), date.get("day")
    if year is not None and year > 9999:
        return None
    if year is None:
        return f"--{month:02}{day:02}"
    if month is None:
        return f"{year:04}"
    return f"{year:04}-{month:02}" if day is None else f"{year:04}{month:02}{day:02}"


def zone_from(value: str) -> str | None:
    """Read a TZ as the name of a time zone, offsets of whole hours too, or return None (RFC 9555 §2.8.2)."""
    match = _OFFSET.fullmatch(value.strip())
    if match is None:
        return None
    hours = int(match[2])
    if int(match[3] or 0) or hours > (14 if match[1] == "+" else 12):
        return None
    return f"Etc/GMT{'-' if match[1] == '+' else '+'}{hours}" if hours else "Etc/UTC"
