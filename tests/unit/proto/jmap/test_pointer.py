"""JSON pointers (RFC 6901)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.proto.jmap import pointer


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("/", [""]),
        ("/foo/0", ["foo", "0"]),
        ("/a~1b", ["a/b"]),
        ("/m~0n", ["m~n"]),
        ("/~01", ["~1"]),
        ("//", ["", ""]),
        ("/c%d", ["c%d"]),
    ],
)
def test_a_pointer_splits_into_tokens(text: str, expected: list[str]) -> None:
    assert expected == pointer.tokens(text)


@pytest.mark.parametrize("text", ["foo", "foo/bar", "/~", "/~2", "/a~/b", "#/foo"])
def test_other_text_is_no_pointer(text: str) -> None:
    with pytest.raises(ValueError):
        pointer.tokens(text)


@given(st.lists(st.text("a/~01", max_size=5), max_size=5))
def test_escaped_tokens_come_back(names: list[str]) -> None:
    text = "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in names)
    assert names == pointer.tokens(text)


@pytest.mark.parametrize(("token", "expected"), [("0", 0), ("7", 7), ("10", 10)])
def test_an_index_is_a_number_without_leading_zeros(token: str, expected: int) -> None:
    assert expected == pointer.index(token)


@pytest.mark.parametrize("token", ["", "-", "-1", "+1", "01", "00", "1 ", "1\n", "٣", "a", "*", "9" * 5000])
def test_other_tokens_are_no_index(token: str) -> None:
    assert pointer.index(token) is None
