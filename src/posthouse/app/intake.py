"""Intake: messages and cards from outside into an account, batch by batch, durably and each one once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from posthouse.app.sources import role_of
from posthouse.app.sources.item import Path
from posthouse.blobs.port import Blobs
from posthouse.capabilities.contacts import ingest as contacts
from posthouse.capabilities.mail import birth
from posthouse.capabilities.mail.ingest import Filing, Found, Prepared, digest, merge
from posthouse.capabilities.mail.threads import Grouping
from posthouse.formats.vcard import Card
from posthouse.kit import clock
from posthouse.model.caller import Access
from posthouse.model.ports import Txn
from posthouse.store.account import Store

_LEASE: Final = 3600  # seconds that bytes stay though no Email has them yet


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message to take in, and where it belongs.

    mailboxes: at least one path of valid names, from the top down. keywords: in lower case.
    received_at: Unix seconds; None takes the topmost Received field, else Date, else now.
    """

    mailboxes: tuple[Path, ...]
    keywords: frozenset[str]
    received_at: int | None
    data: bytes


@dataclass(frozen=True, slots=True)
class Digested:
    """A message that has been kept and read, ready to be filed; its bytes are not held any more."""

    mailboxes: tuple[Path, ...]
    keywords: frozenset[str]
    received_at: int | None
    message: Prepared


class Intake:
    """Takes messages into one account, in two steps: `keep`, in any thread, and `file`, in one event loop.

    So it does with cards: `keep_card` and `file_cards`.

    grouping: the conversations of the whole source, if they were found before; see `Grouping`.
    """

    def __init__(
        self, store: Store, blobs: Blobs, place: Access, person: int, grouping: Grouping | None = None
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._place = place
        self._person = person
        self._grouping = grouping

    def keep(self, batch: Sequence[Incoming]) -> list[Digested]:
        """Put the bytes of some messages on the disk, and read them; any bytes are a message."""
        until = int(clock.now()) + _LEASE
        hashes = self._blobs.put_many([one.data for one in batch], until)
        return [
            Digested(one.mailboxes, one.keywords, one.received_at, digest(one.data, hash))
            for one, hash in zip(batch, hashes, strict=True)
        ]

    async def file(self, batch: Sequence[Digested]) -> list[Found]:
        """File messages in one transaction; on return all of it is on the disk."""
        return await self._store.write(self._place, self._person, lambda txn: self._file(txn, batch))

    def keep_card(self, card: Card) -> contacts.Prepared:
        """Read a vCard, and put its media on the disk."""
        return contacts.digest(self._blobs, card)

    async def file_cards(self, batch: Sequence[contacts.Prepared]) -> list[contacts.Found]:
        """File cards in one transaction; on return all of it is on the disk."""
        if not batch:
            return []
        return await self._store.write(self._place, self._person, lambda txn: contacts.merge(txn, batch))

    def _file(self, txn: Txn, batch: Sequence[Digested]) -> list[Found]:
        # Looked up anew in each transaction, since clients may change the Mailboxes meanwhile.
        paths = {path for one in batch for path in one.mailboxes}
        mailboxes = {path: _mailbox(txn, path) for path in sorted(paths)}
        return merge(txn, [self._filing(one, mailboxes) for one in batch])

    def _filing(self, one: Digested, mailboxes: dict[Path, int]) -> Filing:
        return Filing(
            one.message,
            frozenset(mailboxes[path] for path in one.mailboxes),
            one.keywords,
            _received_at(one),
            None if self._grouping is None else self._grouping.key(one.message.keys),
        )


def _received_at(one: Digested) -> int:
    if one.received_at is not None:
        return one.received_at
    if one.message.received_at is not None:
        return one.message.received_at
    sent = clock.parse_date(one.message.values["sentAt"] or "")
    return int(clock.now() if sent is None else sent.timestamp())


def _mailbox(txn: Txn, path: Path) -> int:
    """Give the Mailbox at a path, made if need be; one that has a role by its name is the account's own of it."""
    return birth.ensure(txn, path, role_of(path), role_of(path[:1]))
