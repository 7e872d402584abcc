"""What is shown of a message: bodies, attachments, preview and what a search reads (RFC 8621 §4.1.4)."""

from __future__ import annotations

import pytest

from posthouse.formats import mime
from posthouse.formats.mime import ComposeInput, PartInput, compose, parse


def leaf(type_: str, label: str, disposition: str | None = None, **others: str) -> PartInput:
    return PartInput(type_, label.encode(), disposition=disposition, headers=(), **others)


def multi(kind: str, *parts: PartInput) -> PartInput:
    return PartInput(f"multipart/{kind}", sub_parts=parts)


def message(part: PartInput) -> bytes:
    return compose(ComposeInput((), part))


def labels(part: PartInput) -> tuple[str, str, str]:
    """Write the contents of text, html and attachments, one letter a part."""
    data = message(part)
    sorted_ = mime.body(parse(data))
    text, html, attachments = (
        "".join(mime.part_bytes(data, one).decode() for one in parts) for parts in sorted_
    )
    return text, html, attachments


A = leaf("text/plain", "A", "inline")
EXAMPLE = multi(
    "mixed",
    A,
    multi(
        "mixed",
        multi(
            "alternative",
            multi(
                "mixed",
                leaf("text/plain", "B", "inline"),
                leaf("image/jpeg", "C", "inline"),
                leaf("text/plain", "D", "inline"),
            ),
            multi("related", leaf("text/html", "E"), leaf("image/jpeg", "F")),
        ),
        leaf("image/jpeg", "G", "attachment"),
        leaf("application/x-excel", "H"),
        leaf("message/rfc822", "J"),
    ),
    leaf("text/plain", "K", "inline"),
)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (EXAMPLE, ("ABCDK", "AEK", "CFGHJ")),
        (leaf("text/plain", "A"), ("A", "A", "")),
        (leaf("text/html", "A"), ("A", "A", "")),
        (leaf("image/png", "A"), ("A", "A", "")),
        (leaf("image/png", "A", "attachment"), ("", "", "A")),
        (leaf("application/pdf", "A"), ("", "", "A")),
        (multi("alternative", A, leaf("text/html", "B")), ("A", "B", "")),
        (multi("alternative", leaf("text/html", "B")), ("B", "B", "")),
        (multi("alternative", leaf("text/plain", "A")), ("A", "A", "")),
        (multi("alternative", A, leaf("text/html", "B"), leaf("text/calendar", "C")), ("A", "B", "C")),
        (multi("related", leaf("text/html", "A"), leaf("image/png", "B")), ("A", "A", "B")),
        (multi("mixed", leaf("text/plain", "A"), leaf("text/plain", "B", name="b.txt")), ("A", "A", "B")),
        (
            multi("mixed", leaf("text/plain", "A", name="a.txt"), leaf("image/png", "B", name="b")),
            ("AB", "AB", ""),
        ),
        (multi("mixed", leaf("text/csv", "A")), ("", "", "A")),
    ],
)
def test_parts_are_sorted_as_the_standard_suggests(part: PartInput, expected: tuple[str, str, str]) -> None:
    assert expected == labels(part)


PICTURE = PartInput("image/png", b"x", cid="a@b")


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (EXAMPLE, True),
        (A, False),
        (multi("mixed", A, leaf("application/pdf", "B")), True),
        (multi("mixed", A, leaf("application/pdf", "B", "inline")), False),
        (multi("related", leaf("text/html", "A"), PICTURE), False),
        (
            multi(
                "related",
                leaf("text/html", "A"),
                PartInput("image/png", b"x", cid="a", disposition="attachment"),
            ),
            True,
        ),
        (multi("related", leaf("text/html", "A"), leaf("image/png", "B")), True),
        (multi("signed", A, leaf("application/pgp-signature", "B")), False),
        (multi("mixed", A, leaf("message/rfc822", "B")), True),
    ],
)
def test_has_attachment(part: PartInput, expected: bool) -> None:
    assert expected == mime.has_attachment(parse(message(part)))


def preview(type_: str, content: str) -> str:
    data = message(PartInput(type_, content))
    return mime.preview(data, parse(data))


@pytest.mark.parametrize(
    ("type_", "content", "expected"),
    [
        ("text/plain", "  Hello\n\n\tyou \u00a0 there ", "Hello you there"),
        ("text/plain", "> quoted\nOn Monday\n> more\nmy answer\n-- \nAnn", "On Monday my answer"),
        ("text/plain", "> only\n> quoted", "> only > quoted"),
        ("text/plain", "-- \nAnn", "-- Ann"),
        ("text/plain", "", ""),
        ("text/plain", "x" * 300, "x" * 256),
        ("text/plain", "😀" * 300, "😀" * 256),
        ("text/plain", "\u200b\u00adHel\u00adlo\u034f\ufeff\0", "Hello"),
        ("text/html", "Hello&zwnj;&nbsp;&zwnj;&nbsp;&zwnj;&nbsp; you", "Hello you"),
        ("text/plain", "नमस्\u200dते", "नमस्\u200dते"),
        ("text/html", "<style>p{}</style><title>T</title><p>Hello <b>y</b>ou<p>there", "Hello you there"),
        ("text/html", "<p>> not quoted", "> not quoted"),
    ],
)
def test_preview(type_: str, content: str, expected: str) -> None:
    assert expected == preview(type_, content)


def test_preview_comes_from_the_first_text_that_is_not_blank() -> None:
    data = message(multi("mixed", PartInput("text/plain", " \n"), PICTURE, PartInput("text/html", "<p>Here")))
    assert "Here" == mime.preview(data, parse(data))


def test_preview_joins_flowed_lines() -> None:
    data = (
        b"Content-Type: text/plain; charset=utf-8; format=flowed; delsp=yes\r\n\r\n"
        b"The post \r\nhouse \r\n stuffed\r\n> quoted \r\n> on\r\n-- \r\nAnn\r\n"
    )
    assert "The posthousestuffed" == mime.preview(data, parse(data))
    assert "The posthousestuffed\n> quotedon\n-- \nAnn\n" == mime.search_text(data, parse(data)).body


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("plain", "plain"),
        ("a<br>b<p>c</p>d", "a\nb\nc\nd"),
        ("<b>b</b>old<td>x</td>y", "bold x y"),
        ("<a title=\"x > y\" href='z>'>link</a>", "link"),
        ('<a title="open>text</a>', "text"),
        ("a &lt;b&gt; &amp;amp; &nbsp;&#228;&auml;&quot;", 'a <b> &amp; \xa0ää"'),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("<!-- a <b> --x -->y", "y"),
        ("a<!-- never closed <p>b", "a"),
        ("<SCRIPT>if (a<b) x('</p>')</SCRIPT>y", "y"),
        ("<style>never closed <p>b", ""),
        ("<!doctype html><?php x ?>y", "y"),
        ("a<p", "a\n"),
        ("x<DIV>y</DIV>", "x\ny\n"),
    ],
)
def test_html_text(html: str, text: str) -> None:
    assert text == mime.html_text(html)


@pytest.mark.parametrize(
    ("html", "hints"),
    [
        ("<img alt='A cat' title=\"It&#39;s\nasleep\" src=x>", "A cat\nIt's\nasleep"),
        ("<a TITLE = more href='a?title=no'>x</a>", "more"),
        ("<img alt='' data-alt=x alt>", ""),
        ("title = 'no' <b>alt=no</b>", ""),
        ("<a title='never closed", ""),
        ("<!-- <img alt=hidden> -->", ""),
        ('<img alt="1 > 0"><i>!</i><img alt="1 > 0">', "1 > 0"),
    ],
)
def test_pictures_and_links_have_hints(html: str, hints: str) -> None:
    data = b"Content-Type: text/html\r\n\r\n" + html.encode()
    body = mime.search_text(data, parse(data)).body
    assert [*mime.html_text(html).split(), *hints.split()] == body.split()
    assert hints in body


@pytest.mark.parametrize(
    "piece",
    [
        "<div>",
        "<a ",
        "<!--",
        "<!-",
        "<script ",
        "<style></styl",
        "&",
        '<a "',
        "<a b='>",
        "<p",
        " <p ",
        "<",
        "<title>",
        " alt=x",
        "<a alt =",
        " title='",
        "alttitle",
        "<style></style>",
        pytest.param("<" + "a" * 199_999, id="long name"),
    ],
)
def test_hostile_html_takes_linear_time(piece: str) -> None:
    """A quadratic reader runs into the time limit of the suite."""
    data = b"Content-Type: text/html\r\n\r\n" + piece.encode() * (400_000 // len(piece))
    mime.search_text(data, parse(data))


def test_search_text_reads_every_field_and_body() -> None:
    data = (
        b'From: "Ann A" <ann@a>\r\nTo: b@b, C <c@c>\r\nCc: d@d\r\nBcc: e@e\r\nSubject: =?utf-8?q?=C3=A4?=\r\n'
        + message(
            multi(
                "mixed",
                multi(
                    "alternative",
                    PartInput("text/plain", "one two"),
                    PartInput("text/html", "<p>two <b>three</b>"),
                ),
                PartInput("text/plain", "four"),
                leaf("application/pdf", "five", name="six.pdf"),
            )
        )
    )
    found = mime.search_text(data, parse(data))
    assert ("Ann A ann@a", "b@b\nC c@c", "d@d", "e@e", "ä") == found[:5]
    assert "one two\nfour\ntwo three" == found.body
    assert "six.pdf" == found.attachment_names


def test_search_text_is_bounded() -> None:
    data = message(
        multi("alternative", PartInput("text/plain", "ab " * 99), PartInput("text/html", "<p>" + "cd " * 99))
    )
    assert "ab ab" == mime.search_text(data, parse(data), 5).body
