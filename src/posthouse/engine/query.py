"""The /query method of every type (RFC 8620 §5.5)."""

from __future__ import annotations

from typing import Final

from posthouse.engine import filter, state, tree
from posthouse.engine.call import Call
from posthouse.engine.result import Ids, Result
from posthouse.kit.json import JsonObject
from posthouse.model.condition import Query
from posthouse.model.ports import Finding
from posthouse.model.type import Type
from posthouse.proto.jmap.errors import MethodError
from posthouse.store.txn import Transaction

MOST: Final = 100_000
"""How many ids one answer holds; a higher ``limit``, or none, is answered with this one."""


def finding(txn: Transaction, type: Type, query: Query, arguments: JsonObject) -> Finding:
    """Start a query, keeping to the tree if the arguments ask for it (RFC 8621 §2.3)."""
    found = txn.find(type, query)
    if tree.is_asked(arguments):
        return tree.Tree(txn, type, query, found, arguments)
    return found


def can_calculate_changes(query: Query) -> bool:
    """Say whether /queryChanges will answer for such a query: it does what this says."""
    return all(leaf.filter.local for leaf in query.leaves())


def query(call: Call, txn: Transaction, type: Type, arguments: JsonObject) -> Result:
    """Answer Foo/query.

    Raises MethodError ``anchorNotFound`` and those of `filter.query`.
    """
    asked = filter.of(call.tools.registry, type, arguments, call.caller.accounts)
    found = finding(txn, type, asked, arguments)
    wanted = arguments["limit"]
    limit = MOST if wanted is None else min(wanted, MOST)
    total: int | None = found.total() if arguments["calculateTotal"] else None
    if arguments["anchor"] is not None:
        anchor = type.local(arguments["anchor"])
        around = None if anchor is None else found.around(anchor, arguments["anchorOffset"], limit)
        if around is None:
            raise MethodError("anchorNotFound")
        position, ids = around
    else:
        position = arguments["position"]
        if position < 0:
            total_now = found.total() if total is None else total
            position = max(total_now + position, 0)
        ids = found.page(position, limit)
    answer: JsonObject = {
        "accountId": arguments["accountId"],
        "queryState": state.current(txn, type),
        "canCalculateChanges": can_calculate_changes(asked),
        "position": position,
        "ids": Ids(type, ids),
    }
    if total is not None:
        answer["total"] = total
    # Told only if it was what ended the list, or is lower than what was asked for.
    if (wanted is None and len(ids) == MOST) or (wanted is not None and wanted > MOST):
        answer["limit"] = MOST
    return Result(f"{type.name}/query", call.call_id, answer)
