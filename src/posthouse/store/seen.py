"""Seen: an account as a visitor sees it, who was granted rights on some of its containers (RFC 9670, DESIGN D6).

Contract: nothing that can be asked of it tells of an object that is hidden from him, by its id, its values, or a count
or a state that moves with it. What is not opened by a rule of `opening` does not exist. It only reads: what he writes
goes through the whole `Transaction`, by the hands of the engine.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NoReturn

from posthouse.kit.json import Json, JsonObject, dumps, loads
from posthouse.model.condition import Query
from posthouse.model.job import Job
from posthouse.model.kind import targets
from posthouse.model.ports import Changes, Mark, Touched, TypeLike
from posthouse.model.type import Type
from posthouse.store import grants, heard, overlays, side, stamps, tally, visits
from posthouse.store.find import Find
from posthouse.store.grants import Held
from posthouse.store.heard import Level
from posthouse.store.layout import Layout, Plan
from posthouse.store.ledger import Ledger
from posthouse.store.mask import masked
from posthouse.store.opening import By, Opening
from posthouse.store.sight import ASKED_ONE_BY_ONE, SeenFind, Sight
from posthouse.store.sqlite import Row
from posthouse.store.stamps import Act, Step
from posthouse.store.txn import Transaction, id_of

_NOTHING: Final = Level(0, 0)


class Seen(Transaction):
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
        self._remembered: tuple[Held, dict[str, dict[int, int]]] | None = None

    # -- what is granted --

    def seen(self) -> Transaction:
        """Give itself."""
        return self

    def grants(self) -> Mapping[str, Mapping[int, int]]:
        """Give the rights that the visitor has, as bits by type of container and id."""
        return self._grants()[1]

    def shares(self, type: TypeLike, ids: Iterable[int]) -> dict[int, dict[int, int]]:
        """Give the rights that were granted on containers, of those that the visitor may share himself."""
        rights = self._layout(type).type.rights
        if rights is None or rights.share is None:
            return {}
        bit = rights.bit(rights.share)
        mine = self._granted(type.name)
        return super().shares(type, [id for id in ids if mine.get(id, 0) & bit])

    def _grants(self) -> tuple[Held, dict[str, dict[int, int]]]:
        """Give what the visitor holds, and that by the names of types; while others may write it is read anew."""
        if self._remembered is None or self._whole._writes:
            held = grants.held(self._database, self.account, self.through or ())
            found: dict[str, dict[int, int]] = {}
            for name, opening in self._schema.openings.items():
                rights = self._schema.layouts[name].type.rights
                if opening.by is By.GRANT:
                    mine = held.rights.get(self._schema.codes[name])
                    if mine:
                        found[name] = dict(mine)
                elif opening.by is By.PEOPLE and rights is not None and self._is_here(name):
                    found[name] = {self.person: rights.all}
            self._remembered = held, found
        return self._remembered

    def _is_here(self, people: str) -> bool:
        """Say whether the visitor himself is among the objects of a type that stand for people."""
        type = self._schema.layouts[people].type
        return self.person in (self.through or ()) and bool(self._whole.exists(type, [self.person]))

    def _granted(self, name: str) -> Mapping[int, int]:
        """Give the bits of the visitor's rights on containers of a type, by id."""
        return self._grants()[1].get(name, {})

    def _newest_grant(self) -> int:
        return self._grants()[0].newest

    def _readable(self, opening: Opening) -> list[int]:
        """Give the containers that let the visitor see what is in them, ascending."""
        return sorted(
            id
            for name, bit in opening.containers.items()
            for id, bits in self._granted(name).items()
            if bits & bit
        )

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
        return max([self._newest_grant(), *[self._level(type) for type in types]])

    def floor(self, *types: TypeLike) -> int:
        """See `ports.Txn.floor`: what could be seen before the newest grant can't be told."""
        return max(self._newest_grant(), self._whole.floor(*types))

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
            found[name] = max(self._newest_grant(), self._level(type))
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
        return heard.level(self._database, self.account, self._schema.codes[items], containers)

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
                items = visits.moved(
                    self._database, self.account, self._code(type), since, self._readable(opening)
                )
                return [step for item in items if (step := item.step(since)) is not None]
            case By.ITEM:
                return self._group_steps(opening, since)
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

    def _group_steps(self, opening: Opening, since: int) -> list[Step]:
        where = self._database, self.account, self._schema.codes[opening.items]
        containers = self._readable(opening)
        groups = {
            item.group
            for item in visits.moved(*where, since, containers)
            if item.group is not None and any(max(stay) > since for stay in item.stays)
        }
        return visits.groups(visits.in_groups(*where, groups, containers), since)

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
        match opening.by:
            case By.GRANT:
                return self._granted(type.name).keys() & {*ids}
            case By.CONTAINER:
                return self._seen_items(type, opening, ids)
            case By.ITEM:
                items = self._schema.layouts[opening.items].type
                of = {
                    id: group
                    for group, id in visits.items_of(self._database, self.account, self._code(items), [*ids])
                }
                return {of[id] for id in self.exists(items, of)}
            case _:
                return self._whole.exists(type, ids) if self._may(opening) else set()

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
        wanted = self.ids(type)[: most if most >= 0 else None] if ids is None else [*ids]
        there = {*wanted} if ids is None else self.exists(type, wanted)
        rows = self._whole.rows(type, [id for id in wanted if id in there], plan)
        declared = self._layout(type).type
        for name in declared.referring - {declared.group}:
            texts = plan.texts(rows, name)
            masked = self._masked_texts(declared, name, {*texts} - {b""})
            if masked:
                rows = [
                    plan.replaced(row, name, masked[text]) if text in masked else row
                    for row, text in zip(rows, texts, strict=True)
                ]
        if not plan.counted or not rows:
            return rows
        objects = {id_of(row): plan.counts(row) for row in rows}
        self._count_anew(declared, objects)
        return [plan.recounted(row, objects[id_of(row)]) for row in rows]

    def _masked_texts(self, type: Type, name: str, texts: Iterable[bytes]) -> dict[bytes, bytes]:
        """Give what the JSON of one property is without references to what is hidden, where that is another.

        Most objects refer to the same few, as Emails to their Mailboxes, so each text is read once.
        """
        objects = {at: {name: loads(text)} for at, text in enumerate(texts)}
        seen = self._masked(type, [name], objects)
        return {
            text: dumps(seen[at][name])
            for at, text in enumerate(texts)
            if seen[at][name] != objects[at][name]
        }

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
        copies = self._masked(declared, declared.referring - {declared.group}, objects)
        self._count_anew(declared, copies)
        return copies

    def _masked(
        self, type: Type, names: Collection[str], objects: Mapping[int, JsonObject]
    ) -> dict[int, JsonObject]:
        """Give copies of objects of which some properties refer to nothing that is hidden."""
        shown = self._shown(type, names, objects) if names else set()
        return {
            id: {
                name: masked(type.properties[name].kind, value, lambda *one, at=name: (at, *one) in shown)
                if name in names
                else value
                for name, value in values.items()
            }
            for id, values in objects.items()
        }

    def _shown(
        self, type: Type, names: Collection[str], objects: Mapping[int, JsonObject]
    ) -> set[tuple[str, str, str]]:
        """Give which references of some properties may be shown: property, type and id on the wire of each."""
        wires: dict[tuple[str, str], set[str]] = {}
        for values in objects.values():
            for name in values.keys() & names:
                if values[name] is not None:
                    for target, wire in type.properties[name].kind.references(values[name]):
                        wires.setdefault((name, target), set()).add(wire)
        shown: set[tuple[str, str, str]] = set()
        for (name, target), some in wires.items():
            if target not in self._schema.layouts:
                continue
            other = self._schema.layouts[target].type
            all = [*some]
            numbers = {
                wire: number
                for wire, number in zip(all, other.locals(all), strict=True)
                if number is not None
            }
            if name == type.within:
                seen = {*self._readable(self._opening(type))}
            else:
                seen = self.exists(other, numbers.values())
            shown.update((name, target, wire) for wire, number in numbers.items() if number in seen)
        return shown

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
                for prop in layout.type.properties.values()
                for target in targets(prop.kind)
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

    # -- keys, blobs, notes --

    def find_keys(self, space: str, keys: Iterable[int]) -> dict[int, int]:
        """Find nothing: keys are for the server's own work."""
        return {}

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

    def note(self, name: str) -> Json:
        """Give nothing: notes are for the server's own work."""
        return None

    def jobs(self, kind: str, about: int | None = None) -> list[Job]:
        """Give nothing: jobs are the server's own."""
        return []

    def count_jobs(self, kind: str) -> int:
        """Give nothing, as `jobs`."""
        return 0

    def put_off(self, job: Job, due: int, payload: JsonObject) -> bool:
        """Refuse it as `mark`."""
        return bool(self.mark())

    def note_job(self, job: Job, payload: JsonObject) -> bool:
        """Refuse it as `mark`."""
        return bool(self.mark())

    def drop_job(self, job: Job) -> bool:
        """Refuse it as `mark`."""
        return bool(self.mark())

    def first_due(self, kind: str) -> NoReturn:
        """Refuse it as `untold`."""
        self.untold(0)

    def claim(self, kind: str, now: int, until: int, limit: int) -> NoReturn:
        """Refuse it as `untold`."""
        self.untold(0)

    def renew(self, taken: Sequence[Job], until: int) -> NoReturn:
        """Refuse it as `untold`."""
        self.untold(0)

    def untold(self, limit: int) -> NoReturn:
        """Refuse it: it is for the server."""
        raise RuntimeError("a visitor sees only what is granted to him")

    # -- trying and ending: the whole transaction does that --

    def mark(self) -> Mark:
        """Refuse it: a visitor's transaction only reads."""
        raise RuntimeError("a visitor's transaction only reads")

    def rewind(self, mark: Mark) -> None:
        """Refuse it as `mark`."""
        self.mark()

    def finish(self) -> None:
        """Refuse it as `mark`."""
        self.mark()

    def write_heard(self) -> None:
        """Refuse it as `mark`."""
        self.mark()

    def erase(self) -> bool:
        """Refuse it as `mark`."""
        return bool(self.mark())

    def moved(self) -> dict[str, int]:
        """Give nothing, for it moves nothing."""
        return {}
