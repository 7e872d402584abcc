"""Which values each kind accepts, and what it makes of them (RFC 8620 §1.1 to §1.4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakery import cake
from posthouse.kit import ids
from posthouse.kit.json import Json
from posthouse.model.kind import (
    Anything,
    Boolean,
    Date,
    Enum,
    Id,
    Int,
    Kind,
    ListOf,
    MapOf,
    Record,
    Ref,
    SetOf,
    String,
    Text,
    UnsignedInt,
    UTCDate,
    fold,
    sort_key,
)

ANY: list[Json] = [None, True, 0, 1.5, "x", [], {}, ["x"], {"x": True}, "2024-01-01T00:00:00Z", -1, "#x", [1]]


@pytest.mark.parametrize(
    ("kind", "accepted"),
    [
        (Anything(), ANY),
        (String(), ["x", "2024-01-01T00:00:00Z", "#x"]),
        (String() | None, [None, "x", "2024-01-01T00:00:00Z", "#x"]),
        (String(max_octets=1, min_length=1), ["x"]),
        (Enum(frozenset({"x", "y"})), ["x"]),
        (Boolean(), [True]),
        (Int(), [0, -1]),
        (UnsignedInt(), [0]),
        (UnsignedInt(at_least=1), []),
        (UTCDate(), ["2024-01-01T00:00:00Z"]),
        (Date(), ["2024-01-01T00:00:00Z"]),
        (Id(), ["x"]),
        (Ref("T"), ["x", "#x"]),
        (SetOf(Id()), [{}, {"x": True}]),
        (ListOf(Id()), [[], ["x"]]),
        (ListOf(String(), at_most=0), [[]]),
        (MapOf(Id(), Boolean()), [{}, {"x": True}]),
        (Record({"x": Boolean()}), [{}, {"x": True}]),
        (Record({"x": Boolean()}, required=frozenset({"x"})), [{"x": True}]),
        (Text(str.isalpha), ["x"]),
    ],
)
def test_a_kind_accepts_its_values_and_no_others(kind: Kind, accepted: list[Json]) -> None:
    # By type as well: for Python True is 1.
    expected = [(type(value), value) for value in accepted]
    assert expected == [(type(value), value) for value in ANY if kind.accepts(value)]


@pytest.mark.parametrize("number", [2**53, -(2**53), 2**64, 1.0, True])
def test_an_int_lies_within_what_every_client_can_hold(number: Json) -> None:
    assert not Int().accepts(number)
    assert Int().accepts(2**53 - 1)
    assert Int().accepts(-(2**53) + 1)


@given(st.lists(st.text(st.sampled_from("a-_ \n0é"), max_size=4) | st.integers(0, 1), max_size=4))
def test_a_list_of_ids_is_one_whose_items_all_are(values: list[Json]) -> None:
    assert all(Id().accepts(value) for value in values) == ListOf(Id()).accepts(values)


def test_an_id_has_up_to_255_letters() -> None:
    assert [True, False] == [Id().accepts("x" * length) for length in (255, 256)]
    assert [True, False] == [ListOf(Id()).accepts(["x" * length]) for length in (255, 256)]


def test_octets_are_counted_not_characters() -> None:
    assert [True, False] == [String(max_octets=4).accepts("é" * many) for many in (2, 3)]


def test_references_are_found_and_resolved_wherever_they_stand() -> None:
    inner = Record({"to": Ref("T"), "n": Int()})
    kind = MapOf(Ref("U"), ListOf(inner)) | None
    value = {"#a": [{"to": "#b", "n": 1}, {"to": "t1"}], "u9": []}
    assert [("U", "#a"), ("T", "#b"), ("T", "t1"), ("U", "u9")] == list(kind.references(value))
    resolved = {"u2": [{"to": "t3", "n": 1}, {"to": "t1"}], "u9": []}
    assert resolved == kind.resolved(value, {"a": "u2", "b": "t3"})
    assert [] == list(kind.references(None))
    assert kind.resolved(None, {}) is None


def test_an_unknown_creation_id_stays_as_it_is() -> None:
    assert {"#x": True, "t1": True} == SetOf(Ref("T")).resolved({"#x": True, "t1": True}, {})


@pytest.mark.parametrize(
    ("text", "folded"),
    [("ABC", "abc"), ("Éclair", "eclair"), ("ﬁsh", "fish"), ("Straße", "strasse"), ("\uff21\uff11", "a1")],
)
def test_texts_are_compared_without_case_and_marks(text: str, folded: str) -> None:
    assert folded == fold(text) == sort_key(text)


@given(st.text())
def test_a_sort_key_is_short(text: str) -> None:
    assert len(sort_key(text + "ﷺ" * 300)) <= 255


@given(st.integers(1, 2**32 - 1))
def test_an_id_of_a_type_is_read_back(number: int) -> None:
    assert number == cake.local(cake.wire(number))


@pytest.mark.parametrize(
    "wire", ["", "c", "c0", "x1", "1", "c01", "C1", "c-1", "c1 ", "c" + ids.encode(2**32), "c" + "z" * 13]
)
def test_what_is_no_id_of_a_type_is_none(wire: str) -> None:
    assert cake.local(wire) is None
