"""Field values other than text and addresses: message ids, dates and URLs (RFC 8621 §4.1.2.5-4.1.2.7)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from posthouse.formats.mime.header import unfold
from posthouse.formats.mime.parameter import without_comments

_BRACKETED = re.compile(r"<([^<>]+)>")
_SPACES = re.compile(r"\s+")
_URL_ITEM = re.compile(r"[\s,]*<([^<>]*)>\s*(?=,|\Z)")

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DATE = re.compile(
    r"\s*(?:[A-Za-z]{2,9}\.?\s*,?\s*)?"
    r"(\d{1,2})[\s-]\s*([A-Za-z]{3})[A-Za-z]{0,6}\.?[\s-]\s*(\d{2,4})[\s,]\s*"
    r"(\d{1,2})\s*:\s*(\d{1,2})(?:\s*:\s*(\d{1,2}))?(?:[.,]\d{1,9})?\s*([+-]\s?\d{4}|[A-Za-z]{1,5}|)(?![\w:])",
    re.ASCII,
)
# The form of C's asctime(): "Fri Nov 21 09:55:06 1997", with a zone before the year or none.
_ASCTIME = re.compile(
    r"\s*[A-Za-z]{3}\s+([A-Za-z]{3})\s+(\d{1,2})\s+(\d{1,2}):(\d{2}):(\d{2})\s+(?:([A-Z]{1,5}|[+-]\d{4})\s+)?(\d{4})\s*\Z",
    re.ASCII,
)
_ZONES = {
    "est": -300,
    "edt": -240,
    "cst": -360,
    "cdt": -300,
    "mst": -420,
    "mdt": -360,
    "pst": -480,
    "pdt": -420,
}
_EPOCH = datetime(1970, 1, 1)
_SECOND = timedelta(seconds=1)
_LONGEST_DATE = 1000


def as_message_ids(raw: str) -> list[str] | None:
    """Read a value in MessageIds form: the ids without brackets; None if there is none (RFC 8621 §4.1.2.5).

    Comments and the phrases of the obsolete syntax (RFC 5322 §4.5.4) are passed over; white space inside of
    brackets is dropped.
    """
    found = [_SPACES.sub("", text) for text in _BRACKETED.findall(without_comments(raw))]
    return [text for text in found if text] or None


def as_urls(raw: str) -> list[str] | None:
    """Read a value in URLs form: a list of URLs in angle brackets; None if there is none (RFC 8621 §4.1.2.7).

    The first item that is no such URL, and all after it, are passed over (RFC 2369 §2).
    """
    text = _comments_outside_brackets_removed(unfold(raw))
    urls: list[str] = []
    at = 0
    while match := _URL_ITEM.match(text, at):
        urls.append(_SPACES.sub("", match[1]))
        at = match.end()
    return [url for url in urls if url] or None


def _comments_outside_brackets_removed(text: str) -> str:
    """Remove comments but keep the parentheses of URLs, which may hold them."""
    if "(" not in text:
        return text
    kept = re.split(r"(<[^<>]*>)", text)
    kept[::2] = [without_comments(between) for between in kept[::2]]
    return "".join(kept)


def as_date(raw: str) -> str | None:
    """Read a value in Date form: RFC 3339 with its own zone; None if it is no date (RFC 8621 §4.1.2.6).

    Obsolete zones and two-digit years are understood (RFC 5322 §4.3); a missing or unknown zone is UTC.
    A leap second is written as the second before it.
    """
    moment = _moment(raw)
    if moment is None:
        return None
    local, offset = moment
    stamp = local.isoformat()
    if not offset:
        return stamp + "Z"
    hours, minutes = divmod(abs(offset), 60)
    return f"{stamp}{'-' if offset < 0 else '+'}{hours:02}:{minutes:02}"


def as_seconds(raw: str) -> int | None:
    """Read a date as Unix seconds, or None if it is none."""
    moment = _moment(raw)
    if moment is None:
        return None
    local, offset = moment
    return (local - _EPOCH) // _SECOND - offset * 60


def _moment(raw: str) -> tuple[datetime, int] | None:
    """Read a date as local time and the minutes by which it is ahead of UTC."""
    text = unfold(raw[:_LONGEST_DATE])
    if "(" in text:
        text = without_comments(text)
    if match := _DATE.match(text):
        day, month, year, hour, minute, second, zone = match.groups()
    elif match := _ASCTIME.match(text):
        month, day, hour, minute, second, zone, year = match.groups()
    else:
        return None
    offset = _offset(zone or "")
    if offset is None:
        return None
    full_year = int(year)
    if len(year) == 2:
        full_year += 2000 if full_year < 50 else 1900
    elif len(year) == 3:
        full_year += 1900
    try:
        number = _MONTHS.index(month.lower()) + 1
        seconds = min(int(second or 0), 59) if second is None or int(second) <= 60 else 99
        return datetime(full_year, number, int(day), int(hour), int(minute), seconds), offset
    except ValueError:
        return None


def _offset(zone: str) -> int | None:
    """Return the minutes of a zone; 0 for unknown letters, which RFC 5322 §4.3 takes as ``-0000``."""
    if not zone or zone[0] not in "+-":
        return _ZONES.get(zone.lower(), 0)
    hours, minutes = int(zone[-4:-2]), int(zone[-2:])
    if hours > 23 or minutes > 59:
        return None
    return (hours * 60 + minutes) * (-1 if zone[0] == "-" else 1)
