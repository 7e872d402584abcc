"""Identity: an address that a user may send from, and how (RFC 8621 §6)."""

from __future__ import annotations

from typing import Final

from posthouse.capabilities.mail.email import ADDRESS
from posthouse.model.change import Act, Change, Stage
from posthouse.model.kind import Boolean, ListOf, String
from posthouse.model.ports import Txn
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
    """Give an account the Identity of an address of its own, which can't be deleted."""
    values = {
        "name": name,
        "email": address,
        "replyTo": None,
        "bcc": None,
        "textSignature": "",
        "htmlSignature": "",
        "mayDelete": False,
    }
    txn.insert(identity, txn.allocate(), values)


@identity.check
def _check(txn: Txn, change: Change, stage: Stage) -> None:
    """Refuse an address that is not the account's own with ``forbiddenFrom`` (RFC 8621 §6.3)."""
    if change.act is not Act.CREATE:
        return
    new = change.after()
    new["mayDelete"] = True
    stored = txn.values(identity, None, ["email", "mayDelete"]).values()
    own = {values["email"].casefold() for values in stored if not values["mayDelete"]}
    if new["email"].casefold() not in own:
        raise SetError("forbiddenFrom", "this address is not yours to send from")


@identity.before_destroy
def _keep_the_own(txn: Txn, change: Change, stage: Stage) -> None:
    if not txn.values(identity, [change.id], ["mayDelete"])[change.id]["mayDelete"]:
        raise SetError("forbidden", "the Identity of the account's own address stays")
