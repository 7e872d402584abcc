"""Recipe: what may have properties that nobody declared, on shelves as cakes are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from posthouse.kit.json import Json, JsonObject
from posthouse.model.change import Act, Change, Finished, Stage
from posthouse.model.condition import Argument, Sort, equals, member, search
from posthouse.model.kind import (
    Boolean,
    Column,
    ListOf,
    Ref,
    SetOf,
    String,
    Text,
    UnsignedInt,
    sort_key,
)
from posthouse.model.ports import Preparing, Txn
from posthouse.model.property import Property, column_of
from posthouse.model.type import Type
from posthouse.proto.jmap.errors import SetError


def _number(wire: Json) -> Column:
    return recipe.local(wire)


def _first(steps: Json) -> Column:
    return sort_key(steps[0]) if steps else None


recipe = Type(
    "Recipe",
    letter="r",
    methods="get changes set copy query queryChanges",
    within="shelfIds",
    search="steps_",
    open=lambda name: name.startswith("x-"),
    words=lambda values: {"steps_": " ".join(values.get("steps", []))},
    keeps=lambda values: [bytes.fromhex(values["picture"])] if "picture" in values else [],
    properties=[
        Property("shelfIds", SetOf(Ref("Shelf")), required=True, ordered_by="id/number"),
        Property("code", Text(lambda text: True), optional=True, sorted=True),
        Property("steps", ListOf(String()), optional=True),
        Property("picture", String(), optional=True),
        Property("isFeatured", Boolean(), server=True),
        column_of("id", "id/number", UnsignedInt(), _number),
        column_of("steps", "steps/first", String() | None, _first, sorted=True),
    ],
    filters=[member("onShelf", "shelfIds"), equals("code"), search("text", "steps_")],
    sorts=[Sort("first", "steps/first")],
    arguments={"set": [Argument("onSuccessFeature", Ref("Recipe") | None)]},
)


@recipe.prepare_update
async def look_at_patches(call: Preparing, changes: Sequence[Change]) -> Mapping[str, Exception]:
    """Remember what each patch names; one that names ``x-refused`` is refused."""
    for change in changes:
        change.prepared = sorted(change.after())
    fault = SetError("invalidProperties", None, ["x-refused"])
    return {change.key: fault for change in changes if "x-refused" in change.after()}


@recipe.check
def keep_codes_apart(txn: Txn, change: Change, stage: Stage) -> None:
    """Refuse a second recipe of a code in one call, and tell the client what its patches named."""
    new = change.after()
    if change.act is Act.CREATE:
        new["isFeatured"] = False
    if change.patches:
        change.report["x-patches"] = change.patches
    if any(stage.comes_first(change, id, ("code",)) for id in stage.alike(change, "code")):
        raise SetError("alreadyExists")


@recipe.finish
def feature_one(txn: Txn, finished: Finished) -> dict[int, JsonObject]:
    """Mark the recipe that ``onSuccessFeature`` names, if all changes were made."""
    wanted = finished.arguments.get("onSuccessFeature")
    if wanted is None or finished.refused:
        return {}
    id = recipe.local(finished.created[wanted[1:]] if wanted.startswith("#") else wanted)
    assert id is not None
    old = txn.values(recipe, [id], recipe.basis)[id]
    txn.update(recipe, id, old, old | {"isFeatured": True})
    return {id: {"isFeatured": True}}
