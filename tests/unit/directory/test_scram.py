"""Signing in by SCRAM-SHA-256: what is kept of app passwords, and what it proves (RFC 5802, RFC 7677)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from posthouse.directory.attempts import TooManyAttempts
from posthouse.directory.callers import Callers
from posthouse.directory.passwords import Passwords
from posthouse.directory.people import People
from posthouse.directory.signin import SignIn
from posthouse.directory.tokens import Tokens
from posthouse.model.caller import Caller
from posthouse.proto.smtp.scram import Key, Keys, derive
from posthouse.store.directory import DirectoryStore

ADA = "ada@example.org"
PEER = "192.0.2.1"


@pytest.fixture
def sign_in(
    store: DirectoryStore,
    people: People,
    passwords: Passwords,
    callers: Callers,
    clock: Callable[[], float],
) -> SignIn:
    people.add(ADA, "lovelace")
    return SignIn(store, passwords, callers, now=clock, monotonic=clock)


def keys_of(sign_in: SignIn, name: str, peer: str = PEER) -> Keys:
    return asyncio.run(sign_in.scram_keys(name, peer))


def scram(sign_in: SignIn, name: str, key: Key | None, peer: str = PEER) -> Caller | None:
    return asyncio.run(sign_in.scram(name, key, peer))


def prove(sign_in: SignIn, name: str, text: str) -> Key:
    """Give what someone proves who knows a text."""
    keys = keys_of(sign_in, name)
    return derive(text.encode(), keys.salt, keys.iterations)


def test_an_app_password_is_proved_by_its_own_key(sign_in: SignIn, tokens: Tokens) -> None:
    tokens.issue(ADA, "phone")
    text, token = tokens.issue(ADA, "tablet")
    key = prove(sign_in, "Ada@Example.org", text)
    assert key in keys_of(sign_in, ADA).keys
    assert 2 == len(keys_of(sign_in, ADA).keys)
    caller = scram(sign_in, "Ada@Example.org", key)
    assert caller is not None
    assert (ADA, ("token", token.id)) == (caller.username, caller.key)
    assert sign_in.stands(caller)


def test_the_day_of_use_is_noted(
    sign_in: SignIn, tokens: Tokens, store: DirectoryStore, clock: Callable[[], float]
) -> None:
    text, token = tokens.issue(ADA)
    scram(sign_in, ADA, prove(sign_in, ADA, text))
    found = store.token_by_id(token.id)
    assert found is not None
    assert int(clock()) // 86_400 == found.used_day


def test_what_expired_was_revoked_or_is_another_persons_is_good_no_more(
    sign_in: SignIn,
    people: People,
    tokens: Tokens,
    clock: Callable[[], float],
    wait: Callable[[float], None],
) -> None:
    people.add("bob@example.org", None)
    gone, token = tokens.issue(ADA)
    key = prove(sign_in, ADA, gone)
    assert scram(sign_in, "bob@example.org", key) is None
    tokens.revoke(ADA, token.id)
    assert scram(sign_in, ADA, key) is None
    assert [] == keys_of(sign_in, ADA).keys
    text, _ = tokens.issue(ADA, expires=int(clock()) + 1)
    key = prove(sign_in, ADA, text)
    assert scram(sign_in, ADA, key) is not None
    wait(1)
    assert scram(sign_in, ADA, key) is None


@pytest.mark.parametrize("name", ["nobody@example.org", "no address", "x" * 1000])
def test_a_name_of_nobody_has_a_salt_that_stays(
    sign_in: SignIn, path: Path, passwords: Passwords, callers: Callers, name: str
) -> None:
    keys = keys_of(sign_in, name)
    assert [] == keys.keys
    with closing(DirectoryStore(path)) as other:
        assert keys == keys_of(SignIn(other, passwords, callers), name)
    ada = keys_of(sign_in, ADA)
    assert (len(ada.salt), ada.iterations) == (len(keys.salt), keys.iterations)
    assert ada.salt != keys.salt
    assert scram(sign_in, name, Key(b"", b"")) is None


def test_who_becomes_somebody_keeps_the_salt_of_his_name(
    sign_in: SignIn, people: People, tokens: Tokens
) -> None:
    before = keys_of(sign_in, "bob@example.org")
    people.add("bob@example.org", None)
    tokens.issue("bob@example.org")
    assert before.salt == keys_of(sign_in, "bob@example.org").salt


def test_failures_are_counted_with_those_of_other_ways(sign_in: SignIn, tokens: Tokens) -> None:
    text, _ = tokens.issue(ADA)
    key = prove(sign_in, ADA, text)
    for _ in range(5):
        assert scram(sign_in, ADA, None) is None
        assert asyncio.run(sign_in.basic(ADA, "guess", PEER)) is None
    for attempt in (
        lambda: scram(sign_in, ADA, key),
        lambda: keys_of(sign_in, ADA),
        lambda: asyncio.run(sign_in.basic(ADA, "lovelace", PEER)),
    ):
        with pytest.raises(TooManyAttempts):
            attempt()
    assert scram(sign_in, ADA, key, "192.0.2.2") is not None


def test_a_success_costs_no_attempt(sign_in: SignIn, tokens: Tokens) -> None:
    text, _ = tokens.issue(ADA)
    key = prove(sign_in, ADA, text)
    assert all([scram(sign_in, ADA, key) is not None for _ in range(20)])
