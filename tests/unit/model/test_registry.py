"""A registry refuses every fault of a declaration before anything is served."""

from __future__ import annotations

from typing import Any

import pytest

from bakery import BAKERY
from posthouse.kit.json import JsonObject
from posthouse.model import condition
from posthouse.model.capability import Capability
from posthouse.model.condition import Filter, Rank, Sort, at_least, equals, header, member, search
from posthouse.model.kind import Anything, Boolean, ListOf, MapOf, Record, Ref, SetOf, String, UnsignedInt
from posthouse.model.ports import Calling, Txn
from posthouse.model.property import Part, Property, column_of
from posthouse.model.registry import DeclarationError, Registry
from posthouse.model.rights import Rights
from posthouse.model.type import Tally, Type


def a_type(**changed: Any) -> Type:
    """A sound type, but for what is said."""
    given: dict[str, Any] = {
        "name": "Thing",
        "letter": "x",
        "methods": "get",
        "properties": [
            Property("at", UnsignedInt(), index=True),
            Property("plain", String()),
            Property("words", SetOf(String()), ordered_by="at"),
            Property("loose", SetOf(String())),
            Property("own", Boolean(), part=Part.OVERLAY),
            Property("groupId", Ref("Thing"), immutable=True),
        ],
    }
    given |= changed
    return Type(given.pop("name"), **given)


def registry(*types: Type) -> Registry:
    return Registry([Capability("x", types=types)])


def test_sound_declarations_pass() -> None:
    assert {"Shelf", "Order", "Cake", "Recipe", "Thing"} == Registry(
        [BAKERY, Capability("x", types=[a_type()])]
    ).types.keys()


def test_methods_are_known_by_name_with_their_capability() -> None:
    found = Registry([BAKERY])
    assert (BAKERY.uri, found.types["Cake"], "queryChanges") == found.methods["Cake/queryChanges"]
    assert "Order/set" not in found.methods


TALLY = Tally(words="words", derived=lambda values: frozenset())
REF = Ref("Nobody")
RIGHTS = Rights(("mayRead", "mayDo"), read="mayRead")


@pytest.mark.parametrize(
    "changed",
    [
        {"methods": "get fetch"},
        {"methods": "get get"},
        {"within": "nosuch"},
        {"within": "plain"},
        {"group": "nosuch"},
        {"group": "plain"},
        {"tally": Tally(words="nosuch", derived=lambda values: frozenset())},
        {"needs": {"nosuch": "mayDo"}, "rights": RIGHTS},
        {"needs": {"nosuch/member": "mayDo"}, "rights": RIGHTS},
        {"needs": {"create": "mayDo"}},
        {"needs": {"create": "mayFly"}, "rights": RIGHTS},
        {"tally": TALLY},
        {"properties": [Property("a", REF)]},
        {"properties": [Property("a", REF | None)]},
        {"properties": [Property("a", SetOf(REF), default={})]},
        {"properties": [Property("a", ListOf(REF))]},
        {"properties": [Property("a", MapOf(REF, Anything()))]},
        {"properties": [Property("a", MapOf(String(), ListOf(REF)))]},
        {"properties": [Property("a", Record({"b": REF}))]},
        {"properties": [Property("a", SetOf(String()), ordered_by="nosuch")]},
        {"properties": [Property("a", SetOf(String()), ordered_by="b"), Property("b", UnsignedInt())]},
        {"properties": [Property("a", UnsignedInt(), part=Part.COUNTER)]},
        {"properties": [Property("a", UnsignedInt(), default=-1)]},
        {"properties": [Property("a", String(), default=None)]},
        {"properties": [column_of("nosuch", "a/b", String(), str)]},
        {"properties": [Property("a", String(), optional=True, required=True)]},
        {"properties": [Property("a", String(), optional=True, default="x")]},
        {"properties": [Property("a", String(), optional=True, immutable=True)]},
        {"words": lambda values: {}},
        {"filters": [equals("nosuch")]},
        {"filters": [equals("plain")]},
        {"filters": [at_least("plain", "plain")]},
        {"filters": [search("text", "nosuch")]},
        {"filters": [search("text", "body nosuch")], "search": "body"},
        {"filters": [header("header", "nosuch")]},
        {"filters": [member("has", "loose")]},
        {"filters": [Filter("out", condition.Test.OUTSIDE, ("loose",))]},
        {"filters": [Filter("out", condition.Test.OUTSIDE, ("words",))]},
        {"filters": [Filter("any", condition.Test.ANY_IN_GROUP, ("words",))]},
        {"filters": [Filter("any", condition.Test.ANY_IN_GROUP, ("words",))], "group": "groupId"},
        {
            "filters": [Filter("any", condition.Test.ANY_IN_GROUP, ("loose",))],
            "group": "groupId",
            "tally": TALLY,
        },
        {"filters": [Filter("mine", condition.Test.OVERLAY, ("at",))]},
        {"sorts": [Sort("nosuch", "nosuch")]},
        {"sorts": [Sort("plain", "plain")]},
        {"sorts": [Sort("has", "words", Rank.MEMBER)]},
        {"sorts": [Sort("at", "at", then="nosuch")]},
    ],
)
def test_a_fault_of_a_type_is_refused_by_its_name(changed: JsonObject) -> None:
    with pytest.raises(DeclarationError, match="Thing"):
        registry(a_type(**changed))


@pytest.mark.parametrize(
    "changed",
    [
        {
            "filters": [Filter("any", condition.Test.ANY_IN_GROUP, ("words",))],
            "group": "groupId",
            "tally": TALLY,
        },
        {"filters": [search("text", "body")], "search": "body"},
        {
            "filters": [
                member("has", "words"),
                Filter("mine", condition.Test.OVERLAY, ("own",)),
                header("h", "plain"),
            ]
        },
        {"sorts": [Sort("at", "at"), Sort("has", "words", Rank.MEMBER, "word")]},
        {
            "needs": {path: "mayDo" for path in ("create", "destroy", "update", "plain", "words/x")},
            "rights": RIGHTS,
        },
    ],
)
def test_what_is_right_is_not_refused(changed: JsonObject) -> None:
    registry(a_type(**changed))


def test_two_types_may_share_neither_name_nor_letter() -> None:
    with pytest.raises(DeclarationError, match="twice"):
        registry(a_type(), a_type(letter="y"))
    with pytest.raises(DeclarationError, match="letter"):
        registry(a_type(), a_type(name="Other"))


def test_a_method_may_be_declared_but_once() -> None:
    twin = Capability("y")

    @twin.reads("Thing/get")
    def get(call: Calling, txn: Txn, arguments: JsonObject) -> JsonObject:
        return {}

    with pytest.raises(DeclarationError, match="Thing/get"):
        Registry([Capability("x", types=[a_type()]), twin])
