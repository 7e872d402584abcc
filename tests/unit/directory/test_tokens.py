from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.directory.error import DirectoryError
from posthouse.directory.people import People
from posthouse.directory.tokens import Tokens, looks_like_token, new_token, token_hash
from posthouse.store.directory import DirectoryStore, Token


def test_a_new_token_has_160_bits_that_differ_each_time() -> None:
    texts = {new_token() for _ in range(1000)}
    assert 1000 == len(texts)
    assert all(map(looks_like_token, texts))
    assert {35} == {len(text) for text in texts}


@given(st.one_of(st.text(), st.from_regex(r"ph_[a-z2-7]{30,34}\n?"), st.from_regex(r"(?i)ph_[a-z0-9]{32}")))
def test_only_the_form_of_a_token_has_a_hash(text: str) -> None:
    alphabet = set("abcdefghijklmnopqrstuvwxyz234567")
    expected = text.startswith("ph_") and len(text) == 35 and set(text[3:]) <= alphabet
    assert (sha256(text.encode()).digest() if expected else None) == token_hash(text)


def test_a_token_is_kept_as_its_hash_only(
    people: People, tokens: Tokens, store: DirectoryStore, path: Path
) -> None:
    person = people.add("ada@example.org", None)
    text, kept = tokens.issue("ada@example.org", "phone", 1_000_001)
    assert Token(kept.id, person.id, "phone", 1_000_000, 1_000_001, None) == kept
    assert kept == store.token_by_hash(sha256(text.encode()).digest())
    assert [kept] == tokens.list("ADA@example.org")
    files = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert text.encode() not in files
    assert sha256(text.encode()).digest() in files


def test_a_revoked_token_is_gone_and_its_number_stays_unused(people: People, tokens: Tokens) -> None:
    people.add("ada@example.org", None)
    _, first = tokens.issue("ada@example.org")
    _, second = tokens.issue("ada@example.org")
    tokens.revoke("ada@example.org", second.id)
    assert [first] == tokens.list("ada@example.org")
    assert tokens.issue("ada@example.org")[1].id > second.id
    with pytest.raises(DirectoryError, match="has no token"):
        tokens.revoke("ada@example.org", second.id)


def test_a_token_of_another_cannot_be_revoked(people: People, tokens: Tokens) -> None:
    people.add("ada@example.org", None)
    people.add("eve@example.org", None)
    _, kept = tokens.issue("ada@example.org")
    with pytest.raises(DirectoryError, match="has no token"):
        tokens.revoke("eve@example.org", kept.id)
    assert [kept] == tokens.list("ada@example.org")


def test_a_token_that_cannot_be_given_is_refused(people: People, tokens: Tokens) -> None:
    people.add("ada@example.org", None)
    for label, expires in (("x" * 101, None), ("two\nlines", None), ("", 1_000_000)):
        with pytest.raises(DirectoryError):
            tokens.issue("ada@example.org", label, expires)
    with pytest.raises(DirectoryError, match="there is no account"):
        tokens.issue("bob@example.org")
