"""ContactCard/query and /queryChanges (RFC 9610 §3.3, §3.4)."""

from __future__ import annotations

from typing import Any

import pytest

from rolodex.rolodex import Rolodex, named

ANN = {
    "uid": "Ann",
    "created": "2020-01-01T00:00:00Z",
    "updated": "2022-01-01T00:00:00Z",
    "name": {
        "components": [
            {"kind": "given", "value": "Änn"},
            {"kind": "given2", "value": "Carol"},
            {"kind": "surname", "value": "Bee"},
            {"kind": "surname2", "value": "García"},
        ],
        "full": "Dr. Ann Carol Bee García",
    },
    "nicknames": {"n": {"name": "Annie the Great"}},
    "organizations": {"o": {"name": "Honey & Sons", "units": [{"name": "Beehives"}]}},
    "emails": {"e": {"address": "ann.bee@example.org", "label": "office"}},
    "phones": {"p": {"number": "+1 (415) 555-0100", "label": "garden"}},
    "onlineServices": {
        "s": {"service": "Mastodon", "uri": "https://social.example/@bee", "user": "@queen", "label": "fun"}
    },
    "addresses": {"a": {"components": [{"kind": "locality", "value": "Springfield"}], "full": "5 Elm Road"}},
    "notes": {"n": {"note": 'Likes "strong" coffee'}},
    "titles": {"t": {"name": "Apiarist"}},
    "keywords": {"vip": True},
    "localizations": {"es": {"titles/t/name": "apicultora"}},
    "example.com:motto": ["always buzzing"],
}
BOB = {
    "uid": "ann",
    "created": "2021-01-01T00:00:00Z",
    "updated": "2021-06-01T00:00:00Z",
    "kind": "group",
    "members": {"Ann": True, "x": True},
    **named("bob", "ant"),
}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({}, "ab"),
        ({"uid": "Ann"}, "a"),
        ({"uid": "ann"}, "b"),
        ({"uid": "ANN"}, ""),
        ({"hasMember": "Ann"}, "b"),
        ({"hasMember": "ann"}, ""),
        ({"kind": "group"}, "b"),
        ({"kind": "Group"}, ""),
        ({"kind": "individual"}, "a"),
        ({"kind": "org"}, ""),
        ({"createdBefore": "2021-01-01T00:00:00Z"}, "a"),
        ({"createdAfter": "2021-01-01T00:00:00Z"}, "b"),
        ({"updatedBefore": "2022-01-01T00:00:00Z"}, "b"),
        ({"updatedAfter": "2022-01-01T00:00:00Z"}, "a"),
        ({"text": "apiarist"}, "a"),
        ({"text": "apicultora"}, "a"),
        ({"text": "buzzing"}, "a"),
        ({"text": "vip"}, "a"),
        ({"text": "beehives"}, "a"),
        ({"text": "bee coffee springfield"}, "a"),
        ({"text": "bee ant"}, ""),
        ({"text": "Card"}, ""),
        ({"name": "carol"}, "a"),
        ({"name": "DR"}, "a"),
        ({"name": '"ann carol"'}, "a"),
        ({"name": "'carol ann'"}, ""),
        ({"name": "apiarist"}, ""),
        ({"name": "car*"}, "a"),
        ({"name/given": "ann"}, "a"),
        ({"name/given": "carol"}, ""),
        ({"name/surname": "bee"}, "a"),
        ({"name/surname": "garcia"}, ""),
        ({"name/surname2": "garcia"}, "a"),
        ({"nickname": "great"}, "a"),
        ({"organization": "honey"}, "a"),
        ({"organization": "beehives"}, ""),
        ({"email": "ann.bee@example.org"}, "a"),
        ({"email": "office"}, "a"),
        ({"email": "ann.ant@example.org"}, ""),
        ({"phone": "4155550100"}, ""),
        ({"phone": "14155550100"}, "a"),
        ({"phone": "1415*"}, "a"),
        ({"phone": "555-0100"}, "a"),
        ({"phone": "garden"}, "a"),
        ({"onlineService": "mastodon"}, "a"),
        ({"onlineService": "@queen"}, "a"),
        ({"onlineService": "social.example"}, "a"),
        ({"onlineService": "fun"}, "a"),
        ({"address": "springfield"}, "a"),
        ({"address": '"elm road"'}, "a"),
        ({"note": '"likes \\"strong\\" coffee"'}, "a"),
        ({"note": "apiarist"}, ""),
        ({"name": "bob", "kind": "group"}, "b"),
        ({"name": "bob", "kind": "org"}, ""),
    ],
)
def test_a_filter_finds_what_the_standard_says(
    rolodex: Rolodex, condition: dict[str, Any], expected: str
) -> None:
    ids = dict(zip(rolodex.cards(ANN, BOB), "ab", strict=True))
    assert expected == "".join(ids[id] for id in rolodex.matching(**condition))


def test_a_book_is_searched(rolodex: Rolodex) -> None:
    work = rolodex.book()
    one, both = rolodex.cards(
        {"addressBookIds": {work: True}}, {"addressBookIds": {work: True, rolodex.default: True}}
    )
    assert [one, both] == rolodex.matching(inAddressBook=work)
    assert [both] == rolodex.matching(inAddressBook=rolodex.default)
    assert [] == rolodex.matching(inAddressBook="b999")
    answered = rolodex.ask("ContactCard/query", filter={"inAddressBook": work}, calculateTotal=True)
    assert 2 == answered["total"]


@pytest.mark.parametrize(
    ("condition", "type"),
    [
        ({"inAddressBook": 1}, "invalidArguments"),
        ({"uid": None}, "invalidArguments"),
        ({"kind": ["org"]}, "invalidArguments"),
        ({"createdBefore": "2020-01-01"}, "invalidArguments"),
        ({"text": 1}, "invalidArguments"),
        ({"phones": "1"}, "unsupportedFilter"),
        ({"id/number": 1}, "unsupportedFilter"),
        ({"text": "x" * 2000}, "unsupportedFilter"),
    ],
)
def test_a_filter_that_can_not_be_is_refused(rolodex: Rolodex, condition: dict[str, Any], type: str) -> None:
    assert type == rolodex.refusal("ContactCard/query", filter=condition)["type"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("created", "cab"),
        ("updated", "bac"),
        ("name/given", "cab"),
        ("name/surname", "cba"),
        ("name/surname2", "cba"),
    ],
)
def test_a_sort_puts_cards_in_order(rolodex: Rolodex, name: str, expected: str) -> None:
    """The value of the first NameComponent whose "kind" is "given" (RFC 9610 §3.3.2)."""
    other = {"created": "2019-01-01T00:00:00Z", "updated": "2023-01-01T00:00:00Z", "name": {"full": "Zoe"}}
    ids = dict(zip(rolodex.cards(BOB, ANN, other), "bac", strict=True))
    for is_ascending in (True, False):
        sort = [{"property": name, "isAscending": is_ascending}, {"property": "created"}]
        found = "".join(ids[id] for id in rolodex.found("ContactCard", sort=sort[: 1 + (name[0] == "n")]))
        if name == "name/surname2":
            assert set("abc") == set(found)  # two cards have none
            assert "a" == found[-1 if is_ascending else 0]
        else:
            assert (expected if is_ascending else expected[::-1]) == found


@pytest.mark.parametrize("name", ["name", "uid", "kind/default", "emails"])
def test_other_sorts_are_refused(rolodex: Rolodex, name: str) -> None:
    assert "unsupportedSort" == rolodex.refusal("ContactCard/query", sort=[{"property": name}])["type"]


def test_what_is_searched_follows_the_card(rolodex: Rolodex) -> None:
    id = rolodex.card(**named("Ann"), notes={"n": {"note": "tea"}})
    rolodex.patch(id, {"notes/n/note": "coffee", "name": {"full": "Eve"}})
    assert ([], [id]) == (rolodex.matching(text="tea"), rolodex.matching(note="coffee"))
    assert ([], [id]) == (rolodex.matching(name="ann"), rolodex.matching(name="eve"))
    rolodex.ask("ContactCard/set", destroy=[id])
    assert [] == rolodex.matching(text="coffee")


def test_query_changes_tell_of_a_text_that_changed(rolodex: Rolodex) -> None:
    ann, eve = rolodex.cards(named("Ann", "Bee"), named("Eve", "Bee"))
    asked = {"filter": {"name": "bee"}, "sort": [{"property": "name/given"}]}
    answered = rolodex.ask("ContactCard/query", **asked)
    assert ([ann, eve], True) == (answered["ids"], answered["canCalculateChanges"])
    rolodex.update(ann, **named("Zoe", "Bee"))
    changes = rolodex.ask("ContactCard/queryChanges", **asked, sinceQueryState=answered["queryState"])
    assert ([ann], [{"id": ann, "index": 1}]) == (changes["removed"], changes["added"])
    rolodex.update(eve, **named("Eve", "Ant"))
    changes = rolodex.ask("ContactCard/queryChanges", **asked, sinceQueryState=answered["queryState"])
    assert ([ann, eve], [{"id": ann, "index": 0}]) == (sorted(changes["removed"]), changes["added"])
