"""Fragments of JSON and the plans that cut objects out of them."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from bakery import cake, shelf
from posthouse.kit import json
from posthouse.kit.json import Json, JsonObject
from posthouse.model.property import Part
from posthouse.store.layout import Layout, Plan, Row, pack, tally_word, unpack

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), inner, max_size=3)
    ),
    max_leaves=12,
)
LAYOUT = Layout(cake)
STORED = sorted(LAYOUT.stored - {"id"})


def row(plan: Plan, layout: Layout, whole: JsonObject) -> Row:
    """Make the row that a database would give for a plan."""
    cells: dict[str, int | bytes | None] = {
        "o.fixed": layout.pack(Part.FIXED, whole),
        "o.live": layout.pack(Part.LIVE, whole),
        "r.rare": layout.pack(Part.RARE, whole),
        **{f'o."n_{name}"': whole.get(name) for name in layout.counters},
        **{f'o."c_{prop.name}"': 7 for prop in layout.columns},
    }
    key, *columns = plan.select.removeprefix("SELECT ").partition(" FROM ")[0].split(", ")
    assert "o.key" == key
    return (0, *(cells[column] for column in columns))


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), values, min_size=1, max_size=9))
def test_a_fragment_gives_back_what_it_was_made_of(whole: JsonObject) -> None:
    assert whole == unpack(len(whole), pack(list(whole), whole))


def test_what_is_absent_is_null_in_a_fragment() -> None:
    assert {"a": None, "b": 1} == unpack(2, pack(["a", "b"], {"b": 1}))


def test_a_fragment_is_compact_json_behind_its_offsets() -> None:
    packed = pack(["a", "b"], {"a": [1, 2], "b": "ü"})
    assert b'"a":[1,2],"b":"\xc3\xbc"' == packed[12:]


@given(st.fixed_dictionaries(dict.fromkeys(["id", *STORED], values)))
def test_any_plan_cuts_out_what_a_parsed_object_would_give(whole: JsonObject) -> None:
    for size in (0, 1, 2, 3, len(STORED)):
        for names in combinations(STORED, size):
            plan = Plan(LAYOUT, names)
            one = row(plan, LAYOUT, whole)
            expected = {name: whole[name] for name in ("id", *names)}
            assert expected == plan.value(one)
            assert [expected] * 2 == json.loads(b"[" + plan.objects([one, one]) + b"]")
            for name in ("id", *names):
                cut = plan.pluck([one, one], name)
                assert cut is not None
                assert [whole[name]] * 2 == [json.loads(text) for text in cut]


def test_every_subset_of_properties_has_a_plan_that_gives_just_that() -> None:
    for layout in (Layout(shelf), LAYOUT):
        whole: dict[str, Json] = {
            name: at if name in layout.counters else [name] for at, name in enumerate(sorted(layout.stored))
        }
        stored = sorted(layout.stored - {"id"})
        for chosen in range(2 ** len(stored)):
            names = [name for at, name in enumerate(stored) if chosen >> at & 1]
            plan = Plan(layout, names)
            one = row(plan, layout, whole)
            expected = {name: whole[name] for name in ("id", *names)}
            assert expected == plan.value(one)
            assert [expected] * 2 == json.loads(b"[" + plan.objects([one, one]) + b"]")
            assert ("rare_cake" in plan.select) == ("labels" in names)


def test_further_members_stand_behind() -> None:
    plan = Plan(LAYOUT, [])
    rows = [row(plan, LAYOUT, {"id": id}) for id in ("c1", "c2")]
    written = plan.objects(rows, [b'"x":1', b'"x":2'])
    assert [{"id": "c1", "x": 1}, {"id": "c2", "x": 2}] == json.loads(b"[" + written + b"]")


def test_a_plan_does_not_have_what_was_not_asked_for_or_is_no_fragment() -> None:
    whole = {"id": "h1", "name": "a", "totalCakes": 3}
    layout = Layout(shelf)
    plan = layout.plan(["totalCakes", "isFavourite"])
    one = row(plan, layout, whole)
    assert [None] * 3 == [plan.pluck([one], name) for name in ("name", "totalCakes", "nosuch")]
    assert {"id": "h1", "totalCakes": 3} == json.loads(plan.objects([one]))
    assert ["isFavourite"] == plan.overlay


def test_no_rows_are_no_text() -> None:
    assert b"" == Plan(LAYOUT, STORED).objects([])


def test_the_same_properties_share_a_plan_and_many_different_ones_are_forgotten() -> None:
    layout = Layout(cake)
    assert layout.plan(["name", "price"]) is layout.plan(["price", "name"])
    for at in range(1000):
        layout.plan([f"nosuch{at}"])
    assert len(layout._plans) <= 257


def test_columns_hold_what_is_compared() -> None:
    by_name = {prop.name: prop for prop in LAYOUT.columns}
    whole = {"name": "Éclair", "bakedAt": "1970-01-01T00:01:00Z", "price": None, "orderId": "o1f"}
    held = {name: LAYOUT.column_value(prop, whole) for name, prop in by_name.items()}
    assert {"name": "eclair", "bakedAt": 60, "price": None, "orderId": 47, "weight": None} == held


def test_a_word_is_kept_apart_from_derived_ones() -> None:
    assert ["seen", "!!left", "!!!x"] == [tally_word(word) for word in ("seen", "!left", "!!x")]
