from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Hashable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from posthouse.bus import Reached, SignedOut
from posthouse.directory import signin as module
from posthouse.directory.attempts import TooManyAttempts
from posthouse.directory.callers import Callers
from posthouse.directory.passwords import Passwords
from posthouse.directory.people import People
from posthouse.directory.sharing import Sharing
from posthouse.directory.signin import SignIn
from posthouse.directory.tokens import Tokens
from posthouse.kit import ids
from posthouse.model.caller import Access, Caller
from posthouse.store.directory import DirectoryStore

ADA = "ada@example.org"
PEER = "192.0.2.1"
ELSEWHERE = """
import sys
from pathlib import Path
from posthouse.directory.passwords import Passwords
from posthouse.directory.people import People
from posthouse.directory.tokens import Tokens
from posthouse.store.directory import DirectoryStore
store = DirectoryStore(Path(sys.argv[1]))
people = People(store, Passwords(passes=1, memory=8), shards=1, furnish=print, announce=print)
tokens = Tokens(store, print)
exec(sys.argv[2])
"""


class CountingPasswords(Passwords):
    """Counts how often a password was really checked."""

    checks = 0

    async def matches(self, password_hash: str | None, password: str) -> bool:
        self.checks += 1
        return await super().matches(password_hash, password)


@pytest.fixture
def passwords() -> Iterator[CountingPasswords]:
    with closing(CountingPasswords(passes=1, memory=8, threads=1)) as passwords:
        yield passwords


@pytest.fixture
def sign_in(
    store: DirectoryStore, passwords: Passwords, callers: Callers, clock: Callable[[], float]
) -> SignIn:
    return SignIn(store, passwords, callers, now=clock, monotonic=clock)


def basic(sign_in: SignIn, name: str, password: str, peer: str = PEER) -> Caller | None:
    return asyncio.run(sign_in.basic(name, password, peer))


def bearer(sign_in: SignIn, token: str) -> Caller | None:
    return asyncio.run(sign_in.bearer(token, PEER))


def again(sign_in: SignIn, person: int, key: Hashable) -> Caller | None:
    return asyncio.run(sign_in.again(person, key))


def elsewhere(path: Path, act: str) -> None:
    subprocess.run([sys.executable, "-c", ELSEWHERE, path, act], check=True)


def test_a_password_lets_in_with_the_account_and_that_of_the_domain(
    sign_in: SignIn, people: People, sharing: Sharing
) -> None:
    person = people.add(ADA, "secret")
    own = Access(person.account, person.shard, ADA, owner=person.id, subscribed=True)
    home = sharing.home_of(person.id)
    assert home is not None
    of_domain = replace(home, through=frozenset([person.id]), kinds=frozenset(["Principal"]))
    accounts = {"a" + ids.encode(person.account): own, "a" + ids.encode(home.account): of_domain}
    for caller in (basic(sign_in, ADA, "secret"), basic(sign_in, "ADA@Example.ORG", "secret")):
        assert caller is not None
        assert (person.id, ADA, accounts) == (caller.person, caller.username, caller.accounts)


def test_a_token_lets_in_as_bearer_and_as_password(sign_in: SignIn, people: People, tokens: Tokens) -> None:
    person = people.add(ADA, None)
    text, kept = tokens.issue(ADA)
    for caller in (bearer(sign_in, text), basic(sign_in, ADA, text)):
        assert caller is not None
        assert (person.id, ("token", kept.id)) == (caller.person, caller.key)


def test_whatever_is_wrong_looks_the_same(
    sign_in: SignIn, people: People, tokens: Tokens, passwords: CountingPasswords
) -> None:
    """Each costs one check of a password, whether or not the name exists."""
    people.add(ADA, "secret")
    people.add("tokens-only@example.org", None)
    wrong = [
        (ADA, "wrong"), (ADA, ""), ("nobody@example.org", "secret"), ("nobody@example.org", ""),
        ("tokens-only@example.org", "secret"), ("tokens-only@example.org", ""), ("not an address", "secret"),
        ("", ""), ("\ud800", "\ud800"), ("x" * 5000 + "@example.org", "y" * 5000),
    ]  # fmt: skip
    for number, (name, password) in enumerate(wrong):
        assert basic(sign_in, name, password) is None
        assert number + 1 == passwords.checks


@pytest.mark.parametrize("name", ["eve@example.org", "nobody@example.org", "not an address", ""])
def test_a_token_is_no_password_for_another_name(
    sign_in: SignIn, people: People, tokens: Tokens, name: str
) -> None:
    people.add(ADA, None)
    people.add("eve@example.org", "secret")
    text, _ = tokens.issue(ADA)
    assert basic(sign_in, name, text) is None


@pytest.mark.parametrize("text", ["", "ph_", "ph_" + "a" * 32, "PH_" + "A" * 32, "x" * 10_000, "\ud800"])
def test_what_is_no_token_lets_no_one_in(sign_in: SignIn, text: str) -> None:
    assert bearer(sign_in, text) is None


def test_a_good_password_is_checked_once_in_ten_minutes(
    sign_in: SignIn, people: People, passwords: CountingPasswords, wait: Callable[[float], None]
) -> None:
    people.add(ADA, "secret")
    for _ in range(3):
        assert basic(sign_in, ADA, "secret")
    assert 1 == passwords.checks
    wait(599)
    assert basic(sign_in, ADA, "secret")
    assert 1 == passwords.checks
    wait(1)
    assert basic(sign_in, ADA, "secret")
    assert 2 == passwords.checks


def test_the_same_credential_at_the_same_time_is_checked_once(
    sign_in: SignIn, people: People, passwords: CountingPasswords
) -> None:
    people.add(ADA, "secret")

    async def together(password: str) -> list[Caller | None]:
        return await asyncio.gather(*(sign_in.basic(ADA, password, PEER) for _ in range(20)))

    assert all(asyncio.run(together("secret")))
    assert [None] * 20 == asyncio.run(together("wrong"))
    assert 2 == passwords.checks


def test_name_and_password_are_not_mixed_up(sign_in: SignIn, people: People) -> None:
    people.add("a@example.org", "b:c")
    assert basic(sign_in, "a@example.org", "b:c")
    assert basic(sign_in, "a@example.org:b", "c") is None


def test_a_changed_password_counts_at_once_in_every_process(
    sign_in: SignIn, people: People, path: Path
) -> None:
    people.add(ADA, "old")
    people.add("bob@example.org", "same")
    assert basic(sign_in, ADA, "old")
    assert basic(sign_in, "bob@example.org", "same")
    elsewhere(path, f"people.set_password({ADA!r}, 'new')")
    assert basic(sign_in, ADA, "old") is None
    assert basic(sign_in, ADA, "new")
    assert basic(sign_in, "bob@example.org", "same")


def test_a_revoked_token_counts_at_once_in_every_process(
    sign_in: SignIn, people: People, tokens: Tokens, path: Path
) -> None:
    people.add(ADA, None)
    text, kept = tokens.issue(ADA)
    assert bearer(sign_in, text)
    assert basic(sign_in, ADA, text)
    elsewhere(path, f"tokens.revoke({ADA!r}, {kept.id})")
    assert bearer(sign_in, text) is None
    assert basic(sign_in, ADA, text) is None


def test_a_removed_person_is_refused_at_once(sign_in: SignIn, people: People, tokens: Tokens) -> None:
    people.add(ADA, "secret")
    text, _ = tokens.issue(ADA)
    assert basic(sign_in, ADA, "secret")
    assert bearer(sign_in, text)
    people.remove(ADA)
    assert basic(sign_in, ADA, "secret") is None
    assert bearer(sign_in, text) is None


def test_a_change_of_one_person_costs_others_no_check(
    sign_in: SignIn, people: People, tokens: Tokens, passwords: CountingPasswords
) -> None:
    people.add(ADA, "secret")
    people.add("bob@example.org", "secret")
    assert basic(sign_in, ADA, "secret")
    people.set_password("bob@example.org", "other")
    tokens.issue("bob@example.org")
    people.add("eve@example.org", "secret")
    assert basic(sign_in, ADA, "secret")
    assert 1 == passwords.checks


def test_a_password_that_changes_while_it_is_checked_is_checked_again(
    store: DirectoryStore, callers: Callers, people: People, clock: Callable[[], float]
) -> None:
    class Slow(Passwords):
        async def matches(self, password_hash: str | None, password: str) -> bool:
            result = await super().matches(password_hash, password)
            if people.list() and not changed:
                changed.append(True)
                people.set_password(ADA, "new")
            return result

    changed: list[bool] = []
    people.add(ADA, "old")
    with closing(Slow(passes=1, memory=8)) as passwords:
        sign_in = SignIn(store, passwords, callers, now=clock, monotonic=clock)
        assert basic(sign_in, ADA, "old") is None


def test_an_expired_token_is_refused_also_when_remembered(
    sign_in: SignIn, people: People, tokens: Tokens, wait: Callable[[float], None]
) -> None:
    people.add(ADA, None)
    text, _ = tokens.issue(ADA, expires=1_000_060)
    assert bearer(sign_in, text)
    wait(60)
    assert bearer(sign_in, text) is None
    assert basic(sign_in, ADA, text) is None


def test_the_day_of_use_is_noted_once(
    sign_in: SignIn, people: People, tokens: Tokens, wait: Callable[[float], None]
) -> None:
    people.add(ADA, None)
    text, _ = tokens.issue(ADA)
    assert bearer(sign_in, text)
    assert 11 == tokens.list(ADA)[0].used_day
    wait(86_400)
    assert bearer(sign_in, text)
    assert 12 == tokens.list(ADA)[0].used_day


def test_a_disk_that_is_full_keeps_no_one_out(
    sign_in: SignIn, people: People, tokens: Tokens, store: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(token: int, day: int) -> None:
        raise OSError(28, "no space left")

    people.add(ADA, None)
    text, _ = tokens.issue(ADA)
    monkeypatch.setattr(store, "use_token", fail)
    assert bearer(sign_in, text)


def fail_until_refused(sign_in: SignIn, name: str, peer: str) -> int:
    for number in range(1000):
        try:
            assert basic(sign_in, name, f"wrong {number}", peer) is None
        except TooManyAttempts as error:
            assert 0 < error.retry_after <= 30
            return number
    raise AssertionError("never refused")


def test_failures_are_limited_for_a_name_from_an_address(
    sign_in: SignIn, people: People, wait: Callable[[float], None]
) -> None:
    people.add(ADA, "secret")
    assert 10 == fail_until_refused(sign_in, ADA, PEER)
    with pytest.raises(TooManyAttempts):
        basic(sign_in, "ADA@example.org", "secret")
    assert basic(sign_in, ADA, "secret", "192.0.2.2")
    wait(30)
    assert basic(sign_in, ADA, "wrong again") is None


def test_failures_are_limited_for_an_address_over_all_names(sign_in: SignIn) -> None:
    assert 100 == sum(basic(sign_in, f"p{number}@example.org", "x") is None for number in range(100))
    with pytest.raises(TooManyAttempts):
        basic(sign_in, "another@example.org", "x")


def test_one_host_cannot_evade_the_limit_by_other_ipv6_addresses(sign_in: SignIn) -> None:
    for number in range(10):
        assert basic(sign_in, ADA, f"{number}", f"2001:db8::{number:x}") is None
    with pytest.raises(TooManyAttempts):
        basic(sign_in, ADA, "x", "2001:db8::ffff")
    assert basic(sign_in, ADA, "x", "2001:db8:0:1::1") is None


def test_who_is_remembered_is_never_locked_out(sign_in: SignIn, people: People) -> None:
    people.add(ADA, "secret")
    assert basic(sign_in, ADA, "secret")
    fail_until_refused(sign_in, ADA, PEER)
    assert basic(sign_in, ADA, "secret")


def test_what_succeeds_costs_no_attempt(
    sign_in: SignIn, people: People, wait: Callable[[float], None]
) -> None:
    people.add(ADA, "secret")
    for _ in range(50):
        assert basic(sign_in, ADA, "secret")
        wait(600)
    for _ in range(10):
        assert basic(sign_in, ADA, "wrong") is None


def test_too_many_at_once_are_told_to_come_back(
    sign_in: SignIn, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("posthouse.directory.passwords._MOST_WAITING", 0)
    for _ in range(30):
        with pytest.raises(TooManyAttempts, match="in 1 s"):
            basic(sign_in, ADA, "secret")


def test_only_so_many_are_remembered(
    sign_in: SignIn, people: People, passwords: CountingPasswords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_REMEMBERED", 2)
    names = [f"p{number}@example.org" for number in range(3)]
    for name in names:
        people.add(name, "secret")
        assert basic(sign_in, name, "secret")
    assert basic(sign_in, names[2], "secret")
    assert 3 == passwords.checks
    assert basic(sign_in, names[0], "secret")
    assert 4 == passwords.checks


def test_a_password_stands_until_it_is_set_anew(sign_in: SignIn, people: People) -> None:
    people.add(ADA, "secret")
    first = basic(sign_in, ADA, "secret")
    assert first is not None
    assert sign_in.stands(first)
    people.set_password(ADA, "secret")
    second = basic(sign_in, ADA, "secret")
    assert second is not None
    assert (False, True) == (sign_in.stands(first), sign_in.stands(second))
    assert first.key != second.key


def test_a_token_stands_until_it_is_revoked_whatever_the_password(
    sign_in: SignIn, people: People, tokens: Tokens
) -> None:
    people.add(ADA, "secret")
    text, kept = tokens.issue(ADA)
    caller = bearer(sign_in, text)
    assert caller is not None
    people.set_password(ADA, "other")
    assert sign_in.stands(caller)
    tokens.revoke(ADA, kept.id)
    assert not sign_in.stands(caller)


def test_a_token_stands_until_it_expires(sign_in: SignIn, people: People, tokens: Tokens, clock: Any) -> None:
    people.add(ADA, None)
    text, _ = tokens.issue(ADA, expires=int(clock()) + 60)
    caller = bearer(sign_in, text)
    assert caller is not None
    clock.seconds += 59
    assert sign_in.stands(caller)
    clock.seconds += 1
    assert not sign_in.stands(caller)


def test_nothing_of_a_removed_person_stands(sign_in: SignIn, people: People, tokens: Tokens) -> None:
    people.add(ADA, "secret")
    text, _ = tokens.issue(ADA)
    callers = [basic(sign_in, ADA, "secret"), bearer(sign_in, text)]
    people.remove(ADA)
    assert [False, False] == [sign_in.stands(caller) for caller in callers if caller is not None]


def test_every_process_is_told_whose_credentials_end(
    people: People, tokens: Tokens, told: list[SignedOut | Reached]
) -> None:
    person = people.add(ADA, "secret").id
    _, kept = tokens.issue(ADA)
    assert [] == told
    tokens.revoke(ADA, kept.id)
    people.set_password(ADA, "other")
    people.remove(ADA)
    assert [SignedOut(person, kept.id), SignedOut(person, None), SignedOut(person, None)] == told


def test_a_credential_is_known_again_by_its_key_while_it_stands(
    sign_in: SignIn, people: People, tokens: Tokens, clock: Any
) -> None:
    people.add(ADA, "secret")
    by_password = asyncio.run(sign_in.basic(ADA, "secret", PEER))
    text, _ = tokens.issue(ADA, expires=int(clock()) + 60)
    by_token = asyncio.run(sign_in.bearer(text, PEER))
    assert by_password is not None and by_token is not None
    person = by_password.person
    assert (by_password, by_token) == (
        again(sign_in, person, by_password.key),
        again(sign_in, person, by_token.key),
    )
    assert again(sign_in, person + 1, by_token.key) is None
    people.set_password(ADA, "other")
    assert (None, by_token) == (
        again(sign_in, person, by_password.key),
        again(sign_in, person, by_token.key),
    )
    clock.seconds += 60
    assert again(sign_in, person, by_token.key) is None
