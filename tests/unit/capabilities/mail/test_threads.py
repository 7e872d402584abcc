"""Which messages share a key, and the conversations of a whole source (RFC 8621 §3)."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from posthouse.capabilities.mail.threads import Grouping, keys


def test_a_reply_shares_a_key_with_what_it_answers() -> None:
    assert set(keys("Plan", ["1@x"], None, None)) & set(keys("RE:  [list] pLAN", ["2@x"], ["1@x"], None))


def test_another_subject_shares_none() -> None:
    assert not set(keys("Plan", ["1@x"], None, None)) & set(keys("Party", ["2@x"], ["1@x"], None))


def test_white_space_in_a_subject_does_not_count() -> None:
    assert keys("a plan", ["1@x"], None, None) == keys("a \t  plan", ["1@x"], None, None)


def test_the_own_key_comes_first_and_none_twice() -> None:
    assert keys("Plan", ["1@x"], None, None) == keys("Plan", ["1@x"], ["1@x"], ["1@x"])


def test_a_message_without_ids_has_no_keys() -> None:
    assert [] == keys("Plan", None, None, None) == keys(None, [], [], [])


def test_of_very_many_references_the_first_and_the_last_count() -> None:
    many = [f"{number}@x" for number in range(5000)]
    found = keys("Plan", None, None, many)
    assert 100 == len(found)
    assert keys("Plan", None, None, [many[0]])[0] in found
    assert keys("Plan", None, None, [many[-1]])[0] in found


def test_keys_fit_a_signed_column_of_64_bits() -> None:
    assert all(
        -(2**63) <= key < 2**63 for number in range(100) for key in keys("a", [str(number)], None, None)
    )


def test_a_message_without_keys_has_no_conversation() -> None:
    assert Grouping().key([]) is None


SOURCES = st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=4), max_size=30)


@given(SOURCES, st.integers())
def test_a_conversation_is_what_hangs_together_whatever_the_order(source: list[list[int]], seed: int) -> None:
    shuffled = list(source)
    random.Random(seed).shuffle(shuffled)
    grouping = Grouping()
    for message in shuffled:
        grouping.add(message)
    groups = _naive(source)
    for message in source:
        [group] = [group for group in groups if group & set(message)]
        assert min(group) == grouping.key(message)


def _naive(source: list[list[int]]) -> list[set[int]]:
    groups: list[set[int]] = []
    for message in source:
        touching = [group for group in groups if group & set(message)]
        groups = [group for group in groups if group not in touching]
        groups.append(set(message).union(*touching))
    return groups
