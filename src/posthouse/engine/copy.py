"""The /copy method of every type that has one (RFC 8620 §5.4)."""

from __future__ import annotations

from posthouse.engine import access, state
from posthouse.engine.call import Call
from posthouse.engine.get import readable
from posthouse.engine.given import may_create
from posthouse.engine.outcome import Outcome
from posthouse.engine.result import Result, or_none
from posthouse.engine.set import commit, prepared
from posthouse.engine.set import set as set_
from posthouse.kit.json import JsonObject
from posthouse.model.change import Act, Change
from posthouse.model.type import Type
from posthouse.proto.jmap.errors import MethodError, SetError
from posthouse.store.txn import Transaction


async def copy(call: Call, type: Type, arguments: JsonObject) -> list[Result]:
    """Answer Foo/copy, and the Foo/set that destroys the originals if that was asked for.

    Raises MethodError ``fromAccountNotFound``, ``invalidArguments``, ``requestTooLarge``,
    ``stateMismatch`` or ``accountReadOnly``.
    """
    access.to_change(call.access)
    source = call.caller.accounts.get(arguments["fromAccountId"])
    if source is None:
        raise MethodError("fromAccountNotFound")
    if source.account == call.account:
        raise MethodError("invalidArguments", "both accounts are the same", arguments=["fromAccountId"])
    if len(arguments["create"]) > call.limits.max_objects_in_set:
        raise MethodError("requestTooLarge", f"at most {call.limits.max_objects_in_set} can be copied")
    refused: dict[str, SetError] = {}
    originals = await _originals(call.at(source), type, arguments)
    creates: list[Change] = []
    for key, given in arguments["create"].items():
        try:
            creates.append(_copied(type, key, given, originals))
        except SetError as error:
            refused[key] = error
    creates = await prepared(call, type, creates, refused)
    outcome: Outcome = await commit(
        call, type, creates, {}, [], {}, arguments["ifInState"], {}, {Act.CREATE: refused}
    )
    answer = {
        "fromAccountId": arguments["fromAccountId"],
        "accountId": arguments["accountId"],
        "oldState": outcome.old_state,
        "newState": outcome.new_state,
        "created": or_none(outcome.created),
        "notCreated": outcome.refusals(Act.CREATE),
    }
    results = [Result(f"{type.name}/copy", call.call_id, answer)]
    if arguments["onSuccessDestroyOriginal"] and outcome.created:
        done = [arguments["create"][key]["id"] for key in outcome.created]
        results.append(await _destroy_originals(call.at(source), type, done, arguments))
    return results


async def _originals(call: Call, type: Type, arguments: JsonObject) -> dict[str, JsonObject]:
    """Read what is to be copied, by wire id."""
    wires = [given.get("id") for given in arguments["create"].values()]
    ids = {wire: id for wire in wires if isinstance(wire, str) and (id := type.local(wire)) is not None}

    def unit(txn: Transaction) -> dict[str, JsonObject]:
        state.demand(txn, type, arguments["ifFromInState"], "ifFromInState")
        found = txn.values(type, ids.values(), readable(type))
        return {wire: found[id] for wire, id in ids.items() if id in found}

    return await call.read(unit)


def _copied(type: Type, key: str, given: JsonObject, originals: dict[str, JsonObject]) -> Change:
    """Make the create of one copy: what is given is used instead of the original's values."""
    wire = given.get("id")
    if not isinstance(wire, str):
        raise SetError("invalidProperties", "a copy names its original", ["id"])
    original = originals.get(wire)
    if original is None:
        raise SetError("notFound", "there is no such object to copy")
    wrong = {name for name, value in given.items() if name != "id" and not may_create(type, name, value)}
    # What the original refers to lies in its own account; an id of the same text here is something else.
    wrong |= {name for name in original.keys() - given.keys() if _refers(type, name, original)}
    if wrong:
        raise SetError("invalidProperties", "these properties can't be that", sorted(wrong))
    values = {name: value for name, value in original.items() if name != "id" and not _is_servers(type, name)}
    values |= {name: value for name, value in given.items() if name != "id"}
    named = frozenset(given) - {"id"} | frozenset(values)
    return Change(Act.CREATE, key, new=values, named=named, source=original)


def _refers(type: Type, name: str, original: JsonObject) -> bool:
    prop = type.properties.get(name)
    if prop is None or prop.server:
        return False
    return any(True for _ in prop.kind.references(original[name]))


def _is_servers(type: Type, name: str) -> bool:
    """Say whether only the server sets a property."""
    return name in type.properties and type.properties[name].server


async def _destroy_originals(call: Call, type: Type, wires: list[str], arguments: JsonObject) -> Result:
    """Make the implied Foo/set; if it fails as a whole, its error stands in its place (RFC 8620 §5.4)."""
    own = {added.name: added.default for added in type.arguments.get("set", ())}
    asked = {
        "accountId": arguments["fromAccountId"],
        "ifInState": arguments["destroyFromIfInState"],
        "create": None,
        "update": None,
        "destroy": wires,
        **own,
    }
    try:
        return await set_(call, type, asked)
    except MethodError as error:
        return Result("error", call.call_id, error.as_json())
