"""Identity: an address that a user may send from, and how (RFC 8621 §6)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from posthouse.capabilities.mail.email import ADDRESS
from posthouse.directory.addresses import key, untagged
from posthouse.model.change import Act, Change, Stage
from posthouse.model.kind import Boolean, ListOf, String
from posthouse.model.ports import Preparing, Txn
from posthouse.model.property import Property
from posthouse.model.type import Type
from posthouse.proto.jmap.errors import SetError

_LONGEST_ADDRESS: Final = 320
_LONGEST_SIGNATURE: Final = 1_000_000
_ADDRESSES = ListOf(ADDRESS, at_most=1000) | None

identity = Type(
    "Identity",
    letter="i",
    methods="get changes set",
    properties=[
        Property("name", String(max_octets=1000), default=""),
        Property("email", String(max_octets=_LONGEST_ADDRESS, min_length=3), required=True, immutable=True),
        Property("replyTo", _ADDRESSES, default=None),
        Property("bcc", _ADDRESSES, default=None),
        Property("textSignature", String(max_octets=_LONGEST_SIGNATURE), default=""),
        Property("htmlSignature", String(max_octets=_LONGEST_SIGNATURE), default=""),
        Property("mayDelete", Boolean(), server=True, immutable=True),
    ],
    # Whoever may submit in a Mailbox of the account may see as whom.
    granted_by="maySubmit",
)


def defaults(txn: Txn, address: str, name: str = "") -> None:
    """Give an account the Identity of the address that it was made with, which can't be deleted."""
    _insert(txn, address, name, may_delete=False)


def gain(txn: Txn, alias: str) -> None:
    """Give an account the Identity of an alias, unless it has one."""
    if not _of(txn, alias):
        _insert(txn, alias, "", may_delete=True)


def lose(txn: Txn, alias: str) -> None:
    """Take from an account the Identities of what is no alias of it any more."""
    txn.delete_all(identity, _of(txn, alias))


def is_own(address: str, addresses: Collection[str]) -> bool:
    """Say whether an account that has some addresses, given by key, may send from one.

    It may from its own, and from these with a tag (RFC 5233 §1).
    """
    found = key(address)
    return found is not None and (found in addresses or untagged(found) in addresses)


def fit(txn: Txn, address: str) -> int:
    """Give the Identity to send from one of the account's addresses with.

    It allows the address; if the user has destroyed all that do, it is the one that stays.
    """
    stored = txn.values(identity, None, ["email", "mayDelete"])
    fitting = [id for id, one in stored.items() if is_own(address, [key(one["email"]) or ""])]
    return min(fitting or [id for id, one in stored.items() if not one["mayDelete"]])


def _of(txn: Txn, alias: str) -> list[int]:
    """Find the Identities of an alias, those with a tag included."""
    stored = txn.values(identity, None, ["email", "mayDelete"])
    own = {key(alias) or ""}
    return [id for id, one in stored.items() if one["mayDelete"] and is_own(one["email"], own)]


def _insert(txn: Txn, address: str, name: str, *, may_delete: bool) -> None:
    values = {
        "name": name,
        "email": address,
        "replyTo": None,
        "bcc": None,
        "textSignature": "",
        "htmlSignature": "",
        "mayDelete": may_delete,
    }
    txn.insert(identity, txn.allocate(), values)


@identity.prepare
async def _demand_own(call: Preparing, changes: Sequence[Change]) -> Mapping[str, Exception]:
    """Refuse an address that is not the account's own with ``forbiddenFrom`` (RFC 8621 §6.3)."""
    own = call.addresses
    return {
        change.key: SetError("forbiddenFrom", "this address is not yours to send from")
        for change in changes
        if not is_own(change.after()["email"], own)
    }


@identity.check
def _let_it_go(txn: Txn, change: Change, stage: Stage) -> None:
    if change.act is Act.CREATE:
        change.after()["mayDelete"] = True


@identity.before_destroy
def _keep_the_own(txn: Txn, change: Change, stage: Stage) -> None:
    if not txn.values(identity, [change.id], ["mayDelete"])[change.id]["mayDelete"]:
        raise SetError("forbidden", "the Identity of the account's own address stays")
