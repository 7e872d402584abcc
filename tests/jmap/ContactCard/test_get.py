"""ContactCard/get and /changes (RFC 9610 §3.1, §3.2)."""

from __future__ import annotations

import pytest

from rolodex.rolodex import Rolodex, named

VENDOR = {"example.com:shoeSize": {"left": 42, "right": [1, None]}, "futureThing": "x"}


def test_a_card_comes_back_as_it_was_given(rolodex: Rolodex) -> None:
    given = {
        "@type": "Card",
        "version": "1.0",
        "uid": "urn:uuid:1",
        "created": "2020-01-01T00:00:00Z",
        "updated": "2021-01-01T00:00:00Z",
        "kind": "org",
        **named("Ann", "Bee"),
        "emails": {"e1": {"address": "ann@example.org", "contexts": {"work": True}}},
        "localizations": {"de": {"name/full": "Ännchen"}},
        **VENDOR,
    }
    id = rolodex.card(**given)
    assert {"id": id, "addressBookIds": {rolodex.default: True}, **given} == rolodex.one("ContactCard", id)


def test_what_a_card_lacks_is_left_out(rolodex: Rolodex) -> None:
    found = rolodex.one("ContactCard", rolodex.card())
    assert {"id", "addressBookIds", "@type", "version", "uid", "created", "updated"} == found.keys()
    assert ("Card", "2.0") == (found["@type"], found["version"])


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        (["uid"], {"uid": "u"}),
        (["phones"], {}),
        (["phones", "uid", "emails"], {"uid": "u"}),
        (["example.com:shoeSize"], {"example.com:shoeSize": VENDOR["example.com:shoeSize"]}),
        (["futureThing", "uid"], {"uid": "u", "futureThing": "x"}),
        (["neverHeardOf"], {}),
        ([], {}),
    ],
)
def test_properties_are_picked(rolodex: Rolodex, properties: list[str], expected: dict[str, object]) -> None:
    id = rolodex.card(uid="u", **VENDOR)
    [found] = rolodex.ask("ContactCard/get", ids=[id], properties=properties)["list"]
    assert {"id": id, **expected} == found


@pytest.mark.parametrize("name", ["*", "", "name/given", "id/number", "kind/default", "a/b", "x" * 256])
def test_what_can_not_be_a_property_is_refused(rolodex: Rolodex, name: str) -> None:
    error = rolodex.refusal("ContactCard/get", ids=[], properties=[name])
    assert "invalidArguments" == error["type"]


def test_a_reference_to_what_some_cards_lack_is_refused(rolodex: Rolodex) -> None:
    rolodex.cards({"kind": "org"}, {})
    responses = rolodex.responses(
        ("ContactCard/get", {"ids": None}),
        ("ContactCard/get", {"#ids": {"resultOf": "0", "name": "ContactCard/get", "path": "/list/*/kind"}}),
    )
    assert ["ContactCard/get", "error"] == [name for name, _, _ in responses]
    assert "invalidResultReference" == responses[1][1]["type"]


def test_a_reference_to_what_all_cards_have_is_followed(rolodex: Rolodex) -> None:
    rolodex.cards({"uid": "d1"}, {"uid": "d2"})
    responses = rolodex.responses(
        ("ContactCard/get", {"ids": None, "properties": ["uid"]}),
        ("ContactCard/get", {"#ids": {"resultOf": "0", "name": "ContactCard/get", "path": "/list/*/uid"}}),
    )
    assert ["d1", "d2"] == responses[1][1]["notFound"] + [one["id"] for one in responses[1][1]["list"]]


def test_changes_tell_what_was_made_changed_and_destroyed(rolodex: Rolodex) -> None:
    gone, changed = rolodex.cards({}, {})
    since = rolodex.state("ContactCard")
    made = rolodex.card()
    rolodex.update(changed, keywords={"x": True})
    rolodex.ask("ContactCard/set", destroy=[gone])
    changes = rolodex.ask("ContactCard/changes", sinceState=since)
    assert ([made], [changed], [gone]) == (changes["created"], changes["updated"], changes["destroyed"])
