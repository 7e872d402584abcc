"""Queue: what waits to be sent, as the operator sees and steers it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from posthouse.app.wiring import App
from posthouse.capabilities.submission import letter as letter_
from posthouse.capabilities.submission import outbox
from posthouse.capabilities.submission.letter import Letter
from posthouse.kit import clock
from posthouse.model.job import NEVER, Job
from posthouse.model.ports import Txn
from posthouse.store.jobs import Claim

State: TypeAlias = Literal["waiting", "held", "sending"]


class QueueError(Exception):
    """What was asked of the queue cannot be done; the message is one line that says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One letter in the queue.

    key: what names it. account: the login of the account that sends it. due: Unix seconds. state: it waits for its
    time, or for the operator, or is being sent.
    """

    key: str
    account: str
    state: State
    due: int
    letter: Letter


class Queue:
    """The queue of a server, whether that runs or not."""

    def __init__(self, app: App) -> None:
        self._app = app

    def list(self) -> list[Entry]:
        """Give all letters, those that are due first."""
        names = {one.account: one.login for one in [*self._app.people.list(), *self._app.groups.list()]}
        found = [
            _entry(claim, names.get(claim.place.account, "?")) for claim in self._app.store.jobs(letter_.KIND)
        ]
        return sorted(found, key=lambda one: (one.due, one.key))

    def find(self, key: str) -> Entry:
        """Give one letter. Raises `QueueError`."""
        for entry in self.list():
            if entry.key == key:
                return entry
        raise QueueError(
            f"there is no letter {key!r} in the queue: posthouse queue list shows those there are"
        )

    def retry(self, keys: Sequence[str]) -> None:
        """Let letters be due now, also those that are held. Raises `QueueError`."""

        def go_on(txn: Txn, job: Job) -> None:
            letter = letter_.of(job)
            letter.halted = False
            txn.put_off(job, int(clock.now()), letter.payload())

        self._change(keys, go_on)

    def hold(self, keys: Sequence[str]) -> None:
        """Let letters wait until they are retried. Raises `QueueError`."""

        def wait(txn: Txn, job: Job) -> None:
            letter = letter_.of(job)
            letter.halted = True
            txn.put_off(job, NEVER, letter.payload())

        self._change(keys, wait)

    def cancel(self, keys: Sequence[str]) -> None:
        """Remove letters; those who have not got them never will, and the sender's client shows it.

        Raises `QueueError`.
        """

        def remove(txn: Txn, job: Job) -> None:
            letter = letter_.of(job)
            for one in letter.waiting:
                one.state = "failed"
                one.reply = "554 5.7.0 removed from the queue by the operator"
            txn.drop_job(job)
            outbox.record(txn, job.about, letter, begun=True)

        self._change(keys, remove)

    def _change(self, keys: Sequence[str], change: Callable[[Txn, Job], None]) -> None:
        """Change letters, each in a transaction of its own, unless one of them is not there."""
        claims = {_key(claim): claim for claim in self._app.store.jobs(letter_.KIND)}
        for key in keys:
            if key not in claims:
                self.find(key)

        async def each() -> None:
            for key in keys:
                await self._one(key, claims[key], change)

        asyncio.run(each())

    async def _one(self, key: str, claim: Claim, change: Callable[[Txn, Job], None]) -> None:
        def unit(txn: Txn) -> bool:
            now = int(clock.now())
            for job in txn.jobs(letter_.KIND):
                if job.id == claim.job.id:
                    if job.lease > now:
                        return False
                    change(txn, job)
            return True

        if not await self._app.store.write(claim.place, 0, unit):
            raise QueueError(f"letter {key} is being sent just now: try again in a moment")


def lines(entry: Entry) -> Iterator[str]:
    """Describe a letter, line by line."""
    letter = entry.letter
    yield f"letter {entry.key} of {entry.account}"
    yield f"from: {letter.mail_from or '<>'}"
    yield f"came: {clock.utc_date(letter.arrived)}"
    yield f"state: {when(entry)}"
    yield f"attempts: {letter.tries}"
    for one in letter.recipients:
        yield f"to: {one.email}: {one.state}: {one.reply}"


def when(entry: Entry) -> str:
    """Say what a letter waits for."""
    return f"due {clock.utc_date(entry.due)}" if entry.state == "waiting" else entry.state


def _key(claim: Claim) -> str:
    return f"{claim.place.shard}-{claim.job.id}"


def _entry(claim: Claim, account: str) -> Entry:
    letter = letter_.of(claim.job)
    state: State = "waiting"
    if claim.job.lease > clock.now():
        state = "sending"
    elif letter.halted:
        state = "held"
    return Entry(_key(claim), account, state, claim.job.due, letter)
