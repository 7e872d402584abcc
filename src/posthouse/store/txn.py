"""Transaction: one unit of work on one account of a shard; the embedded store's `ports.Txn`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import Final, cast

from posthouse.kit.json import Json, JsonObject
from posthouse.model import news
from posthouse.model.condition import Query
from posthouse.model.job import Job
from posthouse.model.ports import Changes, Fresh, Mark, TooMuch, Touched, TypeLike
from posthouse.model.property import Part
from posthouse.store import derived, erase, grants, heard, jobs, members, overlays, side, stamps, tally
from posthouse.store.find import Find
from posthouse.store.grants import Granted as Granted
from posthouse.store.layout import Layout, Plan
from posthouse.store.ledger import Ledger
from posthouse.store.opening import By
from posthouse.store.schema import Schema
from posthouse.store.sqlite import IN_LIST, Database, Interrupted, Row, in_list
from posthouse.store.tally import Tallies

ID_BITS: Final = 32
ID_MASK: Final = (1 << ID_BITS) - 1

_NO_LEVEL: Final = (0, 0)
_FEW: Final = 256
"""So many visitors are named to whom something new is visible; of more, all are."""
_MOST_OCTETS: Final = 50_000_000
_ROWS_AT_ONCE: Final = 64


def id_of(row: Row) -> int:
    """Give the local id of the object whose row this is."""
    return cast(int, row[0]) & ID_MASK


class Transaction:
    """Reads and writes on one account; see `posthouse.model.ports.Txn` for what each method promises.

    Counts and the account's own row are gathered while the unit runs; `finish` writes them once at its end.
    Rows are found by their key; the sign in ``+account`` keeps the planner from an index on the account.
    """

    def __init__(
        self,
        database: Database,
        schema: Schema,
        account: int,
        person: int,
        writes: bool,
        is_late: Callable[[], bool] = lambda: False,
        through: frozenset[int] | None = None,
        subscribed: bool = False,
    ) -> None:
        self.account = account
        self.person = person
        self.through = through
        self.subscribed = subscribed
        self._is_late = is_late
        self._database = database
        self._schema = schema
        self._writes = writes
        self._base = account << ID_BITS
        self._known: Ledger | None = None
        self._changed = False
        self._marks = 0
        self._tallies = Tallies(database, account)
        self._as_seen: Transaction | None = None

    # -- states --

    def state(self, *types: TypeLike) -> int:
        """See `ports.Txn.state`."""
        levels = (self._known or self._row()).levels
        highest = 0
        for type in types:
            level = levels.get(type.name, _NO_LEVEL)[0]
            if level > highest:
                highest = level
        return highest

    def floor(self, *types: TypeLike) -> int:
        """See `ports.Txn.floor`."""
        levels = self._row().levels
        return max([levels.get(type.name, _NO_LEVEL)[1] for type in types])

    def levels(self) -> dict[str, int]:
        """See `ports.Txn.levels`."""
        return {name: level[0] for name, level in self._row().levels.items()}

    def moved(self) -> dict[str, int]:
        """Give the newest number of each type that this transaction has moved, by the type's name."""
        return {} if self._known is None else self._known.moved

    def _row(self) -> Ledger:
        """Give the account's own row, read once."""
        if self._known is None:
            self._known = Ledger.read(self._database, self.account)
        return self._known

    def changes(self, type: TypeLike, since: int, limit: int) -> Changes:
        """See `ports.Txn.changes`."""
        code = self._schema.codes[type.name]
        layout = self._schema.layouts[type.name]
        beside = []
        if layout.overlay:
            beside = overlays.since(self._database, self.account, code, self.person, since)
        if layout.type.rights is not None and self._row().shared is not None:
            beside += grants.since(self._database, self.account, code, since)
        return stamps.changes(
            self._database,
            (self.account, code),
            since,
            self.state(type),
            limit,
            beside,
            counts=bool(layout.counters),
        )

    def touched(self, type: TypeLike, since: int, whole_groups: bool) -> Touched:
        """See `ports.Txn.touched`."""
        code = self._schema.codes[type.name]
        own = []
        if self._schema.layouts[type.name].overlay:
            own = overlays.since(self._database, self.account, code, self.person, since)
        return stamps.touched(self._database, self.account, code, since, whole_groups, own)

    def pause(self) -> None:
        """See `ports.Txn.pause`."""
        if self._is_late():
            raise Interrupted

    # -- reading --

    def ids(self, type: TypeLike) -> list[int]:
        """See `ports.Txn.ids`."""
        rows = self._database.all(
            f"SELECT key FROM obj_{type.name.lower()} WHERE +account = ? AND key BETWEEN ? AND ? ORDER BY key",
            (self.account, self._base, self._base | ID_MASK),
        )
        return [cast(int, row[0]) & ID_MASK for row in rows]

    def exists(self, type: TypeLike, ids: Iterable[int]) -> set[int]:
        """See `ports.Txn.exists`."""
        keys = [self._base | id for id in ids]
        if not keys:
            return set()
        rows = self._database.all(
            f"SELECT key FROM obj_{type.name.lower()} WHERE +account = ? AND key {IN_LIST}",
            (self.account, in_list(keys)),
        )
        return {cast(int, row[0]) & ID_MASK for row in rows}

    def rows(self, type: TypeLike, ids: Iterable[int] | None, plan: Plan, most: int = -1) -> list[Row]:
        """Read the rows that a plan renders, which begin with the key; what does not exist has none.

        They come in the order of the ids. ``ids`` None reads all of the type, ``most`` at most, by their ids.
        Raises `TooMuch` if they are larger together than what one call may hold in memory.
        """
        if ids is None:
            sql = plan.select + " WHERE +o.account = ? AND o.key BETWEEN ? AND ? ORDER BY o.key LIMIT ?"
            found = self._database.scan(sql, (self.account, self._base, self._base | ID_MASK, most))
        else:
            keys = [*ids]
            if len(keys) == 1:  # as in most changes: a table of one would cost more than to read the row
                sql = plan.select + " WHERE +o.account = ? AND o.key = ?"
                return self._database.all(sql, (self.account, self._base | keys[0]))
            sql = plan.select_each + " WHERE +o.account = ?"
            found = self._database.scan(sql, (in_list(keys), self._base, self.account))
        rows: list[Row] = []
        room = _MOST_OCTETS
        while some := list(islice(found, _ROWS_AT_ONCE)):
            rows += some
            columns = list(zip(*some, strict=True))
            room -= sum([sum(map(len, fragments)) for fragments in columns[1 : plan.fragments]])
            if room < 0:
                raise TooMuch("the objects are too large to be read together")
        return rows

    def overlays(self, type: TypeLike, names: Sequence[str]) -> dict[int, JsonObject]:
        """Read the acting person's own values of all objects of a type that have any."""
        code = self._schema.codes[type.name]
        return overlays.read(self._database, self.account, code, self.person, names)

    def values(
        self, type: TypeLike, ids: Iterable[int] | None = None, names: Iterable[str] | None = None
    ) -> dict[int, JsonObject]:
        """See `ports.Txn.values`."""
        layout = self._schema.layouts[type.name]
        wanted = layout.stored if names is None else layout.stored.intersection(names)
        plan = layout.plan(wanted)
        objects = {id_of(row): plan.value(row) for row in self.rows(type, ids, plan)}
        overlay = [name for name in layout.overlay if names is None or name in set(names)]
        if overlay and objects:
            own = self.overlays(type, overlay)
            for id, value in objects.items():
                for name in overlay:
                    value[name] = own.get(id, {}).get(name, self.subscribed)
        return objects

    def find(self, type: TypeLike, query: Query) -> Find:
        """See `ports.Txn.find`."""
        self._tallies.write()
        layout = self._schema.layouts[type.name]
        return Find(self._database, self, layout, self._schema.codes[type.name], query)

    def tally(self, type: TypeLike, container: int = 0, word: str = "") -> tuple[int, int]:
        """See `ports.Txn.tally`."""
        return self._tallies.total(self._schema.codes[type.name], container, word)

    def tallies_of_group(self, type: TypeLike, group: int) -> dict[tuple[int, str], int]:
        """See `ports.Txn.tallies_of_group`."""
        return self._tallies.of_group(self._schema.codes[type.name], group)

    def groups_in(self, type: TypeLike, container: int) -> list[int]:
        """See `ports.Txn.groups_in`."""
        within = cast(str, self._schema.layouts[type.name].type.within)
        rows = self._database.all(
            f"SELECT DISTINCT grp FROM member_{type.name.lower()}_{within.lower()} WHERE account = ? AND value = ?",
            (self.account, container),
        )
        return [cast(int, row[0]) for row in rows]

    def groups_with(self, type: TypeLike, container: int, word: str, outside: Sequence[int] = ()) -> int:
        """See `ports.Txn.groups_with`."""
        return self._groups_with(type, container, word, self._carrying(type, word, outside))

    def sees_all_with(self, type: TypeLike, word: str, outside: Sequence[int] = ()) -> bool:
        """See `ports.Txn.sees_all_with`."""
        return True

    def _carrying(self, type: TypeLike, word: str, outside: Sequence[int]) -> set[int]:
        """Give the containers, but for some, that have an item which carries a word."""
        self._tallies.write()
        code = self._schema.codes[type.name]
        return {*tally.containers(self._database, self.account, code, word)} - {0, *outside}

    def _groups_with(self, type: TypeLike, container: int, word: str, among: set[int]) -> int:
        """Count the groups in a container of which an item that carries a word is in one of several containers."""
        if not among - {container}:
            return self.tally(type, container, word)[1] if among else 0
        layout, code = self._schema.layouts[type.name], self._schema.codes[type.name]
        return tally.groups_with(self._database, self.account, layout, code, container, word, among)

    # -- grants --

    def seen(self) -> Transaction:
        """Give this transaction as its person sees the account: itself if all is open to him."""
        if self.through is None:
            return self
        if self._as_seen is None:
            from posthouse.store.seen import Seen  # which is a Transaction itself

            self._as_seen = Seen(self)
        return self._as_seen

    def grants(self) -> Mapping[str, Mapping[int, int]]:
        """Give the rights that the visitor has, as bits by type of container and id; nothing if all is open."""
        return {}

    def shares(self, type: TypeLike, ids: Iterable[int]) -> dict[int, dict[int, int]]:
        """Give the rights that were granted on containers, as bits by id and Principal."""
        if self._row().shared is None:
            return {}
        return grants.shares(self._database, self.account, self._schema.codes[type.name], ids)

    def share(self, type: TypeLike, id: int, shares: Mapping[int, int], by: int, at: int) -> set[int]:
        """Grant just these rights on a container; gives the Principals whose rights changed.

        shares: bits by Principal. by: the Principal who does it. at: Unix seconds.
        """
        before = self.shares(type, [id]).get(id, {})
        after = {who: shares.get(who, 0) for who in before.keys() | shares.keys()}
        changed = {who: bits for who, bits in after.items() if bits != before.get(who, 0)}
        if changed:
            number = self._draw(type)
            code = self._schema.codes[type.name]
            grants.put(self._database, self.account, code, id, number, changed, by, at)
            ledger = self._row()
            ledger.share(type.name, id, any(after.values()))
            ledger.moved[news.VISIBLE] = number
        return set(changed)

    def touch(self, principal: int) -> None:
        """Note that a Principal joined or left a group, which may open or close containers to him."""
        ledger = self._to_write()
        number = ledger.moved[news.VISIBLE] = ledger.draw()
        grants.touch(self._database, self.account, number, principal)

    def untold(self, limit: int) -> list[Granted]:
        """Give grants of which their Principals were not told yet, ``limit`` at most, container by container."""
        return grants.untold(self._database, self.account, self._schema.names, limit)

    def told(self, granted: Iterable[Granted]) -> None:
        """Note that Principals were told of grants, as they were when `untold` gave them."""
        self._to_write()
        grants.told(self._database, self.account, self._schema.codes, granted)

    def mask(self, type: TypeLike, objects: dict[int, JsonObject]) -> dict[int, JsonObject]:
        """Give copies of objects without references to what the visitor does not see."""
        return objects

    # -- writing --

    def _demand_writes(self) -> None:
        if not self._writes:
            raise RuntimeError("this unit may only read")

    def _to_write(self) -> Ledger:
        self._demand_writes()
        self._changed = True
        return self._row()

    def allocate(self) -> int:
        """See `ports.Txn.allocate`."""
        account = self._to_write()
        account.next += 1
        return account.next - 1

    def _draw(self, type: TypeLike) -> int:
        ledger = self._to_write()
        number = ledger.draw()
        ledger.move(type.name, number)
        return number

    def insert(
        self, type: TypeLike, id: int, values: JsonObject, search: Mapping[str, str] | None = None
    ) -> None:
        """See `ports.Txn.insert`."""
        self.insert_all(type, [Fresh(id, values, search)])

    def insert_all(self, type: TypeLike, objects: Sequence[Fresh]) -> None:
        """See `ports.Txn.insert_all`."""
        layout = self._schema.layouts[type.name]
        code = self._schema.codes[type.name]
        many = self._database.many
        fresh = [
            (one.id, self._draw(type), {**one.values, "id": layout.type.wire(one.id)}) for one in objects
        ]
        self._show(layout, [id for id, _, _ in fresh])
        arrivals = layout.type.arrivals
        if arrivals is not None and fresh:
            self._to_write().move(arrivals, fresh[-1][1])
        blanks = ", ?" * (len(layout.columns) + len(layout.counters))
        many(
            f"INSERT INTO obj_{layout.name} VALUES (?, ?{blanks}, ?, ?)",
            ((self._base | id, self.account, *layout.cells(values)) for id, _, values in fresh),
        )
        if layout.members[Part.RARE]:
            many(
                f"INSERT INTO rare_{layout.name} VALUES (?, ?, ?)",
                ((self._base | id, self.account, layout.pack(Part.RARE, values)) for id, _, values in fresh),
            )
        stamps.made(
            self._database,
            self.account,
            code,
            [(id, number, layout.group(values)) for id, number, values in fresh],
        )
        listened = self._listened(layout)
        moves: defaultdict[str, list[tuple[object, ...]]] = defaultdict(list)
        for id, number, values in fresh:
            own = {name: values[name] for name in layout.overlay if name in values}
            if own:
                overlays.write(self._database, self.account, code, self.person, id, number, own)
            if listened is None or listened:
                self._hear(layout, {}, values, listened)
            group = layout.group(values)
            for sql, cells in members.moves(layout, (self.account, code, id), group, number, {}, values):
                moves[sql].append(cells)
            self._tallies.move(layout, code, group, {}, values)
        for sql, rows in moves.items():
            many(sql, rows)
        words, keeps = layout.type.words, layout.type.keeps
        if layout.type.search:
            texts = [
                (self._base | id, text if words is None else words(values)) for id, values, text in objects
            ]
            derived.write_words(self._database, layout, texts)
        if keeps is not None:
            held = [(digest, one.id) for one in objects for digest in keeps(one.values)]
            derived.hold(self._database, self.account, code, held)

    def update(self, type: TypeLike, id: int, old: JsonObject, new: JsonObject) -> None:
        """See `ports.Txn.update`."""
        layout = self._schema.layouts[type.name]
        code = self._schema.codes[type.name]
        own = layout.overlay and {
            name: new[name] for name in layout.overlay if name in new and new[name] != old.get(name)
        }
        if own:
            is_all = {**old, **own} == new
            number = self._draw_own(type) if is_all else self._draw(type)
            overlays.write(self._database, self.account, code, self.person, id, number, own)
            if is_all:
                return
        else:
            number = self._draw(type)
        self._show(layout, [id])
        is_moved = False
        if layout.within is not None:
            within = layout.within.name
            is_moved = old[within] != new[within] and {**old, within: new[within]} == new
            listened = self._listened(layout)
            if listened is None or listened:
                self._hear(layout, old, new, listened, is_moved)
        cells: list[object] = [layout.pack(Part.LIVE, new)]
        text = "live = ?"
        for prop in layout.live_columns:
            if old.get(prop.of) != new.get(prop.of):
                text += f', "c_{prop.name}" = ?'
                cells.append(layout.column_value(prop, new))
        self._database.run(
            f"UPDATE obj_{layout.name} SET {text} WHERE +account = ? AND key = ?",
            (*cells, self.account, self._base | id),
        )
        stamp = stamps.counted if is_moved else stamps.changed
        stamp(self._database, self.account, code, id, number)
        if layout.member_sets:
            group = layout.group(new)
            for sql, moved in members.moves(layout, (self.account, code, id), group, number, old, new):
                self._database.run(sql, moved)
            self._tallies.move(layout, code, group, old, new)
        words, keeps = layout.type.words, layout.type.keeps
        if words is not None and (text_now := words(new)) != words(old):
            derived.drop_words(self._database, layout, [self._base | id])
            derived.write_words(self._database, layout, [(self._base | id, text_now)])
        if keeps is not None:
            before, after = {*keeps(old)}, {*keeps(new)}
            derived.hold(self._database, self.account, code, [(digest, id) for digest in after - before])
            derived.release(self._database, self.account, code, [(digest, id) for digest in before - after])

    def delete(self, type: TypeLike, id: int) -> None:
        """See `ports.Txn.delete`."""
        self.delete_all(type, [id])

    def delete_all(self, type: TypeLike, ids: Sequence[int]) -> None:
        """See `ports.Txn.delete_all`."""
        layout = self._schema.layouts[type.name]
        code = self._schema.codes[type.name]
        stored = self.values(type, ids, layout.type.basis)
        doomed = [(id, self._draw(type), stored[id]) for id in ids]
        self._show(layout, ids)
        keys = [(self.account, self._base | id) for id in ids]
        many = self._database.many
        many(f"DELETE FROM obj_{layout.name} WHERE +account = ? AND key = ?", keys)
        if layout.members[Part.RARE]:
            many(f"DELETE FROM rare_{layout.name} WHERE +account = ? AND key = ?", keys)
        stamps.gone(self._database, self.account, code, [(id, number) for id, number, _ in doomed])
        listened = self._listened(layout)
        moves: defaultdict[str, list[tuple[object, ...]]] = defaultdict(list)
        for id, number, old in doomed:
            group = layout.group(old)
            for sql, cells in members.moves(layout, (self.account, code, id), group, number, old, {}):
                moves[sql].append(cells)
            self._tallies.move(layout, code, group, old, {})
            if listened is None or listened:
                self._hear(layout, old, {}, listened)
            if layout.type.rights is not None:
                self._revoke(layout, id, number, old.get("name"))
        for sql, rows in moves.items():
            many(sql, rows)
        if layout.type.search:
            derived.drop_words(self._database, layout, [key for _, key in keys])
        where = [(self.account, code, id) for id in ids]
        if layout.overlay:
            overlays.drop(self._database, self.account, code, ids)
        many("DELETE FROM blobref WHERE account = ? AND type = ? AND id = ?", where)

    def count(self, type: TypeLike, id: int, deltas: Mapping[str, int]) -> None:
        """See `ports.Txn.count`."""
        layout = self._schema.layouts[type.name]
        code = self._schema.codes[type.name]
        number = self._draw(type)
        text = ", ".join(f'"n_{name}" = "n_{name}" + ?' for name in deltas)
        self._database.run(
            f"UPDATE obj_{layout.name} SET {text} WHERE +account = ? AND key = ?",
            (*deltas.values(), self.account, self._base | id),
        )
        stamps.counted(self._database, self.account, code, id, number)

    def _draw_own(self, type: TypeLike) -> int:
        """Draw the number of a change that only the acting person sees, or all of his account do."""
        if self.through is None:
            return self._draw(type)
        ledger = self._to_write()
        number = ledger.moved[news.VISIBLE] = ledger.draw()
        return number

    def _listened(self, layout: Layout) -> Collection[int] | None:
        """Give the containers of a type's items of which others are to hear what changes; None: all."""
        where = self._schema.items.get(layout.type.name)
        if where is None:
            return ()
        container, is_people = where
        if is_people:
            return None
        shared = self._row().shared
        return shared.get(container, ()) if shared else ()

    def _hear(
        self,
        layout: Layout,
        old: JsonObject,
        new: JsonObject,
        listened: Collection[int] | None,
        is_move: bool = False,
    ) -> None:
        """Note a change of an item in those containers in which it can be seen; see `heard.note`.

        old, new: the item before and after it, empty if it is not there.
        """
        assert layout.within is not None
        name, column = layout.within.name, layout.within.column
        before = after = [*map(column, old.get(name) or ())]
        if old.get(name) != new.get(name):
            after = [*map(column, new.get(name) or ())]
        heard.note(self._row().news, layout.type.name, before, after, is_move, listened)

    def _show(self, layout: Layout, ids: Collection[int]) -> None:
        """Note that objects moved that visitors may see by themselves; those in containers are heard there."""
        by = self._schema.openings[layout.type.name].by
        ledger = self._row()
        shared = ledger.shared and by is By.GRANT and ledger.shared.get(layout.type.name)
        if by is By.PEOPLE or by is By.RIGHT or (shared and not {*shared}.isdisjoint(ids)):
            ledger.moved[news.VISIBLE] = ledger.seq

    def write_heard(self) -> None:
        """Write what was noted of items in shared containers, and draw the numbers for it."""
        if self._known is None or not self._known.news:
            return
        ledger = self._known
        noted, ledger.news = ledger.news, {}
        for name, containers in noted.items():
            container, is_people = self._schema.items[name]
            ledger.seq += max(1, len((ledger.shared or {}).get(container, ())))
            heard.write(self._database, self.account, self._schema.codes[name], ledger.seq, containers)
            if is_people and len(containers) <= _FEW:
                ledger.moved |= {news.visible_to(one): ledger.seq for one in containers}
            else:
                ledger.moved[news.VISIBLE] = ledger.seq

    def _revoke(self, layout: Layout, id: int, number: int, called: Json) -> None:
        """Take back all that was granted on a container that goes with this number; those who had it know its name."""
        ledger = self._row()
        name = layout.type.name
        if ledger.shared is None or id not in ledger.shared.get(name, ()):
            return
        code = self._schema.codes[name]
        rights = dict.fromkeys(grants.shares(self._database, self.account, code, [id])[id], 0)
        text = called if isinstance(called, str) else ""
        grants.put(self._database, self.account, code, id, number, rights, self.person, 0, text)
        ledger.share(name, id, False)

    # -- keys, blobs, notes --

    def put_keys(self, space: str, id: int, keys: Iterable[int]) -> None:
        """See `ports.Txn.put_keys`."""
        self._to_write()
        side.put_keys(self._database, self.account, space, id, keys)

    def find_keys(self, space: str, keys: Iterable[int]) -> dict[int, int]:
        """See `ports.Txn.find_keys`."""
        return side.find_keys(self._database, self.account, space, keys)

    def drop_keys(self, space: str, id: int) -> None:
        """See `ports.Txn.drop_keys`."""
        self._to_write()
        side.drop_keys(self._database, self.account, space, id)

    def hold_blob(self, digest: bytes, type: TypeLike, id: int) -> None:
        """See `ports.Txn.hold_blob`."""
        self._to_write()
        derived.hold(self._database, self.account, self._schema.codes[type.name], [(digest, id)])

    def blob_holders(self, digest: bytes, type: TypeLike) -> list[int]:
        """See `ports.Txn.blob_holders`."""
        code = self._schema.codes[type.name]
        return side.holders(self._database, self.account, digest).get(code, [])

    def note_upload(self, digest: bytes, until: int) -> None:
        """See `ports.Txn.note_upload`."""
        self._to_write()
        side.note_upload(self._database, self.account, digest, self.person, until)

    def may_read_blob(self, digest: bytes, now: int) -> bool:
        """See `ports.Txn.may_read_blob`."""
        where = self._database, self.account, digest
        return side.is_kept(*where) or side.is_uploaded(*where, self.person, now)

    def note(self, name: str) -> Json:
        """See `ports.Txn.note`."""
        return side.note(self._database, self.account, name)

    def put_note(self, name: str, value: Json) -> None:
        """See `ports.Txn.put_note`."""
        self._to_write()
        side.put_note(self._database, self.account, name, value)

    # -- jobs --

    def put_job(
        self, kind: str, due: int, payload: JsonObject, about: int = 0, keeps: Iterable[bytes] = ()
    ) -> int:
        """See `ports.Txn.put_job`."""
        self._to_write()
        self._wake(kind)
        code = self._schema.codes[jobs.HOLDER]
        return jobs.put(self._database, self.account, code, kind, due, payload, about, keeps)

    def jobs(self, kind: str, about: int | None = None) -> list[Job]:
        """See `ports.Txn.jobs`."""
        return jobs.of(self._database, self.account, kind, about)

    def count_jobs(self, kind: str) -> int:
        """See `ports.Txn.count_jobs`."""
        return jobs.count(self._database, self.account, kind)

    def put_off(self, job: Job, due: int, payload: JsonObject) -> bool:
        """See `ports.Txn.put_off`."""
        self._demand_writes()
        self._wake(job.kind)
        return jobs.put_off(self._database, job, due, payload)

    def note_job(self, job: Job, payload: JsonObject) -> bool:
        """See `ports.Txn.note_job`."""
        self._demand_writes()
        return jobs.note(self._database, job, payload)

    def drop_job(self, job: Job) -> bool:
        """See `ports.Txn.drop_job`."""
        self._demand_writes()
        return jobs.drop(self._database, self._schema.codes[jobs.HOLDER], job)

    def _wake(self, kind: str) -> None:
        """Tell whoever does this kind of work, once this is committed, that there is some."""
        ledger = self._row()
        ledger.moved[news.work(kind)] = ledger.seq

    def first_due(self, kind: str) -> int | None:
        """Give when the next job of a kind is due in the whole shard, for `Store.next_due`."""
        return jobs.first_due(self._database, kind)

    def claim(self, kind: str, now: int, until: int, limit: int) -> list[Job]:
        """Take jobs of the whole shard, for `Store.claim`."""
        return jobs.claim(self._database, kind, now, until, limit)

    def release(self, kind: str, now: int) -> None:
        """Take back what workers have of the whole shard, for `Store.release`."""
        jobs.release(self._database, kind, now)

    def renew(self, taken: Sequence[Job], until: int) -> None:
        """Lengthen leases in the whole shard, for `Store.renew`."""
        jobs.renew(self._database, taken, until)

    # -- trying and ending --

    def mark(self) -> Mark:
        """See `ports.Txn.mark`."""
        self._tallies.write()
        self._marks += 1
        self._database.run(f"SAVEPOINT mark{self._marks}")
        return self._marks, self._changed, self._row().copy()

    def rewind(self, mark: Mark) -> None:
        """See `ports.Txn.rewind`."""
        self._marks, self._changed, known = cast(tuple[int, bool, Ledger], mark)
        self._known = known.copy()
        self._tallies.forget()
        self._database.run(f"ROLLBACK TO mark{self._marks}")

    def erase(self) -> bool:
        """Remove some of the account's rows, for `Store.erase`; says whether there were any."""
        low = self._base
        return erase.some(self._database, self.account, low, low | ID_MASK)

    def finish(self) -> None:
        """Write what the unit gathered: counts, and the account's own row."""
        self._tallies.write()
        self.write_heard()
        if self._changed:
            self._row().write(self._database, self.account)
