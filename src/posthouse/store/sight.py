"""Sight: queries of a visitor, to whom only what he sees can be found, and only by what he sees of it.

What the query asks is narrowed first, to what is in his containers or to the objects that he sees; then each condition
and each order that reads something of which a part may be hidden is written so that it reads the rest.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final

from posthouse.model.condition import Both, Either, Filter, Leaf, Query, Test
from posthouse.model.kind import Nullable, Ref
from posthouse.store.candidates import Candidates
from posthouse.store.find import Compiler, Find, Tallies, conjuncts
from posthouse.store.layout import Layout
from posthouse.store.sqlite import IN_LIST, Database, in_list

_IN_SIGHT: Final = ""
"""The name of the filter that narrows a query; no declared one has it."""

ASKED_ONE_BY_ONE: Final = 8
"""In so many containers each object is looked for; of more, all their items are gathered first."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a visitor sees of a type.

    containers: of items, those that he may read; None: it has none. ids: else, the objects that he sees; None: all.
    shown: for each type to which properties refer, the objects that he sees of it; None: all.
    """

    containers: Collection[int] | None
    ids: Collection[int] | None
    shown: Mapping[str, Collection[int] | None]

    def narrow(self, layout: Layout, query: Query) -> Query:
        """Give the query for just that of its results which the visitor sees."""
        leaf: Leaf | Either
        if self.containers is None:
            if self.ids is None:
                return query
            leaf = Leaf(Filter(_IN_SIGHT, Test.ONE_OF, ("id",)), None)
        else:
            within = layout.type.within
            assert within is not None
            if any(
                one.filter.test is Test.MEMBER and one.filter.on == (within,)
                for one in conjuncts(query.where)
            ):
                return query  # to one container, which is looked at in its place
            match [*self.containers]:
                case []:
                    leaf = Either(())
                case [only]:
                    leaf = Leaf(Filter(within, Test.MEMBER, (within,)), only)
                case _:
                    leaf = Leaf(Filter(_IN_SIGHT, Test.ONE_OF, (within,)), None)
        if query.where is None:
            return replace(query, where=leaf)
        # Side by side with what the client asks, so that kept totals are found.
        others = query.where.parts if isinstance(query.where, Both) else (query.where,)
        return replace(query, where=Both((leaf, *others)))


class SeenFind(Find):
    """One query on what a visitor sees."""

    def __init__(
        self, database: Database, txn: Tallies, layout: Layout, code: int, query: Query, sight: Sight
    ) -> None:
        super().__init__(database, txn, layout, code, sight.narrow(layout, query))
        self._sight = sight

    def _compiler(self) -> Compiler:
        return _SeenCompiler(
            self._database, self._txn, self._layout, self._code, self._candidates, self._sight
        )


class _SeenCompiler(Compiler):
    """Writes statements that read nothing which is hidden from a visitor."""

    def __init__(
        self,
        database: Database,
        txn: Tallies,
        layout: Layout,
        code: int,
        candidates: Candidates,
        sight: Sight,
    ) -> None:
        super().__init__(database, txn, layout, code, candidates)
        self._sight = sight

    def _driving_leaf(self, query: Query) -> Leaf | None:
        leaf = super()._driving_leaf(query)
        return leaf if leaf is not None and self._shows(leaf.filter.on[0], leaf.value) else None

    def _shows(self, on: str, member: object) -> bool:
        """Say whether a member of a set is shown: unless it refers to what is hidden."""
        if on == self._layout.type.within:
            return member in (self._sight.containers or ())
        return on not in self._layout.type.referring

    def _leaf(self, leaf: Leaf) -> tuple[str, list[object]]:
        if leaf.filter.name != _IN_SIGHT:
            return super()._leaf(leaf)
        if self._sight.containers is None:
            return f"{self._id()} {IN_LIST}", [in_list(self._sight.ids or ())]
        if len(self._sight.containers) > ASKED_ONE_BY_ONE:
            return (
                f"{self._id()} IN (SELECT id FROM membership "
                f"WHERE account = ? AND type = ? AND container {IN_LIST} AND gone = 0)",
                [self._txn.account, self._code, in_list(self._sight.containers)],
            )
        each = [self._member(leaf.filter.on[0], container) for container in self._sight.containers]
        texts = " OR ".join([text for text, _ in each])
        return f"({texts})", [one for _, parameters in each for one in parameters]

    def _member(self, on: str, value: object) -> tuple[str, list[object]]:
        return super()._member(on, value) if self._shows(on, value) else ("FALSE", [])

    def _column(self, name: str) -> str:
        text = super()._column(name)
        type = self._layout.type
        prop = type.properties[name]
        if prop.of not in type.referring or name == type.group:
            return text
        kind = prop.kind.inner if isinstance(prop.kind, Nullable) else prop.kind
        if not isinstance(kind, Ref) or kind.target not in self._sight.shown:
            return "NULL"
        shown = self._sight.shown[kind.target]
        # Written out, for a column stands where no parameter is expected.
        return text if shown is None else f"iif({text} IN ({', '.join(map(str, shown))}), {text}, NULL)"

    def _other_containers(self, values: list[int]) -> list[int]:
        return [one for one in self._sight.containers or () if one not in values]

    def _in_group(self) -> str:
        # An item counts once for each of its containers, which changes no answer: it is asked whether there is
        # any, and whether those that carry a word are as many as all.
        return (
            "coalesce((SELECT sum(n) FROM tally_group WHERE account = ? AND type = ? "
            f"AND grp = {self._group()} AND container {IN_LIST} AND word = ?), 0)"
        )

    def _in_group_of(self, word: str) -> list[object]:
        return [self._txn.account, self._code, in_list(self._sight.containers or ()), word]
