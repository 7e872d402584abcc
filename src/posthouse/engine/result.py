"""Result: what one method call answered, and how later calls refer to it (RFC 8620 §3.7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from posthouse.kit.json import Json, JsonObject, dumps, loads
from posthouse.model.type import Type
from posthouse.proto.jmap.errors import MethodError
from posthouse.proto.jmap.references import evaluate
from posthouse.store.layout import Plan, Row


class Result:
    """One response: its name, its call id and its arguments, which stay as they are.

    implied: the calls that are to follow it, as a type's ``follow`` hook has named them.
    """

    __slots__ = ("_body", "arguments", "call_id", "implied", "name")

    def __init__(
        self,
        name: str,
        call_id: str,
        arguments: JsonObject,
        implied: Sequence[tuple[str, JsonObject]] = (),
    ) -> None:
        self.name = name
        self.call_id = call_id
        self.arguments = arguments
        self.implied = implied
        self._body: bytes | None = None

    def pieces(self) -> Sequence[bytes]:
        """Write the arguments as JSON, in pieces and once."""
        if self._body is None:
            self._body = dumps(self.arguments)
        return (self._body,)

    def select(self, tokens: list[str]) -> Json:
        """Give what a pointer selects in the arguments; raises LookupError."""
        return evaluate(self.arguments, tokens)


class Ids(list[str]):
    """Ids that we answered, with the local ones that they stand for: a call that refers to them needs not read
    them again.

    local: each is there but once, as it need not be in the list.
    """

    __slots__ = ("local", "type")

    def __init__(self, type: Type, local: Sequence[int]) -> None:
        super().__init__(type.wires(local))
        self.type = type
        self.local = list(dict.fromkeys(local))


class Rows:
    """The answer of a /get whose objects are still rows, cut into JSON without being read.

    A reference to one property of all objects, such as ``/list/*/threadId``, is cut out of the rows too.
    """

    __slots__ = ("_pieces", "_plan", "_rows", "_types", "call_id", "name")

    def __init__(
        self,
        name: str,
        call_id: str,
        pieces: Sequence[bytes],
        plan: Plan,
        rows: Sequence[Row],
        types: Mapping[str, Type],
    ) -> None:
        self.name = name
        self.call_id = call_id
        self._pieces = pieces
        self._plan = plan
        self._rows = rows
        self._types = types

    def pieces(self) -> Sequence[bytes]:
        """Give the arguments as JSON, in pieces."""
        return self._pieces

    def select(self, tokens: list[str]) -> Json:
        """Give what a pointer selects in the arguments; raises LookupError."""
        if len(tokens) == 3 and tokens[:2] == ["list", "*"]:
            number = self._plan.numbers.get(tokens[2])
            if number is not None:
                at, target = number
                return Ids(self._types[target], [row[at] for row in self._rows])  # type: ignore[misc]
            cut = self._plan.pluck(self._rows, tokens[2])
            if cut is not None:
                values = loads(b"[%b]" % b",".join(cut))
                return evaluate(values, ["*"]) if list in map(type, values) else values
        return evaluate(loads(b"".join(self._pieces)), tokens)


def error(call_id: str, problem: MethodError) -> Result:
    """Make the response of a call that failed (RFC 8620 §3.6.2)."""
    return Result("error", call_id, problem.as_json())


def or_none(found: Mapping[str, Json] | Sequence[Json]) -> Json:
    """Give None for what is empty, as the answers of /set want it (RFC 8620 §5.3)."""
    return found or None
