"""Mailbox: a named set of Emails (RFC 8621 §2)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final

from posthouse.kit.json import JsonObject
from posthouse.model.change import Act, Change, Stage
from posthouse.model.condition import (
    Argument,
    Both,
    Condition,
    Filter,
    Leaf,
    Query,
    Sort,
    Test,
    contains,
    equals,
    is_set,
)
from posthouse.model.kind import Boolean, Enum, Ref, Text, UnsignedInt, sort_key
from posthouse.model.ports import Txn
from posthouse.model.property import Part, Property
from posthouse.model.rights import Rights
from posthouse.model.type import Type
from posthouse.proto.jmap.errors import SetError

LONGEST_NAME: Final = 255
"""Octets of UTF-8 that a name may have."""
DEEPEST: Final = 30
"""Mailboxes above each other, the topmost included."""

# The attributes of the IANA registry "IMAP Mailbox Name Attributes" that say what a Mailbox is for; the others
# tell of the tree, as \HasChildren does.
ROLES: Final = frozenset(
    (
        *("all", "archive", "drafts", "flagged", "important", "inbox"),
        *("junk", "memos", "scheduled", "sent", "snoozed", "trash"),
    )
)
SHARING: Final = "urn:ietf:params:jmap:mail:share"
"""The capability that lets a client share Mailboxes (draft-ietf-jmap-mail-sharing-00, section 1.2.1)."""

RIGHTS: Final = Rights(
    (
        "mayReadItems",
        "mayAddItems",
        "mayRemoveItems",
        "maySetSeen",
        "maySetKeywords",
        "mayCreateChild",
        "mayRename",
        "mayDelete",
        "maySubmit",
        "mayShare",
    ),
    read="mayReadItems",
    share="mayShare",
    sharing=SHARING,
)

# Control characters, line and paragraph separators, and what is no character (RFC 5198 §2, §3).
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff\ud800-\udfff]")


def is_name(text: str) -> bool:
    """Say whether a text may be a Mailbox's name (RFC 8621 §2); it is kept in Unicode form C (RFC 5198 §3)."""
    size = len(unicodedata.normalize("NFC", text[: LONGEST_NAME + 1]).encode("utf-8", "surrogatepass"))
    return 1 <= size <= LONGEST_NAME and len(text) <= LONGEST_NAME and not _FORBIDDEN.search(text)


mailbox = Type(
    "Mailbox",
    letter="m",
    methods="get changes set query queryChanges",
    properties=[
        Property("name", Text(is_name), required=True, index=True, column=sort_key),
        Property("parentId", Ref("Mailbox") | None, default=None, index=True),
        Property("role", Enum(ROLES) | None, default=None, index=True),
        Property("sortOrder", UnsignedInt(below=2**31), default=0, index=True),
        Property("totalEmails", UnsignedInt(), server=True, part=Part.COUNTER),
        Property("unreadEmails", UnsignedInt(), server=True, part=Part.COUNTER),
        Property("totalThreads", UnsignedInt(), server=True, part=Part.COUNTER),
        Property("unreadThreads", UnsignedInt(), server=True, part=Part.COUNTER),
        Property("isSubscribed", Boolean(), default=True, part=Part.OVERLAY),
    ],
    filters=[
        equals("parentId"),
        contains("name"),
        equals("role"),
        is_set("hasAnyRole", "role"),
        Filter("isSubscribed", Test.OVERLAY, ("isSubscribed",)),
    ],
    sorts=[Sort("sortOrder", "sortOrder"), Sort("name", "name"), Sort("parentId", "parentId")],
    arguments={
        "set": [Argument("onDestroyRemoveEmails", Boolean(), False)],
        "query": [
            Argument("sortAsTree", Boolean(), False),
            Argument("filterAsTree", Boolean(), False),
        ],
    },
    rights=RIGHTS,
    needs={
        "child": "mayCreateChild",
        "destroy": "mayDelete",
        "name": "mayRename",
        "parentId": "mayRename",
    },
    tree="parentId",
)

_NAME_IS = Filter("name", Test.EQUALS, ("name",))


@mailbox.check
def keep_the_tree_sound(txn: Txn, change: Change, stage: Stage) -> None:
    """Refuse loops, depths, twin names under one parent and a second holder of a role (RFC 8621 §2).

    A visitor gives no role at all.
    """
    new = change.after()
    old = change.old or {}
    is_new = change.act is Act.CREATE
    _normalise_name(change, new)
    moved = is_new or new["parentId"] != old["parentId"]
    if moved and new["parentId"] is not None:
        _check_ancestors(txn, change, stage)
    if moved or new["name"] != old["name"]:
        _check_name(txn, change, stage)
    if new["role"] is not None and (is_new or new["role"] != old["role"]):
        _check_role(txn, change, stage)


def staged_children(txn: Txn, stage: Stage, id: int) -> list[int]:
    """Give the Mailboxes that will have this one as their parent when the call is done."""
    wire = mailbox.wire(id)
    return _matching(txn, stage, _parent_is(wire), lambda values: values["parentId"] == wire)


def with_role(txn: Txn, role: str) -> int | None:
    """Give the Mailbox that has a role, or None."""
    found = txn.find(mailbox, Query(Leaf(mailbox.filters["role"], role))).page(0, 1)
    return found[0] if found else None


def named(txn: Txn, name: str, parent: str | None) -> int | None:
    """Give the Mailbox of just this name under a parent (its wire id; None: at the top), or None."""
    found = txn.find(mailbox, Query(Both((_parent_is(parent), Leaf(_NAME_IS, sort_key(name)))))).all()
    for id, values in txn.values(mailbox, found, ["name"]).items():
        if values["name"] == name:
            return id
    return None


def _parent_is(wire: str | None) -> Leaf:
    return Leaf(mailbox.filters["parentId"], None if wire is None else mailbox.local(wire))


def _normalise_name(change: Change, new: JsonObject) -> None:
    name = unicodedata.normalize("NFC", new["name"])
    if name != new["name"]:
        new["name"] = change.report["name"] = name


def _matching(txn: Txn, stage: Stage, where: Condition, holds: Callable[[JsonObject], bool]) -> list[int]:
    """Give the Mailboxes that will fulfil a condition: stored ones, and changed ones judged by ``holds``."""
    stored = [id for id in txn.find(mailbox, Query(where)).all() if id not in stage.changes]
    return stored + [id for id, change in stage.changes.items() if change.new and holds(change.new)]


def _check_ancestors(txn: Txn, change: Change, stage: Stage) -> None:
    height = 0 if change.act is Act.CREATE else _height(txn, stage, change.id)
    depth = 1
    parent = change.after()["parentId"]
    while parent is not None:
        id = mailbox.local(parent)
        if id == change.id:
            raise SetError("invalidProperties", "a Mailbox can't be inside itself", ["parentId"])
        depth += 1
        if depth + height > DEEPEST:
            raise SetError("invalidProperties", f"more than {DEEPEST} levels", ["parentId"])
        parent = _staged_parent(txn, stage, id)


def _staged_parent(txn: Txn, stage: Stage, id: int | None) -> str | None:
    """Give the wire id of a Mailbox's parent as it will be; None for one that isn't there."""
    if id is None or stage.gone(id):
        return None
    change = stage.changes.get(id)
    values = change.new if change is not None else txn.values(mailbox, [id], ["parentId"]).get(id)
    parent = values["parentId"] if values else None
    return None if parent is None else str(parent)


def _height(txn: Txn, stage: Stage, id: int) -> int:
    """Count the levels below a Mailbox; `DEEPEST` for a loop."""
    if not staged_children(txn, stage, id):
        return 0
    # The whole tree is read for a Mailbox with children only: few of those move in one call.
    children: dict[str | None, list[int]] = {}
    for child, values in stage.overlaid(txn.values(mailbox, None, ["parentId"])).items():
        children.setdefault(values["parentId"], []).append(child)
    height = 0
    level = children.get(mailbox.wire(id), [])
    while level and height < DEEPEST:
        height += 1
        level = [below for child in level for below in children.get(mailbox.wire(child), [])]
    return height


def _check_name(txn: Txn, change: Change, stage: Stage) -> None:
    name, parent = change.after()["name"], change.after()["parentId"]
    near = _matching(
        txn,
        stage,
        Both((_parent_is(parent), Leaf(_NAME_IS, sort_key(name)))),
        lambda values: values["parentId"] == parent and values["name"] == name,
    )
    stored = txn.values(mailbox, [id for id in near if id not in stage.changes], ["name"])
    for id in near:
        if id in stage.changes:
            is_twin = stage.comes_first(change, id, ("name", "parentId"))
        else:
            is_twin = stored[id]["name"] == name
        if is_twin:
            raise SetError("alreadyExists", "a sibling has this name", ["name"], existingId=mailbox.wire(id))


def _check_role(txn: Txn, change: Change, stage: Stage) -> None:
    if txn.through is not None:  # Mail would come to where he reads it, and he would hear which are taken.
        raise SetError("forbidden", "a visitor gives no role")
    role = change.after()["role"]
    holders = _matching(
        txn, stage, Leaf(mailbox.filters["role"], role), lambda values: values["role"] == role
    )
    if any(id not in stage.changes or stage.comes_first(change, id, ("role",)) for id in holders):
        raise SetError("invalidProperties", "another Mailbox has this role", ["role"])
