"""Where a message ends, and what hides in it: SMTP smuggling (RFC 5321 §4.1.1.4, §2.3.8)."""

from __future__ import annotations

import pytest

from courier.conversation import Conversation, session
from posthouse.proto.smtp.event import Close, Done, MailFrom, Reset

HEAD = b"EHLO a\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n"
DATA = HEAD + b"DATA\r\n"
HIDDEN = b"MAIL FROM:<root@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nforged\r\n.\r\n"

ENDS = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r.\r",
    b"\r.\r\n",
    b"\r\n.\r",
    b"\r.\n",
    b"\n.\r",
    b"\r\n.\r\r\n",
    b"\r\r\n.\r\r\n",
    b"\r\n\x00.\r\n\n",
    b"\n\n.\r\n",
    b"\r\n.\n\r\n",
    b"\n\r.\n\r",
]


@pytest.mark.parametrize("end", ENDS)
def test_only_crlf_dot_crlf_ends_a_message(end: bytes) -> None:
    talk = Conversation()
    codes = talk.say(DATA + b"Subject: x\r\n\r\nfair" + end + HIDDEN)
    assert [250, 250, 250, 354, 554] == codes
    assert [MailFrom, Reset, Close] == [
        type(event) for event in talk.events if isinstance(event, MailFrom | Reset | Close | Done)
    ]


@pytest.mark.parametrize(
    "end", [b"\r\n..\r\n", b"\r\n.\x00\r\n", b"\r\n. \r\n", b"\r\n .\r\n", b"\r\n.\r\n"[:-2] + b"x\r\n"]
)
def test_what_looks_like_the_end_is_content(end: bytes) -> None:
    talk = Conversation()
    assert [250, 250, 250, 354, 250] == talk.say(DATA + b"fair" + end + b"more\r\n.\r\n")
    assert b"more\r\n" == talk.content[-6:]
    assert 1 == sum(isinstance(event, Done) for event in talk.events)


@pytest.mark.parametrize("bad", [b"a\nb", b"a\rb", b"\n", b"\r\r\n"])
def test_a_chunk_has_no_bare_line_break_either(bad: bytes) -> None:
    talk = Conversation()
    assert [250, 250, 250, 554] == talk.say(HEAD + b"BDAT %d LAST\r\n" % len(bad) + bad)
    assert Close(False) == talk.events[-1]


def test_a_line_break_may_span_chunks() -> None:
    talk = Conversation()
    assert [250, 250, 250, 250, 250] == talk.say(HEAD + b"BDAT 2\r\na\rBDAT 2 LAST\r\n\nb")
    assert b"a\r\nb" == talk.content


def test_a_message_may_not_end_in_a_bare_cr() -> None:
    assert [250, 250, 250, 250, 554] == Conversation().say(HEAD + b"BDAT 2\r\na\rBDAT 0 LAST\r\n")


@pytest.mark.parametrize("command", [b"NOOP\n", b"NOOP\rx\r\n", b"NO\nOP\r\n", b"NOOP\r\r\n"])
def test_a_command_ends_in_crlf(command: bytes) -> None:
    talk = Conversation()
    assert [521] == talk.say(command + b"NOOP\r\n")
    assert [Close(False)] == talk.events


def test_a_message_may_be_empty() -> None:
    talk = Conversation()
    assert [250, 250, 250, 354, 250] == talk.say(DATA + b".\r\n")
    assert b"" == talk.content
    assert Done(0) == talk.events[-1]


def test_octets_of_all_kinds_come_through() -> None:
    content = bytes(octet for octet in range(256) if octet not in b"\r\n") + b"\r\n"
    talk = Conversation()
    talk.say(DATA + content + b".\r\n")
    assert content == talk.content


def test_a_message_larger_than_allowed_is_refused_at_its_end() -> None:
    talk = Conversation(session(limits={"size": 100}))
    assert [250, 250, 250, 354] == talk.say(DATA + b"x" * 101)
    assert [552, 250] == talk.say(b"x" * 500 + b"\r\n.\r\nNOOP\r\n")
    assert Reset() == talk.events[-1]


def test_a_message_without_end_ends_the_session() -> None:
    talk = Conversation(session(limits={"size": 100}))
    assert [250, 250, 250, 354] == talk.say(DATA)
    assert [552] == talk.say(*[b"x" * 65536] * 20)
    assert Close(False) == talk.events[-1]


def test_the_largest_message_is_taken() -> None:
    talk = Conversation(session(limits={"size": 100}))
    assert [250, 250, 250, 354, 250] == talk.say(DATA + b"x" * 98 + b"\r\n.\r\n")
    assert Done(100) == talk.events[-1]


def test_a_header_longer_than_allowed_is_refused() -> None:
    talk = Conversation(session(limits={"header": 20}))
    assert [250, 250, 250, 354, 552] == talk.say(DATA + b"A: " + b"x" * 30 + b"\r\n\r\nbody\r\n.\r\n")


def test_a_body_is_no_header() -> None:
    for head in (b"A: b\r\n\r\n", b"\r\n"):
        talk = Conversation(session(limits={"header": 20}))
        assert [250, 250, 250, 354, 250] == talk.say(
            DATA, *[bytes((x,)) for x in head], b"x" * 90 + b"\r\n.\r\n"
        )


def test_a_chunk_too_large_is_read_away() -> None:
    talk = Conversation(session(limits={"size": 10}))
    assert [250, 250, 250, 552, 250] == talk.say(HEAD + b"BDAT 12 LAST\r\n" + b"NOOP\r\n" * 2 + b"NOOP\r\n")
    assert not talk.content


def test_a_chunk_that_never_ends_is_not_waited_for() -> None:
    talk = Conversation()
    assert [250, 250, 250, 552] == talk.say(HEAD + b"BDAT 99999999999999999999\r\n")
    assert Close(False) == talk.events[-1]


def test_chunks_behind_a_refused_one_are_refused() -> None:
    talk = Conversation(session(limits={"size": 10}))
    codes = talk.say(HEAD + b"BDAT 5\r\nhelloBDAT 6\r\nhello!BDAT 2 LAST\r\n\r\nNOOP\r\n")
    assert [250, 250, 250, 250, 552, 503, 250] == codes
