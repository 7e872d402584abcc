"""The requests that are measured."""

from __future__ import annotations

from bench.client import Client, api, get, results
from bench.data import Owner
from posthouse.kit.json import JsonObject

LIST_PROPERTIES = (
    *("threadId", "mailboxIds", "keywords", "hasAttachment", "from", "to"),
    *("subject", "receivedAt", "size", "preview"),
)
"""What a list of messages shows."""

BODY_PROPERTIES = (*LIST_PROPERTIES, "cc", "replyTo", "bodyValues", "textBody", "htmlBody", "attachments")

KEYWORD = "bench"
"""The keyword that is set and cleared; no message of the corpus has it."""

NEWEST_FIRST = [{"property": "receivedAt", "isAscending": False}]

Call = tuple[str, JsonObject]


def back(call: int, name: str, path: str) -> JsonObject:
    """Refer to the result of an earlier call (RFC 8620 §3.7)."""
    return {"resultOf": str(call), "name": name, "path": path}


def opening(account: str, mailbox: str) -> list[Call]:
    """Open the app: Mailboxes, the newest 50 Threads of one with their total, their Emails and Threads."""
    return [
        ("Mailbox/get", {"accountId": account, "ids": None}),
        (
            "Email/query",
            {
                "accountId": account,
                "filter": {"inMailbox": mailbox},
                "sort": NEWEST_FIRST,
                "collapseThreads": True,
                "limit": 50,
                "calculateTotal": True,
            },
        ),
        (
            "Email/get",
            {
                "accountId": account,
                "#ids": back(1, "Email/query", "/ids"),
                "properties": list(LIST_PROPERTIES),
            },
        ),
        ("Thread/get", {"accountId": account, "#ids": back(2, "Email/get", "/list/*/threadId")}),
    ]


def query(account: str, **arguments: object) -> Call:
    """Ask for Emails, the newest first unless told otherwise."""
    return "Email/query", {"accountId": account, "sort": NEWEST_FIRST, "limit": 50, **arguments}


def keyword(account: str, email: str, is_set: bool) -> Call:
    """Set or clear one keyword of one Email."""
    patch = {f"keywords/{KEYWORD}": True if is_set else None}
    return "Email/set", {"accountId": account, "update": {email: patch}}


class Account:
    """One account as a client sees it, asked for before anything is measured."""

    def __init__(self, client: Client, owner: Owner) -> None:
        self.owner = owner
        self._client = client
        (boxes,) = self.call(("Mailbox/get", {"accountId": owner.wire, "ids": None}))
        self.mailboxes: list[JsonObject] = boxes["list"]
        self.full = [box["id"] for box in self.mailboxes if box["totalThreads"] >= 50]
        """The Mailboxes with Threads enough to fill a page."""

    def call(self, *calls: Call) -> list[JsonObject]:
        """Make calls and give the arguments of their responses."""
        return results(self._client.answers([self.request(*calls)])[0])

    def request(self, *calls: Call) -> bytes:
        """Write a whole HTTP request."""
        return api(self.owner.token, calls)

    def named(self, name: str) -> str:
        """Give the id of the Mailbox of this name."""
        return next(str(box["id"]) for box in self.mailboxes if box["name"] == name)

    def download(self, blob: str) -> bytes:
        """Write the request for a whole blob."""
        return get(f"/jmap/download/{self.owner.wire}/{blob}/x?type=message/rfc822", self.owner.token)
