"""News as bytes and back, and what else may arrive."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.bus.frame import GOODBYE, LONGEST, Malformed, Reader, encode
from posthouse.bus.port import Missed, Moved, News, Reached, SignedOut, Subscribed
from posthouse.kit.json import Json, dumps

NUMBERS = st.integers(0, 2**63 - 1)
NEWS: st.SearchStrategy[list[News]] = st.lists(
    st.builds(Moved, NUMBERS, st.dictionaries(st.sampled_from(["Email", "Mailbox", "Größe"]), NUMBERS))
    | st.builds(SignedOut, NUMBERS, NUMBERS | st.none())
    | st.builds(Subscribed, NUMBERS)
    | st.builds(Reached, NUMBERS)
    | st.builds(Missed)
)


def framed(value: Json) -> bytes:
    content = dumps(value)
    return len(content).to_bytes(4, "big") + content


@given(st.lists(NEWS), st.integers(1, 50))
def test_news_come_back_however_the_bytes_are_cut(batches: list[list[News]], step: int) -> None:
    stream = b"".join(map(encode, batches)) + GOODBYE
    reader = Reader()
    heard: list[News] = []
    for start in range(0, len(stream), step):
        assert not reader.is_over
        heard += reader.read(stream[start : start + step])
    assert [item for batch in batches for item in batch] == heard
    assert reader.is_over


def test_nothing_counts_after_a_goodbye() -> None:
    reader = Reader()
    assert [Missed()] == reader.read(encode([Missed()]) + GOODBYE + encode([SignedOut(1, 2)]))
    assert [] == reader.read(b"rubbish")


def test_too_many_news_become_missed() -> None:
    frame = encode([Moved(number, {"Email": number}) for number in range(LONGEST // 10)])
    assert encode([Missed()]) == frame


def test_the_longest_frame_is_read() -> None:
    name = "x" * (LONGEST - len(dumps([[1, {"": 2}]])))
    frame = encode([Moved(1, {name: 2})])
    assert LONGEST + 4 == len(frame)
    assert [Moved(1, {name: 2})] == Reader().read(frame)


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        (LONGEST + 1).to_bytes(4, "big"),
        b"\0\0\0\3[1,",
        b"\0\0\0\2\xff\xfe",
        b"\0\0\x20\0" + b"[" * 0x2000,
        framed({}),
        framed(None),
        framed(7),
        framed(["7"]),
        framed([1.5]),
        framed([[]]),
        framed([[]]),
        framed([[1, 2, 3]]),
        framed([["1", {}]]),
        framed([[1, {"Email": "2"}]]),
        framed([[1, {"Email": 1.5}]]),
        framed([[1, "2"]]),
        framed([[None, 2]]),
    ],
)
def test_rubbish_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        Reader().read(data)


@given(st.binary(max_size=200), st.integers(0, 200))
def test_any_bytes_are_news_or_malformed(data: bytes, length: int) -> None:
    with suppress(Malformed):
        Reader().read(length.to_bytes(4, "big") + data)
