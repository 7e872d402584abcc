"""All that is open to a person, and that it is what is open now."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace

import pytest

from posthouse.directory.callers import Callers
from posthouse.directory.groups import Groups
from posthouse.directory.passwords import Passwords
from posthouse.directory.people import People
from posthouse.directory.sharing import Sharing
from posthouse.directory.signin import SignIn
from posthouse.directory.tokens import Tokens
from posthouse.model.caller import Access, Caller
from posthouse.store.directory import DirectoryStore
from posthouse.store.principals import PrincipalStore

ADA, BOB, EVE = "ada@example.org", "bob@example.org", "eve@example.org"
TEAM = "team@example.org"
PEER = "192.0.2.1"


class Shards:
    """What is open in the accounts of others: all that is asked for, or the accounts of some names only."""

    def __init__(self) -> None:
        self.asked: list[list[Access]] = []
        self.shut: set[str] = set()
        self.fault: OSError | None = None

    async def look(self, person: int, accounts: Sequence[Access]) -> Sequence[Access]:
        self.asked.append(list(accounts))
        await asyncio.sleep(0)
        if self.fault is not None:
            raise self.fault
        return [replace(one, kinds=frozenset(["Mailbox"])) for one in accounts if one.name not in self.shut]


class CountingPasswords(Passwords):
    """Counts how often a password was really checked."""

    checks = 0

    async def matches(self, password_hash: str | None, password: str) -> bool:
        self.checks += 1
        return await super().matches(password_hash, password)


@pytest.fixture
def shards() -> Shards:
    return Shards()


@pytest.fixture
def passwords() -> Iterator[CountingPasswords]:
    with closing(CountingPasswords(passes=1, memory=8, threads=1)) as passwords:
        yield passwords


@pytest.fixture
def callers(store: DirectoryStore, principals: PrincipalStore, shards: Shards) -> Callers:
    return Callers(store, principals, shards.look)


@pytest.fixture
def sign_in(store: DirectoryStore, passwords: Passwords, callers: Callers) -> SignIn:
    return SignIn(store, passwords, callers)


def basic(sign_in: SignIn, name: str) -> Caller:
    caller = asyncio.run(sign_in.basic(name, "secret", PEER))
    assert caller is not None
    return caller


def names(caller: Caller) -> list[str]:
    assert [access.wire for access in caller.accounts.values()] == list(caller.accounts)
    return [access.name for access in caller.accounts.values()]


def test_a_caller_has_his_own_accounts_his_groups_his_domain_s_and_what_is_shared(
    people: People, groups: Groups, sharing: Sharing, sign_in: SignIn, shards: Shards
) -> None:
    ada, bob, eve = (people.add(name, "secret") for name in (ADA, BOB, EVE))
    team, crew = groups.add(TEAM), groups.add("crew@example.org")
    groups.join(TEAM, [ADA])
    groups.join("crew@example.org", [ADA, BOB])
    sharing.open(bob.account, [ada.id])
    sharing.open(eve.account, [team.id, ada.id])
    sharing.open(ada.account, [team.id])
    sharing.open(team.account, [ada.id])  # which he has whole
    caller = basic(sign_in, ADA)
    principals = frozenset([ada.id, team.id, crew.id])
    home = sharing.home_of(ada.id)
    assert home is not None
    kinds = frozenset(["Mailbox"])
    assert [
        Access(ada.account, ada.shard, ADA, owner=ada.id, subscribed=True),
        Access(crew.account, crew.shard, crew.login, is_personal=False, owner=crew.id, subscribed=True),
        Access(team.account, team.shard, TEAM, is_personal=False, owner=team.id, subscribed=True),
        replace(home, through=frozenset([ada.id]), kinds=frozenset(["Principal"])),
        Access(bob.account, bob.shard, BOB, is_personal=False, owner=bob.id, through=principals, kinds=kinds),
        Access(eve.account, eve.shard, EVE, is_personal=False, owner=eve.id, through=principals, kinds=kinds),
    ] == list(caller.accounts.values())
    assert (principals, home.account) == (caller.principals, caller.home)
    assert 1 == len(shards.asked)


def test_what_is_not_open_is_not_there(
    people: People, sharing: Sharing, sign_in: SignIn, shards: Shards
) -> None:
    ada, bob = people.add(ADA, "secret"), people.add(BOB, None)
    sharing.open(bob.account, [ada.id])
    shards.shut.add(BOB)
    assert [ADA, "example.org"] == names(basic(sign_in, ADA))


def test_accounts_that_cannot_be_read_keep_nobody_out_and_are_there_once_they_can(
    people: People, sharing: Sharing, sign_in: SignIn, shards: Shards, capsys: pytest.CaptureFixture[str]
) -> None:
    ada, bob = people.add(ADA, "secret"), people.add(BOB, None)
    sharing.open(bob.account, [ada.id])
    shards.fault = OSError("the file is damaged")
    assert [ADA, "example.org"] == names(basic(sign_in, ADA)) == names(basic(sign_in, ADA))
    shards.fault = None
    assert [ADA, "example.org", BOB] == names(basic(sign_in, ADA))


def test_nothing_is_asked_for_who_visits_nobody(people: People, sign_in: SignIn, shards: Shards) -> None:
    people.add(ADA, "secret")
    assert [ADA, "example.org"] == names(basic(sign_in, ADA))
    assert [] == shards.asked


def test_who_is_remembered_gets_and_loses_accounts_without_another_check_of_his_password(
    people: People,
    groups: Groups,
    sharing: Sharing,
    sign_in: SignIn,
    tokens: Tokens,
    passwords: CountingPasswords,
) -> None:
    ada, bob = people.add(ADA, "secret"), people.add(BOB, None)
    groups.add(TEAM)
    text, _ = tokens.issue(ADA)

    def seen() -> list[str]:
        by_token = asyncio.run(sign_in.bearer(text, PEER))
        by_password = basic(sign_in, ADA)
        assert by_token is not None
        assert by_password is basic(sign_in, ADA)
        assert names(by_password) == names(by_token)
        return names(by_password)

    assert [ADA, "example.org"] == seen()
    groups.join(TEAM, [ADA])
    assert [ADA, TEAM, "example.org"] == seen()
    sharing.open(bob.account, [ada.id])
    sharing.changed([ada.id])
    assert [ADA, TEAM, "example.org", BOB] == seen()
    people.remove(BOB)
    assert [ADA, TEAM, "example.org"] == seen()
    groups.remove(TEAM)
    assert [ADA, "example.org"] == seen()
    assert 1 == passwords.checks


def test_a_change_of_one_person_makes_no_other_anew(
    people: People, sharing: Sharing, sign_in: SignIn
) -> None:
    people.add(ADA, "secret")
    bob = people.add(BOB, None)
    before = basic(sign_in, ADA)
    sharing.changed([bob.id])
    assert before is basic(sign_in, ADA)


def test_several_at_once_are_made_anew_once(
    people: People, sharing: Sharing, sign_in: SignIn, shards: Shards
) -> None:
    ada, bob = people.add(ADA, "secret"), people.add(BOB, None)
    sharing.open(bob.account, [ada.id])
    basic(sign_in, ADA)
    sharing.changed([ada.id])
    shards.asked.clear()

    async def at_once() -> list[Caller | None]:
        return await asyncio.gather(*[sign_in.basic(ADA, "secret", PEER) for _ in range(8)])

    found = asyncio.run(at_once())
    assert 1 == len(shards.asked)
    assert all(one is found[0] for one in found)


@pytest.mark.parametrize("times", [1, 2, 100])
@pytest.mark.parametrize("is_known", [False, True])
def test_what_changes_while_it_is_gathered_is_seen(
    people: People,
    groups: Groups,
    sharing: Sharing,
    store: DirectoryStore,
    principals: PrincipalStore,
    passwords: CountingPasswords,
    times: int,
    is_known: bool,
) -> None:
    """However often it changes, an end is found; and if that was not the last, the next request sees it."""
    changes = looks = 0

    async def look(person: int, accounts: Sequence[Access]) -> Sequence[Access]:
        nonlocal changes, looks
        looks += 1
        if changes:
            changes -= 1
            (groups.join if looks % 2 else groups.leave)(TEAM, [ADA])
            await sign_in.basic(EVE, "secret", PEER)  # upon which the change is known of, and not again
        return accounts

    ada, bob = people.add(ADA, "secret"), people.add(BOB, None)
    people.add(EVE, "secret")
    groups.add(TEAM)
    sharing.open(bob.account, [ada.id])
    sign_in = SignIn(store, passwords, Callers(store, principals, look))
    basic(sign_in, EVE)
    if is_known:
        basic(sign_in, ADA)
        sharing.changed([ada.id])
    changes, looks = times, 0
    first = basic(sign_in, ADA)
    assert min(times + 1, 3) == looks
    assert (TEAM in names(first)) == (times == 1)
    changes = 0
    assert (TEAM in names(basic(sign_in, ADA))) == (times != 2)
    assert 2 == passwords.checks


def test_who_is_removed_while_he_is_made_anew_is_not_let_in(
    people: People,
    sharing: Sharing,
    store: DirectoryStore,
    principals: PrincipalStore,
    passwords: CountingPasswords,
) -> None:
    removing = False

    async def look(person: int, accounts: Sequence[Access]) -> Sequence[Access]:
        if removing:
            people.remove(ADA)
        return accounts

    ada, bob = people.add(ADA, "secret"), people.add(BOB, None)
    sharing.open(bob.account, [ada.id])
    sign_in = SignIn(store, passwords, Callers(store, principals, look))
    caller = basic(sign_in, ADA)
    sharing.changed([ada.id])
    removing = True
    assert asyncio.run(sign_in.basic(ADA, "secret", PEER)) is None
    assert asyncio.run(sign_in.again(ada.id, caller.key)) is None


def test_a_token_that_is_revoked_while_its_caller_is_made_is_refused(
    people: People,
    sharing: Sharing,
    store: DirectoryStore,
    principals: PrincipalStore,
    passwords: CountingPasswords,
    tokens: Tokens,
) -> None:
    async def look(person: int, accounts: Sequence[Access]) -> Sequence[Access]:
        tokens.revoke(ADA, kept.id)
        return accounts

    ada, bob = people.add(ADA, "secret"), people.add(BOB, None)
    sharing.open(bob.account, [ada.id])
    text, kept = tokens.issue(ADA)
    sign_in = SignIn(store, passwords, Callers(store, principals, look))
    assert asyncio.run(sign_in.bearer(text, PEER)) is None


def test_two_hundred_shared_accounts_take_as_many_statements_as_one(
    people: People, sharing: Sharing, store: DirectoryStore, principals: PrincipalStore, sign_in: SignIn
) -> None:
    ada = people.add(ADA, "secret")
    counts = []
    for many in (1, 200):
        for number in range(many):
            sharing.open(people.add(f"p{many}-{number}@example.org", None).account, [ada.id])
        sharing.changed([ada.id])
        asked: list[str] = []

        def note(cursor: object, sql: str, parameters: object, asked: list[str] = asked) -> bool:
            asked.append(sql)
            return True

        store.file._reader.exec_trace = note
        caller = basic(sign_in, ADA)
        store.file._reader.exec_trace = None
        counts.append(len(asked))
    assert 203 == len(caller.accounts)
    assert counts[0] >= counts[1] > 0


def test_who_is_connected_is_the_same_until_something_changes(
    people: People, groups: Groups, sign_in: SignIn
) -> None:
    people.add(ADA, "secret")
    groups.add(TEAM)
    signed_in = basic(sign_in, ADA)
    before = replace(signed_in, expires=2**31)  # as by a cookie
    assert sign_in.is_current(before)
    assert before is asyncio.run(sign_in.current(before))
    groups.join(TEAM, [ADA])
    assert not sign_in.is_current(before)
    after = asyncio.run(sign_in.current(before))
    assert after is not None and sign_in.is_current(after)
    assert ([ADA, TEAM, "example.org"], 2**31) == (names(after), after.expires)
    people.set_password(ADA, "other")
    assert asyncio.run(sign_in.current(after)) is None
