"""Content-Type, Content-Disposition and the other fields of parts (RFC 2045 §5.1, RFC 2183, RFC 2231)."""

from __future__ import annotations

import pytest

from posthouse.formats.mime import parse
from posthouse.formats.mime.parameter import disposition, media_type


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (" text/plain", ("text/plain", {})),
        (" TEXT/Plain; Charset=UTF-8", ("text/plain", {"charset": "UTF-8"})),
        (' text/plain; charset="utf-8";', ("text/plain", {"charset": "utf-8"})),
        (" text/plain (a; b=c (d)); charset=x (e)", ("text/plain", {"charset": "x"})),
        (' multipart/mixed;\r\n\tboundary="a\r\n b"', ("multipart/mixed", {"boundary": "a b"})),
        (" a/b; x=1; X=2", ("a/b", {"x": "1"})),
        (' a/b; x="a\\"b\\\\c"', ("a/b", {"x": 'a"b\\c'})),
        (' a/b; x="C:\\TEMP\\n.png"', ("a/b", {"x": "C:\\TEMP\\n.png"})),
        (" a/b; name=two words.txt; y=z", ("a/b", {"name": "two words.txt", "y": "z"})),
        (' a/b; x="never closed', ("a/b", {"x": "never closed"})),
        (' a/b; x="(no comment)"', ("a/b", {"x": "(no comment)"})),
        (" a/b;; ;x=1", ("a/b", {"x": "1"})),
        (" a/b x=1", ("a/b", {})),
        (" text", None),
        ("", None),
        (" ;charset=x", None),
        (" a/b/c", None),
    ],
)
def test_media_type(value: str, expected: object) -> None:
    assert expected == media_type(value)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("attachment; filename=a.txt", "a.txt"),
        ("attachment; filename*=utf-8''%C3%A4.txt", "ä.txt"),
        ("attachment; filename*=iso-8859-1'de'%E4.txt", "ä.txt"),
        ("attachment; filename*=%C3%A4.txt", "ä.txt"),
        ("attachment; filename*=x-unknown''%C3%A4.txt", "ä.txt"),
        ('attachment; filename*0=one; filename*1=" two"; filename*2=.txt', "one two.txt"),
        ("attachment; filename*1=b; filename*0=a", "ab"),
        ("attachment; filename*0*=utf-8''%C3; filename*1*=%A4; filename*2=%41", "ä%41"),
        ("attachment; filename*0=a; filename*2=c", "a"),
        ("attachment; filename=plain.txt; filename*=utf-8''%C3%A4.txt", "ä.txt"),
        ('attachment; filename="=?utf-8?q?=C3=A4.txt?="', "ä.txt"),
        ('attachment; filename="=?utf-8?q?=C3?==?utf-8?q?=A4.txt?="', "ä.txt"),
        ("attachment; filename=ä.txt", "ä.txt"),
        ("attachment; filename*=utf-8''a%00b", "ab"),
        ("attachment; filename*=utf-8''a%0D%0Ab", "ab"),
        ("attachment; filename*=utf-8''%3D%3Futf-8%3Fq%3Fa%3F%3D", "=?utf-8?q?a?="),
        ('attachment; filename*0="=?utf-8?q?=C3"; filename*1="=A4?="', "ä"),
        ("attachment; filename=''", "''"),
    ],
)
def test_filename(value: str, name: str) -> None:
    assert ("attachment", name) == (disposition(value)[0], disposition(value)[1]["filename"])


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("", ("text/plain", "us-ascii", None, None)),
        ("Content-Type: text/html", ("text/html", "us-ascii", None, None)),
        ("Content-Type: text/html; charset=X-Own", ("text/html", "X-Own", None, None)),
        ("Content-Type: image/png", ("image/png", None, None, None)),
        ("Content-Type: image/png; name=a.png", ("image/png", None, "a.png", None)),
        ("Content-Type: nonsense", ("text/plain", "us-ascii", None, None)),
        ("Content-Type: text/html\nContent-Type: text/plain", ("text/html", "us-ascii", None, None)),
        ("Content-Disposition: INLINE (now)", ("text/plain", "us-ascii", None, "inline")),
        ("Content-Disposition: ;filename=x", ("text/plain", "us-ascii", "x", None)),
        (
            "Content-Type: image/png; name=a.png\nContent-Disposition: attachment; filename=b.png",
            ("image/png", None, "b.png", "attachment"),
        ),
        (
            'Content-Type: image/png; name=a.png\nContent-Disposition: attachment; filename=""',
            ("image/png", None, "a.png", "attachment"),
        ),
    ],
)
def test_properties_of_a_part(fields: str, expected: tuple[str | None, ...]) -> None:
    root = parse(f"{fields}\n\n".encode()).root
    assert expected == (root.type, root.charset, root.name, root.disposition)


def test_other_fields_of_a_part() -> None:
    root = parse(
        b"Content-ID: (x) <a@b>\r\nContent-Language: en, de (German) ,\r\n"
        b"Content-Location:\r\n https://a/b\r\n\r\n"
    ).root
    assert ("a@b", ["en", "de"], "https://a/b") == (root.cid, root.language, root.location)
    bare = parse(b"Content-ID: bare\r\n\r\n").root
    assert ("bare", None, None) == (bare.cid, bare.language, bare.location)


@pytest.mark.parametrize("piece", ["(", ")", '"', '\\"', ";", "; a", ';a="', ";a*0=b", " ", "=", "%", "("])
def test_long_values_take_linear_time(piece: str) -> None:
    media_type("a/b;" + piece * (100_000 // len(piece)))
