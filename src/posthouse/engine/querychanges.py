"""The /queryChanges method of every type (RFC 8620 §5.6, DESIGN D5).

With *C* the ids that changed since the state, widened to whole groups where a change of one object can move
its group: removed are those of *C* that existed at the state, added are those of *C* that are in the
results now, each with its index. Where filter and sort read only what never changes, *C* is what came or went.
"""

from __future__ import annotations

from posthouse.engine import filter, state, tree
from posthouse.engine.call import Call
from posthouse.engine.query import can_calculate_changes, finding
from posthouse.engine.result import Result
from posthouse.kit.json import JsonObject
from posthouse.model.condition import Query, Test
from posthouse.model.ports import Touched
from posthouse.model.type import Type
from posthouse.proto.jmap.errors import MethodError
from posthouse.store.txn import Transaction


def query_changes(call: Call, txn: Transaction, type: Type, arguments: JsonObject) -> Result:
    """Answer Foo/queryChanges.

    Raises MethodError ``cannotCalculateChanges``, ``tooManyChanges`` and those of `filter.query`.
    """
    asked = filter.of(call.tools.registry, type, arguments, call.caller.accounts)
    if not can_calculate_changes(asked):
        raise MethodError("cannotCalculateChanges", "the filter depends on more than the objects")
    since = state.since(txn, type, arguments["sinceQueryState"])
    found = finding(txn, type, asked, arguments)
    moved = _moved(txn, type, asked, since, arguments)
    removed = moved.existed
    added: list[JsonObject] = []
    if moved.ids:
        last = type.local(arguments["upToId"]) if arguments["upToId"] is not None else None
        ids = found.all()
        until = ids.index(last) + 1 if last is not None and last in ids else len(ids)
        added = [
            {"id": type.wire(id), "index": index} for index, id in enumerate(ids[:until]) if id in moved.ids
        ]
    most = arguments["maxChanges"]
    if most is not None and len(removed) + len(added) > most:
        raise MethodError("tooManyChanges", f"there are {len(removed) + len(added)} changes")
    answer: JsonObject = {
        "accountId": arguments["accountId"],
        "oldQueryState": arguments["sinceQueryState"],
        "newQueryState": state.current(txn, type),
        "removed": type.wires(removed),
        "added": added,
    }
    if arguments["calculateTotal"]:
        answer["total"] = found.total()
    return Result(f"{type.name}/queryChanges", call.call_id, answer)


def _moved(txn: Transaction, type: Type, asked: Query, since: int, arguments: JsonObject) -> Touched:
    spreads = asked.collapse or any(leaf.filter.spreads for leaf in asked.leaves())
    spreads = spreads or any(order.sort.spreads for order in asked.order)
    moved = txn.touched(type, since, spreads and type.group is not None)
    if not moved.ids:
        return moved
    if not tree.is_asked(arguments):
        # What a visitor sees comes and goes, though the objects exist all the while.
        stays = txn.through is None and _stays_put(type, asked)
        return _came_or_went(txn, type, moved) if stays else moved
    # In a tree one object's move carries its descendants along: everything may stand elsewhere.
    present = txn.ids(type)
    made = moved.ids - set(moved.existed)
    return Touched(
        ids=moved.ids | frozenset(present),
        existed=sorted({id for id in present if id not in made} | set(moved.existed)),
    )


def _stays_put(type: Type, asked: Query) -> bool:
    """Say whether an object's place in the results can't change while it exists."""
    read = {order.sort.on for order in asked.order}
    for leaf in asked.leaves():
        if leaf.filter.test is not Test.SEARCH:
            read.update(leaf.filter.on)
        elif type.words is not None:  # else what is searched for words never changes
            return False
    return not asked.collapse and all(type.properties[type.properties[name].of].immutable for name in read)


def _came_or_went(txn: Transaction, type: Type, moved: Touched) -> Touched:
    present = txn.exists(type, moved.existed)
    gone = [id for id in moved.existed if id not in present]
    return Touched(ids=(moved.ids - set(moved.existed)) | set(gone), existed=gone)
