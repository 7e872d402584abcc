"""Aliases and catch-alls: who has which address besides his own."""

from __future__ import annotations

import re

import pytest

from posthouse.directory.aliases import Aliases
from posthouse.directory.error import DirectoryError
from posthouse.directory.groups import Groups
from posthouse.directory.people import People
from posthouse.store.addresses import AddressStore, Alias, Domain
from posthouse.store.directory import DirectoryStore, Person


class Told:
    """A `Furnisher` that writes down what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, str]] = []

    def gained(self, holder: Person, address: str) -> None:
        self.heard.append(("gained", holder.login, address))

    def lost(self, holder: Person, address: str) -> None:
        self.heard.append(("lost", holder.login, address))


@pytest.fixture
def addresses(store: DirectoryStore) -> AddressStore:
    return AddressStore(store)


@pytest.fixture
def furnisher() -> Told:
    return Told()


@pytest.fixture
def aliases(addresses: AddressStore, people: People, furnisher: Told) -> Aliases:
    return Aliases(addresses, people, furnisher, shards=4, now=lambda: 1)


def test_an_alias_leads_to_the_account_and_is_compared_as_addresses_are(
    aliases: Aliases, people: People, addresses: AddressStore, furnisher: Told
) -> None:
    ada = people.add("ada@example.org", None)
    aliases.add("A.Lovelace@Example.org", "ADA@example.org")
    assert ada == addresses.holder("a.lovelace@example.org") == people.holder("a.LOVELACE@example.org")
    assert {"ada@example.org", "a.lovelace@example.org"} == addresses.keys(ada.account)
    assert [Alias("A.Lovelace@example.org", "ada@example.org")] == aliases.list() == aliases.list(ada.login)
    assert [("gained", "ada@example.org", "A.Lovelace@example.org")] == furnisher.heard


def test_an_alias_may_be_in_a_domain_that_is_new(
    aliases: Aliases, people: People, addresses: AddressStore
) -> None:
    people.add("ada@example.org", None)
    assert not addresses.has_domain("example.com")
    aliases.add("ada@example.com", "ada@example.org")
    assert addresses.has_domain("example.com")
    assert [Domain("example.com", None), Domain("example.org", None)] == aliases.domains()


def test_an_alias_that_is_added_again_completes_what_was_interrupted(
    aliases: Aliases, people: People, furnisher: Told
) -> None:
    people.add("ada@example.org", None)
    for _ in range(2):
        aliases.add("countess@example.org", "ada@example.org")
    assert [("gained", "ada@example.org", "countess@example.org")] * 2 == furnisher.heard


def test_an_address_that_somebody_has_is_refused(aliases: Aliases, people: People, groups: Groups) -> None:
    for name in ("ada@example.org", "bob@example.org"):
        people.add(name, None)
    groups.add("team@example.org")
    aliases.add("countess@example.org", "ada@example.org")
    for alias, name, fault in [
        ("bob@example.org", "ada@example.org", "bob@example.org exists already"),
        ("bob@example.org", "bob@example.org", "bob@example.org exists already"),
        ("team@example.org", "ada@example.org", "it is a group"),
        ("countess@example.org", "bob@example.org", "it is an alias of ada@example.org"),
        ("x@example.org", "nobody@example.org", "there is no account nobody@example.org"),
        ("x", "ada@example.org", "is not an email address"),
    ]:
        with pytest.raises(DirectoryError, match=fault):
            aliases.add(alias, name)
    with pytest.raises(DirectoryError, match=re.escape("it is an alias of ada@example.org")):
        people.add("Countess@example.org", None)


def test_what_is_removed_leads_nowhere(
    aliases: Aliases, people: People, addresses: AddressStore, furnisher: Told
) -> None:
    ada = people.add("ada@example.org", None)
    aliases.add("countess@example.org", "ada@example.org")
    assert ada == aliases.remove("COUNTESS@example.org")
    assert addresses.holder("countess@example.org") is None
    assert ("lost", "ada@example.org", "COUNTESS@example.org") == furnisher.heard[-1]
    with pytest.raises(DirectoryError, match=re.escape("there is no alias countess@example.org")):
        aliases.remove("countess@example.org")
    with pytest.raises(DirectoryError, match=re.escape("is no alias")):
        aliases.remove("ada@example.org")


def test_who_is_removed_leaves_his_aliases_and_catch_all_free(
    aliases: Aliases, people: People, addresses: AddressStore
) -> None:
    people.add("ada@example.org", None)
    people.add("bob@example.org", None)
    aliases.add("info@example.org", "ada@example.org")
    aliases.set_catch_all("example.org", "ada@example.org")
    people.remove("ada@example.org")
    assert addresses.catch_all("example.org") is None
    assert [Domain("example.org", None)] == aliases.domains()
    aliases.add("info@example.org", "bob@example.org")


def test_an_account_is_not_removed_by_an_alias(aliases: Aliases, people: People, groups: Groups) -> None:
    people.add("ada@example.org", None)
    groups.add("team@example.org")
    aliases.add("info@example.org", "ada@example.org")
    aliases.add("all@example.org", "team@example.org")
    with pytest.raises(DirectoryError, match=re.escape("info@example.org is an alias of ada@example.org")):
        people.remove("info@example.org")
    with pytest.raises(DirectoryError, match=re.escape("all@example.org is an alias of team@example.org")):
        groups.remove("all@example.org")


def test_a_catch_all_is_set_and_taken_back(aliases: Aliases, people: People, addresses: AddressStore) -> None:
    ada = people.add("ada@example.org", None)
    aliases.set_catch_all("EXAMPLE.org", "ada@example.org")
    assert ada == addresses.catch_all("example.org")
    assert [Domain("example.org", "ada@example.org")] == aliases.domains()
    aliases.set_catch_all("example.org", None)
    assert addresses.catch_all("example.org") is None
    with pytest.raises(DirectoryError, match=re.escape("there is no domain example.com")):
        aliases.set_catch_all("example.com", "ada@example.org")
    with pytest.raises(DirectoryError, match=re.escape("a domain like example.org is needed")):
        aliases.set_catch_all("exa mple", None)
