"""Seen: an account as a visitor sees it, who was granted rights on some of its containers (RFC 9670, DESIGN D6).

Contract: nothing that can be asked of it tells of an object that is hidden from him, by its id, its values, or a count
or a state that moves with it. What is not opened by a rule of `opening` does not exist. It only reads: what he writes
goes through the whole `Transaction`, by the hands of the engine.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from posthouse.kit.json import JsonObject, loads
from posthouse.model.condition import Query
from posthouse.model.ports import Changes, Touched, TypeLike
from posthouse.model.type import Type
from posthouse.store import grants, heard, overlays, side, stamps, tally, visits
from posthouse.store.find import Find
from posthouse.store.guest import Guest
from posthouse.store.heard import Level
from posthouse.store.layout import Layout, Plan
from posthouse.store.ledger import Ledger
from posthouse.store.opening import By, Opening
from posthouse.store.sight import ASKED_ONE_BY_ONE, SeenFind, Sight
from posthouse.store.sqlite import IN_LIST, Row, in_list
from posthouse.store.stamps import Act, Step
from posthouse.store.standing import Standing
from posthouse.store.txn import ID_MASK, Transaction, id_of
from posthouse.store.veil import Veil

_NOTHING: Final = Level(0, 0)
_Moment: TypeAlias = tuple[Ledger, int] | None
"""A moment in a transaction that writes; None in one that only reads."""


class Seen(Guest):
    """What a visitor sees in a transaction, of which it shares the snapshot, or the writes so far."""

    def __init__(self, whole: Transaction) -> None:
        super().__init__(
            whole._database,
            whole._schema,
            whole.account,
            whole.person,
            False,
            whole._is_late,
            whole.through,
            whole.subscribed,
        )
        self._whole = whole
        self._tallies = whole._tallies
        self._remembered: tuple[_Moment, Standing] | None = None

    # -- what is granted --

    def seen(self) -> Transaction:
        """Give itself."""
        return self

    def grants(self) -> Mapping[str, Mapping[int, int]]:
        """Give the rights that the visitor has, as bits by type of container and id."""
        return self._standing().grants

    def shares(self, type: TypeLike, ids: Iterable[int]) -> dict[int, dict[int, int]]:
        """Give the rights that were granted on containers, of those that the visitor may share himself."""
        rights = self._layout(type).type.rights
        if rights is None or rights.share is None:
            return {}
        bit = rights.bit(rights.share)
        mine = self._granted(type.name)
        return super().shares(type, [id for id in ids if mine.get(id, 0) & bit])

    def _standing(self) -> Standing:
        """Give what the visitor holds, as far as others have written."""
        moment = self._moment()
        if self._remembered is None or self._remembered[0] != moment:
            self._remembered = moment, self._stand()
        return self._remembered[1]

    def _moment(self) -> _Moment:
        """Give what is another when a grant may have changed, or a container or a person came or went.

        Each of these draws a number of a type of containers or people, or one that is of no type. What is taken back
        goes with the account's row, for which there's another object then.
        """
        if not self._whole._writes:
            return None
        ledger = self._whole._row()
        newest = 0
        for name, number in ledger.moved.items():
            opening = self._schema.openings.get(name)
            if opening is None or opening.by is By.GRANT or opening.by is By.PEOPLE:
                newest = max(newest, number)
        return ledger, newest

    def _stand(self) -> Standing:
        held = grants.held(self._database, self.account, self.through or ())
        found: dict[str, Mapping[int, int]] = {}
        for name, opening in self._schema.openings.items():
            rights = self._schema.layouts[name].type.rights
            if opening.by is By.GRANT:
                mine = held.rights.get(self._schema.codes[name])
                if mine:
                    found[name] = mine
            elif opening.by is By.PEOPLE and rights is not None and self._is_here(name):
                found[name] = {self.person: rights.all}
        return Standing(held.newest, found)

    def _is_here(self, people: str) -> bool:
        """Say whether the visitor himself is among the objects of a type that stand for people."""
        type = self._schema.layouts[people].type
        return self.person in (self.through or ()) and bool(self._whole.exists(type, [self.person]))

    def _granted(self, name: str) -> Mapping[int, int]:
        """Give the bits of the visitor's rights on containers of a type, by id."""
        return self._standing().granted(name)

    def _readable(self, opening: Opening) -> Sequence[int]:
        """Give the containers that let the visitor see what is in them, ascending."""
        return self._standing().readable(opening)

    def _sees_all(self, name: str) -> bool:
        """Say whether the visitor sees all objects of a type, or of whatever else there is all items and groups.

        An item is in one container at least: no capability writes it otherwise.
        """
        opening = self._schema.openings[name]
        if opening.by is By.CONTAINER or opening.by is By.ITEM:
            return all(self._reads_all(container, opening) for container in opening.containers)
        return self._may(opening)

    def _reads_all(self, container: str, opening: Opening) -> bool:
        """Say whether the visitor sees what is in any container of a type that there is."""
        if self._schema.openings[container].by is not By.GRANT:
            return False
        known = self._standing().all_read
        if container not in known:
            hidden = self._database.one(
                f"SELECT 1 FROM obj_{container.lower()} "
                f"WHERE +account = ? AND key BETWEEN ? AND ? AND (key & {ID_MASK}) NOT {IN_LIST} LIMIT 1",
                (self.account, self._base, self._base | ID_MASK, in_list(self._readable(opening))),
            )
            known[container] = hidden is None
        return known[container]

    # -- what is open --

    def _row(self) -> Ledger:
        return self._whole._row()

    def _layout(self, type: TypeLike) -> Layout:
        return self._schema.layouts[type.name]

    def _opening(self, type: TypeLike) -> Opening:
        return self._schema.openings[type.name]

    def _code(self, type: TypeLike) -> int:
        return self._schema.codes[type.name]

    def _may(self, opening: Opening) -> bool:
        """Say whether the visitor sees any object of a type that is open in one piece, or in none."""
        return opening.by is By.PEOPLE or (opening.by is By.RIGHT and bool(self._readable(opening)))

    # -- states --

    def state(self, *types: TypeLike) -> int:
        """See `ports.Txn.state`: the newest number of what the visitor sees, or of a change of what that is."""
        self._whole.write_heard()
        return max([self._standing().newest, *[self._level(type) for type in types]])

    def floor(self, *types: TypeLike) -> int:
        """See `ports.Txn.floor`: what could be seen before the newest grant can't be told."""
        return max(self._standing().newest, self._whole.floor(*types))

    def levels(self) -> dict[str, int]:
        """See `ports.Txn.levels`; only of types of which the visitor may see something."""
        self._whole.write_heard()
        found = {}
        for name, opening in self._schema.openings.items():
            type = self._schema.layouts[name].type
            if opening.containers and not self._readable(opening):
                continue
            if opening.by is By.NOTHING:
                continue
            if opening.by in (By.GRANT, By.PEOPLE) and not self._granted(name):
                continue  # where he is not among the people, there are none
            found[name] = max(self._standing().newest, self._level(type))
            if opening.by is By.CONTAINER and type.arrivals is not None:
                found[type.arrivals] = self._heard(name).arrived
        return {name: level for name, level in found.items() if level}

    def _level(self, type: TypeLike) -> int:
        opening = self._opening(type)
        match opening.by:
            case By.NOTHING:
                return 0
            case By.PEOPLE | By.RIGHT:
                return self._whole.state(type) if self._may(opening) else 0
            case By.CONTAINER:
                return self._heard(type.name).high
            case By.ITEM:
                return self._heard(opening.items).high
            case By.GRANT:
                where = self._database, self.account, self._code(type)
                return max(
                    visits.newest(*where, self._granted(type.name)),
                    overlays.newest(*where, self.person, self._granted(type.name)),
                    grants.newest(*where, self._shareable(type)),
                    self._heard_in(type.name),
                )

    def _heard(self, items: str) -> Level:
        """Give how far the containers have come that let the visitor see items of a type."""
        containers = self._readable(self._schema.openings[items])
        if not containers:
            return _NOTHING
        known = self._standing().heard
        if items not in known or self._whole._writes:
            code = self._schema.codes[items]
            known[items] = heard.level(self._database, self.account, code, containers)
        return known[items]

    def _heard_in(self, container: str) -> int:
        """Give the newest number of any change of an item that is seen in a type's containers."""
        names = [name for name, (where, _) in self._schema.items.items() if where == container]
        return max([self._heard(name).high for name in names], default=0)

    def _shareable(self, type: TypeLike) -> list[int]:
        """Give the containers of a type that the visitor may share."""
        rights = self._layout(type).type.rights
        if rights is None or rights.share is None:
            return []
        bit = rights.bit(rights.share)
        return [id for id, bits in self._granted(type.name).items() if bits & bit]

    # -- changes --

    def changes(self, type: TypeLike, since: int, limit: int) -> Changes:
        """See `ports.Txn.changes`."""
        opening = self._opening(type)
        high = self.state(type)
        if self._may(opening):
            found = self._whole.changes(type, since, limit)
            return found if found.more else replace(found, until=high)
        return stamps.cut(self._steps(type, opening, since), high, limit)

    def touched(self, type: TypeLike, since: int, whole_groups: bool) -> Touched:
        """See `ports.Txn.touched`."""
        opening = self._opening(type)
        if self._may(opening):
            return self._whole.touched(type, since, whole_groups)
        if opening.by is not By.CONTAINER:
            # What came back is told as created, and yet may have been there.
            ids = frozenset(step.id for step in self._steps(type, opening, since))
            return Touched(ids, sorted(ids))
        containers = self._readable(opening)
        where = self._database, self.account, self._code(type)
        items = {
            item.id: item for item in visits.moved(*where, since, containers) if item.step(since) is not None
        }
        if whole_groups:
            groups = {item.group for item in items.values() if item.group is not None}
            for item in visits.in_groups(*where, groups, containers):
                if any(not stay.gone or stay.gone > since for stay in item.stays):
                    items.setdefault(item.id, item)
        return Touched(frozenset(items), sorted(item.id for item in items.values() if item.made <= since))

    def _steps(self, type: TypeLike, opening: Opening, since: int) -> list[Step]:
        """Give all that changed for the visitor after a state, in a type of which he sees some objects."""
        match opening.by:
            case By.GRANT:
                return self._container_steps(type, since)
            case By.CONTAINER:
                where = self._database, self.account, self._code(type)
                return visits.item_steps(*where, since, self._readable(opening))
            case By.ITEM:
                where = self._database, self.account, self._schema.codes[opening.items]
                return visits.group_steps(*where, since, self._readable(opening))
            case _:
                return []

    def _container_steps(self, type: TypeLike, since: int) -> list[Step]:
        where = self._database, self.account, self._code(type)
        mine = self._granted(type.name)
        steps = [Step(place, id, Act.UPDATED) for place, id in visits.changed(*where, since, mine)]
        own = overlays.since(*where, self.person, since)
        steps += [Step(place, id, Act.UPDATED) for place, id in own if id in mine]
        shareable = {*self._shareable(type)}
        if shareable:
            granted = grants.since(*where, since)
            steps += [Step(place, id, Act.UPDATED) for place, id in granted if id in shareable]
        high = self._heard_in(type.name)
        if high > since:
            # Counters depend on each other, so those of all are told; `heard` says why there is a place for each.
            counted = self._counted(type.name)
            first = high - len(counted) + 1
            steps += [
                Step(first + at, id, Act.COUNTED) for at, id in enumerate(counted) if first + at > since
            ]
        return steps

    def _counted(self, container: str) -> list[int]:
        """Give the containers of a type whose counters the visitor sees, ascending."""
        rights = self._schema.layouts[container].type.rights
        if rights is None:
            return []
        bit = rights.bit(rights.read)
        return sorted(id for id, bits in self._granted(container).items() if bits & bit)

    # -- reading --

    def ids(self, type: TypeLike) -> list[int]:
        """See `ports.Txn.ids`."""
        opening = self._opening(type)
        match opening.by:
            case By.GRANT:
                return sorted(self._granted(type.name))
            case By.CONTAINER:
                return visits.items_in(
                    self._database, self.account, self._code(type), self._readable(opening)
                )
            case By.ITEM:
                within = self._schema.layouts[opening.items].within
                assert within is not None
                table = f"member_{opening.items.lower()}_{within.name.lower()}"
                return visits.groups_of(self._database, self.account, table, self._readable(opening))
            case _:
                return self._whole.ids(type) if self._may(opening) else []

    def exists(self, type: TypeLike, ids: Iterable[int]) -> set[int]:
        """See `ports.Txn.exists`."""
        opening = self._opening(type)
        if opening.by is By.GRANT:
            return self._granted(type.name).keys() & {*ids}
        if self._sees_all(type.name):
            return self._whole.exists(type, ids)
        match opening.by:
            case By.CONTAINER:
                return self._seen_items(type, opening, ids)
            case By.ITEM:
                return {group for group, _ in self._seen_in(opening, ids)}
            case _:
                return set()

    def _seen_in(self, opening: Opening, groups: Iterable[int]) -> list[tuple[int, int]]:
        """Give the items of some groups that are seen: the group of each, and its id."""
        items = self._schema.layouts[opening.items].type
        where = self._database, self.account, self._code(items)
        containers = self._readable(opening)
        if len(containers) <= ASKED_ONE_BY_ONE:
            return visits.seen_of(*where, groups, containers) if containers else []
        of = {id: group for group, id in visits.items_of(*where, [*groups])}
        return [(of[id], id) for id in self.exists(items, of)]

    def _seen_items(self, type: TypeLike, opening: Opening, ids: Iterable[int]) -> set[int]:
        """Give those of some items that are seen."""
        containers = self._readable(opening)
        if not containers:
            return set()
        if len(containers) <= ASKED_ONE_BY_ONE:
            return visits.seen(self._database, self.account, self._code(type), ids, containers)
        layout = self._layout(type)
        assert layout.within is not None
        plan = layout.plan([layout.within.name])
        rows = self._whole.rows(type, ids, plan)
        texts = plan.texts(rows, layout.within.name)
        open = {
            text
            for text in {*texts} - {b""}
            if not {*containers}.isdisjoint(map(layout.within.column, loads(text) or ()))
        }
        return {id_of(row) for row, text in zip(rows, texts, strict=True) if text in open}

    def _items(
        self, type: TypeLike, opening: Opening, ids: Iterable[int], names: Iterable[str] | None
    ) -> dict[int, JsonObject]:
        """Read those of some items that are seen, with the property that names their containers."""
        within = self._layout(type).within
        assert within is not None
        containers = {*self._readable(opening)}
        wanted = None if names is None else {*names, within.name}
        read = self._whole.values(type, ids, wanted) if containers else {}
        return {
            id: values
            for id, values in read.items()
            if not containers.isdisjoint(map(within.column, values[within.name] or ()))
        }

    def values(
        self, type: TypeLike, ids: Iterable[int] | None = None, names: Iterable[str] | None = None
    ) -> dict[int, JsonObject]:
        """See `ports.Txn.values`."""
        asked = None if names is None else {*names}
        wanted = self.ids(type) if ids is None else [*ids]
        opening = self._opening(type)
        if opening.by is not By.CONTAINER:
            there = self.exists(type, wanted) if ids is not None else {*wanted}
            return self.mask(type, self._whole.values(type, [id for id in wanted if id in there], asked))
        objects = self.mask(type, self._items(type, opening, wanted, asked))
        within = self._layout(type).type.within
        if asked is not None and within is not None and within not in asked:
            for values in objects.values():
                del values[within]
        return objects

    def rows(self, type: TypeLike, ids: Iterable[int] | None, plan: Plan, most: int = -1) -> list[Row]:
        """Read the rows that a plan renders, masked as `mask` does; see `Transaction.rows`."""
        opening = self._opening(type)
        known: Mapping[str, Collection[int]] = {}
        if ids is None:
            wanted = self.ids(type)[: most if most >= 0 else None]
        elif opening.by is By.ITEM and not self._sees_all(type.name):
            pairs = self._seen_in(opening, ids := [*ids])
            there = {group for group, _ in pairs}
            known = {opening.items: {id for _, id in pairs}}
            wanted = [id for id in ids if id in there]
        elif opening.by is not By.GRANT and self._sees_all(type.name):
            wanted = [*ids]  # what isn't there has no row
        else:
            there = self.exists(type, ids := [*ids])
            wanted = [id for id in ids if id in there]
        rows = self._whole.rows(type, wanted, plan)
        declared = self._layout(type).type
        veil = self._veil(declared, known)
        for name in veil.names:
            texts = plan.texts(rows, name)
            other = veil.texts(name, texts)
            if other:
                rows = [
                    plan.replaced(row, name, other[text]) if text in other else row
                    for row, text in zip(rows, texts, strict=True)
                ]
        if not plan.counted or not rows or self._counts_all(declared):
            return rows
        objects = {id_of(row): plan.counts(row) for row in rows}
        self._count_anew(declared, objects)
        return [plan.recounted(row, objects[id_of(row)]) for row in rows]

    def overlays(self, type: TypeLike, names: Sequence[str]) -> dict[int, JsonObject]:
        """Read the visitor's own values of the objects of a type that he sees."""
        own = self._whole.overlays(type, names)
        there = self.exists(type, own)
        return {id: values for id, values in own.items() if id in there}

    def mask(self, type: TypeLike, objects: dict[int, JsonObject]) -> dict[int, JsonObject]:
        """Give copies of objects without references to what the visitor does not see.

        The counters of a container are those of what he sees in it.
        """
        declared = self._layout(type).type
        copies = self._veil(declared).objects(objects)
        if not self._counts_all(declared):
            self._count_anew(declared, copies)
        return copies

    def _veil(self, type: Type, known: Mapping[str, Collection[int]] | None = None) -> Veil:
        """Give what hides references in objects of a type.

        known: of types of which it was asked before what is seen of all that the objects may refer to, that.
        """

        def sees(name: str, target: str, wires: Collection[str]) -> Collection[str]:
            if target not in self._schema.layouts:
                return ()
            other = self._schema.layouts[target].type
            all = [*wires]
            numbers = dict(zip(all, other.locals(all), strict=True))
            if name == type.within:
                seen: Collection[int] = {*self._readable(self._opening(type))}
            elif known and target in known:
                seen = known[target]
            else:
                seen = self.exists(other, [number for number in numbers.values() if number is not None])
            return [wire for wire, number in numbers.items() if number in seen]

        shows_within = self._opening(type).by is By.CONTAINER and self._sees_all(type.name)
        names = [
            name
            for name, targets in self._schema.references[type.name].items()
            if not (shows_within if name == type.within else self._hides_none(targets))
        ]
        return Veil(type, names, sees)

    def _hides_none(self, targets: Iterable[str]) -> bool:
        """Say whether the visitor sees all objects of some types, containers apart: of those it is soon asked."""
        return all(target in self._schema.openings and self._sees_all(target) for target in targets)

    def _counts_all(self, container: Type) -> bool:
        """Say whether the visitor sees all that is in containers of a type, and so all that is counted of it."""
        return all(
            self._reads_all(where, self._schema.openings[items])
            for items, (where, _) in self._schema.items.items()
            if where == container.name
        )

    def _count_anew(self, type: Type, objects: dict[int, JsonObject]) -> None:
        counters = self._layout(type).counters
        if self._opening(type).by is not By.GRANT or not counters:
            return
        readable = {*self._counted(type.name)}
        for id, values in objects.items():
            if id not in readable:
                values.update(dict.fromkeys(values.keys() & {*counters}, 0))
        counted = {id: values for id, values in objects.items() if id in readable}
        if type.recount_hook is not None and counted:
            type.recount_hook(self, counted)

    # -- finding and counting --

    def find(self, type: TypeLike, query: Query) -> Find:
        """See `ports.Txn.find`."""
        self._tallies.write()
        opening = self._opening(type)
        layout = self._layout(type)
        containers = self._readable(opening) if opening.by is By.CONTAINER else None
        sight = Sight(
            containers,
            None if containers is not None or self._may(opening) else self.ids(type),
            {
                target: None if self._may(self._schema.openings[target]) else self._granted(target).keys()
                for targets in self._schema.references[type.name].values()
                for target in targets
                if target in self._schema.layouts
            },
        )
        return SeenFind(self._database, self, layout, self._code(type), query, sight)

    def tally(self, type: TypeLike, container: int = 0, word: str = "") -> tuple[int, int]:
        """See `ports.Txn.tally`."""
        opening = self._opening(type)
        layout = self._layout(type)
        containers = self._readable(opening) if opening.by is By.CONTAINER else []
        if container:
            return self._whole.tally(type, container, word) if container in containers else (0, 0)
        if len(containers) == 1:
            return self._whole.tally(type, containers[0], word)
        if self._sees_all(type.name):
            return self._whole.tally(type, 0, word)
        declared = layout.type
        if declared.tally is None or not containers:
            return 0, 0
        stored = self.values(type, None, declared.basis).values()
        found = [values for values in stored if word in tally.words(declared.tally, values)]
        return len(found), len({layout.group(values) for values in found})

    def tallies_of_group(self, type: TypeLike, group: int) -> dict[tuple[int, str], int]:
        """See `ports.Txn.tallies_of_group`."""
        layout = self._layout(type)
        declared = layout.type
        if declared.tally is None or self._opening(type).by is not By.CONTAINER:
            return {}
        items = visits.items_of(self._database, self.account, self._code(type), [group])
        found: dict[tuple[int, str], int] = {}
        for values in self.values(type, [id for _, id in items], declared.basis).values():
            for container in tally.containers_of(layout.within, values):
                for word in tally.words(declared.tally, values):
                    found[container, word] = found.get((container, word), 0) + 1
        return found

    def groups_in(self, type: TypeLike, container: int) -> list[int]:
        """See `ports.Txn.groups_in`."""
        opening = self._opening(type)
        if opening.by is not By.CONTAINER or container not in self._readable(opening):
            return []
        return self._whole.groups_in(type, container)

    def groups_with(self, type: TypeLike, container: int, word: str, outside: Sequence[int] = ()) -> int:
        """See `ports.Txn.groups_with`."""
        opening = self._opening(type)
        containers = {*self._readable(opening)} if opening.by is By.CONTAINER else set()
        if container not in containers:
            return 0
        return self._groups_with(type, container, word, self._carrying(type, word, outside) & containers)

    def sees_all_with(self, type: TypeLike, word: str, outside: Sequence[int] = ()) -> bool:
        """See `ports.Txn.sees_all_with`."""
        opening = self._opening(type)
        return opening.by is By.CONTAINER and self._carrying(type, word, outside).issubset(
            self._readable(opening)
        )

    # -- blobs --

    def blob_holders(self, digest: bytes, type: TypeLike) -> list[int]:
        """See `ports.Txn.blob_holders`."""
        return sorted(self.exists(type, self._whole.blob_holders(digest, type)))

    def may_read_blob(self, digest: bytes, now: int) -> bool:
        """See `ports.Txn.may_read_blob`."""
        if side.is_uploaded(self._database, self.account, digest, self.person, now):
            return True
        for code, ids in side.holders(self._database, self.account, digest).items():
            layout = self._schema.layouts.get(self._schema.names[code])
            if layout is not None and self.exists(layout.type, ids):
                return True
        return False
