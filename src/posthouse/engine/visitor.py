"""Visitor: what is special when somebody changes an account of which he sees but a part (DESIGN D6).

His patches apply to what he sees, and what he does not see is put back before anything is written. Nothing
that he is told, errors included, names what is hidden from him.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from posthouse.engine.access import View
from posthouse.kit.json import JsonObject
from posthouse.model.change import Act, Change
from posthouse.model.condition import Filter, Leaf, Query, Test
from posthouse.model.kind import targets
from posthouse.model.property import Part
from posthouse.model.type import Type
from posthouse.proto.jmap.errors import SetError
from posthouse.store.txn import Transaction


def masked(eyes: Transaction, type: Type, id: int, values: JsonObject) -> JsonObject:
    """Give values of an object without what is hidden."""
    return eyes.mask(type, {id: values})[id]


def restored(type: Type, full: JsonObject, known: JsonObject, new: JsonObject) -> JsonObject:
    """Put back what was hidden when a patch was applied.

    full, known: the object before, all of it and what the visitor saw. new: what he made of it. Raises SetError
    ``invalidProperties`` if it would be in no container that he sees.
    """
    if type.within is not None and not new.get(type.within):
        raise SetError("invalidProperties", f"{type.within} can't be empty", [type.within])
    whole = dict(new)
    for name in type.referring:
        if name not in full or full[name] == known.get(name):
            continue
        if new.get(name) == known.get(name):
            whole[name] = full[name]
        elif isinstance(full[name], dict):
            hidden = {member: held for member, held in full[name].items() if member not in known[name]}
            whole[name] = hidden | new[name]
    return whole


def added(type: Type, known: JsonObject, new: JsonObject) -> set[tuple[str, str, str]]:
    """Give what a patch refers to that the visitor did not see in it before: property, type and id on the wire.

    It may be there, hidden from him. He must not be told, so it is judged as though it were not.
    """
    return {
        (name, *reference)
        for name in type.referring
        for reference in {*_references(type, name, new)} - {*_references(type, name, known)}
    }


def _references(type: Type, name: str, values: JsonObject) -> Iterable[tuple[str, str]]:
    value = values.get(name)
    kind = type.properties[name].kind
    return () if value is None or not kind.accepts(value) else kind.references(value)


def kept(eyes: Transaction, type: Type, change: Change) -> Change | None:
    """Make the change that takes an item out of what the visitor sees, if it is elsewhere too; None if not."""
    if type.within is None:
        return None
    before = change.before()
    seen = masked(eyes, type, change.id, before)[type.within]
    left = {wire: True for wire in before[type.within] if wire not in seen}
    if not left:
        return None
    new = {**before, type.within: left}
    return Change(Act.UPDATE, change.key, change.id, before, new, frozenset((type.within,)))


def demand_to_empty(
    txn: Transaction, view: View, types: Mapping[str, Type], type: Type, change: Change
) -> None:
    """Refuse with SetError ``forbidden`` to destroy a container with items that may not be taken out of it."""
    if type.rights is None:
        return
    held = view.rights(type, change.id)
    for item, filter in _items(types, type):
        right = item.needs.get("destroy")
        if right is not None and held & type.rights.bit(right):
            continue
        if txn.find(item, Query(Leaf(filter, change.id))).page(0, 1):
            raise SetError("forbidden", "what is in it may not be removed")


def _items(types: Mapping[str, Type], type: Type) -> Iterable[tuple[Type, Filter]]:
    """Give the types of items that live within a type, and the filter by what they are in."""
    for item in types.values():
        if item.within is not None and type.name in targets(item.properties[item.within].kind):
            yield item, Filter(item.within, Test.MEMBER, (item.within,))


def demand_about(
    eyes: Transaction, view: View, types: Mapping[str, Type], type: Type, change: Change
) -> None:
    """Refuse with SetError ``forbidden`` to make what is about an item, if no container of it has the right for it."""
    right = type.needs.get(change.act.value)
    if right is not None and type.about is not None:
        for target, wire in type.properties[type.about].kind.references(change.after().get(type.about)):
            item = types[target]
            id = item.local(wire)
            if id is not None and item.within is not None and _holds_in(eyes, view, types, item, id, right):
                return
    raise SetError(
        "forbidden", "only who owns the account may do this" if right is None else f"{right} is needed"
    )


def _holds_in(
    eyes: Transaction, view: View, types: Mapping[str, Type], item: Type, id: int, right: str
) -> bool:
    """Say whether a visitor holds a right in one of the containers that he sees an item in."""
    assert item.within is not None
    held = eyes.values(item, [id], [item.within]).get(id, {}).get(item.within, {})
    for target, wire in item.properties[item.within].kind.references(held):
        container = types[target]
        number = container.local(wire)
        if number is None or container.rights is None:
            continue
        if view.rights(container, number) & container.rights.bit(right):
            return True
    return False


def subscribes(type: Type, change: Change) -> bool:
    """Say whether a change names a value that each person has of his own."""
    return any(
        (prop := type.properties.get(name)) is not None and prop.part is Part.OVERLAY for name in change.named
    )


def discreet(eyes: Transaction, type: Type, error: SetError) -> SetError:
    """Give an error as the visitor may know it: what names a hidden object becomes a bare ``forbidden``."""
    existing = error.more.get("existingId")
    if not isinstance(existing, str):
        return error
    id = type.local(existing)
    return error if id is not None and eyes.exists(type, [id]) else SetError("forbidden")
