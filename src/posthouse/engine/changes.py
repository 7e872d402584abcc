"""The /changes method of every type (RFC 8620 §5.2)."""

from __future__ import annotations

from typing import Final

from posthouse.engine import state
from posthouse.engine.call import Call
from posthouse.engine.result import Result
from posthouse.kit.json import JsonObject
from posthouse.model.property import Part
from posthouse.model.type import Type
from posthouse.store.txn import Transaction

MOST: Final = 10_000
"""How many changes one answer tells when the client does not say."""


def changes(call: Call, txn: Transaction, type: Type, arguments: JsonObject) -> Result:
    """Answer Foo/changes; a type with counters also says whether only they moved (RFC 8621 §2.2).

    Raises MethodError ``cannotCalculateChanges``.
    """
    since = state.since(txn, type, arguments["sinceState"])
    found = txn.changes(type, since, min(arguments["maxChanges"] or MOST, MOST))
    answer = {
        "accountId": arguments["accountId"],
        "oldState": arguments["sinceState"],
        "newState": call.access.state(found.until),
        "hasMoreChanges": found.more,
        "created": type.wires(found.created),
        "updated": type.wires(found.updated),
        "destroyed": type.wires(found.destroyed),
    }
    counters = [name for name, prop in type.properties.items() if prop.part is Part.COUNTER]
    if counters:
        answer["updatedProperties"] = counters if found.updated and not found.main else None
    return Result(f"{type.name}/changes", call.call_id, answer)
