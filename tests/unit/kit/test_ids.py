"""Ids on the wire (RFC 8620 §1.2)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from posthouse.kit import ids

NUMBERS = st.lists(
    st.integers(0, 2**32 - 1) | st.sampled_from([0, 31, 32, 1023, 1024, 2**20 - 1, 2**20, 2**30])
)
TEXTS = st.lists(
    st.text("e0123zil -\n", max_size=9) | st.integers(0, 2**36).map(lambda n: "e" + ids.encode(n))
)


@given(NUMBERS)
def test_many_are_written_as_each_alone(numbers: list[int]) -> None:
    assert ["e" + ids.encode(number) for number in numbers] == ids.encode_all("e", numbers)


@given(NUMBERS)
def test_many_are_read_back(numbers: list[int]) -> None:
    assert [number or None for number in numbers] == ids.decode_all(
        "e", ids.encode_all("e", numbers), 2**32 - 1
    )


@given(TEXTS, st.sampled_from([2**32 - 1, 2**31]))
def test_many_are_read_as_each_alone(texts: list[str], largest: int) -> None:
    def alone(text: str) -> int | None:
        number = ids.decode(text[1:]) if text.startswith("e") else None
        return number if number is not None and 0 < number <= largest else None

    assert [alone(text) for text in texts] == ids.decode_all("e", texts, largest)
