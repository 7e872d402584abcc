"""Exporter: an account's mail into a Maildir or mbox files, and its cards beside it, in constant memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from posthouse.app.archive import CARDS_FILE, Exported, export_maildir, export_mbox, export_vcards
from posthouse.app.sources.item import Path as MailboxPath
from posthouse.app.wiring import App
from posthouse.capabilities.contacts import vcards
from posthouse.capabilities.contacts.contactcard import contact_card
from posthouse.capabilities.mail.email import email
from posthouse.capabilities.mail.mailbox import mailbox
from posthouse.directory.place import place_of
from posthouse.kit import clock
from posthouse.kit.json import JsonObject
from posthouse.model import blobid
from posthouse.model.ports import Txn
from posthouse.store.directory import Person

_AT_ONCE: Final = 100
_BASIS: Final = ("blobId", "mailboxIds", "keywords", "receivedAt")


@dataclass(frozen=True, slots=True)
class Written:
    """How much an export wrote."""

    messages: int
    cards: int


def run(app: App, account: str, directory: str, form: str) -> Written:
    """Write all mail of an account into a new directory as ``maildir`` or ``mbox``, and its cards as one file.

    Raises `DirectoryError` for an unknown account and `ArchiveError` where it cannot be written.
    """
    person = app.people.holder(account)
    write = export_mbox if form == "mbox" else export_maildir
    messages = write(_messages(app, person), Path(directory))
    return Written(messages, export_vcards(_cards(app, person), Path(directory) / CARDS_FILE))


def _cards(app: App, person: Person) -> Iterator[bytes]:
    """Give every card as a vCard."""
    place = place_of(person)
    with asyncio.Runner() as runner:
        ids = runner.run(app.store.read(place, person.id, lambda txn: txn.ids(contact_card)))
        for start in range(0, len(ids), _AT_ONCE):
            chunk = ids[start : start + _AT_ONCE]
            yield from runner.run(
                app.store.read(place, person.id, lambda txn: vcards.written(txn, app.blobs, chunk))  # noqa: B023
            )


def _messages(app: App, person: Person) -> Iterator[Exported]:
    """Give every message as it is when its turn comes; what came after the start is not among them."""
    place = place_of(person)
    with asyncio.Runner() as runner:
        ids = runner.run(app.store.read(place, person.id, lambda txn: txn.ids(email)))
        for start in range(0, len(ids), _AT_ONCE):
            chunk = ids[start : start + _AT_ONCE]
            paths, found = runner.run(app.store.read(place, person.id, lambda txn: _look(txn, chunk)))  # noqa: B023
            for values in found.values():
                yield _exported(app, values, paths)


def _look(txn: Txn, ids: list[int]) -> tuple[dict[str, MailboxPath], dict[int, JsonObject]]:
    """Read some Emails, and the path of each Mailbox by its wire id."""
    mailboxes = {
        mailbox.wire(id): values
        for id, values in txn.values(mailbox, None, ["name", "parentId", "role"]).items()
    }
    return {wire: _path(mailboxes, wire) for wire in mailboxes}, txn.values(email, ids, _BASIS)


def _path(mailboxes: dict[str, JsonObject], wire: str) -> MailboxPath:
    path: list[str] = []
    at: str | None = wire
    while at is not None:
        values = mailboxes[at]
        at = values["parentId"]
        path.append("Inbox" if values["role"] == "inbox" and at is None else values["name"])
    return tuple(reversed(path))


def _exported(app: App, values: JsonObject, paths: dict[str, MailboxPath]) -> Exported:
    blob = blobid.decode(values["blobId"])
    assert blob is not None
    return Exported(
        [paths[wire] for wire in values["mailboxIds"]],
        frozenset(values["keywords"]),
        clock.parse_utc_date(values["receivedAt"]),
        app.blobs.read(blob.digest),
    )
