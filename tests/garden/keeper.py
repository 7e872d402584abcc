"""Keeper: does in a store what is done in the naive garden, and shows both as somebody sees them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache
from typing import Any

import apsw

from garden.naive import GROUP, PRINCIPALS, Garden, Objects, Visitor, at, number
from garden.plots import ADD, MARKS, READ, SHARE, TYPES, bed, diary, gardener, letter, plant, row, tool
from posthouse.kit.json import JsonObject
from posthouse.model.type import Type
from posthouse.store import tables
from posthouse.store.layout import Layout
from posthouse.store.schema import Schema
from posthouse.store.sqlite import Database
from posthouse.store.txn import Transaction

ACCOUNT = 3
OWNER = Visitor(1, None, False)
LAYOUTS = {type.name: Layout(type) for type in TYPES}

Step = tuple[int, int, int, int]
"""What is done: which act, and three numbers that choose to what and how."""


@cache
def _empty() -> bytes:
    """Make the database of a store without objects, once."""
    with closing(Database(apsw.Connection(":memory:"))) as database:
        tables.create(database, LAYOUTS.values())
        return database.connection.serialize("main")


class Keeper:
    """A garden in a database in memory, and beside it what it must hold."""

    def __init__(self) -> None:
        self.database = Database(apsw.Connection(":memory:"))
        self.database.connection.deserialize("main", _empty())
        self.schema = Schema(LAYOUTS, tables.codes(self.database))
        self.garden = Garden()
        self.passed: list[Garden] = []
        self.clock = 0
        with self.writing(OWNER) as txn:
            while txn.allocate() < GROUP:
                pass  # so that nothing else has the number of a person
            for person in (11, 12):
                values = {"id": gardener.wire(person), "name": f"gardener {person}"}
                txn.insert(gardener, person, values)
                self.garden.objects["Gardener"][person] = values
            for name in "wxyz":
                self._dig(txn, name, None)
            first, second, third, _ = self._objects(bed)
            for id, shares in (
                (first, {11: READ}),
                (second, {GROUP: READ | ADD, 12: READ}),
                (third, {12: SHARE}),
            ):
                txn.share(bed, id, shares, OWNER.person, 5)
                self.garden.granted[id] = shares

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    def transaction(self, who: Visitor, writes: bool = False) -> Transaction:
        """Open the garden for somebody."""
        return Transaction(
            self.database,
            self.schema,
            ACCOUNT,
            who.person,
            writes,
            through=who.through,
            subscribed=who.subscribed,
        )

    @contextmanager
    def writing(self, who: Visitor) -> Iterator[Transaction]:
        """Change the garden in one transaction."""
        txn = self.transaction(who, writes=True)
        self.database.run("BEGIN IMMEDIATE")
        yield txn
        txn.finish()
        self.database.run("COMMIT")

    def reading(self, who: Visitor) -> Transaction:
        """Look at the garden."""
        return self.transaction(who).seen()

    def work(self, who: Visitor, steps: Sequence[Step]) -> None:
        """Do several things in one transaction; ``passed`` has the gardens that were there on the way."""
        self.passed = [self.garden.copy()]
        with self.writing(who) as txn:
            for act, *choices in steps:
                doing = self._acts()[act % len(self._acts())]
                if act >= len(self._acts()) and act % 3 == 0:
                    before = self.garden.copy()
                    mark = txn.mark()
                    doing(txn, who, *choices)
                    self._count_odd(txn)
                    txn.rewind(mark)
                    self.garden = before
                else:
                    doing(txn, who, *choices)
                    self._count_odd(txn)
                self.passed.append(self.garden.copy())

    # -- what can be done --

    def _acts(self) -> list[Callable[..., None]]:
        return [
            self._sow,
            self._sow,
            self._mark,
            self._replant,
            self._replant,
            self._uproot,
            self._share,
            self._share,
            self._new_bed,
            self._rename,
            self._clear,
            self._like,
            self._join,
            self._others,
            self._write_letter,
            self._lose_letter,
        ]

    def _objects(self, type: Type) -> Objects:
        return self.garden.objects[type.name]

    def _pick(self, type: Type, choice: int) -> int | None:
        ids = sorted(self._objects(type))
        return ids[choice % len(ids)] if ids else None

    def _insert(self, txn: Transaction, type: Type, values: JsonObject, id: int | None = None) -> int:
        id = txn.allocate() if id is None else id
        txn.insert(type, id, values)
        self._objects(type)[id] = {"id": type.wire(id), **values}
        return id

    def _update(self, txn: Transaction, type: Type, id: int, **new: Any) -> None:
        old = self._objects(type)[id]
        if old == {**old, **new}:
            return
        stored = {name: value for name, value in old.items() if name not in ("plants", "oddRows")}
        txn.update(type, id, stored, {**stored, **new})
        self._objects(type)[id] = {**old, **new}

    def _beds(self, *choices: int) -> JsonObject:
        ids = sorted(self._objects(bed))
        return {bed.wire(ids[choice % len(ids)]): True for choice in choices} if ids else {}

    def _dig(self, txn: Transaction, name: str, parent: str | None) -> None:
        id = self._insert(txn, bed, {"name": name, "parentId": parent})
        self._objects(bed)[id] |= {"plants": 0, "oddRows": 0}

    def _new_bed(self, txn: Transaction, who: Visitor, a: int, b: int, c: int) -> None:
        parent = self._pick(bed, a) if b % 2 else None
        self._dig(txn, f"bed {c}", None if parent is None else bed.wire(parent))

    def _rename(self, txn: Transaction, who: Visitor, a: int, b: int, c: int) -> None:
        id, parent = self._pick(bed, a), self._pick(bed, b)
        if id is None:
            return
        if c % 2 and parent != id and parent is not None:
            self._update(txn, bed, id, parentId=bed.wire(parent))
        else:
            self._update(txn, bed, id, name=f"bed {c}")

    def _clear(self, txn: Transaction, who: Visitor, a: int, b: int, c: int) -> None:
        id = self._pick(bed, a)
        if id is None:
            return
        wire = bed.wire(id)
        for one, values in [*self._objects(plant).items()]:
            if wire in values["bedIds"]:
                left = {other: True for other in values["bedIds"] if other != wire}
                if left:
                    self._replant_in(txn, one, left)
                else:
                    self._uproot_one(txn, one)
        for child, values in self._objects(bed).items():
            if values["parentId"] == wire:
                self._update(txn, bed, child, parentId=None)
        for one, values in self._objects(plant).items():
            if values["firstBedId"] == wire:
                self._update(txn, plant, one, firstBedId=None)
        txn.delete(bed, id)
        del self._objects(bed)[id]
        self.garden.granted.pop(id, None)
        for key in [key for key in self.garden.liked if key[1] == id]:
            del self.garden.liked[key]

    def _sow(self, txn: Transaction, who: Visitor, a: int, b: int, c: int) -> None:
        beds = self._beds(*[a, b, a + 1][: c % 3 + 1])
        if not beds:
            return
        group = self._pick(row, b) if c % 4 else None
        if group is None:
            group = txn.allocate()
        id = txn.allocate()
        if group in self._objects(row):
            wires = self._objects(row)[group]["plantIds"]
            self._update(txn, row, group, plantIds=[*wires, plant.wire(id)])
        else:
            self._insert(txn, row, {"plantIds": [plant.wire(id)]}, group)
        self.clock += 1
        picture = hashlib.sha256(str(c % 3).encode()).hexdigest()
        first = next(iter(beds))
        values = {
            "rowId": row.wire(group),
            "sownAt": at(self.clock if c % 5 else self.clock - 3),
            "bedIds": beds,
            "marks": {MARKS[c % 3]: True} if c % 2 else {},
            "picture": picture,
            "firstBedId": first if a % 2 else None,
        }
        self._insert(txn, plant, values, id)
        self._count(txn, {}, beds)

    def _count(self, txn: Transaction, old: JsonObject, new: JsonObject) -> None:
        for wire in sorted(old.keys() ^ new.keys()):
            delta = 1 if wire in new else -1
            txn.count(bed, number(wire), {"plants": delta})
            self._objects(bed)[number(wire)]["plants"] += delta

    def _count_odd(self, txn: Transaction) -> None:
        """Keep the counts that depend on other beds, for those who see all of them."""
        plants = self._objects(plant).values()
        odd = {one["rowId"] for one in plants if len(one["marks"]) % 2}
        for id, values in self._objects(bed).items():
            rows = {one["rowId"] for one in plants if bed.wire(id) in one["bedIds"]} & odd
            delta = len(rows) - values["oddRows"]
            if delta:
                txn.count(bed, id, {"oddRows": delta})
                values["oddRows"] += delta

    def _mark(self, txn: Transaction, who: Visitor, a: int, b: int, c: int) -> None:
        id = self._pick(plant, a)
        if id is None:
            return
        marks = dict(self._objects(plant)[id]["marks"])
        mark = MARKS[b % 3]
        if mark in marks:
            del marks[mark]
        else:
            marks[mark] = True
        self._update(txn, plant, id, marks=marks)

    def _replant(self, txn: Transaction, who: Visitor, a: int, b: int, c: int) -> None:
        id = self._pick(plant, a)
        if id is None:
            return
        if c % 5 == 0:
            self._mark(txn, who, a, b, c)
        self._replant_in(txn, id, self._beds(*[b, c][: c % 2 + 1]))

    def _replant_in(self, txn: Transaction, id: int, beds: JsonObject) -> None:
        old = self._objects(plant)[id]["bedIds"]
        if old != beds:
            self._update(txn, plant, id, bedIds=beds)
            self._count(txn, old, beds)

    def _uproot(self, txn: Transaction, who: Visitor, a: int, b: int, c: int) -> None:
        id = self._pick(plant, a)
        if id is not None:
            self._uproot_one(txn, id)

    def _uproot_one(self, txn: Transaction, id: int) -> None:
        old = self._objects(plant)[id]
        group = number(old["rowId"])
        wires = [wire for wire in self._objects(row)[group]["plantIds"] if wire != plant.wire(id)]
        txn.delete(plant, id)
        del self._objects(plant)[id]
        if wires:
            self._update(txn, row, group, plantIds=wires)
        else:
            txn.delete(row, group)
            del self._objects(row)[group]
        self._count(txn, old["bedIds"], {})

    def _share(self, txn: Transaction, who: Visitor, a: int, b: int, c: int) -> None:
        id = self._pick(bed, a)
        if id is None:
            return
        before = {one: bits for one, bits in self.garden.granted.get(id, {}).items() if bits}
        shares = dict(before)
        principal = PRINCIPALS[b % 3]
        shares[principal] = c % 8
        shares = {one: bits for one, bits in shares.items() if bits}
        changed = {one for one in before.keys() | shares.keys() if before.get(one, 0) != shares.get(one, 0)}
        assert changed == txn.share(bed, id, shares, who.person, 5)
        assert shares == txn.shares(bed, [id]).get(id, {})
        self.garden.granted[id] = shares

    def _like(self, txn: Transaction, who: Visitor, a: int, b: int, c: int) -> None:
        id = self._pick(bed, a)
        if id is None:
            return
        likes = bool(b % 2)
        old = self.garden.liked.get((who.person, id), who.subscribed)
        stored = {"name": self._objects(bed)[id]["name"], "parentId": self._objects(bed)[id]["parentId"]}
        new = dict(stored)
        if c % 3 == 0:
            new["name"] = f"bed {c}"
        if new == stored and likes == old:
            return
        txn.update(bed, id, stored | {"isLiked": old}, new | {"isLiked": likes})
        self._objects(bed)[id] |= new
        if likes != old:
            self.garden.liked[who.person, id] = likes

    def _join(self, txn: Transaction, who: Visitor, a: int, b: int, c: int) -> None:
        principal = PRINCIPALS[a % 3]
        txn.touch(principal)
        self.garden.touched[principal] = self.garden.touched.get(principal, 0) + 1

    def _others(self, txn: Transaction, who: Visitor, a: int, b: int, c: int) -> None:
        type = (tool, diary, gardener)[a % 3]
        id = self._pick(type, b) if c % 2 else None
        if id is None:
            self._insert(txn, type, {"name": f"{c}"})
        else:
            self._update(txn, type, id, name=f"{c + 1}")

    def _write_letter(self, txn: Transaction, who: Visitor, a: int, b: int, c: int) -> None:
        to = {gardener.wire((11, 12, 13)[choice % 3]): True for choice in (a, b)[: c % 2 + 1]}
        self.clock += 1
        self._insert(txn, letter, {"sentAt": at(self.clock), "audience": to, "text": f"{c}"})

    def _lose_letter(self, txn: Transaction, who: Visitor, a: int, b: int, c: int) -> None:
        id = self._pick(letter, a)
        if id is not None:
            txn.delete(letter, id)
            del self._objects(letter)[id]
