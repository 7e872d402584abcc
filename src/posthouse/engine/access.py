"""Access: what a caller may see and do in an account; every method asks here and nowhere else (DESIGN D6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final

from posthouse.model.caller import Access, Caller
from posthouse.model.change import Act, Change
from posthouse.model.type import Type
from posthouse.proto.jmap.errors import MethodError, SetError


@dataclass(frozen=True, slots=True)
class Everything:
    """The view of an account's owner: all objects, all rights.

    lacks_nothing: there's no need to ask for rights one by one.
    """

    lacks_nothing: ClassVar[bool] = True

    def rights(self, type: Type, id: int) -> int:
        """Give the rights on a container, as bits."""
        return 0 if type.rights is None else type.rights.all


_EVERYTHING: Final = Everything()


def account(caller: Caller, wire: str) -> Access:
    """Find an account that is open to the caller; raises MethodError ``accountNotFound`` (RFC 8620 §3.6.2)."""
    access = caller.accounts.get(wire)
    if access is None:
        raise MethodError("accountNotFound")
    return access


def to_change(access: Access) -> None:
    """Refuse with ``accountReadOnly`` to change an account that is open for reading only (RFC 8620 §3.6.2)."""
    if access.is_read_only:
        raise MethodError("accountReadOnly")


def view(caller: Caller, access: Access) -> Everything:
    """Tell what the caller sees of the account; computed once for a run."""
    return _EVERYTHING


def demand(view: Everything, type: Type, containers: Type | None, change: Change) -> None:
    """Refuse with SetError ``forbidden`` a change for which the caller lacks a right that the type needs.

    containers: the type of what an item is within; None if the object is itself what rights are held on.
    """
    if not type.needs or view.lacks_nothing:
        return
    for path, where in _needed(type, change):
        right = type.needs.get(path)
        if right is None:
            continue
        holder = containers or type
        assert holder.rights is not None
        for container in where:
            if not view.rights(holder, container) & holder.rights.bit(right):
                raise SetError("forbidden", f"{right} is needed")


def _needed(type: Type, change: Change) -> Iterable[tuple[str, set[int]]]:
    """Give each path of ``needs`` that the change touches, with the containers it concerns."""
    before, after = _containers(type, change.old, change.id), _containers(type, change.new, change.id)
    if change.act is not Act.UPDATE:
        yield change.act.value, after if change.act is Act.CREATE else before
        return
    if type.within is not None:
        yield "create", after - before
        yield "destroy", before - after
    yield "update", before
    for name in change.named:
        old, new = change.before().get(name), change.after().get(name)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            members = old.keys() ^ new.keys()
            special = {member for member in members if f"{name}/{member}" in type.needs}
            for member in special:
                yield f"{name}/{member}", before
            if members == special:
                continue
        yield name, before


def _containers(type: Type, values: dict[str, object] | None, id: int) -> set[int]:
    if values is None:
        return set()
    if type.within is None:
        return {id}
    kind = type.properties[type.within]
    held = values.get(type.within)
    assert isinstance(held, dict)
    return {number for member in held if isinstance(number := kind.column(member), int)}
