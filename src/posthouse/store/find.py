"""Find: a declared query as one statement on the best index (RFC 8620 §5.5).

A query runs in one of two ways. *In order*: an index gives the ids in the asked order, each is held against
the conditions, and the first page costs the same in any mailbox. *From a set*: a rare word or a header gives
few candidates, which are looked up and sorted. Where the search text is kept beside its index, a common word is
met soon in order, so the first objects are asked for their own words, before the index is. Groups are collapsed
while the ordered ids stream by, so the first of each group stands for it.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Final, NamedTuple, Protocol, cast

from posthouse.model.condition import Both, Condition, Either, Leaf, Neither, Order, Query, Rank, Test
from posthouse.model.kind import sort_key
from posthouse.model.ports import TypeLike
from posthouse.store import fulltext
from posthouse.store.candidates import Candidates
from posthouse.store.layout import Layout, tally_word
from posthouse.store.sqlite import IN_LIST, Database, Row, in_list

_FEW: Final = 500
"""Up to so many candidates are looked up and sorted; more are met in the order of an index."""

_NEAR: Final = 400
"""So many objects, the first in order, are asked for common words before the index gives all that have them."""

_MOST_TERMS: Final = 300
"""So many times may a statement look whether a column of an object has a term."""

_ID_MASK: Final = (1 << 32) - 1


class Tallies(Protocol):
    """The part of a transaction that a query asks."""

    account: int
    person: int
    subscribed: bool

    def tally(self, type: TypeLike, container: int = 0, word: str = "") -> tuple[int, int]:
        """See `ports.Txn.tally`."""
        ...

    def pause(self) -> None:
        """See `ports.Txn.pause`."""
        ...


class Find:
    """One query on one snapshot; see `ports.Finding`."""

    def __init__(self, database: Database, txn: Tallies, layout: Layout, code: int, query: Query) -> None:
        self._database = database
        self._txn = txn
        self._layout = layout
        self._code = code
        self._query = query
        self._collapses = query.collapse and layout.type.group is not None
        self._statement: tuple[str, list[object]] | None = None
        self._candidates = Candidates(database, txn, layout)

    # -- what can be asked --

    def page(self, position: int, limit: int) -> list[int]:
        """See `ports.Finding.page`."""
        if limit == 0:
            return []
        if self._collapses:
            return self._firsts(position + limit)[position:]
        near = self._near(position + limit)
        if near is not None:
            return near[position:]
        sql, parameters = self._compiled()
        rows = self._database.rows(f"{sql} LIMIT ? OFFSET ?", (*parameters, limit, position))
        return list(_first_column(rows))

    def around(self, anchor: int, offset: int, limit: int) -> tuple[int, list[int]] | None:
        """See `ports.Finding.around`."""
        before: list[int] = []
        stream = self._stream()
        for id in stream:
            if id == anchor:
                break
            before.append(id)
        else:
            return None
        position = max(len(before) + offset, 0)
        if position <= len(before):
            ids = [*before[position:], anchor, *islice(stream, max(limit - (len(before) - position) - 1, 0))]
        else:
            skipped = position - len(before) - 1
            ids = list(islice(stream, skipped, skipped + limit))
        return position, ids[:limit]

    def total(self) -> int:
        """See `ports.Finding.total`."""
        kept = self._kept_total()
        if kept is not None:
            return kept
        where = self._query.where
        if where is not None and self._candidates.gives(where) and not self._collapses:
            return len(self._candidates.of(where))
        sql, parameters = self._compiled(ordered=False)
        what = "count(DISTINCT grp)" if self._collapses else "count(*)"
        row = self._database.one(f"SELECT {what} FROM ({sql})", parameters)
        return cast(int, row[0]) if row else 0

    def all(self) -> array[int]:
        """See `ports.Finding.all`."""
        if not self._collapses:
            return array("q", _first_column(self._database.rows(*self._compiled())))
        return array("q", self._stream())

    def among(self, ids: Iterable[int]) -> set[int]:
        """See `ports.Finding.among`."""
        compiler = self._compiler()
        return set(_first_column(self._database.rows(*compiler.among(self._query, ids))))

    def _near(self, wanted: int) -> list[int] | None:
        """Give the first that fit, if so many are found near the beginning, or if nothing lies further on.

        None if they are not, or if that way is no shorter than to ask the index of words for all.
        """
        statement = self._compiler().near(self._query) if wanted <= _NEAR else None
        if statement is None:
            return None
        found: list[int] = []
        looked = 0
        for id, fits in cast("Iterator[tuple[int, int]]", self._database.rows(*statement)):
            looked += 1
            if fits:
                found.append(id)
                if len(found) == wanted:
                    return found
        return found if looked < _NEAR else None

    def _firsts(self, most: int) -> list[int]:
        """Give the first of each group, so many at most."""
        sql, parameters = self._compiled()
        firsts: dict[int, int] = {}
        rows = self._database.rows(sql, parameters)
        # As many rows as groups are missing can't be too many, and are looked at without a step for each.
        while some := list(islice(rows, most - len(firsts))):
            ids, groups = zip(*some, strict=True)
            deque(map(firsts.setdefault, groups, ids), maxlen=0)
        return list(firsts.values())

    def _stream(self) -> Iterator[int]:
        sql, parameters = self._compiled()
        rows = self._database.rows(sql, parameters)
        if not self._collapses:
            yield from _first_column(rows)
            return
        seen: set[int] = set()
        for id, group in cast("Iterator[tuple[int, int]]", rows):
            if group not in seen:
                seen.add(group)
                yield id

    # -- totals that are kept --

    def _kept_total(self) -> int | None:
        """Give the total from kept counts, if the condition is a container, a word, or both (DESIGN D18)."""
        type = self._layout.type
        if type.tally is None:
            return None
        where = self._query.where
        leaves = where.parts if isinstance(where, Both) else () if where is None else (where,)
        container, word, without = 0, "", ""
        for leaf in leaves:
            if not isinstance(leaf, Leaf):
                return None
            on, test = leaf.filter.on[0], leaf.filter.test
            if on == type.within and test is Test.MEMBER and not container:
                container = cast(int, leaf.value)
            elif on == type.tally.words and test is Test.MEMBER and not word:
                word = tally_word(cast(str, leaf.value))
            elif on == type.tally.words and test is Test.NOT_MEMBER and not without:
                without = tally_word(cast(str, leaf.value))
            else:
                return None
        which = 1 if self._collapses else 0
        if not without:
            return self._txn.tally(type, container, word)[which]
        if word or self._collapses:
            return None
        return self._txn.tally(type, container)[0] - self._txn.tally(type, container, without)[0]

    # -- compiling --

    def _compiled(self, ordered: bool = True) -> tuple[str, list[object]]:
        if ordered and self._statement is not None:
            return self._statement
        statement = self._compiler().statement(self._query, ordered, self._collapses)
        if ordered:
            self._statement = statement
        return statement

    def _compiler(self) -> Compiler:
        return Compiler(self._database, self._txn, self._layout, self._code, self._candidates)


def _first_column(rows: Iterable[Row]) -> Iterator[int]:
    """Give the one number of each row, without a step of Python for each."""
    return cast("Iterator[int]", chain.from_iterable(rows))


class _Set(NamedTuple):
    """A few objects, by their keys, and the condition that they and no others fulfil."""

    settles: Condition
    keys: Sequence[int]


class Compiler:
    """Writes one statement: `SELECT id[, grp] FROM ... WHERE ... ORDER BY ...` and its parameters."""

    def __init__(
        self, database: Database, txn: Tallies, layout: Layout, code: int, candidates: Candidates
    ) -> None:
        self._database = database
        self._txn = txn
        self._layout = layout
        self._code = code
        self._candidates = candidates
        self._base = txn.account << 32
        self._driving: Leaf | None = None
        self._set: _Set | None = None
        self._asks_text = False
        self._needs_row = False

    def statement(self, query: Query, ordered: bool, groups: bool) -> tuple[str, list[object]]:
        """Write the statement that finds what a query asks, in its order if that is wanted, with the groups."""
        self._set = self._small_set(query.where)
        self._asks_text = self._set is not None and self._may_ask_text(query)
        leaf = self._driving_leaf(query)
        if self._set is None:
            self._driving = leaf
        where, parameters = self._condition(query.where)
        order, order_parameters = self._order(query.order, leaf) if ordered else ("", [])
        name, account, group = self._layout.name, self._txn.account, self._layout.type.group
        if self._driving is not None:
            source, head = self._driven()
            select = "m.id" + (", m.grp" if groups else "")
            text = f"SELECT {select} FROM {source} AND {where}"
            return text + order, [*head, *parameters, *order_parameters]
        select = f"o.key & {_ID_MASK}" + (f', o."c_{group}" AS grp' if groups else "")
        is_pointed = self._is_pointed(query.where)
        by = self._ordering(query) if ordered and self._set is None and not self._is_narrowed(query) else ""
        text = f"SELECT {select} FROM obj_{name} o{by} WHERE "
        # A plus sign keeps a term from choosing the index: the set, the order or the range shall do so.
        if self._set is not None:
            text += f"+o.account = ? AND o.key {IN_LIST}"
            head = [account, in_list(self._set.keys)]
        elif (ordered and query.order) or is_pointed or self._may_count(ordered):
            text += "o.account = ?"
            head = [account]
        else:
            text += "+o.account = ? AND o.key BETWEEN ? AND ?"
            head = [account, self._base, self._base | _ID_MASK]
        return f"{text} AND {where}{order}", [*head, *parameters, *order_parameters]

    def near(self, query: Query) -> tuple[str, list[object]] | None:
        """Write the statement that gives the first objects in order, and whether each fits.

        Each is asked for its own words. None if they are not kept, or are common nowhere in the query, or if no
        index gives the order.
        """
        driving = self._driving_leaf(query)
        by = self._ordering(query)
        if (
            query.collapse
            or not self._may_ask_text(query)
            or (driving is None and query.order and not by)
            or self._small_set(query.where) is not None
            or not self._is_common(query.where)
        ):
            return None
        self._asks_text = True
        self._driving = driving
        where, parameters = self._condition(query.where)
        order, order_parameters = self._order(query.order, driving)
        if driving is not None:
            source, head = self._driven()
        else:
            source = f"obj_{self._layout.name} o{by} WHERE o.account = ?"
            head = [self._txn.account]
            if not by:
                source = f"obj_{self._layout.name} o WHERE o.key BETWEEN ? AND ?"
                head = [self._base, self._base | _ID_MASK]
        text = f"SELECT {self._id()}, {where} FROM {source}{order} LIMIT ?"
        return text, [*parameters, *head, *order_parameters, _NEAR]

    def _driven(self) -> tuple[str, list[object]]:
        """Write what reads the rows of the driving set member, after its condition is written."""
        assert self._driving is not None
        source = f"member_{self._layout.name}_{self._driving.filter.on[0].lower()} m"
        head: list[object] = []
        if self._needs_row:
            source += f" CROSS JOIN obj_{self._layout.name} o ON o.key = (? | m.id)"
            head.append(self._base)
        return f"{source} WHERE m.account = ? AND m.value = ?", [
            *head,
            self._txn.account,
            self._driving.value,
        ]

    def _ordering(self, query: Query) -> str:
        """Write which index the order is read from, as the planner can't be trusted to see if it names two columns."""
        if not query.order or query.order[0].sort.rank is not Rank.COLUMN:
            return ""
        first = query.order[0].sort.on
        return f" INDEXED BY {self._layout.index_of(first)}" if first in self._layout.orders else ""

    def _may_ask_text(self, query: Query) -> bool:
        """Say whether objects can be asked for their own words, and that is not too much."""
        asked = 0
        for leaf in _searches(query):
            asked += len(fulltext.parse(cast(str, leaf.value)).terms) * len(leaf.filter.on)
        return self._layout.keeps_text and asked <= _MOST_TERMS

    def _small_set(self, where: Condition | None) -> _Set | None:
        """Give the smallest set of objects, a small one, that holds all that fit; None if there is none."""
        if where is not None and self._candidates.gives(where):
            keys = self._candidates.few(where)
            return _Set(where, keys) if keys is not None and len(keys) <= _FEW else None
        if not isinstance(where, Both):
            return None
        small = [one for part in where.parts if (one := self._small_set(part)) is not None]
        return min(small, key=lambda one: len(one.keys), default=None)

    def _is_common(self, where: Condition | None) -> bool:
        """Say whether something that is searched for is common."""
        if where is None:
            return False
        if self._candidates.gives(where):
            return self._candidates.few(where) is None
        return not isinstance(where, Leaf) and any(self._is_common(part) for part in where.parts)

    def _may_count(self, ordered: bool) -> bool:
        """Say whether the objects are only counted, of which any index can tell: its rows are short."""
        return not ordered and not self._needs_row and bool(self._layout.orders)

    def _is_narrowed(self, query: Query) -> bool:
        """Say whether a condition leaves the objects of one range of a database index."""
        return any(
            leaf.filter.test in (Test.EQUALS, Test.AT_LEAST, Test.BELOW)
            and self._layout.type.properties[leaf.filter.on[0]].sorted
            for leaf in conjuncts(query.where)
        )

    def _is_pointed(self, where: Condition | None) -> bool:
        """Say whether a condition asks for one value of a column that has a database index."""
        return any(
            leaf.filter.test is Test.EQUALS
            and leaf.value is not None
            and self._layout.type.properties[leaf.filter.on[0]].sorted
            for leaf in conjuncts(where)
        )

    def among(self, query: Query, ids: Iterable[int]) -> tuple[str, list[object]]:
        """Write the statement that holds some objects against the conditions and tells which of them fit."""
        self._asks_text = self._may_ask_text(query)
        where, parameters = self._condition(query.where)
        text = f"SELECT {self._id()} FROM obj_{self._layout.name} o WHERE o.key {IN_LIST} AND {where}"
        return text, [in_list(self._base | id for id in ids), *parameters]

    def _driving_leaf(self, query: Query) -> Leaf | None:
        """Choose the set member whose index rows already lie in the asked order."""
        if len(query.order) > 1 or (query.order and query.order[0].sort.rank is not Rank.COLUMN):
            return None
        for leaf in conjuncts(query.where):
            if leaf.filter.test is Test.MEMBER:
                ordered_by = self._layout.type.properties[leaf.filter.on[0]].ordered_by
                if not query.order or query.order[0].sort.on == ordered_by:
                    return leaf
        return None

    # -- columns --

    def _key(self) -> str:
        if self._driving is not None:
            return f"({self._base} | m.id)"
        return "+o.key"

    def _id(self) -> str:
        return "m.id" if self._driving is not None else f"(o.key & {_ID_MASK})"

    def _column(self, name: str) -> str:
        self._needs_row = True
        return f'o."c_{name}"'

    def _group(self) -> str:
        if self._driving is not None:
            return "m.grp"
        return self._column(cast(str, self._layout.type.group))

    # -- conditions --

    def _condition(self, where: Condition | None) -> tuple[str, list[object]]:
        if where is None or where is self._driving or (self._set and where is self._set.settles):
            return "TRUE", []
        if self._candidates.gives(where) and (self._candidates.knows(where) or not self._asks_text):
            return f"{self._key()} {IN_LIST}", [in_list(self._candidates.of(where))]
        if isinstance(where, Leaf):
            return self._leaf(where)
        if not where.parts:
            return ("FALSE" if isinstance(where, Either) else "TRUE"), []
        texts: list[str] = []
        parameters: list[object] = []
        for part in where.parts:
            text, more = self._condition(part)
            texts.append(text)
            parameters += more
        joined = (" AND " if isinstance(where, Both) else " OR ").join(texts)
        return (f"NOT ({joined})" if isinstance(where, Neither) else f"({joined})"), parameters

    def _leaf(self, leaf: Leaf) -> tuple[str, list[object]]:
        filter, value = leaf.filter, leaf.value
        on = filter.on[0]
        match filter.test:
            case Test.EQUALS:
                return f"{self._column(on)} IS ?", [value]
            case Test.ONE_OF:
                return f"coalesce({self._column(on)} {IN_LIST}, FALSE)", [in_list(cast("list[int]", value))]
            case Test.CONTAINS:
                texts = [f"coalesce(instr({self._column(name)}, ?) > 0, FALSE)" for name in filter.on]
                return f"({' OR '.join(texts)})", [sort_key(cast(str, value))] * len(texts)
            case Test.IS_SET:
                return f"{self._column(on)} IS {'NOT ' if value else ''}NULL", []
            case Test.AT_LEAST:
                return f"coalesce({self._column(on)} >= ?, FALSE)", [value]
            case Test.BELOW:
                return f"coalesce({self._column(on)} < ?, FALSE)", [value]
            case Test.MEMBER:
                return self._member(on, value)
            case Test.NOT_MEMBER:
                text, parameters = self._member(on, value)
                return f"NOT {text}", parameters
            case Test.OUTSIDE:
                return self._outside(cast("list[int]", value))
            case Test.ANY_IN_GROUP:
                return f"{self._in_group()} > 0", self._in_group_of(tally_word(value))
            case Test.NONE_IN_GROUP:
                return f"{self._in_group()} = 0", self._in_group_of(tally_word(value))
            case Test.ALL_IN_GROUP:
                return (
                    f"{self._in_group()} = {self._in_group()}",
                    [*self._in_group_of(tally_word(value)), *self._in_group_of("")],
                )
            case Test.SEARCH:
                return self._has_words(filter.on, cast(str, value))
            case Test.HEADER:
                return f"{self._key()} {IN_LIST}", [in_list(self._candidates.of(leaf))]
            case Test.OVERLAY:
                return (
                    "coalesce((SELECT value FROM overlay WHERE account = ? AND type = ? AND person = ? "
                    f"AND id = {self._id()} AND name = ?), ?) = ?",
                    [
                        *(self._txn.account, self._code, self._txn.person, on),
                        *(b"true" if one else b"false" for one in (self._txn.subscribed, value)),
                    ],
                )

    def _has_words(self, columns: tuple[str, ...], text: str) -> tuple[str, list[object]]:
        """Hold a search against the words that are kept of an object; each term may be in any of the columns."""
        needles = [fulltext.needle(term).encode() for term in fulltext.parse(text).terms]
        each = " OR ".join([f'instr(t."{column}", ?)' for column in columns])
        found = " AND ".join([f"({each})"] * len(needles))
        return (
            f"EXISTS(SELECT 1 FROM text_{self._layout.name} t WHERE t.key = {self._key()} AND {found})",
            [needle for needle in needles for _ in columns],
        )

    def _member(self, on: str, value: object) -> tuple[str, list[object]]:
        ordering = self._layout.type.properties[on].ordered_by
        table = f"member_{self._layout.name}_{on.lower()}"
        driving = self._driving and self._layout.type.properties[self._driving.filter.on[0]]
        order = (
            "m.ord" if driving and driving.ordered_by == ordering else f"-{self._column(cast(str, ordering))}"
        )
        return (
            f"EXISTS(SELECT 1 FROM {table} x WHERE x.account = ? AND x.value = ? "
            f"AND x.ord = {order} AND x.id = {self._id()})",
            [self._txn.account, value],
        )

    def _outside(self, values: list[int]) -> tuple[str, list[object]]:
        return (
            "EXISTS(SELECT 1 FROM membership x WHERE x.account = ? AND x.type = ? AND x.gone = 0 "
            f"AND x.id = {self._id()} AND x.container {IN_LIST})",
            [self._txn.account, self._code, in_list(self._other_containers(values))],
        )

    def _other_containers(self, values: list[int]) -> list[int]:
        rows = self._database.rows(
            "SELECT container FROM tally WHERE account = ? AND type = ? AND word = '' AND items > 0",
            (self._txn.account, self._code),
        )
        return [cast(int, row[0]) for row in rows if row[0] and row[0] not in values]

    def _in_group(self) -> str:
        return (
            "coalesce((SELECT n FROM tally_group WHERE account = ? AND type = ? "
            f"AND grp = {self._group()} AND container = 0 AND word = ?), 0)"
        )

    def _in_group_of(self, word: str) -> list[object]:
        return [self._txn.account, self._code, word]

    # -- orders --

    def _order(self, orders: tuple[Order, ...], natural: Leaf | None) -> tuple[str, list[object]]:
        """Write the order; it must be the same whichever way the query runs, or its results would jump.

        natural: the set member whose order serves a query that asks for none.
        """
        if self._driving is not None:
            rising = bool(orders) and orders[0].ascending
            return (" ORDER BY m.ord DESC, m.id" if rising else " ORDER BY m.ord, m.id DESC"), []
        if not orders and natural is not None:
            ordering = self._layout.type.properties[natural.filter.on[0]].ordered_by
            return f" ORDER BY {self._column(cast(str, ordering))} DESC, o.key DESC", []
        texts: list[str] = []
        parameters: list[object] = []
        for order in orders:
            text, more = self._rank(order)
            texts.append(text + ("" if order.ascending else " DESC"))
            parameters += more
        # The id is the last resort, in the direction of the first comparator, so that an index that ends in
        # the id serves it without sorting.
        last = "o.key" if not orders or orders[0].ascending else "o.key DESC"
        return f" ORDER BY {', '.join([*texts, last])}", parameters

    def _rank(self, order: Order) -> tuple[str, list[object]]:
        on = order.sort.on
        match order.sort.rank:
            case Rank.COLUMN:
                return self._column(on), []
            case Rank.MEMBER:
                return self._member(on, order.argument)
            case Rank.ANY_IN_GROUP:
                return f"({self._in_group()} > 0)", self._in_group_of(tally_word(order.argument))
            case Rank.ALL_IN_GROUP:
                return (
                    f"({self._in_group()} = {self._in_group()})",
                    [*self._in_group_of(tally_word(order.argument)), *self._in_group_of("")],
                )


def _searches(query: Query) -> list[Leaf]:
    """Give the leaves that search for words."""
    return [leaf for leaf in query.leaves() if leaf.filter.test is Test.SEARCH]


def conjuncts(where: Condition | None) -> list[Leaf]:
    """Give the leaves that every result must satisfy."""
    if isinstance(where, Leaf):
        return [where]
    if isinstance(where, Both):
        return [leaf for part in where.parts for leaf in conjuncts(part)]
    return []
