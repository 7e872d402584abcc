"""The tree of parts: structure, offsets and the properties of parts."""

from __future__ import annotations

import pytest

from posthouse.formats.mime import Part, decode_bytes, parse, part_bytes, part_text


def shape(part: Part) -> object:
    """Write a tree as nested lists of types."""
    return [part.type, *map(shape, part.sub_parts)] if part.is_multipart else part.type


def test_empty_message_is_an_empty_text() -> None:
    message = parse(b"")
    assert (0, "text/plain", "us-ascii", "1") == (
        message.size,
        message.root.type,
        message.root.charset,
        message.root.part_id,
    )


def test_boundary_that_is_a_prefix_of_an_inner_one() -> None:
    data = (
        b'Content-Type: multipart/mixed; boundary="AA"\r\n\r\n--AA\r\n'
        b'Content-Type: multipart/alternative; boundary="AAB"\r\n\r\n--AAB\r\n\r\none\r\n'
        b"--AAB\r\nContent-Type: text/html\r\n\r\ntwo\r\n--AAB--\r\n--AA\r\n\r\nthree\r\n--AA--\r\n"
    )
    message = parse(data)
    assert [
        "multipart/mixed",
        ["multipart/alternative", "text/plain", "text/html"],
        "text/plain",
    ] == shape(message.root)
    inner, last = message.root.sub_parts
    assert [b"one", b"two", b"three"] == [part_bytes(data, part) for part in (*inner.sub_parts, last)]
    assert ["1", "2", "3"] == [part.part_id for part in (*inner.sub_parts, last)]


@pytest.mark.parametrize("eol", [b"\r\n", b"\n"])
def test_line_feed_alone_ends_lines_too(eol: bytes) -> None:
    data = eol.join(
        (b"Content-Type: multipart/mixed; boundary=b", b"", b"preamble", b"--b", b"", b"x", b"--b--", b"end")
    )
    (part,) = parse(data).root.sub_parts
    assert b"x" == part_bytes(data, part)


def test_part_bytes_is_the_range_decoded() -> None:
    data = b"Content-Transfer-Encoding: BASE64 \r\n\r\naGVsbG8=\r\n"
    root = parse(data).root
    assert ("base64", 5) == (root.encoding, root.size)
    assert b"hello" == part_bytes(data, root)
    assert b"hello" == decode_bytes(data[root.offset : root.offset + root.length], root.encoding)


def test_text_of_html_is_not_cut_inside_a_tag() -> None:
    data = b'Content-Type: text/html\r\n\r\n<p>Hello <a href="x">you</a>'
    assert ("<p>Hello ", False, True) == part_text(data, parse(data).root, 15)
