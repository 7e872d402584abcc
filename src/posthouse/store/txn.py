"""Transaction: one unit of work on one account of a shard; the embedded store's `ports.Txn`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, cast

from posthouse.kit.json import Json, JsonObject, dumps, loads
from posthouse.model.condition import Query
from posthouse.model.ports import Changes, Fresh, Mark, TooMuch, Touched, TypeLike
from posthouse.model.property import Part
from posthouse.store import derived, erase, members, stamps
from posthouse.store.find import Find
from posthouse.store.layout import Layout, Plan
from posthouse.store.sqlite import IN_LIST, Database, Interrupted, Row, in_list
from posthouse.store.tally import Tallies

ID_BITS: Final = 32
ID_MASK: Final = (1 << ID_BITS) - 1

_NO_LEVEL: Final = (0, 0)
_MOST_OCTETS: Final = 50_000_000
_ROWS_AT_ONCE: Final = 64


def id_of(row: Row) -> int:
    """Give the local id of the object whose row this is."""
    return cast(int, row[0]) & ID_MASK


class Schema:
    """The layouts of all types and their numbers in one shard file."""

    __slots__ = ("codes", "layouts")

    def __init__(self, layouts: Mapping[str, Layout], codes: Mapping[str, int]) -> None:
        self.layouts = dict(layouts)
        self.codes = dict(codes)


class _Account:
    """An account's own row.

    seq: the number that the newest change drew. next: the next free id. levels: for each type that has
    changed, the number of its newest change and the oldest state that can still be told. moved: the newest
    number of each type that has changed since the row was read.
    """

    __slots__ = ("levels", "moved", "next", "seq")

    def __init__(
        self, seq: int, next: int, levels: dict[str, Sequence[int]], moved: dict[str, int] | None = None
    ) -> None:
        self.seq = seq
        self.next = next
        self.levels = levels
        self.moved: dict[str, int] = moved or {}

    def move(self, name: str, number: int) -> None:
        """Note a type's newest change."""
        level = self.levels.get(name)
        self.levels[name] = (number, level[1] if level else 0)
        self.moved[name] = number

    def copy(self) -> _Account:
        """Give a copy that stays as it is when this one moves on."""
        return _Account(self.seq, self.next, dict(self.levels), dict(self.moved))


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
        self._known: _Account | None = None
        self._changed = False
        self._marks = 0
        self._tallies = Tallies(database, account)

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

    def _row(self) -> _Account:
        """Give the account's own row, read once."""
        if self._known is None:
            row = self._database.one(
                "SELECT seq, next, levels FROM account WHERE account = ?", (self.account,)
            )
            if row is None:
                self._known = _Account(0, 1, {})
            else:
                seq, next, levels = row
                self._known = _Account(seq, next, loads(levels))  # type: ignore[arg-type]
        return self._known

    def changes(self, type: TypeLike, since: int, limit: int) -> Changes:
        """See `ports.Txn.changes`."""
        code = self._schema.codes[type.name]
        return stamps.changes(self._database, self.account, code, since, self.state(type), limit)

    def touched(self, type: TypeLike, since: int, whole_groups: bool) -> Touched:
        """See `ports.Txn.touched`."""
        return stamps.touched(
            self._database, self.account, self._schema.codes[type.name], since, whole_groups
        )

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
        values: dict[int, JsonObject] = {}
        rows = self._database.all(
            "SELECT id, name, value FROM overlay WHERE account = ? AND type = ? AND person = ?",
            (self.account, self._schema.codes[type.name], self.person),
        )
        for id, name, value in cast("Iterator[tuple[int, str, bytes]]", rows):
            if name in names:
                values.setdefault(id, {})[name] = loads(value)
        return values

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
                    value[name] = own.get(id, {}).get(name, False)
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

    # -- grants --

    def seen(self) -> Transaction:
        """Give this transaction as its person sees the account."""
        return self

    def grants(self) -> Mapping[str, Mapping[int, int]]:
        """Give the rights that were granted to the visitor, as bits by type of container and id."""
        return {}

    def shares(self, type: TypeLike, ids: Iterable[int]) -> dict[int, dict[int, int]]:
        """Give the rights that were granted to others in containers, as bits by id and Principal."""
        return {}

    def share(self, type: TypeLike, id: int, shares: Mapping[int, int], by: int, at: int) -> set[int]:
        """Grant just these rights in a container; gives the Principals whose rights changed."""
        return set()

    def mask(self, type: TypeLike, objects: dict[int, JsonObject]) -> dict[int, JsonObject]:
        """Give copies of objects without references to what the visitor does not see."""
        return objects

    def hidden(self, type: TypeLike, ids: Sequence[int]) -> set[int]:
        """Give those items that are also in a container that the visitor does not see."""
        return set()

    # -- writing --

    def _to_write(self) -> _Account:
        if not self._writes:
            raise RuntimeError("this unit may only read")
        self._changed = True
        return self._row()

    def allocate(self) -> int:
        """See `ports.Txn.allocate`."""
        account = self._to_write()
        account.next += 1
        return account.next - 1

    def _draw(self, type: TypeLike) -> int:
        account = self._to_write()
        number = account.seq = account.seq + 1
        account.move(type.name, number)
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
        moves: defaultdict[str, list[tuple[object, ...]]] = defaultdict(list)
        for id, number, values in fresh:
            self._write_overlay(layout, code, id, values)
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
        number = self._draw(type)
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
        stamps.changed(self._database, self.account, code, id, number)
        if layout.overlay:
            self._write_overlay(layout, code, id, new)
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
        keys = [(self.account, self._base | id) for id in ids]
        many = self._database.many
        many(f"DELETE FROM obj_{layout.name} WHERE +account = ? AND key = ?", keys)
        if layout.members[Part.RARE]:
            many(f"DELETE FROM rare_{layout.name} WHERE +account = ? AND key = ?", keys)
        stamps.gone(self._database, self.account, code, [(id, number) for id, number, _ in doomed])
        moves: defaultdict[str, list[tuple[object, ...]]] = defaultdict(list)
        for id, number, old in doomed:
            group = layout.group(old)
            for sql, cells in members.moves(layout, (self.account, code, id), group, number, old, {}):
                moves[sql].append(cells)
            self._tallies.move(layout, code, group, old, {})
        for sql, rows in moves.items():
            many(sql, rows)
        if layout.type.search:
            derived.drop_words(self._database, layout, [key for _, key in keys])
        where = [(self.account, code, id) for id in ids]
        if layout.overlay:
            many("DELETE FROM overlay WHERE account = ? AND type = ? AND person >= 0 AND id = ?", where)
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

    def _write_overlay(self, layout: Layout, code: int, id: int, values: JsonObject) -> None:
        for name in layout.overlay:
            if name not in values:
                continue
            self._database.run(
                "INSERT INTO overlay VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT DO UPDATE SET value = excluded.value",
                (self.account, code, self.person, id, name, dumps(values[name])),
            )

    # -- keys, blobs, notes --

    def put_keys(self, space: str, id: int, keys: Iterable[int]) -> None:
        """See `ports.Txn.put_keys`."""
        self._to_write()
        self._database.many(
            "INSERT INTO lookup VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [(self.account, space, key, id) for key in keys],
        )

    def find_keys(self, space: str, keys: Iterable[int]) -> dict[int, int]:
        """See `ports.Txn.find_keys`."""
        rows = self._database.rows(
            f"SELECT key, min(id) FROM lookup WHERE account = ? AND space = ? AND key {IN_LIST} GROUP BY key",
            (self.account, space, in_list([*keys])),
        )
        return dict(cast("Iterator[tuple[int, int]]", rows))

    def drop_keys(self, space: str, id: int) -> None:
        """See `ports.Txn.drop_keys`."""
        self._to_write()
        self._database.run(
            "DELETE FROM lookup WHERE account = ? AND space = ? AND id = ?", (self.account, space, id)
        )

    def hold_blob(self, digest: bytes, type: TypeLike, id: int) -> None:
        """See `ports.Txn.hold_blob`."""
        self._to_write()
        derived.hold(self._database, self.account, self._schema.codes[type.name], [(digest, id)])

    def blob_holders(self, digest: bytes, type: TypeLike) -> list[int]:
        """See `ports.Txn.blob_holders`."""
        rows = self._database.all(
            "SELECT id FROM blobref WHERE account = ? AND digest = ? AND type = ? ORDER BY id",
            (self.account, digest, self._schema.codes[type.name]),
        )
        return [cast(int, row[0]) for row in rows]

    def note_upload(self, digest: bytes, until: int) -> None:
        """See `ports.Txn.note_upload`."""
        self._to_write()
        self._database.run(
            "INSERT INTO upload VALUES (?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET until = max(until, excluded.until)",
            (self.account, digest, self.person, until),
        )

    def may_read_blob(self, digest: bytes, now: int) -> bool:
        """See `ports.Txn.may_read_blob`."""
        return (
            self._database.one(
                "SELECT 1 FROM blobref WHERE account = ? AND digest = ? "
                "UNION ALL SELECT 1 FROM upload WHERE account = ? AND digest = ? AND person = ? AND until > ?",
                (self.account, digest, self.account, digest, self.person, now),
            )
            is not None
        )

    def note(self, name: str) -> Json:
        """See `ports.Txn.note`."""
        row = self._database.one(
            "SELECT value FROM note WHERE account = ? AND name = ?", (self.account, name)
        )
        return None if row is None else loads(cast(bytes, row[0]))

    def put_note(self, name: str, value: Json) -> None:
        """See `ports.Txn.put_note`."""
        self._to_write()
        self._database.run(
            "INSERT INTO note VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            (self.account, name, dumps(value)),
        )

    # -- trying and ending --

    def mark(self) -> Mark:
        """See `ports.Txn.mark`."""
        self._tallies.write()
        self._marks += 1
        self._database.run(f"SAVEPOINT mark{self._marks}")
        return self._marks, self._changed, self._row().copy()

    def rewind(self, mark: Mark) -> None:
        """See `ports.Txn.rewind`."""
        self._marks, self._changed, known = cast(tuple[int, bool, _Account], mark)
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
        if self._changed:
            row = self._row()
            self._database.run(
                "INSERT INTO account VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE "
                "SET seq = excluded.seq, next = excluded.next, levels = excluded.levels",
                (self.account, row.seq, row.next, dumps(row.levels)),
            )
