"""Transfer encodings and charsets, declared rightly, wrongly and not at all."""

from __future__ import annotations

import base64
import quopri
import tracemalloc
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.formats.mime import decode_bytes, parse, part_text
from posthouse.formats.mime.charset import codec, decode
from posthouse.formats.mime.decode import base64_size, encoding_name


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("7bit", "7bit"),
        (" 8BIT ", "8bit"),
        ("Binary", "binary"),
        ("BASE64", "base64"),
        ("Quoted-Printable", "quoted-printable"),
        ("x-uuencode", "x-uuencode"),
        ("uue", "x-uuencode"),
        ("rot13", ""),
        ("", ""),
    ],
)
def test_encoding_name(value: str, name: str) -> None:
    assert name == encoding_name(value)


@pytest.mark.parametrize(
    ("encoding", "raw", "octets"),
    [
        ("base64", b"aGVs\r\nbG8=\r\n", b"hello"),
        ("base64", b"aGVs bG8", b"hello"),
        ("base64", b"aG!V*s-b_G8=", b"hello"),
        ("base64", b"aGVsbG8=\r\n______\r\nA list's footer\r\n", b"hello"),
        ("base64", b"aGVsbG8=====", b"hello"),
        ("base64", b"aGVsb", b"hel"),
        ("base64", b"aGVsbG", b"hell"),
        ("base64", b"", b""),
        ("base64", b"=", b""),
        ("base64", b"\xe4\0", b""),
        ("quoted-printable", b"a=C3=a4=\r\nb =\nc", "aäb c".encode()),
        ("quoted-printable", b"a  \r\nb\t\nc ", b"a\r\nb\nc"),
        ("quoted-printable", b"a= \t\r\nb", b"ab"),
        ("quoted-printable", b"a=XYb=", b"a=XYb"),
        ("quoted-printable", b"a=\rb\nc", b"a=\rb\nc"),
        ("x-uuencode", b"begin 644 x.txt\n%:&5L;&\\\n`\nend\n", b"hello"),
        ("x-uuencode", b"junk\r\nbegin 644 x.txt\r\n%:&5L;&\\\r\n`\r\nend\r\n", b"hello"),
        ("x-uuencode", b"no such thing", b"no such thing"),
        ("7bit", b"a=C3", b"a=C3"),
        ("", b"a=C3", b"a=C3"),
    ],
)
def test_decode_bytes(encoding: str, raw: bytes, octets: bytes) -> None:
    assert octets == decode_bytes(raw, encoding)


@given(
    content=st.binary(max_size=90),
    lines=st.lists(st.integers(0, 9), max_size=9) | st.builds(lambda n: [n] * 60, st.integers(1, 9)),
    end=st.sampled_from((b"\n", b"\r\n", b"\r\r\n", b"\n\n")),
)
def test_base64_is_read_however_its_lines_are_cut(content: bytes, lines: list[int], end: bytes) -> None:
    whole = base64.b64encode(content)
    cuts = [0, *accumulate(lines), len(whole)]
    raw = end.join(whole[start:stop] for start, stop in pairwise(cuts) if start <= stop)
    assert content == decode_bytes(raw, "base64") == decode_bytes(raw + end, "base64")


@given(st.lists(st.sampled_from((b"A", b"Qk", b"+/9z", b"=", b"\r\n", b" ", b"-"))).map(b"".join))
def test_base64_is_counted_as_it_is_decoded(raw: bytes) -> None:
    data = b"before" + raw + b"behind"
    assert len(decode_bytes(raw, "base64")) == base64_size(data, 6, 6 + len(raw))


def test_long_base64_is_counted_in_pieces() -> None:
    content = bytes(2_000_000)
    raw = base64.encodebytes(content)
    assert len(content) == base64_size(raw, 0, len(raw))
    tracemalloc.start()
    base64_size(raw, 0, len(raw))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < len(raw)


@given(st.binary(max_size=300))
def test_quoted_printable_of_others_is_read(content: bytes) -> None:
    content = content.replace(b"\r", b"")  # the encoder leaves a carriage return as it is
    assert content == decode_bytes(quopri.encodestring(content), "quoted-printable")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("UTF-8", "utf_8"),
        ("utf8", "utf_8"),
        ("iso-8859-1", "cp1252"),
        ("ISO_8859-1:1987", "cp1252"),
        ("cp-850", "cp850"),
        ("ibm850", "cp850"),
        ("unicode-1-1-utf-7", "utf_7"),
        ("x-sjis", "cp932"),
        ("ks_c_5601-1987", "cp949"),
        ("iso-8859-8-i", "iso8859_8"),
        ("windows-1251", "cp1251"),
        ("win-1251", "cp1251"),
        ("gb2312", "gb18030"),
        ("macintosh", "mac_roman"),
        ("zip", None),
        ("rot13", None),
        ("unicode_escape", None),
        ("idna", None),
        ("../../x", None),
        ("x" * 1000, None),
        ("", None),
    ],
)
def test_codec(name: str, expected: str | None) -> None:
    assert expected == codec(name)


@pytest.mark.parametrize(
    ("octets", "charset", "text", "is_problem"),
    [
        (b"abc", None, "abc", False),
        ("ä".encode(), "us-ascii", "ä", False),
        (b"\xe4\x80", "us-ascii", "ä€", True),
        (b"\xe4", None, "ä", True),
        ("ä".encode(), "utf-8", "ä", False),
        (b"\xe4b", "utf-8", "\ufffdb", True),
        (b"\xe4", "iso-8859-1", "ä", False),
        (b"\x81", "iso-8859-1", "\ufffd", True),
        ("ä".encode(), "x-unknown", "ä", True),
        (b"\xe4", "x-unknown", "ä", True),
        ("日本".encode(), "iso-2022-jp", "日本", True),
        ("日本".encode("cp932"), "shift_jis", "日本", False),
        ("日本".encode("iso2022_jp"), "iso-2022-jp", "日本", False),
        (b"\xef\xbb\xbfa", "utf-8", "a", False),
        (b"\xff\xfea\0", "utf-16", "a", False),
        (b"\xfe\xff\0a", "utf-16", "a", False),
        (b"a\0b\0", "utf-16", "ab", False),
        (b"\0a\0b", "utf-16", "ab", False),
        (b"+AOQ-", "utf-7", "ä", False),
        (b"+2AA-", "utf-7", "\ufffd", True),
    ],
)
def test_decode(octets: bytes, charset: str | None, text: str, is_problem: bool) -> None:
    assert (text, is_problem) == decode(octets, charset)


def test_charset_of_html_may_stand_in_its_head() -> None:
    html = '<html><head><meta charset="iso-8859-2"></head>ż'.encode("iso-8859-2")
    text, is_problem = decode(html, None, is_html=True)
    assert text.endswith("ż")
    assert is_problem


@pytest.mark.parametrize(
    ("type_", "content", "limit", "expected"),
    [
        ("text/plain", "a\r\nb\rc\n", 0, ("a\nb\rc\n", False)),
        ("text/plain", "abc", 3, ("abc", False)),
        ("text/plain", "abcd", 3, ("abc", True)),
        ("text/plain", "äöü", 3, ("ä", True)),
        ("text/plain", "äöü", 1, ("", True)),
        ("text/plain", "a😀", 4, ("a", True)),
        ("text/plain", "<b>x", 2, ("<b", True)),
        ("text/html", "a<b>x", 3, ("a", True)),
        ("text/html", "a<b>x", 4, ("a<b>", True)),
        ("text/html", "a < b and c", 8, ("a < b an", True)),
        ("text/html", "a<!-- x -->", 6, ("a", True)),
        ("text/html", "a&amp;b", 4, ("a", True)),
        ("text/html", "a&#228;b", 5, ("a", True)),
        ("text/html", "a&amp;b", 6, ("a&amp;", True)),
        ("text/html", "a & b", 4, ("a & ", True)),
        ("text/html", "a<", 2, ("a<", False)),
        ("text/html", "a<b>", 2, ("a", True)),
    ],
)
def test_text_is_cut_where_it_may_be(
    type_: str, content: str, limit: int, expected: tuple[str, bool]
) -> None:
    data = f"Content-Type: {type_}; charset=utf-8\r\n\r\n{content}".encode()
    text, is_problem, is_truncated = part_text(data, parse(data).root, limit)
    assert (*expected, False) == (text, is_truncated, is_problem)


def test_unknown_transfer_encoding_is_a_problem() -> None:
    data = b"Content-Transfer-Encoding: x-none\r\n\r\na=41"
    assert ("a=41", True, False) == part_text(data, parse(data).root)
