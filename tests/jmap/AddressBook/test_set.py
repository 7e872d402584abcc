"""AddressBook/set (RFC 9610 §2, §2.3)."""

from __future__ import annotations

from typing import Any

import pytest

from rolodex.rolodex import PNG, Rolodex


def defaults(rolodex: Rolodex) -> list[str]:
    return [book["id"] for book in rolodex.ask("AddressBook/get")["list"] if book["isDefault"]]


def test_a_created_book_has_its_defaults_and_is_not_the_default(rolodex: Rolodex) -> None:
    created = rolodex.ask("AddressBook/set", create={"k": {"name": "Work"}})["created"]["k"]
    assert created | {"name": "Work"} == rolodex.one("AddressBook", created["id"])
    assert (False, True, 0, None) == tuple(
        created[name] for name in ("isDefault", "isSubscribed", "sortOrder", "description")
    )


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({}, ["name"]),
        ({"name": ""}, ["name"]),
        ({"name": "ü" * 128}, ["name"]),
        ({"name": "a", "sortOrder": -1}, ["sortOrder"]),
        ({"name": "a", "sortOrder": 2**31}, ["sortOrder"]),
        ({"name": "a", "description": 1}, ["description"]),
        ({"name": "a", "isDefault": True}, ["isDefault"]),
        ({"name": "a", "isSubscribed": None}, ["isSubscribed"]),
        ({"name": "a", "myRights": {}}, ["myRights"]),
        ({"name": "a", "shareWith": {"p1": {"mayRead": True}}}, ["shareWith"]),
        ({"name": "a", "color": "red"}, ["color"]),
    ],
)
def test_what_is_wrong_is_named(rolodex: Rolodex, values: dict[str, Any], wrong: list[str]) -> None:
    error = rolodex.refused("AddressBook/set", "create", {"k": values})
    assert ("invalidProperties", wrong) == (error["type"], error["properties"])


def test_a_name_of_255_octets_is_kept(rolodex: Rolodex) -> None:
    name = "ü" * 127 + "x"
    assert name == rolodex.one("AddressBook", rolodex.book(name))["name"]


def test_what_can_change_changes(rolodex: Rolodex) -> None:
    patch = {"name": "New", "description": "text", "sortOrder": 7, "isSubscribed": False}
    answered = rolodex.ask("AddressBook/set", update={rolodex.default: patch})
    assert {rolodex.default: None} == answered["updated"]
    found = rolodex.one("AddressBook", rolodex.default)
    assert patch == {name: found[name] for name in patch}


def test_two_books_may_have_one_name(rolodex: Rolodex) -> None:
    assert rolodex.book("same") != rolodex.book("same")


# -- the default one --


def test_the_default_is_moved_and_both_are_told(rolodex: Rolodex) -> None:
    """Any changed objects MUST be reported in either the "created" or "updated" argument (RFC 9610 §2.3)."""
    work = rolodex.book()
    answered = rolodex.ask("AddressBook/set", onSuccessSetIsDefault=work)
    assert {work: {"isDefault": True}, rolodex.default: {"isDefault": False}} == answered["updated"]
    assert answered["oldState"] != answered["newState"] == rolodex.state("AddressBook")
    assert [work] == defaults(rolodex)


def test_a_book_that_is_just_made_can_become_the_default(rolodex: Rolodex) -> None:
    answered = rolodex.ask("AddressBook/set", create={"k": {"name": "x"}}, onSuccessSetIsDefault="#k")
    assert answered["created"]["k"]["isDefault"] is True
    assert {rolodex.default: {"isDefault": False}} == answered["updated"]
    assert [answered["created"]["k"]["id"]] == defaults(rolodex)


def test_what_is_told_of_an_update_has_the_default_with_it(rolodex: Rolodex) -> None:
    work = rolodex.book()
    answered = rolodex.ask("AddressBook/set", update={work: {"name": "y"}}, onSuccessSetIsDefault=work)
    assert {"isDefault": True} == answered["updated"][work]


@pytest.mark.parametrize("wanted", ["b999", "x", "#k", "nothing-such"])
def test_an_unknown_default_is_ignored(rolodex: Rolodex, wanted: str) -> None:
    """If the id is not found [...] it MUST be ignored and the current default will remain (RFC 9610 §2.3)."""
    answered = rolodex.ask("AddressBook/set", onSuccessSetIsDefault=wanted)
    assert (None, answered["oldState"]) == (answered["updated"], answered["newState"])
    assert [rolodex.default] == defaults(rolodex)


@pytest.mark.parametrize(
    "fault",
    [
        {"create": {"k": {"name": ""}}},
        {"update": {"b999": {"name": "x"}}},
        {"destroy": ["b999"]},
        {"create": {"k": {"nothing": 1}}},
    ],
)
def test_the_default_stays_if_anything_was_refused(rolodex: Rolodex, fault: dict[str, Any]) -> None:
    rolodex.ask("AddressBook/set", onSuccessSetIsDefault=rolodex.book(), **fault)
    assert [rolodex.default] == defaults(rolodex)


def test_the_default_that_is_the_default_already_changes_nothing(rolodex: Rolodex) -> None:
    answered = rolodex.ask("AddressBook/set", onSuccessSetIsDefault=rolodex.default)
    assert (None, answered["oldState"]) == (answered["updated"], answered["newState"])


def test_another_book_becomes_the_default_when_that_is_destroyed(rolodex: Rolodex) -> None:
    """This SHOULD be true for exactly one AddressBook in any account (RFC 9610 §2)."""
    rolodex.book("last", sortOrder=2)
    first = rolodex.book("first", sortOrder=1)
    answered = rolodex.ask("AddressBook/set", destroy=[rolodex.default])
    assert {first: {"isDefault": True}} == answered["updated"]
    assert [first] == defaults(rolodex)


def test_the_first_book_of_an_account_is_its_default(rolodex: Rolodex) -> None:
    assert [rolodex.default] == rolodex.ask("AddressBook/set", destroy=[rolodex.default])["destroyed"]
    assert [] == rolodex.ask("AddressBook/get")["list"]
    created = rolodex.ask("AddressBook/set", create={"k": {"name": "x"}})["created"]["k"]
    assert created["isDefault"] is True


# -- destroying --


def test_a_book_with_a_card_is_not_destroyed(rolodex: Rolodex) -> None:
    rolodex.card()
    answered = rolodex.ask("AddressBook/set", destroy=[rolodex.default])
    assert "addressBookHasContents" == answered["notDestroyed"][rolodex.default]["type"]
    assert [rolodex.default] == defaults(rolodex)


def test_contents_are_removed_if_asked_for(rolodex: Rolodex) -> None:
    """Any ContactCard that is in the AddressBook will be removed from it, and if such a ContactCard does not
    belong to any other AddressBook, it will be destroyed (RFC 9610 §2.3)."""
    work = rolodex.book()
    blob = rolodex.upload(PNG)
    photo = {"p": {"kind": "photo", "blobId": blob}}
    lone = rolodex.card(addressBookIds={work: True}, uid="lone", **{"example.com:x": 1})
    both = rolodex.card(addressBookIds={work: True, rolodex.default: True}, uid="both", media=photo)
    whole = rolodex.one("ContactCard", both)
    since = rolodex.state("ContactCard")
    answered = rolodex.ask("AddressBook/set", destroy=[work], onDestroyRemoveContents=True)
    assert [work] == answered["destroyed"]
    changes = rolodex.ask("ContactCard/changes", sinceState=since)
    assert ([both], [lone]) == (changes["updated"], changes["destroyed"])
    assert whole | {"addressBookIds": {rolodex.default: True}} == rolodex.one("ContactCard", both)


def test_a_destroyed_card_leaves_an_empty_book(rolodex: Rolodex) -> None:
    id = rolodex.card()
    rolodex.ask("ContactCard/set", destroy=[id])
    assert [rolodex.default] == rolodex.ask("AddressBook/set", destroy=[rolodex.default])["destroyed"]
