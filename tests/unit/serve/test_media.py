"""Media types, file names and ranges (RFC 6838, RFC 6266, RFC 9110)."""

from __future__ import annotations

from email.message import Message
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.serve.http.media import OCTETS, attachment, byte_range, media_type


@pytest.mark.parametrize(
    "text",
    [
        "text/plain",
        "application/vnd.oasis.opendocument.text",
        'text/plain; name="a b\\"c"',
        "a/b;c=d;e=f",
        "x-a/y",
    ],
)
def test_media_types_stay_as_they_are(text: str) -> None:
    assert text == media_type(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "text",
        "text/",
        "/plain",
        "*/*",
        "té/x",
        "text/plain;",
        "text/pl ain",
        "text/plain\n",
        "text/plain; a",
        'a/b; c="d',
        "a/b; c=d\r\nX: y",
        "a/" + "b" * 128,
        "a/b" + "; c=d" * 60,
    ],
)
def test_other_texts_are_octets(text: str) -> None:
    assert OCTETS == media_type(text)


@given(st.text(max_size=40))
def test_any_name_makes_a_header_that_says_it_again(name: str) -> None:
    header = attachment(name)
    assert header.isascii() and header.isprintable()
    message = Message()
    message["Content-Disposition"] = header
    assert "attachment" == message.get_content_disposition()
    if name.isascii() and name.isprintable() and not set(name) & set('"\\%'):
        assert header in ("attachment", f'attachment; filename="{name}"')
    else:
        assert name == unquote(header.partition("filename*=UTF-8''")[2])


@given(st.text("bytes=0123456789-, ", max_size=20), st.integers(0, 1000))
def test_any_range_lies_within_the_blob(text: str, size: int) -> None:
    found = byte_range(text, size)
    if found is not None and found[0] < found[1]:
        assert 0 <= found[0] < found[1] <= size
