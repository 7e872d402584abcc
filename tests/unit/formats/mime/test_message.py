"""The tree of parts: structure, offsets and the properties of parts."""

from __future__ import annotations

import pytest

from posthouse.formats.mime import (
    Part,
    convenience,
    decode_bytes,
    parse,
    part_bytes,
    part_text,
    preview,
    search_text,
)


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


def mixed(*lines: bytes, boundary: bytes = b"b") -> bytes:
    return b"\r\n".join((b'Content-Type: multipart/mixed; boundary="' + boundary + b'"', b"", *lines))


def contents(data: bytes) -> list[bytes]:
    """List the contents of the leaves of a message."""

    found: list[bytes] = []
    waiting = [parse(data).root]
    while waiting:
        part = waiting.pop()
        if not part.is_multipart:
            found.append(part_bytes(data, part))
        waiting += reversed(part.sub_parts)
    return found


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (mixed(b"--b", b"", b"x", b"--b--", b""), [b"x"]),
        (mixed(b"--b", b"", b"x", b"", b"--b--", b""), [b"x\r\n"]),
        (mixed(b"preamble", b"--b", b"", b"x", b"--b--", b"epilogue", b"--b", b"y"), [b"x"]),
        (mixed(b"--b", b"", b"x", b"--b", b"", b"never closed"), [b"x", b"never closed"]),
        (mixed(b"--b \t", b"", b"x", b"--b-- ", b""), [b"x"]),
        (mixed(b"--b", b"", b"x", b"--bb", b"--b-", b" --b", b"--b--"), [b"x\r\n--bb\r\n--b-\r\n --b"]),
        (mixed(b"--b", b"--b", b"", b"x", b"--b--"), [b"x"]),
        (mixed(b"--b", b"", b"--b", b"", b"x", b"--b--"), [b"", b"x"]),
        (mixed(b"--b", b"", b"", b"--b--"), [b""]),
        (mixed(b"--b", b"A: no blank line", b"--b--"), [b""]),
        (mixed(b"--b", b"body at once", b"--b--"), [b"body at once"]),
        (mixed(b"no delimiter", b""), [b"no delimiter\r\n"]),
        (mixed(b"--b--", b"only the last"), [b"--b--\r\nonly the last"]),
        (mixed(b"--", b"", b"x", b"----", boundary=b""), [b"--\r\n\r\nx\r\n----"]),
        (b"Content-Type: multipart/mixed\r\n\r\nno boundary", [b"no boundary"]),
        (mixed(b"--b ", b"", b"x", b"--b--", boundary=b"b "), [b"x"]),
        (mixed("--ü".encode(), b"", b"x", "--ü--".encode(), boundary="ü".encode()), [b"x"]),
        (mixed(b"--(*).", b"", b"x", b"--(*).--", boundary=b"(*)."), [b"x"]),
    ],
)
def test_delimiters_part_a_multipart(data: bytes, expected: list[bytes]) -> None:
    assert expected == contents(data)


def test_outer_delimiter_ends_an_inner_multipart() -> None:
    inner = (b"Content-Type: multipart/mixed; boundary=c", b"", b"--c", b"", b"x", b"--b", b"", b"--c", b"y")
    assert [b"x", b"--c\r\ny"] == contents(mixed(b"--b", *inner, b"--b--"))


def test_inner_multipart_of_the_outer_boundary_takes_the_rest() -> None:
    inner = (b"Content-Type: multipart/alternative; boundary=b", b"")
    data = mixed(b"--b", *inner, b"--b", b"", b"x", b"--b", b"", b"y", b"--b--", b"--b--")
    assert ["multipart/mixed", ["multipart/alternative", "text/plain", "text/plain"]] == shape(
        parse(data).root
    )
    assert [b"x", b"y"] == contents(data)


def test_parts_of_a_digest_are_messages_unless_they_say_otherwise() -> None:
    data = mixed(b"--b", b"", b"A: b", b"--b", b"Content-Type: text/plain", b"", b"x", b"--b--")
    assert ["multipart/digest", "message/rfc822", "text/plain"] == shape(
        parse(data.replace(b"mixed", b"digest")).root
    )


def test_message_inside_is_a_leaf() -> None:
    data = b"Content-Type: message/rfc822\r\n\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
    assert "message/rfc822" == shape(parse(data).root)


def test_transfer_encoding_of_a_multipart_is_ignored() -> None:
    data = b"Content-Transfer-Encoding: base64\r\n" + mixed(b"--b", b"", b"x", b"--b--")
    root = parse(data).root
    assert ("", root.length, [b"x"]) == (root.encoding, root.size, contents(data))


def test_multiparts_beyond_the_cap_are_opaque() -> None:
    data = b"".join(b"Content-Type: multipart/mixed; boundary=%d.\n\n--%d.\n" % (n, n) for n in range(60))
    part, depth = parse(data).root, 0
    while part.is_multipart:
        (part,), depth = part.sub_parts, depth + 1
    assert (50, "application/octet-stream", "1") == (depth, part.type, part.part_id)
    assert data.endswith(part_bytes(data, part))
    assert part_bytes(data, part).startswith(b"--50.")


def test_parts_beyond_the_cap_are_one_opaque_part() -> None:
    data = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 20_005 + b"--b--\n"
    parts = parse(data).root.sub_parts
    assert 19_999 == len(parts)
    assert ("application/octet-stream", True) == (
        parts[-1].type,
        part_bytes(data, parts[-1]).startswith(b"\nx\n--b"),
    )


@pytest.mark.parametrize(
    "data",
    [
        mixed(b"--bx\r\n" * 200_000),
        mixed(b"--b\r\n" * 200_000),
        mixed(b"--b \t" * 200_000),
        mixed(b"-" * 1_000_000, boundary=b"-" * 60),
        b"A: b\r\n" * 200_000,
        b"A" * 1_000_000,
        b"A " * 500_000,
        b" \n" * 500_000,
        b"A:\n" + b" \n" * 500_000,
        b"Content-Transfer-Encoding: quoted-printable\n\n" + b" " * 1_000_000 + b"x",
        b"Content-Transfer-Encoding: quoted-printable\n\n" + b" \t=\r" * 250_000,
        b"Content-Transfer-Encoding: base64\n\n" + b"A=" * 500_000,
        b"Content-Transfer-Encoding: uue\n\nbegin 644 x\n" + b"#86)C\n" * 150_000,
        b"Subject: " + b"=?utf-8?q?a?= " * 30_000,
        b"Subject: " + b"=?utf-8?q?" * 40_000,
        b"Message-ID: " + b"<(" * 200_000,
        b"Date: " + b"(" * 400_000,
        b"".join(b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" for _ in range(10_000)),
    ],
    ids=lambda data: data[:30].decode("latin-1") + "...",
)
def test_hostile_messages_take_linear_time(data: bytes) -> None:
    """Some hundred kilobytes each; a quadratic reader runs into the time limit of the suite."""
    message = parse(data)
    convenience(message)
    preview(data, message)
    search_text(data, message)
