"""Which rights a change needs, and in which containers (DESIGN D6)."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from bakery import cake, shelf
from posthouse.engine import access
from posthouse.kit.json import JsonObject
from posthouse.model.change import Act, Change
from posthouse.model.type import Type
from posthouse.proto.jmap.errors import SetError


@dataclass(frozen=True, slots=True)
class Some(access.Everything):
    """The view of one who has some rights on some shelves and none elsewhere."""

    lacks_nothing = False
    held: dict[int, tuple[str, ...]] = field(default_factory=dict)

    def rights(self, type: Type, id: int) -> int:
        assert type.rights is not None
        return sum(type.rights.bit(name) for name in self.held.get(id, ()))


def on(*shelves: int, **values: object) -> JsonObject:
    return {"shelfIds": {shelf.wire(id): True for id in shelves}, "tags": {}, "price": None} | values


def is_allowed(change: Change, **held: tuple[str, ...]) -> bool:
    """Whether one may do it who sees what is on shelves ``_1``, ``_2`` ... and has these rights there."""
    return may(change, {int(name[1:]): tuple({"mayRead", *rights}) for name, rights in held.items()})


def may(change: Change, held: dict[int, tuple[str, ...]], *entered: int) -> bool:
    """Whether one with just these rights may do it, who puts it on shelves without seeing whether it is there."""
    try:
        access.demand(Some(held), cake, shelf, change, frozenset(entered))
    except SetError as error:
        assert "forbidden" == error.type
        return False
    return True


def update(old: JsonObject, new: JsonObject) -> Change:
    return Change(Act.UPDATE, "c9", id=9, old=old, new=new, named=frozenset(new))


CREATE = Change(Act.CREATE, "k", id=9, new=on(1, 2))
DESTROY = Change(Act.DESTROY, "c9", id=9, old=on(1, 2))


def test_a_create_needs_its_right_in_every_container() -> None:
    assert is_allowed(CREATE, _1=("mayAdd",), _2=("mayAdd",))
    assert not is_allowed(CREATE, _1=("mayAdd",))
    assert not is_allowed(CREATE, _1=("mayAdd",), _2=("mayRemove", "mayTag"))


def test_a_destroy_needs_its_right_in_every_container() -> None:
    assert is_allowed(DESTROY, _1=("mayRemove",), _2=("mayRemove",))
    assert not is_allowed(DESTROY, _1=("mayRead",), _2=("mayRemove",))


def test_a_container_that_is_not_seen_asks_for_nothing() -> None:
    assert is_allowed(DESTROY, _2=("mayRemove",))
    assert is_allowed(update(on(1, 2), on(1, 2, tags={"old": True})), _2=("mayTag",))


def test_a_shelf_on_which_nothing_is_seen_asks_for_nothing() -> None:
    tagged = update(on(1, 2), on(1, 2, tags={"old": True}))
    assert may(tagged, {1: ("mayAdd",), 2: ("mayRead", "mayTag")})
    assert not may(tagged, {1: ("mayTag",), 2: ("mayRead",)})


def test_to_put_something_where_it_is_unseen_needs_the_right_to() -> None:
    stays = update(on(1, 2), on(1, 2))
    assert may(stays, {1: ("mayRead",), 2: ("mayAdd",)}, 2)
    assert not may(stays, {1: ("mayRead",), 2: ("mayRemove",)}, 2)


def test_a_move_needs_a_right_where_it_leaves_and_another_where_it_enters() -> None:
    move = update(on(1, 2), on(2, 3))
    assert is_allowed(move, _1=("mayRemove",), _3=("mayAdd",))
    assert not is_allowed(move, _1=("mayRemove",), _2=("mayAdd",))
    assert not is_allowed(move, _1=("mayAdd",), _3=("mayRemove",))


def test_a_property_needs_its_right_where_the_object_was() -> None:
    tagged = update(on(1), on(1, tags={"old": True}))
    assert is_allowed(tagged, _1=("mayTag",))
    assert not is_allowed(tagged, _1=("mayAdd", "mayRemove"))


def test_what_does_not_change_needs_no_right() -> None:
    assert is_allowed(update(on(1, tags={"old": True}), on(1, tags={"old": True})))


def test_what_no_right_is_declared_for_is_for_the_owner_alone() -> None:
    every = shelf.rights.names if shelf.rights is not None else ()
    assert not is_allowed(update(on(1), on(1, price=3)), _1=every)


def test_a_member_may_need_a_right_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cake, "needs", {"tags": "mayTag", "tags/eaten": "mayRename"})
    eaten = update(on(1), on(1, tags={"eaten": True}))
    both = update(on(1), on(1, tags={"eaten": True, "old": True}))
    assert [True, False] == [is_allowed(eaten, _1=(right,)) for right in ("mayRename", "mayTag")]
    assert [False, False, True] == [
        is_allowed(both, _1=rights) for rights in (("mayRename",), ("mayTag",), ("mayRename", "mayTag"))
    ]


@pytest.mark.parametrize(("right", "allowed"), [("mayRename", True), ("mayAdd", False)])
def test_a_container_needs_the_right_on_itself(right: str, allowed: bool) -> None:
    rename = Change(Act.UPDATE, "h4", id=4, old={"name": "a"}, new={"name": "b"}, named=frozenset({"name"}))
    if allowed:
        access.demand(Some({4: (right,)}), shelf, None, rename)
        return
    with pytest.raises(SetError):
        access.demand(Some({4: (right,)}), shelf, None, rename)


def test_an_owner_may_do_everything() -> None:
    for change in (CREATE, DESTROY, update(on(1), on(2, tags={"old": True}))):
        access.demand(access.Everything(), cake, shelf, change)
