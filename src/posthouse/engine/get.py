"""The /get method of every type (RFC 8620 §5.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

from posthouse.engine import access, share, state
from posthouse.engine.call import Call
from posthouse.engine.result import Ids, Result, Rows
from posthouse.kit.json import JsonObject, dumps
from posthouse.model.property import Part
from posthouse.model.type import REST, Type
from posthouse.proto.jmap.errors import MethodError
from posthouse.store.layout import Plan, Row
from posthouse.store.txn import Transaction, id_of

MOST_PROPERTIES: Final = 500
"""How many properties of an object can be asked for: those named after header fields have no end."""


def get(call: Call, txn: Transaction, type: Type, arguments: JsonObject) -> Result | Rows:
    """Answer Foo/get: rows are cut into JSON without being read, unless something has to be computed.

    Raises MethodError ``requestTooLarge``, or ``invalidArguments`` for a property that is unknown.
    """
    wanted = arguments["ids"]
    most = call.limits.max_objects_in_get
    if wanted is not None and len(wanted) > most:
        raise MethodError("requestTooLarge", f"at most {most} ids can be asked for")
    names = shown(call, type, arguments["properties"])
    needs = type.needs_hook and type.needs_hook(names, arguments)
    if needs is None and type.open and any(name not in type.properties and name != REST for name in names):
        needs = frozenset((REST,))  # undeclared ones are together, and must be picked
    if needs is not None:
        return _computed(call, txn, type, arguments, names, needs)
    plan = call.layout(type).plan(names)
    missing: list[str] = []
    if wanted is None:
        rows = txn.rows(type, None, plan, most + 1)
        _demand_few(rows, most)
    else:
        ids, missing = _local(type, wanted)
        rows = txn.rows(type, ids, plan)
        if len(rows) < len(ids):
            found = {id_of(row) for row in rows}
            missing += type.wires([id for id in ids if id not in found])
    objects = plan.objects(rows, _more(call, txn, type, plan, rows, names))
    head = b'{"accountId":%b,"state":"%b","list":[' % (
        dumps(arguments["accountId"]),
        state.current(txn, type).encode(),
    )
    pieces = (head, objects, b'],"notFound":', dumps(missing), b"}")
    return Rows(f"{type.name}/get", call.call_id, pieces, plan, rows, call.types)


def _local(type: Type, wires: Sequence[str]) -> tuple[list[int], list[str]]:
    """Give the local ids, each once, and those that can't be ids of this type."""
    if isinstance(wires, Ids) and wires.type is type:
        return wires.local, []
    once = list(dict.fromkeys(wires))
    local = type.locals(once)
    if None not in local:
        return cast("list[int]", local), []
    return (
        [id for id in local if id is not None],
        [wire for wire, id in zip(once, local, strict=True) if id is None],
    )


def _demand_few(found: Sequence[object], most: int) -> None:
    """Refuse to give all objects of a type if there are more than one call may ask for (RFC 8620 §5.1)."""
    if len(found) > most:
        raise MethodError("requestTooLarge", f"there are more than {most}: ask for ids")


_NOT_STORED: Final = (Part.COMPUTED, Part.GRANTED, Part.INDEX)


def shown(call: Call, type: Type, wanted: Sequence[str] | None) -> list[str]:
    """Give the names of the properties to answer with, each once; wanted: None for those given by default.

    What another capability brings is there only for a request that uses it (RFC 8620 §3.3).
    Raises MethodError ``invalidArguments`` as `checked` does.
    """
    foreign = type.foreign(call.using) if type.uris else ()
    if wanted is None:
        return [name for name in type.defaults() if name not in foreign]
    names = checked(type, wanted)
    if any(name in foreign for name in names):
        raise MethodError("invalidArguments", "it is of a capability not used", arguments=["properties"])
    return names


def checked(type: Type, wanted: Sequence[str]) -> list[str]:
    """Give the names of the wanted properties, each once.

    Raises MethodError ``invalidArguments`` for one that is unknown, or for very many.
    """
    names = list(dict.fromkeys(wanted))
    if len(names) > MOST_PROPERTIES:
        raise MethodError(
            "invalidArguments", f"more than {MOST_PROPERTIES} properties", arguments=["properties"]
        )
    for name in names:
        if not type.shows(name):
            raise MethodError(
                "invalidArguments", f"{type.name} has no property {name[:100]!r}", arguments=["properties"]
            )
    return names


def _more(
    call: Call, txn: Transaction, type: Type, plan: Plan, rows: Sequence[Row], names: Sequence[str]
) -> list[bytes] | None:
    """Write for each row the members that are not in it: the person's own values, his rights, who else has any."""
    more = _Grants(call, txn, type, names)
    if not more.asked and not plan.overlay:
        return None
    unset = dict.fromkeys(plan.overlay, txn.subscribed)
    own = txn.overlays(type, plan.overlay) if plan.overlay else {}
    shares = more.shares([id_of(row) for row in rows])
    written: dict[tuple[object, ...], bytes] = {}
    texts = []
    for row in rows:
        id = id_of(row)
        values = unset | own[id] if id in own else unset
        if id in shares:
            texts.append(dumps(values | more.of(id, shares))[1:-1])
            continue
        # Most objects of an account have the same members, which are written once.
        key = (more.bits(id), *values.values())
        text = written.get(key)
        if text is None:
            text = written[key] = dumps(values | more.of(id, shares))[1:-1]
        texts.append(text)
    return texts


class _Grants:
    """What a /get tells of a container's rights: those of the caller, and those of others."""

    def __init__(self, call: Call, txn: Transaction, type: Type, names: Sequence[str]) -> None:
        self._call = call
        self._txn = txn
        self._type = type
        self._mine = type.rights is not None and "myRights" in names
        self._others = type.rights is not None and "shareWith" in names
        self._view = access.view(txn)
        self.asked = self._mine or self._others

    def bits(self, id: int) -> int | None:
        """Give the caller's rights if they are asked for."""
        return self._view.rights(self._type, id) if self._mine else None

    def shares(self, ids: Sequence[int]) -> Mapping[int, Mapping[int, int]]:
        """Read the rights of others in containers, as far as the caller may see and change them."""
        return share.visible(self._txn, self._view, self._type, ids) if self._others else {}

    def of(self, id: int, shares: Mapping[int, Mapping[int, int]]) -> JsonObject:
        """Make the members of one container."""
        rights = self._type.rights
        told: JsonObject = {}
        if rights is not None and self._mine:
            told["myRights"] = rights.object(self._view.rights(self._type, id), self._call.using)
        if rights is not None and self._others:
            told["shareWith"] = share.written(rights, shares.get(id))
        return told


def _computed(
    call: Call,
    txn: Transaction,
    type: Type,
    arguments: JsonObject,
    names: Sequence[str],
    needs: frozenset[str],
) -> Result:
    """Answer with properties that the type's ``compute`` hook makes, or that have to be picked."""
    stored = {name for name in names if name in type.properties}
    missing: list[str] = []
    if arguments["ids"] is None:
        ids = txn.ids(type)
        _demand_few(ids, call.limits.max_objects_in_get)
    else:
        ids, missing = _local(type, arguments["ids"])
    objects = txn.values(type, ids, stored | needs)
    if type.compute_hook is not None:
        type.compute_hook(call.reading(txn), objects, names, arguments)
    wanted = ["id", *names]
    more = _Grants(call, txn, type, names)
    shares = more.shares(list(objects))
    extra = {id: more.of(id, shares) for id in objects} if more.asked else {}
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
    names = [name for name, prop in type.properties.items() if prop.part not in _NOT_STORED]
    return [*names, REST] if type.open is not None else names
