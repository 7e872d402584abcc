"""Scene: who plays in the histories of the village, and with what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from hypothesis import strategies as st

from posthouse.kit.json import Json, JsonObject
from posthouse.model import blobid
from village import eyes
from village.eyes import Objects, Truth
from village.village import ANNA, BOB, CARL, COUNCIL

seeds = st.integers(0, 2**32)

PEOPLE: Final = (ANNA, BOB, CARL)
OWNERS: Final = (ANNA, BOB, COUNCIL)
"""Whose accounts are visited."""
GRANTEES: Final = (ANNA, BOB, CARL, COUNCIL)
TOPICS: Final = ("tea", "milk", "salt")
KEYWORDS: Final = ("$seen", "$flagged", "$draft", "blue")
DATES: Final = tuple(f"202{year}-01-01T00:00:00Z" for year in range(4))
STATES: Final = ("state", "oldState", "newState", "queryState", "oldQueryState", "newQueryState")
NEVER: Final = 1_900_000
"""Ids from here on were never given."""
REFUSALS: Final = {
    *("forbidden", "notFound", "invalidProperties", "alreadyExists", "invalidPatch", "singleton"),
    *("mailboxHasChild", "mailboxHasEmail", "addressBookHasContents", "forbiddenToSend", "forbiddenFrom"),
    *("blobNotFound", "willDestroy", "overQuota"),
}
SECRET: Final = re.compile(r"zq\d+z")
TOKEN: Final = re.compile(r"[A-Za-z0-9_-]+")

Pair = tuple[int, int]
"""A visitor, and the owner of the account that he visits."""
Call = tuple[str, JsonObject]


COUNTERS: Final = eyes.COUNTERS
WRITES: Final = ("set", "import", "copy", "parse")
LETTERS: Final = {
    **{"Mailbox": "m", "Thread": "t", "Email": "e", "AddressBook": "b", "ContactCard": "d", "Identity": "i"},
    **{"EmailSubmission": "s", "Principal": "p", "ShareNotification": "n"},
}
PEOPLES: Final = ("Principal", "ShareNotification")
ALL_OF_IT: Final = {
    "properties": [
        *(
            "id",
            "blobId",
            "threadId",
            "mailboxIds",
            "keywords",
            "size",
            "receivedAt",
            "messageId",
            "inReplyTo",
        ),
        *("references", "sender", "from", "to", "cc", "bcc", "replyTo", "subject", "sentAt", "hasAttachment"),
        *("preview", "headers", "bodyStructure", "textBody", "htmlBody", "attachments", "bodyValues"),
    ],
    "fetchAllBodyValues": True,
}
NEW: Final = {
    "Identity": {"email": "anna@a.example"},
    "EmailSubmission": {"identityId": "i1", "emailId": "e1"},
    "Principal": {"name": "x"},
}
PATCHES: Final[dict[str, list[JsonObject]]] = {
    "Identity": [{"name": "x"}, {"textSignature": "y"}],
    "VacationResponse": [{"isEnabled": True}, {"subject": "x"}],
    "Mailbox": [{"totalEmails": 1000}, {"myRights/mayShare": None}],
    "AddressBook": [{"isDefault": None}, {"myRights": None}],
    "Email": [{"subject": "x"}, {"shareWith": {"p7": {}}}, {"threadId": "t1"}],
}


def text_of(value: object) -> str:
    return "\n".join(eyes.strings(value))


def blobs_in(value: Json) -> Iterator[str]:
    """All ids of blobs in a value."""
    return (text for text in eyes.strings(value) if len(text) > 40 and blobid.decode(text) is not None)


def refusals_of(answer: JsonObject) -> list[JsonObject]:
    """All SetErrors of an answer."""
    acts = ("notCreated", "notUpdated", "notDestroyed")
    return [error for act in acts for error in (answer.get(act) or {}).values()]


def made_in(asked: Iterable[str], answer: JsonObject) -> set[str]:
    """The blobs that were made of others as they were parsed."""
    known = {blobid.decode(id).digest for id in asked if blobid.decode(id)}
    return {id for id in blobs_in(answer) if blobid.decode(id).digest not in known}


def swapped(value: Any, names: Mapping[str, str]) -> Any:
    """A value with each of some ids replaced, wherever it stands."""
    if not names:
        return value
    if isinstance(value, str):
        return TOKEN.sub(lambda found: names.get(found[0], found[0]), value)
    if isinstance(value, (list, tuple)):
        return type(value)(swapped(item, names) for item in value)
    if isinstance(value, dict):
        return {swapped(name, names): swapped(item, names) for name, item in value.items()}
    return value


def members_after(known: Mapping[str, object], patch: JsonObject, name: str) -> set[str]:
    """The members of a set after a patch."""
    members = set(patch.get(name, known))
    for path, value in patch.items():
        if path.startswith(f"{name}/"):
            (members.add if value else members.discard)(path.partition("/")[2])
    return members


def and_above(id: str, boxes: Objects) -> list[str]:
    """A Mailbox and all that it is in."""
    found, at = [], id
    while at is not None and at in boxes:
        found.append(at)
        at = boxes[at]["parentId"]
    return found


def firsts(ids: list[str], view: Truth) -> list[str]:
    """The first Email of each Thread."""
    found: dict[str, str] = {}
    for id in ids:
        found.setdefault(view["Email"][id]["threadId"], id)
    return list(found.values())
