"""Access: what a caller may see and do in an account; every method asks here and nowhere else (DESIGN D6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import ClassVar, Final, Protocol, TypeAlias

from posthouse.model.caller import Access, Caller
from posthouse.model.change import Act, Change
from posthouse.model.property import Part
from posthouse.model.type import Type
from posthouse.proto.jmap.errors import MethodError, SetError
from posthouse.store.txn import Transaction


class View(Protocol):
    """What a caller may do in an account. lacks_nothing: there's no need to ask for rights one by one."""

    @property
    def lacks_nothing(self) -> bool:
        """Whether all rights are his."""
        ...

    def rights(self, type: Type, id: int) -> int:
        """Give the rights on a container, as bits; 0 for one that he does not see."""
        ...


@dataclass(frozen=True, slots=True)
class Everything:
    """The view of one to whom all of an account is open: all objects, all rights."""

    lacks_nothing: ClassVar[bool] = True

    def rights(self, type: Type, id: int) -> int:
        """Give all rights."""
        return 0 if type.rights is None else type.rights.all


@dataclass(frozen=True, slots=True)
class Visible:
    """The view of a visitor: what was granted to him or to a group that he is in.

    grants: for each type of containers the bits by local id. person: his own Principal, with which he may do all.
    """

    grants: Mapping[str, Mapping[int, int]]
    person: int
    lacks_nothing: ClassVar[bool] = False

    def rights(self, type: Type, id: int) -> int:
        """Give what was granted."""
        if type.people and type.rights is not None:
            return type.rights.all if id == self.person else 0
        return self.grants.get(type.name, _NOTHING).get(id, 0)


_EVERYTHING: Final = Everything()
_NOTHING: Final[Mapping[int, int]] = {}


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


def view(txn: Transaction) -> View:
    """Tell what the caller of a transaction may do in its account."""
    return _EVERYTHING if txn.through is None else Visible(txn.seen().grants(), txn.person)


def demand(
    view: View,
    type: Type,
    containers: Type | None,
    change: Change,
    entered: AbstractSet[int] = frozenset(),
) -> None:
    """Refuse with SetError ``forbidden`` a change for which the caller lacks a right.

    containers: the type of what an item is within; None if the object is itself what rights are held on. What no
    right is declared for is refused to every visitor. entered: where the caller puts the item without seeing whether
    it is there.
    """
    if view.lacks_nothing:
        return
    holder = containers or type
    read = 0 if holder.rights is None else holder.rights.bit(holder.rights.read)
    for right, where in _needed(type, change, entered, lambda id: view.rights(holder, id) & read != 0):
        if right is None or holder.rights is None:
            raise SetError("forbidden", "only who owns the account may do this")
        bit = holder.rights.bit(right)
        if not where or not all(view.rights(holder, container) & bit for container in where):
            raise SetError("forbidden", f"{right} is needed")


_Need: TypeAlias = tuple[str | None, set[int]]
"""The right that a part of a change needs, None if no right allows it, and in which containers."""


def _needed(
    type: Type, change: Change, entered: AbstractSet[int], sees: Callable[[int], bool]
) -> Iterable[_Need]:
    """Give what a change needs; an item asks for nothing where the caller does not see that it is."""
    needs = type.needs
    before, after = _containers(type, change.old, change.id), _containers(type, change.new, change.id)
    here = before if type.within is None else {container for container in before if sees(container)}
    if change.act is Act.DESTROY:
        yield needs.get("destroy"), here
    elif change.act is Act.CREATE:
        yield _in_parent(type, change) if type.within is None else (needs.get("create"), after)
    else:
        entered = entered | (after - before)
        if entered:
            yield needs.get("create"), {*entered}
        if before - after:
            yield needs.get("destroy"), before - after
        yield from _of_properties(type, change, here)


def _in_parent(type: Type, change: Change) -> _Need:
    """Give what it takes to put a container where it will be: a right on its parent, if there can be one."""
    parent = None if type.tree is None else change.after().get(type.tree)
    id = type.local(parent) if isinstance(parent, str) else None
    return (None, set()) if id is None else (type.needs.get("child"), {id})


def _of_properties(type: Type, change: Change, where: set[int]) -> Iterable[_Need]:
    """Give what each changed property of an update needs."""
    needs = type.needs
    for name in change.named:
        old, new = change.before().get(name), change.after().get(name)
        prop = type.properties.get(name)
        if old == new or name == type.within or (prop is not None and prop.part is Part.OVERLAY):
            continue
        if name == type.tree and type.rights is not None:
            yield _in_parent(type, change)
        if isinstance(old, dict) and isinstance(new, dict):
            members = {member for member in old.keys() | new.keys() if old.get(member) != new.get(member)}
            special = {member for member in members if f"{name}/{member}" in needs}
            for member in special:
                yield needs[f"{name}/{member}"], where
            if members == special:
                continue
        yield needs.get(name, needs.get("update")), where


def _containers(type: Type, values: dict[str, object] | None, id: int) -> set[int]:
    if values is None:
        return set()
    if type.within is None:
        return {id}
    kind = type.properties[type.within]
    held = values.get(type.within)
    assert isinstance(held, dict)
    return {number for member in held if isinstance(number := kind.column(member), int)}
