"""An independent slow implementation of what is measured: plain Python over the corpus itself.

It shares no code with the server. A run that measures answers first compares them with these.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime

from bench.corpus import Corpus, Message
from bench.workload import KEYWORD, Account, opening, query
from posthouse.kit.json import Json, JsonObject


class Wrong(AssertionError):
    """An answer is not what it should be."""


class Naive:
    """A corpus as an account holds it."""

    def __init__(self, corpus: Corpus) -> None:
        self.messages = [corpus.message(index) for index in range(corpus.size)]
        self._threads: defaultdict[int, list[Message]] = defaultdict(list)
        for message in self.messages:
            self._threads[message.thread].append(message)

    def mailbox(self, name: str) -> JsonObject:
        """Give the counts of a Mailbox (RFC 8621 §2)."""
        inside = [message for message in self.messages if name in message.mailboxes]
        threads = {message.thread for message in inside}
        return {
            "totalEmails": len(inside),
            "unreadEmails": sum(map(_is_unread, inside)),
            "totalThreads": len(threads),
            "unreadThreads": sum(any(_counts(one, name) for one in self._threads[at]) for at in threads),
        }

    def page(self, name: str, limit: int) -> tuple[list[Message], int]:
        """Give the newest message of each Thread in a Mailbox, newest first, and how many there are."""
        found: dict[int, Message] = {}
        for message in sorted(self.messages, key=lambda message: -message.seconds):
            if name in message.mailboxes:
                found.setdefault(message.thread, message)
        return list(found.values())[:limit], len(found)

    def thread(self, message: Message) -> list[int]:
        """Give the indexes of the messages of a message's Thread, the oldest first."""
        return [one.index for one in sorted(self._threads[message.thread], key=lambda one: one.seconds)]


def _is_unread(message: Message) -> bool:
    return "$seen" not in message.keywords


def _counts(message: Message, mailbox: str) -> bool:
    """Say whether a message makes its Thread unread in a Mailbox (RFC 8621 §2)."""
    in_trash = "Trash" in message.mailboxes
    return _is_unread(message) and (
        in_trash if mailbox == "Trash" else not (in_trash and len(message.mailboxes) == 1)
    )


def check_opening(account: Account) -> int:
    """Compare the answer to opening each full Mailbox; gives how many Emails were compared. Raises `Wrong`."""
    naive = Naive(Corpus(account.owner.size, account.owner.seed))
    (everything,) = account.call(
        query(account.owner.wire, sort=[{"property": "receivedAt"}], limit=account.owner.size + 1)
    )
    index_of = {id: index for index, id in enumerate(everything["ids"])}
    _same("Emails", len(naive.messages), len(index_of))
    compared = 0
    for id in account.full:
        boxes, found, emails, threads = account.call(*opening(account.owner.wire, id))
        box = next(box for box in boxes["list"] if box["id"] == id)
        _same(box["name"], naive.mailbox(box["name"]), {key: box[key] for key in naive.mailbox(box["name"])})
        page, total = naive.page(box["name"], 50)
        _same("total", total, found["total"])
        _same("ids", [message.index for message in page], [index_of[one] for one in found["ids"]])
        for message, email, thread in zip(page, emails["list"], threads["list"], strict=True):
            _same("Email", _shown(message, account), _read(email))
            _same("threadId", email["threadId"], thread["id"])
            _same("Thread", naive.thread(message), [index_of[one] for one in thread["emailIds"]])
            compared += 1
    return compared


def _shown(message: Message, account: Account) -> JsonObject:
    return {
        "mailboxIds": {account.named(name): True for name in message.mailboxes},
        "keywords": dict.fromkeys(message.keywords, True),
        "hasAttachment": message.has_attachment,
        "from": _addresses(message.sender),
        "to": _addresses(message.receiver),
        "subject": message.subject,
        "receivedAt": datetime.fromtimestamp(message.seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "size": len(message.raw),
        "preview": " ".join(message.text.split())[:200],
    }


def _read(email: JsonObject) -> JsonObject:
    shown = {name: value for name, value in email.items() if name not in ("id", "threadId")}
    keywords = {word: True for word in email["keywords"] if word != KEYWORD}
    return shown | {"preview": email["preview"][:200], "keywords": keywords}


def _addresses(person: tuple[str, str]) -> Json:
    name, address = person
    return [{"name": name or None, "email": address}]


def _same(what: str, expected: Json, actual: Json) -> None:
    if expected != actual:
        raise Wrong(f"{what}: expected {expected!r}, got {actual!r}")
