"""Whose an address is (RFC 5321 §3.3, §4.5.1, RFC 5233 §1)."""

from __future__ import annotations

import pytest

from posthouse.delivery.accept import Target
from posthouse.delivery.reply import MALFORMED, NOT_OURS, UNKNOWN
from posthouse.proto.smtp.reply import Reply
from postoffice.office import PostOffice


@pytest.fixture
def town(office: PostOffice) -> PostOffice:
    """Ada came first; Bob has an alias, a catch-all of a domain and no other; a team is a group."""
    people, aliases = office.app.people, office.app.aliases
    people.add("ada@example.org", None)
    people.add("bob@example.org", None)
    office.app.groups.add("team@example.org")
    aliases.add("bob+shop@example.com", "ada@example.org")
    aliases.add("info@example.com", "bob@example.org")
    aliases.set_catch_all("example.com", "bob@example.org")
    return office


def whose(office: PostOffice, address: str) -> str | Reply:
    found = office.acceptance.recipient(address)
    if isinstance(found, Target):
        assert address == found.address
        return found.place.name
    return found


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("ada@example.org", "ada@example.org"),
        ("ADA@Example.ORG", "ada@example.org"),
        ('"ada"@example.org', "ada@example.org"),
        ('"a\\d\\a"@example.org', "ada@example.org"),
        ("ada+lists@example.org", "ada@example.org"),
        ("ada+a+b@example.org", "ada@example.org"),
        ("team@example.org", "team@example.org"),
        ("team+x@example.org", "team@example.org"),
        ("bob+shop@example.com", "ada@example.org"),
        ("info+x@example.com", "bob@example.org"),
        ("nobody@example.com", "bob@example.org"),
        ('"no body"@example.com', "bob@example.org"),
        ("postmaster@example.com", "bob@example.org"),
        ("postmaster@example.org", "ada@example.org"),
        ("Postmaster+x@example.org", UNKNOWN),
        ("POSTMASTER", "ada@example.org"),
        ("nobody@example.org", UNKNOWN),
        ('"no body"@example.org', UNKNOWN),
        ("+ada@example.org", UNKNOWN),
        ("ada@elsewhere.example", NOT_OURS),
        ("ada%elsewhere.example@example.org", UNKNOWN),
        ("ada@sub.example.org", NOT_OURS),
        ("ada@[192.0.2.1]", NOT_OURS),
        ("ada", MALFORMED),
        ("ada@", MALFORMED),
        ("", MALFORMED),
        ("@example.org", UNKNOWN),
        ("ada@exa mple.org", MALFORMED),
        ("a" * 2000 + "@example.org", MALFORMED),
    ],
)
def test_each_address_leads_to_an_account_or_to_a_refusal(
    town: PostOffice, address: str, name: str | Reply
) -> None:
    for _ in range(2):
        assert name == whose(town, address)


def test_what_is_remembered_ends_with_each_change_of_the_directory(town: PostOffice) -> None:
    target = town.target("info@example.com")
    assert town.acceptance.is_open(target.place.account)
    town.app.aliases.remove("info@example.com")
    town.app.aliases.set_catch_all("example.com", None)
    assert UNKNOWN == whose(town, "info@example.com")
    town.app.people.add("info@example.com", None)
    assert "info@example.com" == whose(town, "info@example.com")
    assert town.acceptance.is_open(target.place.account)
    town.app.people.remove("bob@example.org")
    assert not town.acceptance.is_open(target.place.account)


def test_a_catch_all_whose_account_is_gone_catches_nothing(town: PostOffice) -> None:
    town.app.people.remove("bob@example.org")
    assert UNKNOWN == whose(town, "nobody@example.com")


def test_where_nobody_is_nothing_is_ours(office: PostOffice) -> None:
    assert NOT_OURS == whose(office, "ada@example.org")
    assert UNKNOWN == whose(office, "postmaster")
