"""Ids and numbers (RFC 8620 §1.2, §1.3)."""

from __future__ import annotations

import pytest

from posthouse.proto.jmap.ids import MAX_INT, MIN_INT, is_id


@pytest.mark.parametrize("text", ["a", "0", "-", "_", "aZ09-_", "a" * 255])
def test_ids(text: str) -> None:
    assert is_id(text)


@pytest.mark.parametrize("text", ["", "a" * 256, "a b", "a\n", "é", "٣", "a=", "#a", "a/b", "a\0"])
def test_other_strings_are_no_ids(text: str) -> None:
    assert not is_id(text)


def test_numbers_end_where_a_double_is_still_exact() -> None:
    assert (9007199254740991, -9007199254740991) == (MAX_INT, MIN_INT)
