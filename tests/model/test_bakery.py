"""Random histories: the engine beside a naive bakery of plain dictionaries.

After each step everything that can be read is compared, and what clients cached long ago is brought up to
date by /changes and /queryChanges and compared too (DESIGN D4, D5).
"""

from __future__ import annotations

import random
import tempfile
from copy import deepcopy
from pathlib import Path
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bakery import cake, naive, order, shelf
from bakery.kitchen import Kitchen, OpenStore
from bakery.rows import recounted
from posthouse.kit.json import JsonObject
from posthouse.store.txn import Transaction

DATES = [f"2024-01-0{day}T00:00:00Z" for day in (1, 2, 3)]
TAGS = ["fresh", "old", "eaten", "!left"]
NAMES = ["bun", "pie", "rye bun", "Scone"]
WORDS = ["bun", "rye", "pie scone", "ada", "nothing"]
LABELS: list[list[JsonObject]] = [
    [],
    [{"name": "Maker", "value": "Ada Bun"}],
    [{"name": "maker", "value": "Bo"}, {"name": "Oven", "value": "rye"}],
]
seeds = st.integers(0, 2**32)


class Chooser:
    """Draws actions and questions from one seed: hypothesis shrinks the history, not each question."""

    def __init__(self, seed: int, cakes: naive.Objects, shelves: naive.Objects) -> None:
        self.random = random.Random(seed)
        self.cakes = list(cakes)
        self.shelves = list(shelves)

    def some(self, many: list[Any], most: int) -> list[Any]:
        return self.random.sample(many, min(self.random.randint(0, most), len(many)))

    def tags(self) -> dict[str, bool]:
        return dict.fromkeys(self.some(TAGS, 3), True)

    def standing(self) -> dict[str, bool]:
        return dict.fromkeys(
            self.random.sample(self.shelves, min(self.random.randint(1, 2), len(self.shelves))), True
        )

    def cake(self) -> JsonObject:
        r = self.random
        return {
            "name": r.choice(NAMES),
            "bakedAt": r.choice(DATES),
            "weight": r.randint(1, 3),
            "labels": r.choice(LABELS),
            "shelfIds": self.standing(),
            "tags": self.tags(),
            "price": r.choice([None, 0, 1]),
        }

    def patch(self, old: JsonObject) -> JsonObject:
        r = self.random
        patch: JsonObject = {}
        for kind in self.some(["price", "tags", "tag", "shelves", "shelf"], 3):
            if kind == "price":
                patch["price"] = r.choice([None, 0, 1, old["price"]])
            elif kind == "tags" and not any(path.startswith("tags/") for path in patch):
                patch["tags"] = self.tags()
            elif kind == "tag" and "tags" not in patch:
                patch[f"tags/{r.choice(TAGS)}"] = r.choice([True, None])
            elif kind == "shelves" and not any(path.startswith("shelfIds/") for path in patch):
                patch["shelfIds"] = self.standing()
            elif kind == "shelf" and "shelfIds" not in patch:
                patch[f"shelfIds/{r.choice(self.shelves)}"] = True
        return patch

    def condition(self) -> JsonObject:
        r = self.random
        values = {
            "onShelf": [*self.shelves, "h0", "c1"],
            "elsewhereThan": [self.some(self.shelves, 3)],
            "bakedFrom": DATES,
            "bakedBefore": DATES,
            **dict.fromkeys(("hasTag", "notTag"), TAGS),
            **dict.fromkeys(("someInOrderHaveTag", "allInOrderHaveTag", "noneInOrderHaveTag"), TAGS),
            "price": [None, 0, 1],
            "minWeight": [1, 2, 3],
            "text": WORDS,
            "note": WORDS,
            "label": [["maker"], ["OVEN", "RY"], ["maker", "bun"], ["none"]],
        }
        names = r.sample(list(values), r.choice([0, 1, 1, 1, 2]))
        if r.random() < 0.3:  # what clients ask most
            names = ["onShelf", *names]
        return {name: r.choice(values[name]) for name in names}

    def shelf_condition(self) -> JsonObject:
        r = self.random
        values = {
            "parentId": [None, *self.shelves, "h0", "c1"],
            "name": ["s", "1", "S2", "x"],
            "hasParent": [True, False],
            "isFavourite": [True, False],
        }
        return {name: r.choice(values[name]) for name in r.sample(list(values), r.choice([0, 1, 1, 2]))}

    def filter(self, condition: Any, depth: int = 2) -> JsonObject:
        r = self.random
        if depth == 0 or r.random() < 0.5:
            found: JsonObject = condition()
            return found
        parts = [self.filter(condition, depth - 1) for _ in range(r.randint(0, 3))]
        return {"operator": r.choice(["AND", "OR", "NOT"]), "conditions": parts}

    def sort(self, names: list[str]) -> list[JsonObject]:
        if self.random.random() < 0.3:
            return [{"property": names[0], "isAscending": self.random.random() < 0.3}]
        comparators = []
        for name in self.some(names, 3):
            comparator = {"property": name, "isAscending": self.random.random() < 0.5}
            if name.endswith("Tag"):
                comparator["tag"] = self.random.choice(TAGS)
            comparators.append(comparator)
        return comparators

    def cake_query(self) -> JsonObject:
        sorts = [
            "bakedAt",
            "bakedAt",
            "name",
            "weight",
            "price",
            "hasTag",
            "someInOrderHaveTag",
            "allInOrderHaveTag",
        ]
        return {
            "filter": self.random.choice([None, self.filter(self.condition), self.filter(self.condition)]),
            "sort": self.sort(sorts),
            "collapseThreads": self.random.random() < 0.5,
        }

    def shelf_query(self) -> JsonObject:
        return {
            "filter": self.random.choice([None, self.filter(self.shelf_condition)]),
            "sort": self.sort(["name", "sortOrder"]),
            "sortAsTree": self.random.random() < 0.5,
            "filterAsTree": self.random.random() < 0.5,
        }


def patched(old: JsonObject, patch: JsonObject) -> JsonObject:
    new = deepcopy(old)
    for path, value in patch.items():
        name, slash, member = path.partition("/")
        if not slash:
            new[name] = value
        elif value is None:
            new[name].pop(member, None)
        else:
            new[name][member] = value
    return new


class Bakery(RuleBasedStateMachine):
    """One account through a random history."""

    open_store: OpenStore

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.kitchen = Kitchen(self.open_store, Path(self._folder.name))
        self.cakes: naive.Objects = {}
        self.shelves: naive.Objects = {}
        self.named = 0
        self.cached: list[tuple[str, set[str]]] = [("0", set())]
        self.queries: list[tuple[str, JsonObject, str, list[str]]] = []

    def teardown(self) -> None:
        self.kitchen.close()
        self._folder.cleanup()

    def chooser(self, seed: int) -> Chooser:
        return Chooser(seed, self.cakes, self.shelves)

    # -- what happens --

    @initialize(seed=seeds)
    def open_shop(self, seed: int) -> None:
        """Begin with some shelves and cakes."""
        for name in ("s1", "s2", "s3"):
            self.put_up({"k": {"name": name, "parentId": None, "sortOrder": 0, "isFavourite": True}}, {}, [])
        choose = self.chooser(seed)
        self.change({f"k{at}": choose.cake() for at in range(choose.random.randint(5, 12))}, {}, [])

    @rule(seed=seeds)
    def arrange(self, seed: int) -> None:
        """Make, move, rename and destroy shelves in one call."""
        choose = self.chooser(seed)
        create = {}
        for key in choose.some(["k", "l", "m"], 3):
            self.named += 1
            parents = [None, *self.shelves, *(f"#{made}" for made in create)]
            create[key] = {
                "name": f"{choose.random.choice('sS')}{self.named}",
                "parentId": choose.random.choice(parents),
                "sortOrder": choose.random.randint(0, 2),
                "isFavourite": choose.random.random() < 0.5,
            }
        update = {
            id: {choose.random.choice(["sortOrder"]): choose.random.randint(0, 2), "isFavourite": True}
            | (
                {"parentId": choose.random.choice([None, *self.shelves])}
                if choose.random.random() < 0.5
                else {}
            )
            for id in choose.some(list(self.shelves), 2)
        }
        destroy = choose.some([id for id in self.shelves if id not in update], 1)
        self.put_up(create, update, destroy)

    def put_up(self, create: JsonObject, update: JsonObject, destroy: list[str]) -> None:
        answer = self.kitchen.ask("Shelf/set", create=create, update=update, destroy=destroy)
        made = {f"#{key}": values["id"] for key, values in (answer["created"] or {}).items()}
        for key, values in (answer["created"] or {}).items():
            whole = create[key] | values
            self.shelves[values["id"]] = whole | {"parentId": made.get(whole["parentId"], whole["parentId"])}
        for id in answer["updated"] or {}:
            self.shelves[id] |= update[id]
        for id in answer["destroyed"] or []:
            assert not any(id in one["shelfIds"] for one in self.cakes.values())
            del self.shelves[id]
        for id in answer["notUpdated"] or {}:
            assert "parentId" in update[id]
        for id in answer["notDestroyed"] or {}:
            used = any(id in one["shelfIds"] for one in self.cakes.values())
            assert used or any(one["parentId"] == id for one in self.shelves.values())

    @precondition(lambda self: self.shelves)
    @rule(seed=seeds)
    def bake(self, seed: int) -> None:
        """Make, move, tag, price and eat cakes in one call; what is asked for is right, so all of it happens."""
        choose = self.chooser(seed)
        create = {key: choose.cake() for key in choose.some(["k", "l", "m"], 3)}
        update = {id: choose.patch(self.cakes[id]) for id in choose.some(choose.cakes, 3)}
        destroy = choose.some([id for id in choose.cakes if id not in update], 2)
        self.change(create, update, destroy)

    def change(self, create: JsonObject, update: JsonObject, destroy: list[str]) -> None:
        answer = self.kitchen.ask("Cake/set", create=create, update=update, destroy=destroy)
        assert [None] * 3 == [answer[f"not{what}"] for what in ("Created", "Updated", "Destroyed")]
        for id in destroy:
            del self.cakes[id]
        for id, patch in update.items():
            self.cakes[id] = patched(self.cakes[id], patch)
        for key, values in (answer["created"] or {}).items():
            self.cakes[values["id"]] = create[key] | values
        for one in self.shelves.values():
            one["totalCakes"] = sum(one["id"] in cake["shelfIds"] for cake in self.cakes.values())

    @rule()
    def cache(self) -> None:
        """A client caches all cakes."""
        answer = self.kitchen.ask("Cake/get", properties=[])
        self.cached.append((answer["state"], {one["id"] for one in answer["list"]}))

    # -- what is asked --

    @rule(seed=seeds)
    def search(self, seed: int) -> None:
        """Ask queries of both types in all ways; a client keeps the results."""
        choose = self.chooser(seed)
        for type, things in (("Cake", self.cakes), ("Shelf", self.shelves)):
            for _ in range(15):
                asked = choose.cake_query() if type == "Cake" else choose.shelf_query()
                self.compare(choose, type, things, asked)

    def compare(self, choose: Chooser, type: str, things: naive.Objects, asked: JsonObject) -> None:
        expected = naive.query(things, asked)
        whole = self.kitchen.ask(f"{type}/query", **asked, calculateTotal=True)
        assert (expected, len(expected)) == (whole["ids"], whole["total"]), asked
        position, limit = choose.random.randint(-6, 6), choose.random.randint(0, 4)
        page = self.kitchen.ask(f"{type}/query", **asked, position=position, limit=limit)
        first = max(position + len(expected), 0) if position < 0 else position
        assert (expected[first : first + limit], first) == (page["ids"], page["position"])
        if expected:
            anchor, offset = choose.random.choice(expected), choose.random.randint(-4, 4)
            around = self.kitchen.ask(
                f"{type}/query", **asked, anchor=anchor, anchorOffset=offset, limit=limit
            )
            first = max(expected.index(anchor) + offset, 0)
            assert (expected[first : first + limit], first) == (around["ids"], around["position"])
        self.queries.append((type, asked, whole["queryState"], expected))

    @precondition(lambda self: self.queries)
    @rule(seed=seeds)
    def refresh_queries(self, seed: int) -> None:
        """A client brings old results up to date by /queryChanges."""
        choose = self.chooser(seed)
        for type, asked, since, old in choose.some(self.queries, 40):
            new = naive.query(self.cakes if type == "Cake" else self.shelves, asked)
            answer = self.kitchen.ask(
                f"{type}/queryChanges", **asked, sinceQueryState=since, calculateTotal=True
            )
            assert new == naive.after_changes(old, answer), asked
            assert len(new) == answer["total"]
            if old and (last := choose.random.choice(old)) in new:
                cut = self.kitchen.ask(f"{type}/queryChanges", **asked, sinceQueryState=since, upToId=last)
                end = new.index(last) + 1
                assert new[:end] == naive.after_changes(old, cut)[:end]

    @rule(seed=seeds, most=st.integers(1, 7))
    def refresh_cakes(self, seed: int, most: int) -> None:
        """A client brings old cakes up to date by /changes, in pages of any size."""
        state, known = self.chooser(seed).random.choice(self.cached)
        known, more = set(known), True
        while more:
            page = self.kitchen.ask("Cake/changes", sinceState=state, maxChanges=most)
            created, updated, destroyed = (set(page[name]) for name in ("created", "updated", "destroyed"))
            assert not created & known
            assert updated <= known
            known = known - destroyed | created
            state, more = page["newState"], page["hasMoreChanges"]
        assert self.cakes.keys() == known

    # -- what is always so --

    @invariant()
    def everything_is_there(self) -> None:
        assert self.cakes == {one["id"]: one for one in self.kitchen.ask("Cake/get")["list"]}
        rights = dict.fromkeys(shelf.rights.names if shelf.rights else (), True)
        assert self.shelves == {one["id"]: one for one in self.kitchen.ask("Shelf/get")["list"]}
        assert all(one["myRights"] == rights for one in self.shelves.values())
        expected: dict[str, list[str]] = {}
        for one in self.cakes.values():
            expected.setdefault(one["orderId"], []).append(one["id"])
        orders = self.kitchen.read(lambda txn: txn.values(order))
        found = {values["id"]: values["cakeIds"] for values in orders.values() if values["cakeIds"]}
        assert {id: sorted(ids) for id, ids in expected.items()} == found

    @invariant()
    def kept_counts_are_right(self) -> None:
        self.kitchen.read(self.compare_counts)

    def compare_counts(self, txn: Transaction) -> None:
        containers: list[str | None] = [None, *self.shelves]
        for container in containers:
            number = 0 if container is None else naive.number(container)
            inside = [one for one in self.cakes.values() if container is None or container in one["shelfIds"]]
            for word in ("", "!left", *TAGS[:3]):
                having = [one for one in inside if _has(one, word)]
                assert (len(having), len({one["orderId"] for one in having})) == txn.tally(cake, number, word)
            if container is not None:
                groups = {naive.number(one["orderId"]) for one in inside}
                assert groups == set(txn.groups_in(cake, number))

    @invariant()
    def every_row_follows_from_the_objects(self) -> None:
        stored, right = self.kitchen.read(recounted)
        assert right == stored


def _has(one: JsonObject, word: str) -> bool:
    if word == "!left":
        return "eaten" not in one["tags"]
    return not word or word in one["tags"]


def test_any_history(open_store: OpenStore) -> None:
    machine = type("Machine", (Bakery,), {"open_store": staticmethod(open_store)})
    # A failing history is told as it was found: making it shorter would take longer than a test may.
    phases = (Phase.explicit, Phase.generate)
    run_state_machine_as_test(
        machine, settings=settings(max_examples=25, stateful_step_count=25, phases=phases, print_blob=False)
    )
