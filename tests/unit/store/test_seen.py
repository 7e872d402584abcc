"""What a visitor sees of an account, held against a naive garden (DESIGN D6)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from garden.keeper import OWNER, Keeper, Step
from garden.naive import VISITORS, Garden, Objects, Visitor, at, number
from garden.plots import MARKS, ODD, READ, SHARE, TYPES, bed, diary, gardener, plant, row, tool
from posthouse.kit.json import JsonObject, loads
from posthouse.model.condition import Both, Either, Leaf, Neither, Order, Query
from posthouse.model.job import Job
from posthouse.model.type import Type
from posthouse.store.guest import Guest
from posthouse.store.seen import Seen
from posthouse.store.txn import Transaction, id_of

STEP = st.tuples(*[st.integers(0, 40)] * 4)
SHORT = st.lists(st.tuples(st.integers(0, 5), st.lists(STEP, min_size=1, max_size=3)), min_size=1, max_size=6)
GUESTS = [who for who in VISITORS if who.through is not None]

Work = list[tuple[int, list[Step]]]


def long(seed: int) -> Work:
    """Make a history in which much has grown; hypothesis alone seldom finds the way there."""
    chance = Random(seed)

    def step() -> Step:
        return chance.randrange(41), chance.randrange(41), chance.randrange(41), chance.randrange(41)

    return [
        (chance.randrange(6), [step() for _ in range(chance.randint(1, 3))])
        for _ in range(chance.randint(8, 25))
    ]


WORK = st.one_of(SHORT, st.integers(0, 2**32).map(long), st.integers(0, 2**32).map(long))


def worked(keeper: Keeper, work: Work) -> Iterator[None]:
    """Do the work, most of it as the owner, and stop after each transaction."""
    for who, steps in work:
        keeper.work(VISITORS[who] if who < len(VISITORS) else OWNER, steps)
        yield


def gardens(test: Callable[..., None]) -> Callable[..., None]:
    """Let a test run on many histories of a garden."""
    return settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])(
        given(work=WORK)(test)
    )


# -- what is there --


@gardens
def test_a_visitor_sees_what_is_granted_and_nothing_else(work: Work) -> None:
    with closing(Keeper()) as keeper:
        for _ in worked(keeper, work):
            for who in VISITORS:
                txn = keeper.reading(who)
                view = keeper.garden.view(who)
                for type in TYPES:
                    expected = view[type.name]
                    assert expected == txn.values(type), (who, type)
                    assert sorted(expected) == txn.ids(type)
                    everything = [*keeper.garden.objects[type.name], 999]
                    assert set(expected) == txn.exists(type, everything)
                    assert expected == txn.values(type, everything)


@gardens
def test_a_part_of_the_properties_is_the_same_part_for_a_visitor(work: Work) -> None:
    with closing(Keeper()) as keeper:
        for _ in worked(keeper, work):
            pass
        for who in VISITORS:
            txn = keeper.reading(who)
            for type, names in (
                (plant, ["marks"]),
                (plant, ["firstBedId"]),
                (bed, ["oddRows", "name"]),
                (row, []),
            ):
                expected = {
                    id: {name: values[name] for name in ["id", *names]}
                    for id, values in sorted(keeper.garden.view(who)[type.name].items())
                }
                assert expected == {
                    id: {name: values[name] for name in ["id", *names]}
                    for id, values in txn.values(type, None, names).items()
                }


@gardens
def test_rows_render_what_is_seen_and_no_more(work: Work) -> None:
    with closing(Keeper()) as keeper:
        for _ in worked(keeper, work):
            pass
        for who in GUESTS:
            txn = keeper.reading(who)
            for type in TYPES:
                layout = keeper.schema.layouts[type.name]
                plan = layout.plan(layout.stored)
                seen = {
                    id: {name: value for name, value in values.items() if name not in layout.overlay}
                    for id, values in sorted(keeper.garden.view(who)[type.name].items())
                }
                rows = txn.rows(type, None, plan)
                assert seen == {id_of(row): plan.value(row) for row in rows}
                rendered = [dict(one) for one in loads(b"[%b]" % plan.objects(rows))]
                assert [*seen.values()] == rendered
                every = [*keeper.garden.objects[type.name], 999]
                assert seen.keys() == {id_of(row) for row in txn.rows(type, every, plan)}


# -- counts --


@gardens
def test_counts_are_of_what_is_seen(work: Work) -> None:
    with closing(Keeper()) as keeper:
        for _ in worked(keeper, work):
            pass
        for who in GUESTS:
            txn = keeper.reading(who)
            plants = keeper.garden.view(who)["Plant"].values()
            for container in [0, *keeper.garden.objects["Bed"]]:
                inside = [one for one in plants if not container or bed.wire(container) in one["bedIds"]]
                for word in ("", *MARKS, ODD):
                    having = [one for one in inside if carries(one, word)]
                    expected = len(having), len({one["rowId"] for one in having})
                    assert expected == txn.tally(plant, container, word)
                assert {number(one["rowId"]) for one in inside if container} == set(
                    txn.groups_in(plant, container) if container else []
                )
            for group in keeper.garden.objects["Row"]:
                mine = [one for one in plants if one["rowId"] == row.wire(group)]
                counted: dict[tuple[int, str], int] = {}
                for one in mine:
                    for container in [0, *map(number, one["bedIds"])]:
                        for word in ("", *MARKS, ODD):
                            if carries(one, word):
                                counted[container, word] = counted.get((container, word), 0) + 1
                assert counted == txn.tallies_of_group(plant, group)


def carries(values: JsonObject, word: str) -> bool:
    if word == ODD:
        return len(values["marks"]) % 2 == 1
    return not word or word in values["marks"]


# -- states and changes --


@dataclass
class Client:
    """A client that keeps a copy of a type, and asks for so many changes at once."""

    who: Visitor
    type: Type
    limit: int
    known: Objects = field(default_factory=dict)
    state: int | None = None

    def look(self, txn: Transaction, view: Objects) -> bool:
        """Ask once for changes, and begin anew if they can't be told; says whether it has all."""
        if self.state is None or self.state < txn.floor(self.type):
            self.known, self.state = dict(view), txn.state(self.type)
            return True
        assert self.state <= txn.state(self.type)
        found = txn.changes(self.type, self.state, self.limit)
        told = [*found.created, *found.updated, *found.destroyed]
        assert len(told) == len(set(told)) <= self.limit
        assert view.keys().isdisjoint(found.destroyed)
        assert set(found.updated) <= self.known.keys()
        for id in found.destroyed:
            self.known.pop(id, None)
        for id in (*found.created, *found.updated):
            if found.main or id in found.created:
                self.known[id] = view[id]
            else:
                counters = {name: view[id][name] for name in ("plants", "oddRows")}
                self.known[id] = {**self.known[id], **counters}
        assert found.more is False or found.until > self.state
        self.state = found.until
        if not found.more:
            assert self.state == txn.state(self.type)
        return not found.more


@gardens
def test_changes_lead_each_client_to_what_is_there(work: Work) -> None:
    with closing(Keeper()) as keeper:
        clients = [Client(who, type, limit) for who in VISITORS for type in TYPES for limit in (1, 2, 50)]
        for _ in worked(keeper, work):
            views = {who: keeper.garden.view(who) for who in VISITORS}
            for client in clients:
                view = views[client.who][client.type.name]
                if client.look(keeper.reading(client.who), view):
                    assert view == client.known, client
        for client in clients:
            view = keeper.garden.view(client.who)[client.type.name]
            while not client.look(keeper.reading(client.who), view):
                pass
            assert view == client.known


@gardens
def test_changes_since_any_older_state_lead_to_what_is_there(work: Work) -> None:
    with closing(Keeper()) as keeper:
        clients = []
        for _ in worked(keeper, work):
            for who in VISITORS:
                for type in TYPES:
                    for limit in (1, 2):
                        client = Client(who, type, limit)
                        client.look(keeper.reading(who), keeper.garden.view(who)[type.name])
                        clients.append(client)
        views = {who: keeper.garden.view(who) for who in VISITORS}
        for client in clients:
            view = views[client.who][client.type.name]
            while not client.look(keeper.reading(client.who), view):
                pass
            assert view == client.known


@gardens
def test_a_state_moves_when_something_is_seen_to_and_only_then(work: Work) -> None:
    with closing(Keeper()) as keeper:
        before = {(who, type): keeper.reading(who).state(type) for who in GUESTS for type in TYPES}
        levels = {who: keeper.reading(who).levels() for who in GUESTS}
        for _ in worked(keeper, work):
            for who in GUESTS:
                passed = [(behind(one, who), one.key(who), shares(one, who)) for one in keeper.passed]
                for type in TYPES:
                    state = keeper.reading(who).state(type)
                    was = before[who, type]
                    before[who, type] = state
                    about = {"Bed": ("Bed", "Plant"), "Row": ("Plant",)}.get(type.name, (type.name,))
                    may = any(
                        one[1] != passed[0][1]
                        or any(one[0][name] != passed[0][0][name] for name in about)
                        or (type is bed and one[2] != passed[0][2])
                        for one in passed
                    )
                    first, last = (one.view(who)[type.name] for one in (keeper.passed[0], keeper.passed[-1]))
                    changed = first != last
                    assert state >= was
                    assert state > was or not changed, (who, type)
                    # Of what cannot be shared, every change is told to those who may see it.
                    assert state == was or may or type in (tool, gardener), (who, type)
                now = keeper.reading(who).levels()
                # The newest arrival is an older one when its container is closed; the next is above all of them.
                falls = {name for name, level in levels[who].items() if now.get(name, level) < level}
                assert falls <= {plant.arrivals}
                levels[who] = now
                view = keeper.garden.view(who)
                assert {type.name for type in TYPES if view[type.name]} <= now.keys()
                assert diary.name not in now
                for type in TYPES:
                    assert now.get(type.name, 0) in (0, keeper.reading(who).state(type))


def behind(garden: Garden, who: Visitor) -> dict[str, Objects]:
    """What a visitor sees, and to which object each refers, hidden or not, but for those that an item is in."""
    view = garden.view(who)
    for name, hides in (("Bed", "parentId"), ("Plant", "firstBedId")):
        for id, values in view[name].items():
            values[hides] = garden.objects[name][id][hides]
    return view


def shares(garden: Garden, who: Visitor) -> object:
    """What a visitor sees of who else may do what."""
    return {id: garden.granted.get(id) for id in garden.beds(who, SHARE)}


@gardens
def test_who_is_told_of_arrivals_sees_a_new_plant(work: Work) -> None:
    with closing(Keeper()) as keeper:
        levels = {who: keeper.reading(who).levels().get("Sprout", 0) for who in GUESTS}
        for _ in worked(keeper, work):
            for who in GUESTS:
                level = keeper.reading(who).levels().get("Sprout", 0)
                passed = [one.beds(who, READ) for one in keeper.passed]
                if all(one == passed[0] for one in passed) and level != levels[who]:
                    seen = [stays(one.view(who)["Plant"]) for one in keeper.passed]
                    assert any(after - before for before, after in pairwise(seen))
                levels[who] = level


def stays(plants: Objects) -> set[tuple[int, str]]:
    return {(id, wire) for id, values in plants.items() for wire in values["bedIds"]}


def planted(txn: Transaction, *beds: int) -> int:
    """Put a plant of a row of its own in some beds."""
    id = txn.allocate()
    values = {
        "rowId": row.wire(txn.allocate()),
        "sownAt": at(1),
        "marks": {},
        "picture": "",
        "firstBedId": None,
    }
    txn.insert(plant, id, {**values, "bedIds": {bed.wire(one): True for one in beds}})
    return id


def moved(txn: Transaction, id: int, *beds: int) -> None:
    """Put a plant in other beds."""
    old = txn.values(plant, [id])[id]
    txn.update(plant, id, old, {**old, "bedIds": {bed.wire(one): True for one in beds}})


def test_a_move_between_hidden_containers_is_not_noticed() -> None:
    with closing(Keeper()) as keeper:
        seen, _, hidden, other = keeper.garden.objects["Bed"]
        with keeper.writing(OWNER) as txn:
            id = planted(txn, seen, hidden)
        before = keeper.reading(GUESTS[0]).levels()
        with keeper.writing(OWNER) as txn:
            moved(txn, id, seen, other)
        assert before == keeper.reading(GUESTS[0]).levels()
        with keeper.writing(OWNER) as txn:
            moved(txn, id, other)
        assert before["Plant"] < keeper.reading(GUESTS[0]).state(plant)


def test_who_was_never_told_of_an_item_is_not_told_that_it_changed() -> None:
    """It came into one container, went, and came into another, and the client asks for one change at a time."""
    with closing(Keeper()) as keeper:
        one, two, hidden, _ = keeper.garden.objects["Bed"]
        who = GUESTS[0]
        with keeper.writing(OWNER) as txn:
            ids = [planted(txn, hidden), planted(txn, one)]
        client = Client(who, plant, 1)
        client.look(keeper.reading(who), keeper.reading(who).values(plant))
        with keeper.writing(OWNER) as txn:
            moved(txn, ids[0], one)
            moved(txn, ids[1], two)
            moved(txn, ids[0], hidden)
            moved(txn, ids[0], two)
        view = keeper.reading(who).values(plant)
        while not client.look(keeper.reading(who), view):
            pass
        assert view == client.known


def test_what_somebody_likes_counts_in_his_own_queries() -> None:
    with closing(Keeper()) as keeper:
        id = min(keeper.garden.objects["Bed"])
        for who in (OWNER, GUESTS[0]):
            txn = keeper.reading(who)
            since, old = txn.state(bed), txn.values(bed, [id])[id]
            with keeper.writing(who) as txn:
                txn.update(bed, id, old, old | {"isLiked": not old["isLiked"]})
            found = keeper.reading(who).touched(bed, since, False)
            assert ({id}, [id]) == (found.ids, found.existed)


# -- queries --


def queries(garden: Garden) -> Iterator[tuple[Type, Query, Callable[[JsonObject, list[JsonObject]], bool]]]:
    """Give queries of each kind, and for each what a result must fulfil among all that is seen."""
    sown = (Order(plant.sorts["sownAt"], False),)
    beds = sorted(garden.objects["Bed"])
    yield plant, Query(None, sown), lambda one, all: True
    yield plant, Query(None), lambda one, all: True
    for id in beds[:3]:
        inside = Leaf(plant.filters["inBed"], id)
        marked = Leaf(plant.filters["hasMark"], "a")
        for order in ((), sown):
            yield plant, Query(inside, order), _in_bed(id)
        yield plant, Query(Both((inside, marked)), sown), _both(_in_bed(id), _has("a"))
        yield plant, Query(Either((inside, marked)), sown), _either(_in_bed(id), _has("a"))
        yield plant, Query(Neither((inside,)), sown), _not(_in_bed(id))
        elsewhere = Leaf(plant.filters["elsewhereThan"], [id])
        yield plant, Query(elsewhere, sown), _elsewhere(id)
        yield plant, Query(Leaf(plant.filters["firstBedId"], id), sown), _is("firstBedId", bed.wire(id))
        yield bed, Query(Leaf(bed.filters["parentId"], id)), _is("parentId", bed.wire(id))
    yield plant, Query(Leaf(plant.filters["firstBedId"], None), sown), _is("firstBedId", None)
    yield plant, Query(Leaf(plant.filters["hasMark"], "b")), _has("b")
    yield plant, Query(Leaf(plant.filters["notMark"], "a"), sown), _not(_has("a"))
    yield (
        plant,
        Query(Leaf(plant.filters["someInRow"], "a"), sown),
        lambda one, all: any(_of_row(one, all, "a")),
    )
    yield (
        plant,
        Query(Leaf(plant.filters["allInRow"], "a"), sown),
        lambda one, all: False not in _of_row(one, all, "a"),
    )
    none = Leaf(plant.filters["noneInRow"], "a")
    yield plant, Query(none, sown), lambda one, all: not any(_of_row(one, all, "a"))
    yield bed, Query(None, (Order(bed.sorts["name"]),)), lambda one, all: True
    yield bed, Query(None, (Order(bed.sorts["parentId"]),)), lambda one, all: True
    yield bed, Query(Leaf(bed.filters["parentId"], None)), _is("parentId", None)
    yield bed, Query(Leaf(bed.filters["hasParent"], True)), _not(_is("parentId", None))
    for likes in (True, False):
        yield bed, Query(Leaf(bed.filters["isLiked"], likes)), _is("isLiked", likes)
    for type in (row, tool, diary, gardener):
        yield type, Query(None), lambda one, all: True


Holds = Callable[[JsonObject, list[JsonObject]], bool]


def _in_bed(id: int) -> Holds:
    return lambda one, all: bed.wire(id) in one["bedIds"]


def _elsewhere(id: int) -> Holds:
    return lambda one, all: bool(one["bedIds"].keys() - {bed.wire(id)})


def _has(mark: str) -> Holds:
    return lambda one, all: mark in one["marks"]


def _is(name: str, value: Any) -> Holds:
    return lambda one, all: bool(one[name] == value)


def _not(holds: Holds) -> Holds:
    return lambda one, all: not holds(one, all)


def _both(a: Holds, b: Holds) -> Holds:
    return lambda one, all: a(one, all) and b(one, all)


def _either(a: Holds, b: Holds) -> Holds:
    return lambda one, all: a(one, all) or b(one, all)


def _of_row(one: JsonObject, all: list[JsonObject], mark: str) -> list[bool]:
    return [mark in other["marks"] for other in all if other["rowId"] == one["rowId"]]


def _sorted(query: Query, type: Type, objects: Objects) -> list[int] | None:
    """Sort as the query asks; None where the order is the server's to choose."""
    if not query.order:
        return None
    on, rising = query.order[0].sort.on, query.order[0].ascending
    if type is bed and on == "parentId":
        keys = {id: (number(one[on]) if one[on] else -1, id) for id, one in objects.items()}
    else:
        keys = {id: (one[on], id) for id, one in objects.items()}
    return sorted(objects, key=keys.__getitem__, reverse=not rising)


@gardens
def test_queries_find_what_is_seen_by_what_is_seen_of_it(work: Work) -> None:
    with closing(Keeper()) as keeper:
        for _ in worked(keeper, work):
            pass
        for who in VISITORS:
            txn = keeper.reading(who)
            view = keeper.garden.view(who)
            for type, query, holds in queries(keeper.garden):
                objects = view[type.name]
                fitting = {id: one for id, one in objects.items() if holds(one, [*objects.values()])}
                found = txn.find(type, query)
                got = [*found.all()]
                about = (who, type, query)
                assert sorted(fitting) == sorted(got), about
                assert (_sorted(query, type, fitting) or got) == got, about
                assert len(got) == found.total(), about
                assert got[1:3] == found.page(1, 2), about
                assert set(got) == found.among([*keeper.garden.objects[type.name], 999]), about
                for anchor in keeper.garden.objects[type.name]:
                    around = found.around(anchor, 0, 2)
                    at = got.index(anchor) if anchor in got else None
                    assert around == (None if at is None else (at, got[at : at + 2])), about
                if type is plant:
                    grouped = txn.find(type, Query(query.where, query.order, collapse=True))
                    firsts = list({objects[id]["rowId"]: id for id in reversed(got)}.values())[::-1]
                    assert sorted(firsts, key=got.index) == [*grouped.all()], about
                    assert len(firsts) == grouped.total(), about


@gardens
def test_what_changes_in_a_query_has_been_touched(work: Work) -> None:
    """So that the engine's answers to queryChanges are whole (RFC 8620 §5.6)."""
    with closing(Keeper()) as keeper:
        old: list[tuple[Visitor, Type, Query, int, list[int]]] = []
        for at, _ in enumerate(worked(keeper, work)):
            if at == len(work) // 2:
                for who in VISITORS:
                    txn = keeper.reading(who)
                    for type, query, _ in queries(keeper.garden):
                        old.append((who, type, query, txn.state(type), [*txn.find(type, query).all()]))
        for who, type, query, since, before in old:
            txn = keeper.reading(who)
            if since < txn.floor(type):
                continue
            touched = txn.touched(type, since, any(leaf.filter.spreads for leaf in query.leaves()))
            after = [*txn.find(type, query).all()]
            about = (who, type, query)
            assert [id for id in before if id not in touched.ids] == [
                id for id in after if id not in touched.ids
            ], about
            assert set(before) & touched.ids <= set(touched.existed), about
            assert set(touched.existed) <= touched.ids


# -- the rest --


@gardens
def test_blobs_are_read_by_who_sees_what_keeps_them(work: Work) -> None:
    with closing(Keeper()) as keeper:
        for _ in worked(keeper, work):
            pass
        for who in GUESTS:
            txn = keeper.reading(who)
            for choice in range(3):
                digest = hashlib.sha256(str(choice).encode()).digest()
                plants = keeper.garden.view(who)["Plant"]
                holders = [id for id, one in plants.items() if one["picture"] == digest.hex()]
                assert sorted(holders) == txn.blob_holders(digest, plant)
                assert bool(holders) == txn.may_read_blob(digest, 0)


@gardens
def test_grants_are_what_the_principals_of_a_visitor_were_given(work: Work) -> None:
    with closing(Keeper()) as keeper:
        for _ in worked(keeper, work):
            pass
        told = {(one.id, one.principal): one.bits for one in keeper.reading(OWNER).untold(1000)}
        assert told == {
            (id, principal): bits
            for id, granted in keeper.garden.granted.items()
            for principal, bits in granted.items()
        }
        for who in GUESTS:
            txn = keeper.reading(who)
            expected = {id: keeper.garden.bits(who, id) for id in keeper.garden.beds(who)}
            assert expected == txn.grants().get("Bed", {})
            shown = {id: keeper.garden.granted.get(id) for id in keeper.garden.beds(who, SHARE)}
            assert {id: one for id, one in shown.items() if one} == txn.shares(
                bed, keeper.garden.objects["Bed"]
            )


def test_every_method_of_a_transaction_is_made_for_a_visitor_or_reads_nothing() -> None:
    harmless = {
        "pause",  # tells nothing
        *("allocate", "insert", "insert_all", "update", "delete", "delete_all", "count"),  # refuse, as below
        *("put_job", "put_off", "note_job", "drop_job", "release"),
        *("put_keys", "drop_keys", "hold_blob", "note_upload", "put_note", "share", "touch", "told"),
    }
    public = {name for name in vars(Transaction) if not name.startswith("_")}
    assert public == {name for name in {**vars(Guest), **vars(Seen)} if name in public} | harmless


JOB = Job(1, 3, "x", 0, 0, 0, 0, {})

WRITES: list[Callable[[Transaction], object]] = [
    lambda txn: txn.allocate(),
    lambda txn: txn.insert(tool, 1, {"name": "x"}),
    lambda txn: txn.update(tool, 1, {"name": "x"}, {"name": "y"}),
    lambda txn: txn.delete(bed, 1),
    lambda txn: txn.delete_all(bed, [1]),
    lambda txn: txn.count(bed, 1, {"plants": 1}),
    lambda txn: txn.put_keys("x", 1, [1]),
    lambda txn: txn.drop_keys("x", 1),
    lambda txn: txn.hold_blob(b"x" * 32, tool, 1),
    lambda txn: txn.note_upload(b"x" * 32, 1),
    lambda txn: txn.put_note("x", 1),
    lambda txn: txn.share(bed, 1, {12: 1}, 11, 0),
    lambda txn: txn.touch(12),
    lambda txn: txn.told([]),
    lambda txn: txn.untold(1),
    lambda txn: txn.put_job("x", 0, {}),
    lambda txn: txn.put_off(JOB, 0, {}),
    lambda txn: txn.note_job(JOB, {}),
    lambda txn: txn.drop_job(JOB),
    lambda txn: txn.first_due("x"),
    lambda txn: txn.claim("x", 0, 1, 1),
    lambda txn: txn.renew([], 1),
    lambda txn: txn.mark(),
    lambda txn: txn.rewind(None),
    lambda txn: txn.finish(),
    lambda txn: txn.write_heard(),
    lambda txn: txn.erase(),
]


@pytest.mark.parametrize("at", range(len(WRITES)))
def test_a_visitor_s_transaction_only_reads(at: int) -> None:
    with closing(Keeper()) as keeper, keeper.writing(OWNER) as txn:
        txn.share(bed, 1, {11: 7}, 1, 0)
        seen = keeper.transaction(VISITORS[0], writes=True).seen()
        with pytest.raises(RuntimeError):
            WRITES[at](seen)


# -- while others write --


def test_what_is_granted_or_made_in_a_transaction_counts_in_the_rest_of_it() -> None:
    guest = VISITORS[1]
    with closing(Keeper()) as keeper, keeper.writing(guest) as txn:
        beds = txn.ids(bed)
        eyes = txn.seen()
        assert beds != eyes.ids(bed)
        for id in beds:
            txn.share(bed, id, {12: READ}, OWNER.person, 0)
        assert beds == eyes.ids(bed)
        plant_id = planted(txn, *beds)
        assert {plant_id} == eyes.exists(plant, [plant_id])
        hidden = txn.allocate()
        txn.insert(bed, hidden, {"name": "hidden", "parentId": None})
        secret = planted(txn, hidden)
        assert beds == eyes.ids(bed)
        assert {plant_id} == eyes.exists(plant, [plant_id, secret])
        txn.share(bed, hidden, {12: READ}, OWNER.person, 0)
        assert {plant_id, secret} == eyes.exists(plant, [plant_id, secret])


def test_a_grant_that_is_taken_back_with_a_mark_is_not_remembered() -> None:
    guest = VISITORS[1]
    with closing(Keeper()) as keeper, keeper.writing(guest) as txn:
        first, second = sorted({*txn.ids(bed)} - {*txn.seen().ids(bed)})[:2]
        seen = txn.seen().ids(bed)
        mark = txn.mark()
        txn.share(bed, first, {12: READ}, OWNER.person, 0)
        assert sorted([*seen, first]) == txn.seen().ids(bed)
        txn.rewind(mark)
        txn.share(bed, second, {12: READ}, OWNER.person, 0)  # draws the same number
        assert sorted([*seen, second]) == txn.seen().ids(bed)
