"""Escapes and separators inside values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.formats.vcard import components, escape, escape_component, items, text

TEXTS = st.text(st.sampled_from("a\\,;\n\u00e9 N"), max_size=10)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a\\nb\\Nc", "a\nb\nc"),
        ("a\\, b\\; c\\\\d", "a, b; c\\d"),
        ("http\\://x", "http://x"),
        ("C:\\temp\\dir", "C:\\temp\\dir"),
        ("end\\", "end\\"),
    ],
)
def test_escapes_are_undone(value: str, expected: str) -> None:
    assert expected == text(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", [[""]]),
        ("a;b,c;", [["a"], ["b", "c"], [""]]),
        ("a\\;b;c\\,d,e\\\\;f", [["a;b"], ["c,d", "e\\"], ["f"]]),
        ("a\\", [["a\\"]]),
    ],
)
def test_structures_are_split(value: str, expected: list[list[str]]) -> None:
    assert expected == components(value)


@given(TEXTS)
def test_text_comes_back(plain: str) -> None:
    assert plain == text(escape(plain))


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_lists_come_back(plain: list[str]) -> None:
    assert plain == items(",".join(map(escape, plain)))


@given(st.lists(st.lists(TEXTS, min_size=1, max_size=3), min_size=1, max_size=4))
def test_structures_come_back(plain: list[list[str]]) -> None:
    assert plain == components(";".join(",".join(map(escape_component, one)) for one in plain))


def test_line_ends_of_any_kind_are_line_feeds() -> None:
    assert "a\\nb\\nc" == escape("a\r\nb\rc")
