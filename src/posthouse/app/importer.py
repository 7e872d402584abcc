"""Importer: other people's mail and contacts into an account, resumable and each of them once.

Each source is read twice. The first pass reads headers only and finds the conversations, so that the order in
a file does not matter (DESIGN D17). The second takes the messages in, batch by batch. What was taken in is on
the disk, and is known by its bytes when it comes again; a card is known by its uid.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from posthouse.app import terminal
from posthouse.app.intake import Digested, Incoming, Intake
from posthouse.app.sources import Contact, Item, Skipped, Source, open_source
from posthouse.app.terminal import Progress
from posthouse.app.wiring import App
from posthouse.capabilities.contacts import ingest as contacts
from posthouse.capabilities.mail.ingest import Found
from posthouse.capabilities.mail.threads import Grouping, keys_of
from posthouse.directory.place import place_of

# Larger batches cost less for each message, and hold up the other writers of a running server for longer.
_MESSAGES: Final = 400
_BYTES: Final = 8 * 1024 * 1024


@dataclass(slots=True)
class Report:
    """What an import did.

    skipped: how much for which reason. left_out: how many parts of cards that were imported without them.
    """

    imported: int = 0
    already_there: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def is_whole(self) -> bool:
        """Whether all that was found is there now."""
        return not self.skipped and not self.left_out

    @property
    def read(self) -> int:
        """How much was found in the sources."""
        return self.imported + self.already_there + self.skipped.total()

    def lines(self) -> Iterator[str]:
        """Write the report."""
        yield f"read: {self.read}"
        yield f"imported: {self.imported}"
        yield f"already there: {self.already_there}"
        yield f"skipped: {self.skipped.total()}"
        for reason, count in self.skipped.most_common():
            yield f"  {count}  {reason}"
        if self.left_out:
            yield f"parts of cards left out: {self.left_out.total()}"
        for reason, count in self.left_out.most_common():
            yield f"  {count}  {reason}"


@dataclass(slots=True)
class _Batch:
    messages: list[Digested]
    cards: list[contacts.Prepared]
    left_out: list[Skipped]
    skipped: list[Skipped]

    @property
    def found(self) -> int:
        """How much was found; nothing is the end."""
        return len(self.messages) + len(self.cards) + len(self.skipped)


def run(app: App, account: str, paths: Sequence[str]) -> Report:
    """Import all that is at some paths, and say so on the way and at the end.

    Raises `DirectoryError` for an unknown account and `SourceError` for a path that cannot be opened; then
    nothing was imported.
    """
    person = app.people.holder(account)
    limit = app.limits.max_size_upload
    sources = [open_source(path, max_message=limit, only_mail=True) for path in paths]
    grouping = _conversations(sources)
    intake = Intake(app.store, app.blobs, place_of(person), person.id, grouping)
    report = Report()
    sources = [open_source(path, max_message=limit) for path in paths]
    with terminal.progress("Importing", sum(source.total_bytes for source in sources)) as progress:
        asyncio.run(_import(intake, sources, report, progress))
    for line in report.lines():
        terminal.line(line)
    return report


def _conversations(sources: Sequence[Source]) -> Grouping:
    grouping = Grouping()
    count = 0
    with terminal.progress(
        "Finding conversations", sum(source.total_bytes for source in sources)
    ) as progress:
        for item in _items(sources):
            if isinstance(item, Item):
                count += 1
                grouping.add(keys_of(item.data))
                progress.at(sum(source.done_bytes for source in sources), count)
    return grouping


async def _import(intake: Intake, sources: Sequence[Source], report: Report, progress: Progress) -> None:
    items = _items(sources)
    # One after the other: two threads of Python would cost more than the waiting that they could fill.
    while (batch := _next_batch(intake, items)).found:
        found = await intake.file(batch.messages)
        cards = await intake.file_cards(batch.cards)
        added = found.count(Found.NEW) + cards.count(contacts.Found.NEW)
        report.imported += added
        report.already_there += len(found) + len(cards) - added
        for one in batch.left_out:
            report.left_out[one.reason] += 1
            progress.say(f"left out of {one.origin}: {one.reason}")
        for one in batch.skipped:
            report.skipped[one.reason] += 1
            progress.say(f"skipped {one.origin}: {one.reason}")
        progress.at(sum(source.done_bytes for source in sources), report.read)


def _items(sources: Iterable[Source]) -> Iterator[Item | Contact | Skipped]:
    for source in sources:
        yield from source


def _next_batch(intake: Intake, items: Iterator[Item | Contact | Skipped]) -> _Batch:
    """Read and keep the next messages and cards."""
    incoming: list[Incoming] = []
    cards: list[contacts.Prepared] = []
    left_out: list[Skipped] = []
    skipped: list[Skipped] = []
    size = 0
    for item in items:
        if isinstance(item, Skipped):
            skipped.append(item)
        elif isinstance(item, Contact):
            card = intake.keep_card(item.card)
            if card.fault is not None:
                skipped.append(Skipped(item.origin, card.fault))
            else:
                cards.append(card)
                left_out += [Skipped(item.origin, fault.reason) for fault in item.card.faults]
        else:
            incoming.append(Incoming(item.mailboxes, item.keywords, item.received_at, item.data))
            size += len(item.data)
        if size >= _BYTES or len(incoming) + len(cards) + len(skipped) >= _MESSAGES:
            break
    return _Batch(intake.keep(incoming), cards, left_out, skipped)
