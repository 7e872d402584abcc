"""Data folders to measure on: made once by the real importer, then used again by every run."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.corpus import Corpus, Message
from posthouse.app import intake, wiring
from posthouse.app.wiring import App
from posthouse.directory.place import place_of
from posthouse.store import tables
from posthouse.store.directory import Person

_VERSION = 3  # raised when the corpus changes
_BATCH = 300  # the 8 MB that `importer` takes at once are about so many of these messages


@dataclass(frozen=True, slots=True)
class Owner:
    """An account of a data folder, whose messages are those of ``Corpus(size, seed)``."""

    login: str
    token: str
    wire: str
    size: int
    seed: int


@dataclass(slots=True)
class Cost:
    """What an import took: CPU and wall clock in seconds; making the messages is not counted."""

    messages: int = 0
    octets: int = 0
    cpu: float = 0.0
    wall: float = 0.0


def prepare(folder: Path, accounts: int, size: int) -> list[Owner]:
    """Give the owners of a folder with so many accounts of so many messages each, making it if need be."""
    mark = folder / "bench.json"
    wanted = {"version": _VERSION, "accounts": accounts, "size": size}
    if mark.exists():
        found = json.loads(mark.read_text())
        if {key: found[key] for key in wanted} == wanted and found.get("schema", 0) >= tables.OLDEST:
            return [Owner(**owner) for owner in found["owners"]]
    shutil.rmtree(folder, ignore_errors=True)
    owners = []
    app = wiring.build(folder)
    try:
        for seed in range(1, accounts + 1):
            owner, person = add_owner(app, size, seed)
            asyncio.run(fill(app, person, Corpus(size, seed)))
            owners.append(owner)
            print(f"made account {seed} of {accounts}, {size:,} messages", file=sys.stderr)
    finally:
        app.close()
    made = {"schema": tables.VERSION, "owners": [asdict(owner) for owner in owners]}
    mark.write_text(json.dumps(wanted | made))
    return owners


def add_owner(app: App, size: int, seed: int) -> tuple[Owner, Person]:
    """Add a person with an empty account."""
    login = f"owner{seed}@bench.example"
    person = app.people.add(login, None)
    token, _ = app.tokens.issue(login)
    return Owner(login, token, place_of(person).wire, size, seed), person


async def fill(app: App, person: Person, corpus: Corpus) -> Cost:
    """Import a corpus batch by batch, durably, and tell what it took."""
    taking = intake.Intake(app.store, app.blobs, place_of(person), person.id)
    cost = Cost()
    for start in range(0, corpus.size, _BATCH):
        messages = [corpus.message(index) for index in range(start, min(start + _BATCH, corpus.size))]
        cpu, wall = time.process_time(), time.perf_counter()
        await taking.file(taking.keep([_incoming(message) for message in messages]))
        cost.cpu += time.process_time() - cpu
        cost.wall += time.perf_counter() - wall
        cost.messages += len(messages)
        cost.octets += sum(len(message.raw) for message in messages)
    return cost


def _incoming(message: Message) -> intake.Incoming:
    return intake.Incoming(
        tuple((name,) for name in message.mailboxes),
        frozenset(message.keywords),
        message.seconds,
        message.raw,
    )
