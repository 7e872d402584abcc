"""A card in another language, and the patches that make it."""

from __future__ import annotations

from typing import Any

import pytest

from posthouse.formats.jscard import InvalidPatch, applied, localized
from posthouse.formats.jscard.patch import differences

CARD: dict[str, Any] = {
    "@type": "Card",
    "version": "2.0",
    "language": "en",
    "titles": {"t1": {"name": "novelist"}},
    "name": {"components": [{"kind": "given", "value": "Ivan"}]},
    "localizations": {
        "es": {"titles/t1/name": "escritor"},
        "uk-Cyrl": {"name/components/0/value": "\u0406\u0432\u0430\u043d"},
        "de": {"titles/t2/name": "x", "titles/t1/name": "y"},
    },
}


def test_patches_are_applied_and_the_language_set() -> None:
    card = localized(CARD, "es")
    assert {"t1": {"name": "escritor"}} == card["titles"]
    assert "es" == card["language"]
    assert "localizations" not in card
    assert {"t1": {"name": "novelist"}} == CARD["titles"]


def test_language_tags_are_the_same_in_any_case() -> None:
    card = localized(CARD, "UK-cyrl")
    assert [{"kind": "given", "value": "\u0406\u0432\u0430\u043d"}] == card["name"]["components"]
    assert "uk-Cyrl" == card["language"]


@pytest.mark.parametrize("language", ["fr", "de"])
def test_a_language_that_is_not_there_or_broken_gives_the_card_as_it_is(language: str) -> None:
    card = localized(CARD, language)
    assert {name: value for name, value in CARD.items() if name != "localizations"} == card


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        ({"a": 1}, {"a": 1, "b": {"c": [1, {"d": 2}]}}),
        ({"/b/c/0": 5}, {"b": {"c": [5, {"d": 2}]}}),
        ({"b/c/1/d": None, "b/x~1y": 1}, {"b": {"c": [1, {}], "x/y": 1}}),
        ({"b": None}, {}),
        ({"nothing": None}, {"b": {"c": [1, {"d": 2}]}}),
        ({}, {"b": {"c": [1, {"d": 2}]}}),
    ],
)
def test_a_patch_sets_and_removes(patch: dict[str, Any], expected: dict[str, Any]) -> None:
    card = {"b": {"c": [1, {"d": 2}]}}
    assert expected == applied(card, patch)
    assert {"b": {"c": [1, {"d": 2}]}} == card


@pytest.mark.parametrize(
    "patch",
    [
        {"x/y": 1},
        {"b/c/2": 1},
        {"b/c/-": 1},
        {"b/c/01": 1},
        {"b/c/0": None},
        {"b/c/0/x": 1},
        {"b": {}, "b/c": 1},
        {"b/c": 1, "/b/c": 2},
        {"b/~2": 1},
    ],
)
def test_an_invalid_patch_is_refused_whole(patch: dict[str, Any]) -> None:
    with pytest.raises(InvalidPatch):
        applied({"b": {"c": [1, {"d": 2}]}}, {"a": 1, **patch})


@pytest.mark.parametrize(
    ("have", "want", "expected"),
    [
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, {"a/c": 3}),
        ({"a": 1}, {"b/~": 2}, {"a": None, "b~1~0": 2}),
        ({"a": [1, 2]}, {"a": [1, 3]}, {"a": [1, 3]}),
        ({"a": True}, {"a": 1}, {"a": 1}),
        ({"a": {"b": 1}}, {"a": {"\n": 1}}, {"a": {"\n": 1}}),
        (
            {"localizations": {"de": {"x": 1}}},
            {"localizations": {"de": {"y": 1}}},
            {"localizations/de": {"y": 1}},
        ),
    ],
)
def test_the_difference_is_a_patch(
    have: dict[str, Any], want: dict[str, Any], expected: dict[str, Any]
) -> None:
    patch = differences(have, want)
    assert expected == patch
    assert want == applied(have, patch)
