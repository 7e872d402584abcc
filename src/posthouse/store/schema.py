"""Schema: all declared types as one shard file knows them."""

from __future__ import annotations

from collections.abc import Mapping

from posthouse.model.kind import targets
from posthouse.store.layout import Layout
from posthouse.store.opening import By, openings


class Schema:
    """The layouts of all types and their numbers in one shard file.

    codes: the numbers by the types' names, also of types that nobody declares now. names: the other way round.
    openings: what lets a visitor see objects of each type. items: for each type of items that visitors may see, the
    name of their containers' type, and whether those stand for people. references: for each type the names of the
    types to which each of its properties refers, but for the group.
    """

    __slots__ = ("codes", "items", "layouts", "names", "openings", "references")

    def __init__(self, layouts: Mapping[str, Layout], codes: Mapping[str, int]) -> None:
        self.layouts = dict(layouts)
        self.codes = dict(codes)
        self.names = {code: name for name, code in codes.items()}
        self.openings = openings(layout.type for layout in layouts.values())
        self.items = {
            name: (container, layouts[container].type.people)
            for name, opening in self.openings.items()
            if opening.by is By.CONTAINER
            for container in opening.containers
        }
        self.references = {
            name: {
                prop: frozenset(targets(layout.type.properties[prop].kind))
                for prop in layout.type.referring - {layout.type.group}
            }
            for name, layout in layouts.items()
        }
