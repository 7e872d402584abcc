"""What the store and the engine cost, in CPU per operation, on the toy bakery of the tests.

python bench/store.py [--profile]
"""

from __future__ import annotations

import asyncio
import cProfile
import pstats
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from bakery import cake, order, shelf
from bakery.kitchen import BAKER, HOME, STORES, Kitchen
from posthouse.kit import clock
from posthouse.kit.json import JsonObject
from posthouse.proto.jmap.request import Invocation, Request
from posthouse.store.txn import Transaction

GROUP = 4
FAVOURITES = [prop for prop in cake.defaults() if prop != "labels"]


def fill(kitchen: Kitchen, many: int) -> tuple[int, list[int]]:
    """Make one shelf and many cakes, in orders of four."""

    def shelves(txn: Transaction) -> int:
        id = txn.allocate()
        txn.insert(shelf, id, {"name": "top", "parentId": None, "sortOrder": 0, "isFavourite": True})
        return id

    on = kitchen.write(shelves)
    ids: list[int] = []

    def cakes(txn: Transaction) -> None:
        for _ in range(500 // GROUP):
            group = txn.allocate()
            txn.insert(order, group, {"cakeIds": []})
            for _ in range(GROUP):
                id = txn.allocate()
                values: JsonObject = {
                    "orderId": order.wire(group),
                    "name": f"cake {id}",
                    "bakedAt": clock.utc_date(1_700_000_000 + id * 60),
                    "weight": 1,
                    "labels": [],
                    "shelfIds": {shelf.wire(on): True},
                    "tags": {"fresh": True},
                    "price": 3,
                }
                txn.insert(cake, id, values, {"name_": f"cake {id}", "note_": "a few words"})
                ids.append(id)

    while len(ids) < many:
        kitchen.write(cakes)
    return on, ids


def tag(id: int) -> Callable[[Transaction], None]:
    """A unit that adds or removes one tag, as a client sets a keyword."""

    def unit(txn: Transaction) -> None:
        old = txn.values(cake, [id], cake.basis)[id]
        tags = dict(old["tags"])
        if tags.pop("eaten", None) is None:
            tags["eaten"] = True
        txn.update(cake, id, old, old | {"tags": tags})

    return unit


def timed(name: str, each: int, work: Callable[[], object]) -> None:
    """Print the CPU and the clock's time of one of the ``each`` operations that some work does, in µs."""
    work()
    best_cpu, best_wall = float("inf"), float("inf")
    for _ in range(5):
        cpu, wall = time.process_time(), time.perf_counter()
        work()
        best_cpu = min(best_cpu, time.process_time() - cpu)
        best_wall = min(best_wall, time.perf_counter() - wall)
    print(f"  {name:<50} {best_cpu / each * 1e6:8.1f} cpu {best_wall / each * 1e6:8.1f} wall")


def profiled(name: str, work: Callable[[], object]) -> None:
    """Print where the time of some work goes."""
    with cProfile.Profile() as profile:
        work()
    print(f"--- {name}")
    pstats.Stats(profile).sort_stats("tottime").print_stats(12)


async def in_turn(work: Callable[[int], Coroutine[Any, Any, object]], times: int) -> None:
    for at in range(times):
        await work(at)


def measure(kitchen: Kitchen, on: int, ids: list[int], profile: bool) -> None:
    recent = ids[-50:]
    wires = [cake.wire(id) for id in recent]
    page = {"filter": {"onShelf": shelf.wire(on)}, "sort": [{"property": "bakedAt", "isAscending": False}]}
    page |= {"collapseThreads": True, "limit": 50, "calculateTotal": True}
    inside = 200

    def in_one_unit(txn: Transaction) -> None:
        for id in ids[:inside]:
            tag(id)(txn)
        txn.finish()

    def tags_one_by_one() -> None:
        kitchen.run(in_turn(lambda at: kitchen.store.write(HOME, 7, tag(ids[at])), inside))

    def tags_together() -> None:
        async def together() -> None:
            await asyncio.gather(*(kitchen.store.write(HOME, 7, tag(id)) for id in ids[:inside]))

        kitchen.run(together())

    def asked(times: int, *calls: tuple[str, JsonObject]) -> Callable[[], None]:
        """Work that sends the same request many times; its answer stays bytes."""
        invocations = [Invocation(name, {"accountId": "a1"} | given, "0") for name, given in calls]
        request = Request(kitchen.using, invocations, None)
        return lambda: kitchen.run(in_turn(lambda at: kitchen.engine.answer(BAKER, request), times))

    get = asked(300, ("Cake/get", {"ids": wires, "properties": FAVOURITES}))
    query = asked(300, ("Cake/query", page))
    timed("tag update, 200 in one unit", inside, lambda: kitchen.write(in_one_unit))
    timed("tag update, awaited and committed alone", inside, tags_one_by_one)
    timed("tag update, 200 units handed in together", inside, tags_together)
    timed("get of 50 by id", 300, get)
    timed("page of 50, collapsed, with its kept total", 300, query)
    tagged = page | {"filter": {"onShelf": shelf.wire(on), "hasTag": "fresh"}}
    timed("the same with a tag", 300, asked(300, ("Cake/query", tagged)))
    worded = page | {"filter": {"onShelf": shelf.wire(on), "text": f"cake {ids[-1]}"}}
    timed("the same with a rare word", 300, asked(300, ("Cake/query", worded)))
    calls = [("Cake/set", {"update": {wires[0]: {"tags/eaten": value}}}) for value in (True, None)]
    timed("set of one tag through the engine", 100, asked(50, *calls))
    if profile:
        profiled("tag updates in one unit", lambda: kitchen.run(_inline(kitchen, in_one_unit)))
        profiled("get of 50", get)
        profiled("page of 50", query)


async def _inline(kitchen: Kitchen, unit: Callable[[Transaction], None]) -> None:
    """Run a unit in this thread, where the profiler sees it, and undo it."""
    lane = kitchen.store._shards[0].writer
    lane._database.run("BEGIN IMMEDIATE")
    unit(Transaction(lane._database, lane._schema, HOME.account, 7, writes=True))
    lane._database.run("ROLLBACK")


def main() -> None:
    for kind in STORES:
        for many in (1_000, 20_000):
            with tempfile.TemporaryDirectory() as folder:
                kitchen = Kitchen(STORES[kind], Path(folder))
                start = time.process_time()
                on, ids = fill(kitchen, many)
                print(
                    f"{kind}, {len(ids)} cakes, filed in {(time.process_time() - start) / len(ids) * 1e6:.0f} µs each"
                )
                measure(kitchen, on, ids, "--profile" in sys.argv and many == 1_000)
                kitchen.close()


if __name__ == "__main__":
    main()
