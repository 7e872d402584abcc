"""What a Principal may be called (RFC 9670 §5, §6.1)."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from posthouse.capabilities.principals import wording
from posthouse.capabilities.principals.zone import is_zone

ANY = st.text(st.characters(exclude_categories=[]), max_size=300)


@given(ANY)
def test_any_text_is_a_name_or_none_and_a_name_is_kept_as_it_is(text: str) -> None:
    if wording.is_name(text):
        kept = wording.name(text)
        assert wording.is_name(kept)
        assert kept == wording.name(kept)
        assert 1 <= len(kept.encode()) <= wording.LONGEST_NAME


@given(ANY)
def test_any_text_is_a_description_or_none_and_is_kept_as_it_is(text: str) -> None:
    if wording.is_description(text):
        kept = wording.description(text)
        assert wording.is_description(kept)
        assert kept == wording.description(kept)


@given(
    st.characters(categories=["Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"], exclude_characters="\u200c\u200d")
)
def test_nothing_unseen_is_in_a_name(letter: str) -> None:
    assert not wording.is_name(f"a{letter}b")


@given(st.characters(categories=["L", "N", "Sc"], exclude_characters="\u115f\u1160\u3164\uffa0"))
def test_letters_of_all_scripts_are(letter: str) -> None:
    assert wording.is_name(letter)
    assert unicodedata.normalize("NFC", letter) == wording.name(letter)


def test_zones_of_the_database_are_known_and_nothing_else() -> None:
    assert is_zone("America/Argentina/Buenos_Aires") and is_zone("UTC")
    assert not any(map(is_zone, ("", "Europe", "europe/vienna", "UTC ", "posixrules", "UTC\n")))
