"""What a transaction promises (`ports.Txn`): numbers, ids, marks, keys, blobs, notes, counts."""

from __future__ import annotations

from typing import Any

from bakery import cake, order, shelf
from bakery.kitchen import OTHER
from posthouse.kit.json import JsonObject
from posthouse.model.ports import Fresh
from posthouse.store.txn import Transaction

from .conftest import Open, Pantry

DIGEST = b"d" * 32


def put_up(txn: Transaction, name: str = "x") -> int:
    id = txn.allocate()
    txn.insert(shelf, id, {"name": name, "parentId": None, "sortOrder": 0, "isFavourite": True})
    return id


def bake(txn: Transaction, on: int, group: int, *tags: str, day: int = 1) -> int:
    id = txn.allocate()
    txn.insert(cake, id, whole(on, group, tags, day), {"name_": "bun", "note_": ""})
    return id


def whole(on: int, group: int, tags: tuple[str, ...], day: int = 1) -> JsonObject:
    return {
        "orderId": order.wire(group),
        "name": "bun",
        "bakedAt": f"2024-01-0{day}T00:00:00Z",
        "weight": 1,
        "labels": [],
        "shelfIds": {shelf.wire(on): True},
        "tags": dict.fromkeys(tags, True),
        "price": None,
    }


def test_each_change_draws_a_number_of_its_own(pantry: Pantry) -> None:
    def unit(txn: Transaction) -> list[int]:
        one, two = put_up(txn), put_up(txn)
        states = [txn.state(shelf)]
        old = txn.values(shelf, [one])[one]
        txn.update(shelf, one, old, old | {"sortOrder": 3})
        states.append(txn.state(shelf))
        txn.count(shelf, two, {"totalCakes": 2})
        states.append(txn.state(shelf))
        txn.delete(shelf, one)
        return [*states, txn.state(shelf), txn.state(order), txn.state(order, shelf)]

    assert [2, 3, 4, 5, 0, 5] == pantry.write(unit)
    assert (5, 0) == pantry.read(lambda txn: (txn.state(shelf), txn.state(order)))


def test_ids_are_one_row_for_all_types_and_never_used_again(open_again: Open) -> None:
    def unit(txn: Transaction) -> list[int]:
        id = put_up(txn)
        txn.delete(shelf, id)
        return [id, txn.allocate(), put_up(txn)]

    assert [1, 2, 3] == open_again().write(unit)
    assert [4, 5, 6] == open_again().write(unit)


def test_ids_come_in_order_and_missing_ones_are_left_out(pantry: Pantry) -> None:
    def unit(txn: Transaction) -> list[int]:
        group = txn.allocate()
        on = put_up(txn)
        return [bake(txn, on, group, day=9 - at) for at in range(5)]

    ids = pantry.write(unit)
    assert ids == pantry.read(lambda txn: txn.ids(cake))
    assert ids == list(pantry.read(lambda txn: txn.values(cake)))
    assert {ids[1]} == pantry.read(lambda txn: txn.exists(cake, [ids[1], 999]))
    assert set() == pantry.read(lambda txn: txn.exists(cake, []))
    assert {} == pantry.read(lambda txn: txn.values(cake, []))
    assert [ids[2]] == list(pantry.read(lambda txn: txn.values(cake, [999, ids[2]])))


def test_values_are_those_that_were_written(pantry: Pantry) -> None:
    values = whole(1, 2, ("a",)) | {
        "labels": [{"name": "ü", "value": "\u0000\U0001f370"}],
        "price": 2**53 - 1,
    }

    def unit(txn: Transaction) -> int:
        id = txn.allocate()
        txn.insert(cake, id, values)
        return id

    id = pantry.write(unit)
    assert {id: values | {"id": cake.wire(id)}} == pantry.read(lambda txn: txn.values(cake))
    found = pantry.read(lambda txn: txn.values(cake, [id], ["price", "nosuch"]))
    assert {id: {"id": cake.wire(id), "price": 2**53 - 1}} == found


def test_each_person_has_values_of_his_own(pantry: Pantry) -> None:
    id = pantry.write(put_up)

    def favourite(txn: Transaction) -> Any:
        return txn.values(shelf, [id], ["isFavourite"])[id]["isFavourite"]

    assert (True, False) == (pantry.read(favourite), pantry.read(favourite, person=8))

    def choose(txn: Transaction) -> None:
        old = txn.values(shelf, [id])[id]
        txn.update(shelf, id, old, old | {"isFavourite": True})

    pantry.write(choose, person=8)
    assert pantry.read(favourite, person=8) is True


def test_a_counter_moves_the_changes_but_is_no_main_change(pantry: Pantry) -> None:
    id = pantry.write(put_up)
    since = pantry.read(lambda txn: txn.state(shelf))
    pantry.write(lambda txn: txn.count(shelf, id, {"totalCakes": 3}))
    found = pantry.read(lambda txn: txn.changes(shelf, since, 10))
    assert ([], [id], [], False) == (found.created, found.updated, found.destroyed, found.main)
    assert 3 == pantry.read(lambda txn: txn.values(shelf)[id]["totalCakes"])


def test_a_mark_can_be_rewound_to_more_than_once_and_past_others(pantry: Pantry) -> None:
    def unit(txn: Transaction) -> list[list[int]]:
        group, on = txn.allocate(), put_up(txn)
        first = txn.mark()
        one = bake(txn, on, group, "a")
        second = txn.mark()
        two = bake(txn, on, group, "b")
        seen = [txn.ids(cake)]
        txn.rewind(second)
        seen.append([*txn.ids(cake), *txn.tally(cake, on), *txn.tally(cake, 0, "b"), txn.state(cake)])
        again = bake(txn, on, group, "c")
        assert (one, two) == (3, again)
        txn.rewind(second)
        seen.append(txn.ids(cake))
        txn.rewind(first)
        seen.append([*txn.ids(cake), *txn.tally(cake, on), txn.state(cake)])
        bake(txn, on, group, "d")
        return seen

    assert [[3, 4], [3, 1, 1, 0, 0, 2], [3], [0, 0, 0]] == pantry.write(unit)
    assert [3] == pantry.read(lambda txn: txn.ids(cake))
    assert [(1, 1), (0, 0), (1, 1)] == pantry.read(
        lambda txn: [txn.tally(cake, 0, word) for word in ("", "a", "d")]
    )


def test_counts_of_items_and_groups_follow_every_write(pantry: Pantry) -> None:
    def unit(txn: Transaction) -> tuple[int, int, int]:
        one, two, on = txn.allocate(), txn.allocate(), put_up(txn)
        bake(txn, on, one, "a")
        bake(txn, on, one, "a", "eaten")
        bake(txn, on, two)
        assert (3, 2) == txn.tally(cake, on)
        return on, one, two

    on, one, two = pantry.write(unit)

    def count(txn: Transaction) -> list[Any]:
        return [txn.tally(cake, on, word) for word in ("", "a", "eaten", "!left", "nosuch")]

    assert [(3, 2), (2, 1), (1, 1), (2, 2), (0, 0)] == pantry.read(count)
    assert [one, two] == pantry.read(lambda txn: sorted(txn.groups_in(cake, on)))
    assert {(0, ""): 1, (on, ""): 1, (0, "!left"): 1, (on, "!left"): 1} == pantry.read(
        lambda txn: txn.tallies_of_group(cake, two)
    )
    for id in pantry.read(lambda txn: txn.ids(cake)):
        pantry.write(lambda txn, id=id: txn.delete(cake, id))  # type: ignore[misc]
    assert [(0, 0)] * 5 == pantry.read(count)
    assert {} == pantry.read(lambda txn: txn.tallies_of_group(cake, two))


def test_keys_lead_to_ids(pantry: Pantry) -> None:
    def unit(txn: Transaction) -> None:
        txn.put_keys("a", 5, [1, 2, -(2**63) + 1])
        txn.put_keys("a", 3, [2, 2**63 - 1])
        txn.put_keys("b", 7, [1])
        txn.put_keys("a", 5, [1])

    pantry.write(unit)
    asked = [[1], [2], [1, 2, 1], [2**63 - 1, -(2**63) + 1], [], [99]]
    assert [{1: 5}, {2: 3}, {1: 5, 2: 3}, {2**63 - 1: 3, -(2**63) + 1: 5}, {}, {}] == pantry.read(
        lambda txn: [txn.find_keys("a", keys) for keys in asked]
    )
    pantry.write(lambda txn: txn.drop_keys("a", 3))
    assert ({1: 5, 2: 5}, {1: 7}) == pantry.read(
        lambda txn: (txn.find_keys("a", [1, 2]), txn.find_keys("b", [1]))
    )
    assert {} == pantry.read(lambda txn: txn.find_keys("a", [2]), at=OTHER)


def test_many_objects_are_added_as_one_by_one(pantry: Pantry) -> None:
    def fresh(txn: Transaction) -> list[Fresh]:
        on, other = put_up(txn), put_up(txn, "y")
        return [
            Fresh(txn.allocate(), whole(on, 50, ("new",)), {"name_": "bun", "note_": "sweet"}),
            Fresh(txn.allocate(), whole(other, 50, ("old", "new"), day=2)),
        ]

    def singly(txn: Transaction) -> None:
        for one in fresh(txn):
            txn.insert(cake, *one)

    def seen(txn: Transaction) -> list[Any]:
        return [
            txn.values(cake),
            txn.changes(cake, 3, 9),
            [txn.tally(cake, container, word) for container in (0, 1, 2) for word in ("", "new", "old")],
            txn.tallies_of_group(cake, 50),
            [txn.groups_in(cake, container) for container in (1, 2)],
        ]

    pantry.write(lambda txn: txn.insert_all(cake, fresh(txn)))
    pantry.write(singly, at=OTHER)
    together = pantry.read(seen)
    assert together == pantry.read(seen, at=OTHER)
    assert ([3, 4], [4]) == ([*together[0]], together[1].created)
    assert [(2, 1), (2, 1), (1, 1)] == together[2][:3]
    pantry.write(lambda txn: txn.insert_all(cake, []))
    assert together == pantry.read(seen)


def test_who_keeps_or_uploaded_a_blob_may_read_it(pantry: Pantry) -> None:
    def may(person: int = 7, now: int = 10) -> bool:
        return pantry.read(lambda txn: txn.may_read_blob(DIGEST, now), person=person)

    assert not may()
    pantry.write(lambda txn: txn.note_upload(DIGEST, 20))
    pantry.write(lambda txn: txn.note_upload(DIGEST, 15))
    assert [True, True, False, False] == [may(), may(now=19), may(now=20), may(person=8)]
    id = pantry.write(put_up)
    pantry.write(lambda txn: txn.hold_blob(DIGEST, shelf, id))
    pantry.write(lambda txn: txn.hold_blob(DIGEST, shelf, id))
    assert [True, True] == [may(now=99), may(person=8)]
    assert [id] == pantry.read(lambda txn: txn.blob_holders(DIGEST, shelf))
    assert not pantry.read(lambda txn: txn.may_read_blob(DIGEST, 10), at=OTHER)
    pantry.write(lambda txn: txn.delete(shelf, id))
    assert [False, []] == [may(now=99), pantry.read(lambda txn: txn.blob_holders(DIGEST, shelf))]


def test_notes_hold_any_value(pantry: Pantry) -> None:
    assert pantry.read(lambda txn: txn.note("x")) is None
    for value in (1, None, {"a": [True, "ü"]}, "last"):
        pantry.write(lambda txn, value=value: txn.put_note("x", value))  # type: ignore[misc]
        assert value == pantry.read(lambda txn: txn.note("x"))


def test_a_type_that_changed_and_was_purged_keeps_its_floor(kind: str, pantry: Pantry) -> None:
    """What is older than the floor can't be told; a later change leaves the floor alone."""
    pantry.write(put_up)
    pantry.write(lambda txn: txn._database.run("UPDATE account SET levels = '{\"Shelf\":[1,1]}'"))
    pantry.write(put_up)
    assert (2, 1) == pantry.read(lambda txn: (txn.state(shelf), txn.floor(shelf)))
