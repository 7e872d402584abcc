"""A message as it is sent: whole, in canonical lines, and without what is not for its recipients."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from posthouse.delivery import outgoing


def test_bcc_goes_with_all_its_lines_and_nothing_else() -> None:
    data = b"From: a\r\nBcc: x@x.example,\r\n y@x.example\r\nBCC : z\r\nX-Bcc: stays\r\nTo: b\r\n\r\nBcc: body\r\n"
    assert b"From: a\r\nX-Bcc: stays\r\nTo: b\r\n\r\nBcc: body\r\n" == outgoing.write(data, {})


def test_bcc_may_come_last_or_be_all_there_is() -> None:
    assert b"To: b\r\n\r\ntext\r\n" == outgoing.write(b"To: b\r\nBcc: x\r\n\r\ntext\r\n", {})
    assert b"\r\ntext\r\n" == outgoing.write(b"Bcc: x\r\n\r\ntext\r\n", {})
    assert b"" == outgoing.write(b"Bcc: x", {})


def test_bcc_is_found_however_its_lines_end() -> None:
    for line_break in (b"\n", b"\r\n", b"\r"):
        data = line_break.join([b"To: b", b"Bcc: x", b"\ty", b"Cc: c", b"", b"text", b""])
        assert b"To: b\r\nCc: c\r\n\r\ntext\r\n" == outgoing.write(data, {})


def test_what_the_message_lacks_is_put_before_it() -> None:
    fields = {"Date": "today", "Message-ID": "<1@x>"}
    assert b"Date: today\r\nMessage-ID: <1@x>\r\nTo: b\r\n\r\n" == outgoing.write(b"To: b\r\n\r\n", fields)
    assert b"Date: today\r\nMessage-ID: <1@x>\r\n\r\n odd\r\n" == outgoing.write(b" odd\r\n", fields)


def test_lines_are_canonical_and_nul_is_gone() -> None:
    assert b"To: b\r\n\r\na\r\nb\r\nc\r\n\r\nd\r\n" == outgoing.write(b"To: b\n\na\rb\r\nc\n\nd\0", {})


def test_the_header_is_what_stands_before_the_blank_line() -> None:
    assert b"To: b\r\n" == outgoing.header_of(b"To: b\r\n\r\nx\r\n")
    assert b"To: b\r\n" == outgoing.header_of(b"To: b\r\n")


@given(st.lists(st.sampled_from([b"Bcc: x", b" y", b"To: b", b"", b"\r", b"\n", b"\r\n", b"\x00", b"t"])))
def test_any_bytes_become_a_message_with_sound_lines(pieces: list[bytes]) -> None:
    written = outgoing.write(b"".join(pieces), {})
    assert written.count(b"\n") == written.count(b"\r") == written.count(b"\r\n")
    assert not written or written.endswith(b"\r\n")
    assert written == outgoing.write(written, {})
