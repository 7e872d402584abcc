"""Sharing: who else may do what with a container, as clients read and write it (RFC 9670 §4, DESIGN D6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from posthouse.engine.access import View
from posthouse.engine.call import Call
from posthouse.kit.json import Json, JsonObject
from posthouse.model.caller import principal_number, wire_principal
from posthouse.model.change import Change
from posthouse.model.rights import Rights
from posthouse.model.type import Type
from posthouse.proto.jmap.errors import SetError
from posthouse.store.txn import Transaction

PROPERTY: Final = "shareWith"
MOST: Final = 1000
"""Principals with whom one container may be shared."""


def visible(txn: Transaction, view: View, type: Type, ids: Iterable[int]) -> Mapping[int, Mapping[int, int]]:
    """Read with whom containers are shared: only those count that the caller may share himself."""
    rights = type.rights
    assert rights is not None and rights.share is not None
    bit = rights.bit(rights.share)
    return txn.shares(type, [id for id in ids if view.rights(type, id) & bit])


def written(rights: Rights, shares: Mapping[int, int] | None) -> Json:
    """Write the bits of each Principal as ``shareWith``."""
    if not shares:
        return None
    every = rights.sharing or ""
    return {wire_principal(who): rights.object(bits, (every,)) for who, bits in sorted(shares.items())}


def of(txn: Transaction, view: View, type: Type, id: int) -> Json:
    """Give with whom one container is shared, as the caller may know it."""
    assert type.rights is not None
    return written(type.rights, visible(txn, view, type, [id]).get(id))


def read(rights: Rights, value: Json) -> dict[int, int]:
    """Read ``shareWith``; a Principal without any right is left out."""
    shares: dict[int, int] = {}
    for wire, object in (value or {}).items():
        who, bits = principal_number(wire), rights.bits(object)
        if who is not None and bits:
            shares[who] = bits
    return shares


async def known(call: Call, type: Type, values: Mapping[str, JsonObject]) -> dict[str, SetError]:
    """Refuse, by key, what names Principals with whom the account's containers can't be shared.

    values: the objects to make and the patches. Those who are named get a way to the account, if they have none.
    """
    if PROPERTY not in type.properties:
        return {}
    named = {key: wires for key, value in values.items() if (wires := set(_named(value)))}
    if not named:
        return {}
    numbers = {wire: principal_number(wire) for wires in named.values() for wire in wires}
    asked = {number for number in numbers.values() if number is not None}
    found = await call.tools.sharing.known(call.access, asked)
    await call.tools.sharing.open(call.access, found)
    return {
        key: SetError("invalidProperties", "it can't be shared with some of these", [PROPERTY])
        for key, wires in named.items()
        if any(numbers[wire] not in found for wire in wires)
    }


def _named(value: JsonObject) -> Iterable[str]:
    """Give the ids of the Principals that an object or a patch gives rights to."""
    for path, given in value.items():
        name, _, rest = path.partition("/")
        if name != PROPERTY or given is None:
            continue
        if rest:
            yield rest.split("/")[0]
        elif isinstance(given, dict):
            yield from given


def judge(view: View, type: Type, change: Change) -> None:
    """Bring what a change says of sharing into its one form.

    Raises SetError ``forbidden`` if the caller gives a right that neither he nor the Principal has (RFC 9610 §2.3),
    or shares what he makes in the account of another, see `inherit`; ``overQuota`` for very many Principals.
    """
    rights = type.rights
    if rights is None or PROPERTY not in change.named:
        return
    before, after = read(rights, (change.old or {}).get(PROPERTY)), read(rights, change.after().get(PROPERTY))
    if len(after) > MOST:
        raise SetError("overQuota", f"it can be shared with at most {MOST}")
    if after and change.old is None and not view.lacks_nothing:
        raise SetError("forbidden", "what a visitor makes is shared as its parent is")
    held = view.rights(type, change.id) if change.old is not None else rights.all
    for who, bits in after.items():
        if bits & ~before.get(who, 0) & ~held:
            raise SetError("forbidden", "nobody can give a right that he lacks")
    value = written(rights, after)
    if value != change.after().get(PROPERTY):
        change.after()[PROPERTY] = change.report[PROPERTY] = value


def is_all(change: Change) -> bool:
    """Say whether an update changes nothing but with whom a container is shared, which is not written in it."""
    if PROPERTY not in change.named:
        return False
    before, after = change.before(), change.after()
    return all(
        before.get(name) == after.get(name) for name in before.keys() | after.keys() if name != PROPERTY
    )


def write(txn: Transaction, type: Type, change: Change, now: int) -> set[int]:
    """Write what a change says of sharing, if anything; gives the Principals whose rights changed."""
    rights = type.rights
    if rights is None or PROPERTY not in change.named:
        return set()
    before, after = read(rights, (change.old or {}).get(PROPERTY)), read(rights, change.after().get(PROPERTY))
    if before == after:  # To one who may not share it, it looks as if it were shared with nobody.
        return set()
    return txn.share(type, change.id, after, txn.person, now)


def inherit(txn: Transaction, type: Type, change: Change, now: int) -> set[int]:
    """Share what a visitor made just as its parent is, or he would not see it himself."""
    parent = change.after().get(type.tree) if type.tree is not None else None
    id = type.local(parent) if isinstance(parent, str) else None
    return set() if id is None else txn.share(type, change.id, txn.shares(type, [id])[id], txn.person, now)
