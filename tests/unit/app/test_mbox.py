"""Reading mbox files of all dialects."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.app.sources import Item, Skipped
from posthouse.app.sources.mbox import is_separator, read_mbox

FROM = b"From ada@example.org Mon Nov 23 12:50:55 2026\n"
LIMIT = 10_000


class Trickle(io.BytesIO):
    """Gives a few bytes at a time, as a pipe may."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(3 if size is None or size < 0 else min(size, 3))


def read(data: bytes, limit: int = LIMIT) -> list[Item | Skipped]:
    return list(read_mbox(io.BytesIO(data), ("Box",), "box", limit))


def messages(data: bytes, limit: int = LIMIT) -> list[bytes]:
    return [found.data for found in read(data, limit) if isinstance(found, Item)]


def only(data: bytes) -> Item:
    (found,) = read(data)
    assert isinstance(found, Item)
    return found


def test_separators_and_the_blank_line_before_them_are_taken_away() -> None:
    data = FROM + b"Subject: 1\n\nOne\n\n" + FROM + b"Subject: 2\n\nTwo\n\n"
    assert [b"Subject: 1\n\nOne\n", b"Subject: 2\n\nTwo\n"] == messages(data)


def test_blank_lines_at_the_end_of_a_message_stay_but_for_one() -> None:
    assert [b"Subject: 1\n\nOne\n\n\n", b"S: 2\n"] == messages(
        FROM + b"Subject: 1\n\nOne\n\n\n\n" + FROM + b"S: 2\n"
    )


def test_a_separator_after_two_blank_lines_needs_no_field_behind_it() -> None:
    assert [b"Subject: 1\n\nOne\n\n", b"just text\n"] == messages(
        FROM + b"Subject: 1\n\nOne\n\n\n" + FROM + b"just text\n"
    )


def test_crlf_files_keep_their_line_ends() -> None:
    data = FROM[:-1] + b"\r\nSubject: 1\r\n\r\nOne\r\n\r\n" + FROM[:-1] + b"\r\nSubject: 2\r\n\r\nTwo"
    assert [b"Subject: 1\r\n\r\nOne\r\n", b"Subject: 2\r\n\r\nTwo"] == messages(data)


def test_origin_names_the_file_the_number_and_the_byte() -> None:
    first = FROM + b"Subject: 1\n\nOne\n\n"
    found = read(first + FROM + b"Subject: 2\n")
    assert ["box, message 1 at byte 0", f"box, message 2 at byte {len(first)}"] == [
        item.origin for item in found
    ]


@pytest.mark.parametrize(
    "line",
    [
        b"From ada@example.org Mon Nov 23 12:50:55 2026",
        b"From - Mon Nov 23 12:50:55 2026",
        b"From ada@example.org  Mon Nov  3 12:50 2026",
        b"From 1546@xxx Tue Nov 03 12:34:56 +0000 2015",
        b"From ada Mon Nov 23 12:50:55 CET 2026",
        b"From ada Mon Nov 23 12:50:55 2026 +0100",
        b"From MAILER-DAEMON Mon, Nov 23 12:50:55 2026\r",
    ],
)
def test_the_separators_of_known_programs_are_known(line: bytes) -> None:
    assert is_separator(line + b"\nSubject: x\n")


def test_a_separator_without_a_date_is_known_by_the_blank_line_and_the_field() -> None:
    assert [b"S: 1\n\nOne\n", b"S: 2\n"] == messages(FROM + b"S: 1\n\nOne\n\nFrom ada\nS: 2\n")


def test_a_separator_without_a_blank_line_is_known_by_the_date_and_the_field() -> None:
    assert [b"S: 1\n\nOne\n", b"S: 2\n"] == messages(FROM + b"S: 1\n\nOne\n" + FROM + b"S: 2\n")


@pytest.mark.parametrize(
    "prose", [b"From here on\nit rains\n", b"\nFrom here on\nit rains\n", b"\nFrom me\n"]
)
def test_prose_is_no_separator(prose: bytes) -> None:
    assert [b"S: 1\n\nOne\n" + prose] == messages(FROM + b"S: 1\n\nOne\n" + prose)


def test_quoted_lines_lose_one_mark() -> None:
    data = FROM + b"S: 1\n\n>From me\n>>From you\n> From\n>Fromage\n"
    assert [b"S: 1\n\nFrom me\n>From you\n> From\n>Fromage\n"] == messages(data)


def test_nothing_is_unquoted_in_a_message_whose_writer_quotes_nothing() -> None:
    body = b"S: 1\n\n>From me\nFrom you\n"
    assert [body] == messages(FROM + body)


def test_a_true_content_length_ends_the_message_and_keeps_it_as_it_is() -> None:
    body = b"One\n\n" + FROM + b"S: inside\n\n>From me\n"
    head = b"Content-Length: %d\n\n" % len(body)
    assert [head + body, b"S: 2\n"] == messages(FROM + head + body + b"\n" + FROM + b"S: 2\n")


@pytest.mark.parametrize("length", [b"0", b"1", b"4", b"400", b"99999999", b"999999999999999"])
def test_a_false_content_length_means_nothing(length: bytes) -> None:
    first = b"Content-Length: " + length + b"\n\nOne two\n"
    assert [first, b"S: 2\n"] == messages(FROM + first + b"\n" + FROM + b"S: 2\n")


@pytest.mark.parametrize(
    ("fields", "keywords"),
    [
        (b"Status: RO", {"$seen"}),
        (b"Status: O", set()),
        (b"Status: RO\nX-Status: AFT", {"$seen", "$answered", "$flagged", "$draft"}),
        (b"X-Keywords: $Forwarded Work (bad) \\Recent $recent", {"$forwarded", "work"}),
        (b"X-Mozilla-Status: 1007", {"$seen", "$answered", "$flagged", "$forwarded"}),
        (b"X-Mozilla-Status: zzzz", set()),
        (b"X-Mozilla-Keys: $label1 NonJunk", {"$label1", "$notjunk"}),
    ],
)
def test_states_become_keywords(fields: bytes, keywords: set[str]) -> None:
    assert keywords == only(FROM + fields + b"\nS: 1\n\nStatus: RO\nX-Status: F\n").keywords


@pytest.mark.parametrize("field", [b"X-Status: D", b"X-Mozilla-Status: 0009"])
def test_deleted_messages_are_skipped(field: bytes) -> None:
    assert [Skipped("box, message 1 at byte 0", "marked as deleted")] == read(FROM + field + b"\n\nx\n")


@pytest.mark.parametrize(
    ("labels", "mailboxes", "keywords"),
    [
        (b"Inbox,Unread", [("Inbox",)], set()),
        (b"Inbox, Opened, Starred,\r\n Important", [("Inbox",)], {"$seen", "$flagged", "$important"}),
        (b"Sent,Projects/Posthouse", [("Sent",), ("Projects", "Posthouse")], {"$seen"}),
        (b"Archived,Category Updates", [("Archived",)], {"$seen"}),
        (b"Unread", [("Archive",)], set()),
        (b'"a, b",c', [("a, b",), ("c",)], {"$seen"}),
        (b"=?UTF-8?Q?Bo=C3=AEte_de_r=C3=A9ception,Unread?=", [("Boîte de réception",)], set()),
        (b"=?nonsense?Q?x?=,Unread", [("=?nonsense?Q?x?=",)], set()),
        (b"=?utf-8?b?x?=", [("=?utf-8?b?x?=",)], {"$seen"}),
        (b"Drafts", [("Drafts",)], {"$draft", "$seen"}),
    ],
)
def test_gmail_labels_become_mailboxes_and_keywords(
    labels: bytes, mailboxes: list[tuple[str, ...]], keywords: set[str]
) -> None:
    item = only(FROM + b"X-Gmail-Labels: " + labels + b"\nS: 1\n")
    assert (mailboxes, keywords) == (list(item.mailboxes), item.keywords)


def test_the_separators_date_counts_only_where_received_is_missing() -> None:
    assert 1_795_438_255 == only(FROM + b"S: 1\n").received_at
    assert 1_795_434_655 == only(FROM[:-1] + b" +0100\nS: 1\n").received_at
    assert None is only(FROM + b"Received: by x; Mon, 23 Nov 2026 12:00:00 +0000\nS: 1\n").received_at
    assert None is only(b"From ada Mon Nov 31 12:50:55 2026\nS: 1\n").received_at


@pytest.mark.parametrize(
    "facts",
    [
        b'{"size": 8, "receivedAt": 1, "mailbox": ["\\ud800"]}',
        b'{"size": 8, "receivedAt": 1, "mailbox": ["a\\u0000"]}',
        b'{"size": 8, "receivedAt": 1, "mailbox": [""]}',
        b'{"size": 8, "receivedAt": 1, "mailbox": []}',
        b'{"size": 8, "receivedAt": 9999999999999999999, "mailbox": ["a"]}',
        b'{"size": -1, "receivedAt": 1, "mailbox": ["a"]}',
        b'{"size": 9, "receivedAt": 1, "mailbox": ["a"]}',
        b'{"size": 1, "receivedAt": 1, "mailbox": ["a"]}',
        b"{" * 5_000,
        b"{}",
    ],
)
def test_a_false_mark_of_our_own_export_is_just_a_field(facts: bytes) -> None:
    message = b"Status: RO\nX-Posthouse-Export: " + facts + b"\nS: 1\n\nx\n"
    item = only(FROM + message)
    assert (message, (("Box",),)) == (item.data, item.mailboxes)


def test_too_large_messages_are_skipped_and_those_around_them_read() -> None:
    large = FROM + b"S: 2\n\n" + b"x" * 50 + b"\n" * 10 + b"From y\n" * 2_000 + b"\n"
    found = read(FROM + b"S: 1\n\n" + large + FROM + b"S: 3\n", limit=5_000)
    assert [b"S: 1\n", "larger than 5,000 bytes", b"S: 3\n"] == [
        item.data if isinstance(item, Item) else item.reason for item in found
    ]


def test_a_message_of_just_the_greatest_size_is_read() -> None:
    body = b"S: 1\n\n" + b"x" * (LIMIT - 7) + b"\n"
    assert [body] == messages(FROM + body + b"\n" + FROM + b"\n")
    assert [] == messages(FROM + body + b"x\n")


def test_empty_messages_are_skipped() -> None:
    found = read(FROM + b"\n" + FROM + b"S: 2\n")
    assert [Skipped("box, message 1 at byte 0", "empty message")] == found[:1]
    assert [b"S: 2\n"] == [item.data for item in found if isinstance(item, Item)]


_LINES = st.sampled_from(
    [
        FROM,
        b"\n",
        b"\r\n",
        b"Subject: x\n",
        b"Content-Length: 9\n",
        b"From me\n",
        b">From\n",
        b"x",
        b"Status: RO\n",
    ]
)


@settings(max_examples=300)
@given(st.lists(_LINES, max_size=12).map(lambda lines: FROM + b"".join(lines)))
def test_how_the_bytes_arrive_changes_nothing(data: bytes) -> None:
    assert read(data) == list(read_mbox(Trickle(data), ("Box",), "box", LIMIT))


def test_a_separator_may_lie_across_two_reads() -> None:
    class Halves(io.BytesIO):
        """Gives the file in two parts, then the end."""

        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(half - self.tell() if self.tell() < half else size)

    body = b"S: 1\n\n" + b"x" * 80_000 + b"\n"  # longer than what is read of every message at once
    data = FROM + body + b"\n" + FROM + b"S: 2\n"
    for half in range(len(FROM + body) - 10, len(FROM + body) + 2 * len(FROM)):
        found = list(read_mbox(Halves(data), ("Box",), "box", 100_000))
        assert [body, b"S: 2\n"] == [item.data for item in found if isinstance(item, Item)], half


@given(st.lists(st.binary(max_size=60), max_size=8), st.integers(0, 100))
def test_any_bytes_are_read_without_an_error(parts: list[bytes], limit: int) -> None:
    read(FROM + FROM.join(parts), limit)


def test_no_byte_is_lost_between_the_messages() -> None:
    bodies = [b"S: %d\n\n" % n + b"line\n" * n for n in range(200)]
    assert bodies == messages(b"".join(FROM + body + b"\n" for body in bodies), limit=100_000)


class Generated:
    """An mbox of so many bytes that is never in memory as a whole."""

    def __init__(self, size: int) -> None:
        self.left = size
        message = FROM + b"Subject: x\n\n" + b"a line of text, as long as most are\n" * 700 + b"\n"
        self._block = message * 40

    def read(self, size: int, /) -> bytes:
        data = self._block[: min(size, self.left)] if size < len(self._block) else self._block
        if self.left <= 0:
            return b""
        self.left -= len(data)
        return data


def test_memory_stays_small_however_long_the_file_is() -> None:
    def peak(source: Iterator[Item | Skipped]) -> tuple[int, int]:
        tracemalloc.start()
        try:
            count = sum(1 for _ in source)
            return count, tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    count, memory = peak(read_mbox(Generated(100_000_000), ("Box",), "box", 1_000_000))
    assert count > 3_000
    assert memory < 8_000_000


def test_memory_stays_small_in_a_message_without_end() -> None:
    class Endless(Generated):
        def read(self, size: int, /) -> bytes:
            data = super().read(size)
            return data.replace(b"From ", b"Fro m") if self.left < 49_000_000 else data

    tracemalloc.start()
    try:
        found = list(read_mbox(Endless(50_000_000), ("Box",), "box", 2_000_000))
        memory = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "larger than 2,000,000 bytes" == getattr(found[-1], "reason", None)
    assert memory < 12_000_000
