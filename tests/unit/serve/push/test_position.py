from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.model.caller import wire_account
from posthouse.serve.push import position

numbers = st.integers(0, 2**62)


@given(st.dictionaries(numbers.map(wire_account), numbers, max_size=20))
def test_a_position_comes_back_as_it_was(whole: dict[str, int]) -> None:
    assert whole == position.read(position.write(whole))


@given(st.text(max_size=200))
def test_any_text_is_a_position_or_none(text: str) -> None:
    found = position.read(text)
    assert found is None or found == position.read(position.write(found))


@pytest.mark.parametrize(
    "text", ["a1", "a1.", ".1", "a1.1-", "a1.u", "a1.-1", "a1.01", "a1.1 ", "a1.1-" * 9000]
)
def test_what_we_never_wrote_is_no_position(text: str) -> None:
    assert position.read(text) is None
