"""Result: what one method call answered, and how later calls refer to it (RFC 8620 §3.7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from posthouse.kit.json import Json, JsonObject, dumps, loads
from posthouse.proto.jmap.errors import MethodError
from posthouse.proto.jmap.references import evaluate
from posthouse.store.layout import Plan, Row


class Result:
    """One response: its name, its call id and its arguments."""

    __slots__ = ("arguments", "call_id", "name")

    def __init__(self, name: str, call_id: str, arguments: JsonObject) -> None:
        self.name = name
        self.call_id = call_id
        self.arguments = arguments

    def body(self) -> bytes:
        """Write the arguments as JSON."""
        return dumps(self.arguments)

    def select(self, tokens: list[str]) -> Json:
        """Give what a pointer selects in the arguments; raises LookupError."""
        return evaluate(self.arguments, tokens)


class Rows:
    """The answer of a /get whose objects are still rows, cut into JSON without being read.

    A reference to one property of all objects, such as ``/list/*/threadId``, is cut out of the rows too.
    """

    __slots__ = ("_body", "_plan", "_rows", "call_id", "name")

    def __init__(self, name: str, call_id: str, body: bytes, plan: Plan, rows: Sequence[Row]) -> None:
        self.name = name
        self.call_id = call_id
        self._body = body
        self._plan = plan
        self._rows = rows

    def body(self) -> bytes:
        """Give the arguments as JSON."""
        return self._body

    def select(self, tokens: list[str]) -> Json:
        """Give what a pointer selects in the arguments; raises LookupError."""
        if len(tokens) == 3 and tokens[:2] == ["list", "*"]:
            cut = [self._plan.pluck(row, tokens[2]) for row in self._rows]
            if None not in cut:
                values: list[Json] = loads(b"[" + b",".join(cut) + b"]")  # type: ignore[arg-type]
                return evaluate(values, ["*"])
        return evaluate(loads(self._body), tokens)


def error(call_id: str, problem: MethodError) -> Result:
    """Make the response of a call that failed (RFC 8620 §3.6.2)."""
    return Result("error", call_id, problem.as_json())


def or_none(found: Mapping[str, Json] | Sequence[Json]) -> Json:
    """Give None for what is empty, as the answers of /set want it (RFC 8620 §5.3)."""
    return found or None
