"""Whatever a client calls a card or a patch, it is kept as it is or refused: nothing fails."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bakery.kitchen import STORES
from posthouse.kit.json import JsonObject
from rolodex.rolodex import Rolodex

WHOLE: JsonObject = {
    "kind": "group",
    "uid": "u",
    "members": {"a": True},
    "name": {
        "components": [{"kind": "given", "value": "Ann"}, {"kind": "separator", "value": "-"}],
        "isOrdered": True,
        "full": "Ann",
        "sortAs": {"given": "ann"},
    },
    "nicknames": {"n": {"name": "A"}},
    "organizations": {"o": {"name": "O", "units": [{"name": "U"}]}},
    "emails": {"e": {"address": "a@example.org", "contexts": {"work": True}, "label": "x", "pref": 1}},
    "phones": {"p": {"number": "+1", "features": {"voice": True}}},
    "onlineServices": {"s": {"service": "S", "user": "u", "uri": "https://example.org/"}},
    "addresses": {"a": {"components": [{"kind": "locality", "value": "T"}], "full": "T"}},
    "notes": {"n": {"note": "N", "author": {"name": "B"}}},
    "media": {"m": {"kind": "photo", "uri": "https://example.org/p.png"}, "s": {"kind": "sound", "uri": "data:,x"}},
    "anniversaries": {"b": {"kind": "birth", "date": {"year": 1990, "month": 1, "day": 2}, "place": {"full": "T"}}},
    "localizations": {"de": {"name/full": "Anna", "media/m": {"kind": "photo", "uri": "data:,y"}}},
    "keywords": {"k": True},
    "vCardProps": [["x-foo", {}, "text", "bar"]],
    "example.com:x": [1, {"a": "b"}],
}  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "x", "data:,x", "#k", "a/b", "1"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["", "kind", "value", "components", "blobId", "uri", "full", "~", "@type", "x"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Give the path of each value inside a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


PLACES = list(places(WHOLE))


@st.composite
def cards(draw: st.DrawFn) -> JsonObject:
    """A card of which a few parts are something else, or gone."""
    card = deepcopy(WHOLE)
    for path in draw(st.lists(st.sampled_from(PLACES), max_size=4)):
        inside: Any = card
        try:
            for key in path[:-1]:
                inside = inside[key]
            if draw(st.booleans()):
                inside[path[-1]] = draw(VALUES)
            else:
                del inside[path[-1]]
        except (LookupError, TypeError):
            continue
    return card


PATCHES = st.dictionaries(
    st.sampled_from(
        ["/".join(map(str, path)) for path in PLACES]
        + ["", "/", "*", "localizations/de/media~1m~1blobId", "x~2"]
    ),
    VALUES,
    max_size=3,
)


@pytest.fixture(scope="module")
def shared() -> Iterator[Rolodex]:
    with tempfile.TemporaryDirectory() as folder, closing(Rolodex(STORES["sqlite"], Path(folder))) as rolodex:
        yield rolodex


@given(card=cards(), patch=PATCHES)
@settings(max_examples=300)
def test_any_card_is_kept_or_refused(shared: Rolodex, card: JsonObject, patch: JsonObject) -> None:
    answered = shared.ask("ContactCard/set", create={"k": shared.full(**card)})
    if answered["created"] is None:
        error = answered["notCreated"]["k"]
        assert "invalidProperties" == error["type"]
        assert error["properties"]
        return
    id = answered["created"]["k"]["id"]
    told = answered["created"]["k"]
    assert card | told == {
        name: value for name, value in shared.one("ContactCard", id).items() if name in card or name in told
    }
    before = shared.one("ContactCard", id)
    answered = shared.ask("ContactCard/set", update={id: patch})
    if answered["notUpdated"] is not None:
        assert answered["notUpdated"][id]["type"] in ("invalidProperties", "invalidPatch")
        assert before == shared.one("ContactCard", id)
    shared.ask("ContactCard/query", filter={"text": "ann x"}, sort=[{"property": "name/given"}])
    shared.ask("ContactCard/set", destroy=[id])
