from __future__ import annotations

from pathlib import Path

import pytest

from posthouse.directory.error import DirectoryError
from posthouse.directory.passwords import Passwords
from posthouse.directory.people import People
from posthouse.directory.tokens import Tokens
from posthouse.store.directory import DirectoryStore, Person


def test_a_person_has_an_account_and_is_found_by_any_spelling(people: People) -> None:
    person = people.add("Ada@Müller.example", "secret")
    assert "Ada@xn--mller-kva.example" == person.login
    assert 1_000_000 == person.created
    assert 0 < person.account < 2**31
    assert person.account % 4 == person.shard
    for name in ("ada@müller.example", "ADA@XN--MLLER-KVA.example"):
        assert person == people.find(name)
    assert [person] == people.list()


def test_a_name_that_is_taken_is_refused(people: People) -> None:
    people.add("ada@example.org", "secret")
    with pytest.raises(DirectoryError, match="exists already"):
        people.add("ADA@example.org", "other")


@pytest.mark.parametrize("act", ["find", "remove"])
def test_an_unknown_name_is_refused(people: People, act: str) -> None:
    with pytest.raises(DirectoryError, match="there is no account"):
        getattr(people, act)("bob@example.org")


def test_a_removed_person_leaves_numbers_that_are_never_used_again(
    people: People, tokens: Tokens, store: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = people.add("ada@example.org", "secret")
    tokens.issue("ada@example.org")
    assert first == people.remove("ada@example.org")
    assert [] == people.list()
    assert [] == store.tokens(first.id)
    assert store.password_hash(first.id) is None
    drawn = iter([first.id, 77, first.account, 78, 79])
    monkeypatch.setattr("secrets.randbelow", lambda below: next(drawn) - 1)
    second = people.add("ada@example.org", "secret")
    assert (77, 78) == (second.id, second.account)


def test_an_account_that_was_not_furnished_is_taken_up_again(
    store: DirectoryStore, passwords: Passwords
) -> None:
    furnished: list[Person] = []

    def furnish(person: Person) -> None:
        furnished.append(person)
        if len(furnished) == 1:
            raise OSError("the disk is full")

    people = People(store, passwords, shards=1, furnish=furnish, announce=print)
    with pytest.raises(OSError, match="full"):
        people.add("ada@example.org", "first")
    assert [] == people.list()
    with pytest.raises(DirectoryError, match="there is no account"):
        people.find("ada@example.org")
    people.add("ada@example.org", "second")
    assert [furnished[0]] * 2 == furnished
    assert [furnished[0]] == people.list()


def test_people_are_listed_by_name(people: People) -> None:
    for name in ("eve@example.org", "Bob@example.org", "ada@example.org"):
        people.add(name, None)
    assert ["ada@example.org", "Bob@example.org", "eve@example.org"] == [one.login for one in people.list()]


def test_accounts_are_spread_over_the_shards(store: DirectoryStore, passwords: Passwords) -> None:
    people = People(store, passwords, shards=3, furnish=lambda person: None, announce=print)
    assert {0, 1, 2} == {people.add(f"p{number}@example.org", None).shard for number in range(40)}


def test_only_the_owner_may_read_the_file(store: DirectoryStore, path: Path) -> None:
    assert {0o600} == {file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
