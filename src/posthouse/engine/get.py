"""The /get method of every type (RFC 8620 §5.1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from posthouse.engine import access, state
from posthouse.engine.call import Call
from posthouse.engine.result import Result, Rows
from posthouse.kit.json import JsonObject, dumps
from posthouse.model.property import Part
from posthouse.model.type import Type
from posthouse.proto.jmap.errors import MethodError
from posthouse.store.layout import Plan
from posthouse.store.txn import Transaction


def get(call: Call, txn: Transaction, type: Type, arguments: JsonObject) -> Result | Rows:
    """Answer Foo/get: rows are cut into JSON without being read, unless something has to be computed.

    Raises MethodError ``requestTooLarge``, or ``invalidArguments`` for a property that is unknown.
    """
    ids, missing = _ids(call, txn, type, arguments["ids"])
    names = _names(type, arguments["properties"])
    needs = type.needs_hook and type.needs_hook(names, arguments)
    if needs is not None:
        return _computed(call, txn, type, arguments, ids, missing, names, needs)
    plan = call.layout(type).plan(names)
    found = txn.rows(type, None if arguments["ids"] is None else ids, plan)
    extra = _extra(call, txn, type, plan, names)
    rows = [found[id] for id in ids if id in found]
    if len(rows) < len(ids):
        missing += [type.wire(id) for id in ids if id not in found]
    if extra is None:
        objects = plan.render_all(rows)
    else:
        objects = b",".join([plan.render(found[id], extra(id)) for id in ids if id in found])
    body = b"".join(
        (
            b'{"accountId":',
            dumps(arguments["accountId"]),
            b',"state":"',
            state.current(txn, type).encode(),
            b'","list":[',
            objects,
            b'],"notFound":',
            dumps(missing),
            b"}",
        )
    )
    return Rows(f"{type.name}/get", call.call_id, body, plan, rows)


def _ids(call: Call, txn: Transaction, type: Type, wanted: list[str] | None) -> tuple[list[int], list[str]]:
    """Give the local ids asked for, each once, and those that can't be ids of this type."""
    most = call.limits.max_objects_in_get
    if wanted is None:
        ids = txn.ids(type)
    else:
        if len(wanted) > most:
            raise MethodError("requestTooLarge", f"at most {most} ids can be asked for")
        local = {wire: type.local(wire) for wire in wanted}
        ids = [id for id in local.values() if id is not None]
        return ids, [wire for wire, id in local.items() if id is None]
    if len(ids) > most:
        raise MethodError("requestTooLarge", f"there are more than {most}: ask for ids")
    return ids, []


def _names(type: Type, wanted: Sequence[str] | None) -> Sequence[str]:
    if wanted is None:
        return type.defaults()
    for name in wanted:
        if name not in type.properties and not (type.pattern and type.pattern(name)):
            raise MethodError(
                "invalidArguments", f"{type.name} has no property {name[:100]!r}", arguments=["properties"]
            )
    return wanted


class _Extra:
    """Writes the members that are not in the row: the person's own values and his rights."""

    def __init__(self, call: Call, txn: Transaction, type: Type, plan: Plan, rights: bool) -> None:
        self._overlay = plan.overlay
        self._own = txn.overlays(type, plan.overlay) if plan.overlay else {}
        self._rights = rights
        self._written: dict[int, bytes] = {}
        self._type = type
        self._view = access.view(call.caller, call.access)

    def __call__(self, id: int) -> bytes:
        pieces = []
        if self._overlay:
            own = self._own.get(id, {})
            pieces.append(dumps({name: own.get(name, False) for name in self._overlay})[1:-1])
        if self._rights:
            pieces.append(self._my_rights(self._view.rights(self._type, id)))
        return b",".join(pieces)

    def _my_rights(self, bits: int) -> bytes:
        """Write the ``myRights`` member; most objects of an account have the same rights."""
        written = self._written.get(bits)
        if written is None:
            assert self._type.rights is not None
            written = self._written[bits] = b'"myRights":' + dumps(self._type.rights.object(bits))
        return written


def _extra(call: Call, txn: Transaction, type: Type, plan: Plan, names: Iterable[str]) -> _Extra | None:
    rights = type.rights is not None and "myRights" in names
    return _Extra(call, txn, type, plan, rights) if rights or plan.overlay else None


def _computed(
    call: Call,
    txn: Transaction,
    type: Type,
    arguments: JsonObject,
    ids: list[int],
    missing: list[str],
    names: Sequence[str],
    needs: frozenset[str],
) -> Result:
    """Answer with properties that the type's ``compute`` hook makes."""
    assert type.compute_hook is not None
    stored = {name for name in names if name in type.properties}
    objects = txn.values(type, ids, stored | needs)
    type.compute_hook(call.reading(txn), objects, names, arguments)
    wanted = ["id", *names]
    rights = type.rights is not None and "myRights" in names
    extra: dict[int, JsonObject] = {}
    if rights and type.rights is not None:
        view = access.view(call.caller, call.access)
        extra = {id: {"myRights": type.rights.object(view.rights(type, id))} for id in objects}
    found = []
    for id in ids:
        if id not in objects:
            missing.append(type.wire(id))
            continue
        values = objects[id] | extra.get(id, {})
        found.append({name: values[name] for name in wanted if name in values})
    answer = {
        "accountId": arguments["accountId"],
        "state": state.current(txn, type),
        "list": found,
        "notFound": missing,
    }
    return Result(f"{type.name}/get", call.call_id, answer)


def readable(type: Type) -> list[str]:
    """Name the stored properties of a type, for a copy."""
    return [name for name, prop in type.properties.items() if prop.part is not Part.COMPUTED]
