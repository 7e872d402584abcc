"""AddressBook: a named set of ContactCards (RFC 9610 §2)."""

from __future__ import annotations

from typing import Final

from posthouse.kit.json import JsonObject
from posthouse.model.change import Act, Change, Finished, Stage
from posthouse.model.condition import Argument
from posthouse.model.kind import Boolean, Ref, String, UnsignedInt, sort_key
from posthouse.model.ports import Txn
from posthouse.model.property import Part, Property
from posthouse.model.rights import Rights
from posthouse.model.type import Type
from posthouse.proto.jmap.errors import SetError

RIGHTS: Final = Rights(("mayRead", "mayWrite", "mayShare", "mayDelete"), read="mayRead", share="mayShare")

_MOST_BOOKS: Final = 1000
"""AddressBooks of one account: all of them are looked at to choose the default one."""

address_book = Type(
    "AddressBook",
    letter="b",
    methods="get changes set",
    properties=[
        Property("name", String(min_length=1, max_octets=255), required=True),
        Property("description", String() | None, default=None),
        Property("sortOrder", UnsignedInt(below=2**31), default=0),
        Property("isDefault", Boolean(), server=True),
        Property("isSubscribed", Boolean(), default=True, part=Part.OVERLAY),
    ],
    arguments={
        "set": [
            Argument("onDestroyRemoveContents", Boolean(), False),
            Argument("onSuccessSetIsDefault", Ref("AddressBook") | None),
        ]
    },
    rights=RIGHTS,
    needs={
        "destroy": "mayDelete",
        "name": "mayWrite",
        "description": "mayWrite",
        "sortOrder": "mayWrite",
    },
)


@address_book.check
def begin_as_one_of_many(txn: Txn, change: Change, stage: Stage) -> None:
    """Let a new AddressBook not be the default one, and refuse too many."""
    if change.act is not Act.CREATE:
        return
    change.after()["isDefault"] = False
    made = sum(each.act is Act.CREATE for each in stage.changes.values())
    if len(txn.ids(address_book)) + made > _MOST_BOOKS:
        raise SetError("overQuota", f"an account has at most {_MOST_BOOKS} AddressBooks")


@address_book.finish
def choose_the_default(txn: Txn, finished: Finished) -> dict[int, JsonObject]:
    """Make the wanted AddressBook the default one, or any if there is none; gives those that changed.

    What is wanted counts only if nothing was refused; an id that is not there is ignored (RFC 9610 §2.3).
    """
    books = txn.values(address_book, None, address_book.basis)
    current = default_of(books)
    wanted = None if finished.refused else _wanted(finished)
    chosen = wanted if wanted in books else current
    if chosen is None and books:
        chosen = min(books, key=lambda id: (books[id]["sortOrder"], sort_key(books[id]["name"]), id))
    if chosen == current or chosen is None:
        return {}
    changed: dict[int, JsonObject] = {}
    for id, is_default in ((current, False), (chosen, True)):
        if id is not None:
            txn.update(address_book, id, books[id], books[id] | {"isDefault": is_default})
            changed[id] = {"isDefault": is_default}
    return changed


def default_of(books: dict[int, JsonObject]) -> int | None:
    """Give the id of the default one among AddressBooks, or None."""
    return next((id for id, values in books.items() if values["isDefault"]), None)


def _wanted(finished: Finished) -> int | None:
    wire = finished.arguments.get("onSuccessSetIsDefault")
    if wire is None:
        return None
    return address_book.local(finished.created.get(wire[1:], "") if wire.startswith("#") else wire)
