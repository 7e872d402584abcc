from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from bakery import cake, shelf
from bakery.kitchen import HOME, STORES, TYPES
from posthouse.bus import Moved
from posthouse.model.caller import Access
from posthouse.store.txn import Transaction

from .conftest import Pantry

NEIGHBOUR = Access(HOME.account + 1, HOME.shard, "neighbour")


@pytest.fixture
def told() -> list[Sequence[Moved]]:
    """What the store announced, a list for each commit."""
    return []


@pytest.fixture
def pantry(kind: str, folder: Path, told: list[Sequence[Moved]]) -> Iterator[Pantry]:
    with closing(Pantry(STORES[kind](folder, TYPES, told.append))) as pantry:
        yield pantry


def add_shelf(txn: Transaction) -> int:
    id = txn.allocate()
    txn.insert(shelf, id, {"name": f"shelf {id}", "parentId": None})
    return id


def test_each_commit_tells_the_new_states_of_what_it_moved(
    pantry: Pantry, told: list[Sequence[Moved]]
) -> None:
    pantry.write(add_shelf)
    id = pantry.write(add_shelf)
    pantry.write(lambda txn: txn.count(shelf, id, {"totalCakes": 1}))
    states = [commit[0].levels["Shelf"] for commit in told]
    assert [[HOME.account]] * 3 == [[moved.account for moved in commit] for commit in told]
    assert [{"Shelf"}] * 3 == [set(commit[0].levels) for commit in told]
    assert sorted(set(states)) == states
    assert states[-1] == pantry.read(lambda txn: txn.state(shelf))
    assert {"Shelf": states[-1]} == pantry.read(lambda txn: txn.levels())


def test_what_only_reads_fails_or_is_taken_back_is_not_told(
    pantry: Pantry, told: list[Sequence[Moved]]
) -> None:
    def fails(txn: Transaction) -> None:
        add_shelf(txn)
        raise ValueError

    def takes_back(txn: Transaction) -> None:
        mark = txn.mark()
        add_shelf(txn)
        txn.rewind(mark)

    pantry.write(lambda txn: txn.ids(shelf))
    pantry.write(takes_back)
    with pytest.raises(ValueError):
        pantry.write(fails)
    assert [] == [moved for commit in told for moved in commit]


def test_new_objects_move_the_arrivals_too_and_changed_ones_do_not(
    pantry: Pantry, told: list[Sequence[Moved]]
) -> None:
    def bake(txn: Transaction) -> tuple[int, int]:
        on, order, id = add_shelf(txn), txn.allocate(), txn.allocate()
        whole = {"name": "bun", "orderId": f"o{order}", "bakedAt": "2026-01-01T00:00:00Z"}
        txn.insert(cake, id, whole | {"shelfIds": {shelf.wire(on): True}, "tags": {}})
        return on, id

    def tag(txn: Transaction) -> None:
        old = txn.values(cake, [id])[id]
        txn.update(cake, id, old, old | {"tags": {"old": True}})

    _, id = pantry.write(bake)
    pantry.write(tag)
    first, second = told
    assert {"Shelf", "Cake", "CakeDelivery"} == set(first[0].levels)
    assert {"Cake"} == set(second[0].levels)
    assert first[0].levels["CakeDelivery"] == pantry.read(lambda txn: txn.levels())["CakeDelivery"]


def test_units_of_one_commit_are_told_once_for_each_account(
    pantry: Pantry, told: list[Sequence[Moved]]
) -> None:
    pantry.write_all(*[add_shelf] * 30)
    pantry.write(add_shelf, NEIGHBOUR)
    for commit in told:
        accounts = [moved.account for moved in commit]
        assert sorted(set(accounts)) == accounts
    assert 31 == max(moved.levels["Shelf"] for commit in told for moved in commit) + 1
    assert 1 == told[-1][0].levels["Shelf"]
