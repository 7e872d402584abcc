"""Patch objects (RFC 8620 §5.3)."""

from __future__ import annotations

import copy
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.kit.json import Json, JsonObject
from posthouse.proto.jmap import patch
from posthouse.proto.jmap.errors import SetError

CURRENT: JsonObject = {
    "name": "Inbox",
    "mailboxIds": {"m1": True, "m2": True},
    "alerts": {"1": {"offset": 5, "when": {"day": 1}}},
    "list": [{"a": 1}],
    "nothing": None,
}


def applied(changes: JsonObject, **defaults: Json) -> JsonObject:
    return patch.apply(changes, CURRENT, defaults)


def test_a_value_replaces_or_adds_a_property() -> None:
    assert {**CURRENT, "name": "Archive", "new": 1} == applied({"name": "Archive", "new": 1})


def test_a_path_reaches_into_objects() -> None:
    result = applied({"mailboxIds/m3": True, "mailboxIds/m1": None, "alerts/1/offset": 9})
    assert {"m2": True, "m3": True} == result["mailboxIds"]
    assert {"offset": 9, "when": {"day": 1}} == result["alerts"]["1"]


def test_null_sets_the_default_or_removes() -> None:
    assert "Untitled" == applied({"name": None}, name="Untitled")["name"]
    assert applied({"name": None}, name=None)["name"] is None
    assert "name" not in applied({"name": None})
    assert CURRENT == applied({"absent": None})
    assert CURRENT == applied({"mailboxIds/absent": None}, absent=1)


def test_escapes_name_keys_with_slashes_and_tildes() -> None:
    current: JsonObject = {"keywords": {"a/b": True, "c~d": True}}
    assert {"keywords": {}} == patch.apply({"keywords/a~1b": None, "keywords/c~0d": None}, current, {})


def test_what_the_patch_does_not_reach_is_shared_and_the_rest_is_not() -> None:
    before = copy.deepcopy(CURRENT)
    result = applied({"alerts/1/offset": 9})
    assert before == CURRENT
    assert result["mailboxIds"] is CURRENT["mailboxIds"]
    assert result["alerts"]["1"]["when"] is CURRENT["alerts"]["1"]["when"]


@pytest.mark.parametrize(
    "changes",
    [
        {"list/0": 1},
        {"list/0/a": 1},
        {"list/-": 1},
        {"absent/a": 1},
        {"absent/a": None},
        {"nothing/a": 1},
        {"name/a": 1},
        {"alerts/2/offset": 1},
        {"alerts/1/offset": 1, "alerts": {}},
        {"alerts/1/offset": 1, "alerts/1": None},
        {"alerts/1/when/day": 1, "alerts": {}, "name": "x"},
        {"new": {}, "new/a": 1},
        {"name~": "x"},
        {"na~2me": "x"},
        {"/name": "x"},
    ],
)
def test_a_patch_against_the_rules_is_invalid(changes: JsonObject) -> None:
    before = copy.deepcopy(CURRENT)
    for order in permutations(changes.items()):
        with pytest.raises(SetError) as caught:
            applied(dict(order))
        assert "invalidPatch" == caught.value.type
    assert before == CURRENT


def test_names_that_begin_alike_are_no_prefixes() -> None:
    assert {**CURRENT, "alert": 1, "alerts": 2, "alerts~": 3} == applied(
        {"alert": 1, "alerts": 2, "alerts~0": 3}
    )


def test_many_patches_below_one_object_copy_it_once() -> None:
    current = {"keywords": {f"k{number}": True for number in range(20_000)}}
    changes = {f"keywords/k{number}": None for number in range(20_000)}
    assert {"keywords": {}} == patch.apply(changes, current, {})


def test_a_path_far_deeper_than_the_object_is_invalid() -> None:
    with pytest.raises(SetError):
        applied({"a/" * 100_000: 1})


def test_touched_are_the_first_names_of_the_paths() -> None:
    assert {"keywords", "a/b", ""} == patch.touched(
        {"keywords/$seen": True, "keywords/x": None, "a~1b": 1, "": 1}
    )
    with pytest.raises(SetError):
        patch.touched({"~": 1})


NAMES = st.sampled_from(["a", "b", "c", "d/e", "f~g"])
OBJECTS = st.recursive(
    st.dictionaries(
        NAMES, st.integers(0, 3) | st.none() | st.lists(st.integers(0, 3), max_size=2), max_size=4
    ),
    lambda inner: st.dictionaries(NAMES, inner | st.integers(0, 3), max_size=4),
    max_leaves=10,
)
PATHS = st.lists(st.sampled_from(["a", "b", "c", "d~1e", "f~0g", "0"]), min_size=1, max_size=3).map("/".join)


class Invalid(Exception):
    pass


def apply_by_the_letter(changes: JsonObject, current: JsonObject, defaults: JsonObject) -> JsonObject:
    """The rules of RFC 8620 §5.3, one after the other, on a whole copy."""
    paths = [key.split("/") for key in changes]
    for one in paths:
        for other in paths:
            if one is not other and other[: len(one)] == one:
                raise Invalid
    result = copy.deepcopy(current)
    for path, value in zip(paths, changes.values(), strict=True):
        names = [part.replace("~1", "/").replace("~0", "~") for part in path]
        before: Json = current
        after: Json = result
        for name in names[:-1]:
            if not isinstance(before, dict) or name not in before:
                raise Invalid
            before, after = before[name], after[name]
        if not isinstance(before, dict):
            raise Invalid
        if value is not None:
            after[names[-1]] = value
        elif len(names) == 1 and names[0] in defaults:
            after[names[0]] = defaults[names[0]]
        elif names[-1] in after:
            del after[names[-1]]
    return result


@given(
    st.dictionaries(PATHS, st.none() | st.integers(4, 9) | OBJECTS, max_size=4),
    OBJECTS,
    st.dictionaries(NAMES, st.integers()),
)
def test_a_patch_does_what_the_letter_of_the_standard_says(
    changes: JsonObject, current: JsonObject, defaults: JsonObject
) -> None:
    before = copy.deepcopy(current)
    try:
        expected = apply_by_the_letter(changes, current, defaults)
    except Invalid:
        with pytest.raises(SetError):
            patch.apply(changes, current, defaults)
    else:
        assert expected == patch.apply(changes, current, defaults)
        assert set(expected.keys() ^ current.keys()) <= patch.touched(changes)
    assert before == current


@given(OBJECTS, OBJECTS)
def test_a_whole_object_is_a_valid_patch(wanted: JsonObject, current: JsonObject) -> None:
    whole = {name: value for name, value in wanted.items() if "/" not in name and "~" not in name}
    expected = {
        name: value for name, value in {**current, **whole}.items() if name not in whole or value is not None
    }
    assert expected == patch.apply(whole, current, {})
