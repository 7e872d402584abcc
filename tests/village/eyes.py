"""Eyes: what a person may see of another's account, worked out over plain dictionaries (RFC 8621 §2, RFC 9670 §4).

It knows what the owner sees, and who was granted what; nothing else. So small that it can be read beside the RFCs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TypeAlias

from posthouse.kit.json import Json, JsonObject
from posthouse.model.caller import wire_principal

Objects: TypeAlias = dict[str, JsonObject]
Truth: TypeAlias = dict[str, Objects]
"""All objects of an account as its owner gets them, by type and id."""
Grants: TypeAlias = dict[tuple[str, str], dict[int, frozenset[str]]]
"""The names of the rights on a container, of a type and id, by the number of the Principal."""

RIGHTS = {
    "Mailbox": (
        *("mayReadItems", "mayAddItems", "mayRemoveItems", "maySetSeen", "maySetKeywords"),
        *("mayCreateChild", "mayRename", "mayDelete", "maySubmit", "mayShare"),
    ),
    "AddressBook": ("mayRead", "mayWrite", "mayShare", "mayDelete"),
}
READ = {"Mailbox": "mayReadItems", "AddressBook": "mayRead"}
ITEMS = {"Email": ("mailboxIds", "Mailbox"), "ContactCard": ("addressBookIds", "AddressBook")}
FAMILIES = (("Mailbox", "Thread", "Email"), ("AddressBook", "ContactCard"), ("Identity",))
"""Types whose states may move together."""
TYPES = tuple(type for family in FAMILIES for type in family)
COUNTERS = ("totalEmails", "unreadEmails", "totalThreads", "unreadThreads")


def held(grants: Grants, type: str, id: str, through: Collection[int]) -> frozenset[str]:
    """The rights of somebody who is some Principals."""
    shares = grants.get((type, id), {})
    return frozenset().union(*(rights for who, rights in shares.items() if who in through))


def told(type: str, rights: Collection[str]) -> JsonObject:
    """The rights as they stand in ``myRights`` and ``shareWith``."""
    return {name: name in rights for name in RIGHTS[type]}


def shares_told(type: str, shares: Mapping[int, Collection[str]]) -> Json:
    return {wire_principal(who): told(type, rights) for who, rights in shares.items() if rights} or None


def seen(truth: Truth, grants: Grants, through: Collection[int], subscribed: Mapping[str, bool]) -> Truth:
    """What a visitor sees. subscribed: what he said himself, by the id of the container."""
    found: Truth = {}
    for type in RIGHTS:
        mine = {id: rights for id in truth[type] if (rights := held(grants, type, id, through))}
        found[type] = {
            id: {
                **truth[type][id],
                "myRights": told(type, rights),
                "isSubscribed": subscribed.get(id, False),
                "shareWith": shares_told(type, grants[type, id]) if "mayShare" in rights else None,
            }
            for id, rights in mine.items()
        }
    for type, (within, container) in ITEMS.items():
        readable = readable_of(found, container)
        found[type] = {
            id: {**one, within: {box: True for box in one[within] if box in readable}}
            for id, one in truth[type].items()
            if readable.intersection(one[within])
        }
    emails = found["Email"]
    for box in found["Mailbox"].values():
        if box["parentId"] not in found["Mailbox"]:
            box["parentId"] = None
    trash = next((id for id, box in found["Mailbox"].items() if box["role"] == "trash"), None)
    for id, box in found["Mailbox"].items():
        readable = readable_of(found, "Mailbox")
        box |= counted(id, trash, list(emails.values())) if id in readable else dict.fromkeys(COUNTERS, 0)
    found["Thread"] = {}
    for id, one in truth["Thread"].items():
        if shown := [email for email in one["emailIds"] if email in emails]:
            found["Thread"][id] = {**one, "emailIds": shown}
    submits = any(box["myRights"]["maySubmit"] for box in found["Mailbox"].values())
    found["Identity"] = dict(truth["Identity"]) if submits else {}
    return found


def readable_of(found: Truth, container: str) -> set[str]:
    """The containers whose items are seen."""
    return {id for id, one in found[container].items() if one["myRights"][READ[container]]}


def counted(box: str, trash: str | None, emails: list[JsonObject]) -> JsonObject:
    """The counts of a Mailbox, from nothing but Emails as they are seen (RFC 8621 §2)."""
    inside = [one for one in emails if box in one["mailboxIds"]]
    threads = {one["threadId"] for one in inside}
    shown = inside if box == trash else [one for one in emails if set(one["mailboxIds"]) != {trash}]
    return {
        "totalEmails": len(inside),
        "unreadEmails": sum(map(is_unread, inside)),
        "totalThreads": len(threads),
        "unreadThreads": len(threads & {one["threadId"] for one in shown if is_unread(one)}),
    }


def is_unread(email: JsonObject) -> bool:
    return not {"$seen", "$draft"} & email["keywords"].keys()


def strings(value: object, skip: Collection[str] = ()) -> Iterator[str]:
    """All strings in a value, the names of its members too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from strings(item, skip)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield name
            if name not in skip:
                yield from strings(item, skip)
