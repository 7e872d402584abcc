"""Room: an engine over the mail types in this process, with an account as a new user finds it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bakery.kitchen import BAKER, HOME, OTHER, Kitchen, OpenStore
from posthouse.capabilities.mail import MAIL, birth
from posthouse.capabilities.mail.email import derived_words, email
from posthouse.capabilities.mail.mailbox import mailbox
from posthouse.capabilities.submission import SUBMISSION, identity
from posthouse.capabilities.vacation import VACATION, response
from posthouse.kit.json import Json, JsonObject
from posthouse.kit.limits import Limits
from posthouse.model.ports import Txn
from posthouse.store.layout import tally_word

ADDRESS = BAKER.username
COUNTS = ("totalEmails", "unreadEmails", "totalThreads", "unreadThreads")


class Room(Kitchen):
    """An account ``a1`` with the Mailboxes, the Identity and the VacationResponse it was born with."""

    def __init__(self, open_store: OpenStore, folder: Path, *, limits: Limits | None = None) -> None:
        super().__init__(open_store, folder, MAIL, SUBMISSION, VACATION, limits=limits, addresses=[ADDRESS])
        for place in (HOME, OTHER):
            self.write(_furnish, place)
        self.role = {found["role"]: found["id"] for found in self.ask("Mailbox/get")["list"]}

    # -- making --

    def imported(self, data: bytes, **values: Json) -> str:
        """Import a message, into the inbox unless told otherwise, and give its id."""
        return self.imported_all([data], **values)[0]

    def imported_all(self, many: list[bytes], **values: Json) -> list[str]:
        """Import messages in one call and give their ids."""
        plain = {"mailboxIds": {self.role["inbox"]: True}, "receivedAt": "2024-01-01T00:00:00Z"} | values
        emails = {f"i{at}": plain | {"blobId": self.upload(data)} for at, data in enumerate(many)}
        answered = self.ask("Email/import", emails=emails)
        assert answered["notCreated"] is None, answered["notCreated"]
        return [answered["created"][key]["id"] for key in emails]

    def mailbox(self, name: str, **values: Json) -> str:
        """Make a Mailbox and give its id."""
        made: str = self._create("Mailbox", [{"name": name} | values])[0]["id"]
        return made

    def created(self, **values: Json) -> str:
        """Create a draft and give its id."""
        plain = {"mailboxIds": {self.role["drafts"]: True}}
        made: str = self._create("Email", [plain | values])[0]["id"]
        return made

    # -- what must hold --

    def check_counts(self) -> None:
        """Hold each Mailbox's counts, and each Thread, against the Emails themselves (RFC 8621 §2, §3)."""
        boxes = self.ask("Mailbox/get")["list"]
        emails = self.read(lambda txn: txn.values(email))
        trash = next((box["id"] for box in boxes if box["role"] == "trash"), None)
        for box in boxes:
            assert _counted(box["id"], trash, list(emails.values())) == {
                name: box[name] for name in COUNTS
            }, box
        threads: dict[str, list[tuple[str, int, str]]] = {}
        for id, values in emails.items():
            key = (values["receivedAt"], id, email.wire(id))
            threads.setdefault(values["threadId"], []).append(key)
        expected = {id: [wire for _, _, wire in sorted(members)] for id, members in threads.items()}
        assert expected == {found["id"]: found["emailIds"] for found in self.ask("Thread/get")["list"]}
        self.read(lambda txn: _check_tallies(txn, list(emails.values())))


def _furnish(txn: Txn) -> None:
    birth.defaults(txn)
    identity.defaults(txn, ADDRESS)
    response.defaults(txn)


def _counted(box: str, trash: str | None, emails: list[JsonObject]) -> dict[str, int]:
    """Count as RFC 8621 §2 says, from nothing but the Emails."""
    inside = [one for one in emails if box in one["mailboxIds"]]
    threads = {one["threadId"] for one in inside}
    shown = inside if box == trash else [one for one in emails if set(one["mailboxIds"]) != {trash}]
    unread = {one["threadId"] for one in shown if _is_unread(one)}
    return {
        "totalEmails": len(inside),
        "unreadEmails": sum(_is_unread(one) for one in inside),
        "totalThreads": len(threads),
        "unreadThreads": len(threads & unread),
    }


def _is_unread(values: JsonObject) -> bool:
    return not {"$seen", "$draft"} & set(values["keywords"])


def _check_tallies(txn: Txn, emails: list[JsonObject]) -> None:
    counted: Counter[tuple[int, str]] = Counter()
    for values in emails:
        for container in (0, *map(mailbox.local, values["mailboxIds"])):
            for word in ("", *map(tally_word, values["keywords"]), *derived_words(values)):
                counted[container or 0, word] += 1
    for (container, word), items in counted.items():
        assert items == txn.tally(email, container, word)[0], (container, word)


def message(
    subject: str = "Hello",
    body: str = "A short text.\n",
    *,
    id: str | None = None,
    refers: str | None = None,
    **fields: Any,
) -> bytes:
    """Write a plain message."""
    lines: Iterator[tuple[str, Any]] = iter(
        [
            ("From", "Ann <ann@example.org>"),
            ("To", "Ben <ben@example.net>"),
            ("Subject", subject),
            ("Message-ID", None if id is None else f"<{id}>"),
            ("References", None if refers is None else f"<{refers}>"),
            *((name.replace("_", "-"), value) for name, value in fields.items()),
        ]
    )
    head = "".join(f"{name}: {value}\r\n" for name, value in lines if value is not None)
    return (head + "\r\n" + body.replace("\n", "\r\n")).encode()
