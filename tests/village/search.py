"""Search: which objects, as somebody sees them, a query must find (RFC 8620 §5.5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from posthouse.kit.json import JsonObject
from village.eyes import Truth
from village.scene import TOKEN, text_of


def _words_of(email: JsonObject, *names: str) -> str:
    texts = {
        **{name: text_of(email[name]) for name in ("from", "to", "cc", "subject")},
        "body": email["bodyValues"][email["textBody"][0]["partId"]]["value"] if email["textBody"] else "",
        "file": text_of([one["name"] for one in email["attachments"] if one["name"]]),
    }
    return f" {' '.join(TOKEN.findall(' '.join(texts[name] for name in names or texts))).lower()} "


def _thread(email: JsonObject, view: Truth) -> list[JsonObject]:
    return [one for one in view["Email"].values() if one["threadId"] == email["threadId"]]


def _card_words(card: JsonObject, *names: str) -> str:
    return f" {' '.join(TOKEN.findall(text_of([card.get(name) for name in names]))).lower()} "


_Condition = Callable[[JsonObject, Any, Truth], bool]
_EMAIL: Final[dict[str, _Condition]] = {
    "inMailbox": lambda one, value, _: value in one["mailboxIds"],
    "inMailboxOtherThan": lambda one, value, _: any(id not in value for id in one["mailboxIds"]),
    "before": lambda one, value, _: one["receivedAt"] < value,
    "after": lambda one, value, _: one["receivedAt"] >= value,
    "minSize": lambda one, value, _: one["size"] >= value,
    "maxSize": lambda one, value, _: one["size"] < value,
    "allInThreadHaveKeyword": lambda one, value, view: all(
        value in x["keywords"] for x in _thread(one, view)
    ),
    "someInThreadHaveKeyword": lambda one, value, view: any(
        value in x["keywords"] for x in _thread(one, view)
    ),
    "noneInThreadHaveKeyword": lambda one, value, view: (
        not any(value in x["keywords"] for x in _thread(one, view))
    ),
    "hasKeyword": lambda one, value, _: value in one["keywords"],
    "notKeyword": lambda one, value, _: value not in one["keywords"],
    "hasAttachment": lambda one, value, _: one["hasAttachment"] == value,
    "header": lambda one, value, _: any(
        field["name"] == value[0] and value[1] in field["value"] for field in one["headers"]
    ),
    "text": lambda one, value, _: f" {value} " in _words_of(one),
    **{
        name: lambda one, value, _, name=name: f" {value} " in _words_of(one, name)  # type: ignore[misc]
        for name in ("from", "to", "cc", "subject", "body")
    },
}
_MAILBOX: Final[dict[str, _Condition]] = {
    "parentId": lambda one, value, _: one["parentId"] == value,
    "name": lambda one, value, _: value in one["name"].lower(),
    "role": lambda one, value, _: one["role"] == value,
    "hasAnyRole": lambda one, value, _: (one["role"] is not None) == value,
    "isSubscribed": lambda one, value, _: one["isSubscribed"] == value,
}
_CARD: Final[dict[str, _Condition]] = {
    "inAddressBook": lambda one, value, _: value in one["addressBookIds"],
    "uid": lambda one, value, _: one["uid"] == value,
    "hasMember": lambda one, value, _: value in one.get("members", {}),
    "kind": lambda one, value, _: one.get("kind", "individual") == value,
    "createdBefore": lambda one, value, _: one["created"] < value,
    "createdAfter": lambda one, value, _: one["created"] >= value,
    "name": lambda one, value, _: f" {value} " in _card_words(one, "name"),
    "name/given": lambda one, value, _: f" {value} " in _card_words(one, "name"),
    "note": lambda one, value, _: f" {value} " in _card_words(one, "notes"),
    "text": lambda one, value, _: f" {value} " in _card_words(one, "name", "notes"),
}
_CONDITIONS: Final = {"Email": _EMAIL, "Mailbox": _MAILBOX, "ContactCard": _CARD}


def fits(type: str, id: str, filter: JsonObject | None, view: Truth) -> bool:
    """Whether an object, as it is seen, passes a filter (RFC 8620 §5.5)."""
    if not filter:
        return True
    if "operator" not in filter:
        one = view[type][id]
        return all(_CONDITIONS[type][name](one, value, view) for name, value in filter.items())
    held = [fits(type, id, part, view) for part in filter["conditions"]]
    return {"AND": all(held), "OR": any(held), "NOT": not any(held)}[filter["operator"]]
