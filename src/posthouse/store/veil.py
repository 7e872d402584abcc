"""Veil: takes references to what somebody does not see out of the objects of one type."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TypeAlias

from posthouse.kit.json import JsonObject, dumps, loads
from posthouse.model.type import Type
from posthouse.store.mask import masked

Sees: TypeAlias = Callable[[str, str, Collection[str]], Collection[str]]
"""Gives those of some objects that are seen: it takes the property that refers to them, the name of their type, and
their ids on the wire."""


class Veil:
    """Hides what some properties of a type refer to, and the person does not see.

    names: these properties; the others refer to nothing that is hidden.
    """

    def __init__(self, type: Type, names: Collection[str], sees: Sees) -> None:
        self.names = names
        self._type = type
        self._sees = sees

    def objects(self, objects: Mapping[int, JsonObject]) -> dict[int, JsonObject]:
        """Give copies of objects without references to what is hidden."""
        copies = {id: dict(values) for id, values in objects.items()}
        for name in self.names:
            having = [values for values in copies.values() if values.get(name) is not None]
            kind = self._type.properties[name].kind
            hidden = self._hidden(name, having)
            for values, refers in zip(having, hidden, strict=True):
                if refers:
                    values[name] = masked(kind, values[name], lambda *one, away=refers: one not in away)
        return copies

    def texts(self, name: str, texts: Iterable[bytes]) -> dict[bytes, bytes]:
        """Give what the JSON of one property is without references to what is hidden, where that is another.

        Most objects refer to the same few, as Emails to their Mailboxes, so each text is read once.
        """
        some = [text for text in {*texts} if text not in (b"", b"null")]
        read = [{name: loads(text)} for text in some]
        kind = self._type.properties[name].kind
        return {
            text: dumps(masked(kind, values[name], lambda *one, away=refers: one not in away))
            for text, values, refers in zip(some, read, self._hidden(name, read), strict=True)
            if refers
        }

    def _hidden(self, name: str, objects: Collection[JsonObject]) -> list[set[tuple[str, str]]]:
        """Give for each object what one of its properties refers to and is hidden: the type and the id of each."""
        kind = self._type.properties[name].kind
        found = [{*kind.references(values[name])} for values in objects]
        wires: dict[str, set[str]] = {}
        for target, wire in {one for refers in found for one in refers}:
            wires.setdefault(target, set()).add(wire)
        shown = {(target, wire) for target, some in wires.items() for wire in self._sees(name, target, some)}
        return [refers - shown for refers in found]
