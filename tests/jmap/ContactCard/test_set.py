"""ContactCard/set (RFC 9610 §3, §3.5, RFC 9553)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from posthouse.capabilities.contacts.write import MOST_BOOKS, MOST_OCTETS
from rolodex.rolodex import Rolodex, named

EMAILS = {"e1": {"address": "a@example.org", "contexts": {"work": True}}, "e2": {"address": "b@example.org"}}


def test_the_server_tells_what_it_set(rolodex: Rolodex) -> None:
    created = rolodex.ask("ContactCard/set", create={"k": rolodex.full()})["created"]["k"]
    assert {"id", "@type", "version", "uid", "created", "updated"} == created.keys()
    assert created.items() <= rolodex.one("ContactCard", created["id"]).items()


def test_a_card_without_a_uid_is_given_one(rolodex: Rolodex) -> None:
    """Synchronization protocols such as JMAP for Contacts require the uid property (RFC 9982 §1)."""
    uids = {rolodex.one("ContactCard", id)["uid"] for id in rolodex.cards({}, {}, {"version": "1.0"})}
    assert 3 == len(uids)
    assert all(UUID(uid).urn == uid for uid in uids)


def test_a_card_may_lose_its_uid(rolodex: Rolodex) -> None:
    """They MUST NOT reject a Card object without the uid property as invalid (RFC 9982 §3)."""
    one, old = rolodex.cards({}, {"version": "1.0"})
    rolodex.patch(one, {"uid": None})
    assert "uid" not in rolodex.one("ContactCard", one)
    told = rolodex.patch(one, {"kind": "org"})
    assert rolodex.one("ContactCard", one)["uid"] == told["uid"]
    error = rolodex.refused("ContactCard/set", "update", {old: {"uid": None}})
    assert ("invalidProperties", ["uid"]) == (error["type"], error["properties"])


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({"addressBookIds": {}}, ["addressBookIds"]),
        ({"addressBookIds": None}, ["addressBookIds"]),
        ({"addressBookIds": {"b1": False}}, ["addressBookIds"]),
        ({"addressBookIds": {"b999": True}}, ["addressBookIds"]),
        (
            {"emails": {"e1": {"address": "x@example.org", "contexts": {"home": True}}}},
            ["emails/e1/contexts/home"],
        ),
        ({"emails": {"e1": {}}}, ["emails/e1/address"]),
        ({"phones": {"p1": {"number": 1}}}, ["phones/p1/number"]),
        ({"name": {}}, ["name/components"]),
        ({"name": None}, ["name"]),
        ({"kind": "animal"}, ["kind"]),
        ({"@type": "Group"}, ["@type"]),
        ({"version": "3.0"}, ["version"]),
        ({"uid": 1}, ["uid"]),
        ({"created": "2020-01-01"}, ["created"]),
        ({"members": {"x": True}}, ["members"]),
        ({"members": {"x": False}, "kind": "group"}, ["members"]),
        ({"localizations": {"de": {"name/nothing/x": 1}}}, ["localizations/de/name~1nothing~1x"]),
        ({"Emails": {}}, ["Emails"]),
        ({"a/b": 1}, ["a/b"]),
        ({"*": 1}, ["*"]),
        ({"id": "d1"}, ["id"]),
        ({"id/number": 1}, ["id/number"]),
    ],
)
def test_what_is_wrong_is_named_by_its_path(
    rolodex: Rolodex, values: dict[str, Any], wrong: list[str]
) -> None:
    error = rolodex.refused("ContactCard/set", "create", {"k": rolodex.full(**values)})
    assert ("invalidProperties", wrong) == (error["type"], error["properties"])


def test_a_card_says_in_which_books_it_is(rolodex: Rolodex) -> None:
    error = rolodex.refused("ContactCard/set", "create", {"k": {}})
    assert ("invalidProperties", ["addressBookIds"]) == (error["type"], error["properties"])


def test_a_card_can_be_made_in_a_book_of_the_same_request(rolodex: Rolodex) -> None:
    responses = rolodex.responses(
        ("AddressBook/set", {"create": {"b": {"name": "x"}}}),
        ("ContactCard/set", {"create": {"k": {"addressBookIds": {"#b": True}}}}),
    )
    book = responses[0][1]["created"]["b"]["id"]
    card = responses[1][1]["created"]["k"]["id"]
    assert {book: True} == rolodex.one("ContactCard", card)["addressBookIds"]


# -- patches --


@pytest.mark.parametrize(
    ("patch", "changed"),
    [
        ({"emails/e1/contexts/work": None}, {"e1": {"address": "a@example.org", "contexts": {}}}),
        ({"emails/e2": None}, {"e2": None}),
        ({"emails/e3": {"address": "c@example.org"}}, {"e3": {"address": "c@example.org"}}),
        (
            {"emails/e1/address": "z@example.org", "emails/e2/label": "home"},
            {
                "e1": {"address": "z@example.org", "contexts": {"work": True}},
                "e2": {"address": "b@example.org", "label": "home"},
            },
        ),
    ],
)
def test_patches_reach_deep_into_maps(
    rolodex: Rolodex, patch: dict[str, Any], changed: dict[str, Any]
) -> None:
    id = rolodex.card(emails=EMAILS)
    rolodex.patch(id, patch)
    expected = {key: value for key, value in (EMAILS | changed).items() if value is not None}
    assert expected == rolodex.one("ContactCard", id)["emails"]


def test_a_null_takes_a_property_away(rolodex: Rolodex) -> None:
    id = rolodex.card(emails=EMAILS, uid="u", kind="org", **{"example.com:x": 1, "futureThing": 2})
    rolodex.patch(id, {"emails": None, "uid": None, "kind": None, "example.com:x": None})
    assert {"id", "addressBookIds", "@type", "version", "created", "updated", "futureThing"} == (
        rolodex.one("ContactCard", id).keys()
    )


def test_a_null_gives_a_property_its_default_again(rolodex: Rolodex) -> None:
    id = rolodex.card(version="1.0", uid="u")
    rolodex.patch(id, {"version": None})
    assert "2.0" == rolodex.one("ContactCard", id)["version"]


def test_vendor_properties_are_patched_inside(rolodex: Rolodex) -> None:
    id = rolodex.card(**{"example.com:x": {"a": {"b": 1}, "c": 2}})
    rolodex.patch(id, {"example.com:x/a/b": 3, "example.com:x/c": None, "example.com:new": [1]})
    found = rolodex.one("ContactCard", id)
    assert ({"a": {"b": 3}}, [1]) == (found["example.com:x"], found["example.com:new"])


def test_localizations_are_patched_as_the_maps_they_are(rolodex: Rolodex) -> None:
    id = rolodex.card(name={"full": "Ann"}, localizations={"de": {"name/full": "Anna"}})
    rolodex.patch(id, {"localizations/de/name~1full": "Änne", "localizations/fr": {"name/full": "Anne"}})
    assert {"de": {"name/full": "Änne"}, "fr": {"name/full": "Anne"}} == (
        rolodex.one("ContactCard", id)["localizations"]
    )
    rolodex.patch(id, {"localizations/de/name~1full": None})
    assert {} == rolodex.one("ContactCard", id)["localizations"]["de"]


@pytest.mark.parametrize(
    ("patch", "type", "wrong"),
    [
        ({"emails/e1/address": 1}, "invalidProperties", ["emails/e1/address"]),
        ({"emails/e1/contexts/home": True}, "invalidProperties", ["emails/e1/contexts/home"]),
        ({"emails/e1/address": None}, "invalidProperties", ["emails/e1/address"]),
        ({"emails/e9/address": "x@example.org"}, "invalidPatch", None),
        ({"name/full": "x"}, "invalidPatch", None),
        ({"emails": {}, "emails/e1": None}, "invalidPatch", None),
        ({"localizations/de": {"emails/e9/label": "x"}}, "invalidPatch", None),
        ({"localizations": {"de": {"emails/e9/label": "x"}}}, "invalidProperties", None),
        ({"id": "d999"}, "invalidProperties", ["id"]),
        ({"addressBookIds": {}}, "invalidProperties", ["addressBookIds"]),
        ({"*": 1}, "invalidProperties", ["*"]),
        ({"name/given": "x"}, "invalidPatch", None),
        ({"id~1number": 1}, "invalidProperties", ["id/number"]),
    ],
)
def test_a_patch_that_can_not_be_changes_nothing(
    rolodex: Rolodex, patch: dict[str, Any], type: str, wrong: list[str] | None
) -> None:
    id = rolodex.card(emails=EMAILS)
    before = rolodex.one("ContactCard", id)
    error = rolodex.refused("ContactCard/set", "update", {id: patch})
    assert type == error["type"]
    assert wrong is None or wrong == error["properties"]
    assert before == rolodex.one("ContactCard", id)


def test_a_card_can_not_be_patched_deeper_than_json_goes(rolodex: Rolodex) -> None:
    deep: dict[str, Any] = {}
    for _ in range(150):
        deep = {"a": deep}
    id = rolodex.card(**{"example.com:x": deep})
    error = rolodex.refused("ContactCard/set", "update", {id: {f"example.com:x{'/a' * 150}": {"a": deep}}})
    assert "invalidProperties" == error["type"]


def test_a_card_has_a_largest_size(rolodex: Rolodex) -> None:
    error = rolodex.refused("ContactCard/set", "create", {"k": rolodex.full(futureThing="x" * MOST_OCTETS)})
    assert ("tooLarge", MOST_OCTETS) == (error["type"], error["maxSize"])


# -- books --


def test_a_card_is_moved_between_books_and_stays_as_it_is(rolodex: Rolodex) -> None:
    work, id = rolodex.book(), rolodex.card(uid="u")
    before = rolodex.one("ContactCard", id)
    told = rolodex.patch(id, {f"addressBookIds/{work}": True, f"addressBookIds/{rolodex.default}": None})
    assert told is None
    assert before | {"addressBookIds": {work: True}} == rolodex.one("ContactCard", id)


def test_a_card_is_in_so_many_books_at_most(rolodex: Rolodex) -> None:
    books = [rolodex.book(f"{number}") for number in range(MOST_BOOKS + 1)]
    error = rolodex.refused(
        "ContactCard/set", "create", {"k": {"addressBookIds": dict.fromkeys(books, True)}}
    )
    assert ["addressBookIds"] == error["properties"]
    rolodex.card(addressBookIds=dict.fromkeys(books[1:], True))


# -- uids --


def test_two_cards_can_not_have_one_uid(rolodex: Rolodex) -> None:
    """There MUST NOT be more than one ContactCard with the same uid in an Account (RFC 9610 §3)."""
    first = rolodex.card(uid="same")
    error = rolodex.refused("ContactCard/set", "create", {"k": rolodex.full(uid="same")})
    assert ("invalidProperties", ["uid"], first) == (error["type"], error["properties"], error["existingId"])
    other = rolodex.card(uid="Same")
    error = rolodex.refused("ContactCard/set", "update", {other: {"uid": "same"}})
    assert ["uid"] == error["properties"]


def test_of_two_that_are_made_with_one_uid_the_first_is(rolodex: Rolodex) -> None:
    answered = rolodex.ask(
        "ContactCard/set",
        create={"k": rolodex.full(uid="u"), "l": rolodex.full(uid="u"), "m": rolodex.full(uid="v")},
    )
    assert ["k", "m"] == list(answered["created"])
    assert ["uid"] == answered["notCreated"]["l"]["properties"]


def test_cards_swap_their_uids_in_one_call(rolodex: Rolodex) -> None:
    one, two = rolodex.cards({"uid": "1"}, {"uid": "2"})
    answered = rolodex.ask("ContactCard/set", update={one: {"uid": "2"}, two: {"uid": "1"}})
    assert answered["notUpdated"] is None
    assert ("2", "1") == tuple(rolodex.one("ContactCard", id)["uid"] for id in (one, two))


def test_two_updates_can_not_give_one_uid(rolodex: Rolodex) -> None:
    one, two = rolodex.cards({"uid": "1"}, {"uid": "2"})
    answered = rolodex.ask("ContactCard/set", update={one: {"uid": "3"}, two: {"uid": "3"}})
    assert ([one], [two]) == (list(answered["updated"]), list(answered["notUpdated"]))


def test_the_uid_of_a_card_that_goes_is_free(rolodex: Rolodex) -> None:
    gone = rolodex.card(uid="u")
    answered = rolodex.ask("ContactCard/set", create={"k": rolodex.full(uid="u")}, destroy=[gone])
    assert answered["notCreated"] is None


def test_an_unchanged_uid_is_no_twin_of_itself(rolodex: Rolodex) -> None:
    id = rolodex.card(uid="u")
    rolodex.update(id, uid="u", kind="org")


# -- when a card was made and changed --


def test_a_change_of_the_card_moves_updated_and_says_so(rolodex: Rolodex) -> None:
    id = rolodex.card(updated="2001-01-01T00:00:00Z", created="2000-01-01T00:00:00Z")
    told = rolodex.update(id, kind="org")
    found = rolodex.one("ContactCard", id)
    assert {"updated": found["updated"]} == told
    assert ("2000-01-01T00:00:00Z", True) == (found["created"], found["updated"] > "2001-01-01T00:00:00Z")


def test_what_the_client_says_of_updated_stays(rolodex: Rolodex) -> None:
    id = rolodex.card()
    assert rolodex.update(id, kind="org", updated="2001-01-01T00:00:00Z") is None
    assert "2001-01-01T00:00:00Z" == rolodex.one("ContactCard", id)["updated"]


def test_a_change_to_the_same_changes_nothing(rolodex: Rolodex) -> None:
    id = rolodex.card(kind="org")
    state = rolodex.state("ContactCard")
    assert rolodex.update(id, kind="org") is None
    assert state == rolodex.state("ContactCard")


# -- groups --


def test_members_that_can_not_be_found_are_preserved(rolodex: Rolodex) -> None:
    """Any uid that cannot be found SHOULD be ignored but preserved (RFC 9610 §3)."""
    id = rolodex.card(kind="group", members={"u1": True, "nobody/~x": True}, **named("All"))
    rolodex.patch(id, {"members/u1": None, "members/u2": True})
    assert {"nobody/~x": True, "u2": True} == rolodex.one("ContactCard", id)["members"]
    rolodex.patch(id, {"members/nobody~1~0x": None})
    assert {"u2": True} == rolodex.one("ContactCard", id)["members"]
    assert [id] == rolodex.matching(hasMember="u2")
