"""Message ids, dates and URLs (RFC 8621 §4.1.2.5-4.1.2.7)."""

from __future__ import annotations

import pytest

from posthouse.formats.mime import as_date, as_message_ids, as_urls
from posthouse.formats.mime.field import as_seconds
from posthouse.kit.clock import parse_date


@pytest.mark.parametrize(
    ("raw", "ids"),
    [
        (" <a@b>", ["a@b"]),
        (" <a@b>\r\n <c@d>", ["a@b", "c@d"]),
        (" <a@b><c@d>", ["a@b", "c@d"]),
        (" (x <no@no>) <a@b> (y)", ["a@b"]),
        (" Joe's message of Monday <a@b>", ["a@b"]),
        (" <a\r\n @b>", ["a@b"]),
        (' <"a b"@c>', ['"ab"@c']),
        (" <a(b@c>", ["a(b@c"]),
        (" <no-at-sign>", ["no-at-sign"]),
        ("", None),
        (" a@b", None),
        (" <>", None),
        (" <a@b", None),
    ],
)
def test_message_ids(raw: str, ids: list[str] | None) -> None:
    assert ids == as_message_ids(raw)


@pytest.mark.parametrize(
    ("raw", "urls"),
    [
        (" <mailto:a@b>", ["mailto:a@b"]),
        (" <mailto:a@b>, <https://b/?c=(d)> (help)", ["mailto:a@b", "https://b/?c=(d)"]),
        (" (Use this:) <https://a>,\r\n\t<https://b/\r\n\tc>", ["https://a", "https://b/c"]),
        (" <https://a>, https://b, <https://c>", ["https://a"]),
        (" NO (no posting)", None),
        (" https://a", None),
        ("", None),
        (" <>", None),
    ],
)
def test_urls(raw: str, urls: list[str] | None) -> None:
    assert urls == as_urls(raw)


@pytest.mark.parametrize(
    ("raw", "date"),
    [
        (" Fri, 21 Nov 1997 09:55:06 -0600", "1997-11-21T09:55:06-06:00"),
        (" 21 Nov 1997 09:55 +0000", "1997-11-21T09:55:00Z"),
        (" Fri, 21 Nov 1997 09:55:06 -0000", "1997-11-21T09:55:06Z"),
        (
            " Thu,\r\n 13\r\n Feb\r\n 1969\r\n 23:32\r\n -0330 (Newfoundland Time)",
            "1969-02-13T23:32:00-03:30",
        ),
        (" Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", "1997-11-21T09:55:06-06:00"),
        (" 21 Nov 97 09:55:06 GMT", "1997-11-21T09:55:06Z"),
        (" 1 Jan 49 00:00:00 EST", "2049-01-01T00:00:00-05:00"),
        (" 1 Jan 101 00:00:00 PDT", "2001-01-01T00:00:00-07:00"),
        (" 1 Jan 2001 00:00:00 Z", "2001-01-01T00:00:00Z"),
        (" 1 Jan 2001 00:00:00 K", "2001-01-01T00:00:00Z"),
        (" Mon, 1 January 2001 0:00:00", "2001-01-01T00:00:00Z"),
        (" 1-Jan-2001 00:00:00 +0100", "2001-01-01T00:00:00+01:00"),
        (" Sat, 31 Dec 2016 23:59:60 +0000", "2016-12-31T23:59:59Z"),
        (" Fri Nov 21 09:55:06 1997", "1997-11-21T09:55:06Z"),
        (" Fri Nov 21 09:55:06 PST 1997", "1997-11-21T09:55:06-08:00"),
        (" Tue, 29 Feb 2000 00:00:00 +1400", "2000-02-29T00:00:00+14:00"),
        ("", None),
        (" yesterday", None),
        (" 31 Feb 2000 00:00:00 +0000", None),
        (" 1 Foo 2000 00:00:00 +0000", None),
        (" 1 Jan 2000 24:00:00 +0000", None),
        (" 1 Jan 2000 00:60:00 +0000", None),
        (" 1 Jan 2000 00:00:61 +0000", None),
        (" 1 Jan 2000 00:00:00 +2400", None),
        (" 1 Jan 2000 00:00:00 +0060", None),
        (" 1 Jan 0000 00:00:00 +0000", None),
        (" 1 Jan 2000", None),
    ],
)
def test_date(raw: str, date: str | None) -> None:
    assert date == as_date(raw)
    assert date is None or parse_date(date) is not None


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [
        ("1 Jan 1970 01:00:00 +0100", 0),
        ("31 Dec 1969 23:59:59 +0000", -1),
        ("31 Dec 9999 23:59:59 -2359", 253402387139),
        ("never", None),
    ],
)
def test_date_in_seconds(raw: str, seconds: int | None) -> None:
    assert seconds == as_seconds(raw)
