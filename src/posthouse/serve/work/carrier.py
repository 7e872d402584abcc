"""Carrier: one attempt to bring a letter to those of its recipients who still wait for it.

Theory of operation. Recipients of our own are served by the delivery room, all others by a courier, destination by
destination. What a destination answered is written down before anything else is done, so that nobody who acknowledged
a message gets it again after a crash; only a connection, or a process, that dies between the last byte of a message
and the record of the reply to it leaves that open. When all were asked, the letter is put off or dropped, and the
notifications to its sender are queued as letters of their own, in one transaction.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from posthouse.blobs.port import Blobs
from posthouse.capabilities.submission import address, outbox
from posthouse.capabilities.submission import letter as letter_
from posthouse.capabilities.submission.letter import Letter, Recipient
from posthouse.delivery import outgoing, progress, report
from posthouse.delivery.accept import Target
from posthouse.delivery.progress import Answer
from posthouse.delivery.reply import NOT_OURS
from posthouse.kit import log
from posthouse.model.ports import Txn
from posthouse.proto.smtp.reply import Reply
from posthouse.store.account import Store
from posthouse.store.jobs import Claim

AT_ONCE_TO_ONE: Final = 10
"""Connections to one destination."""
_MOST_IN_ONE: Final = 100  # recipients of one transaction of SMTP (RFC 5321 §4.5.3.1.8)
_AT_ONCE: Final = 10  # destinations of one letter
_LARGE: Final = 1_000_000  # octets
_LARGE_AT_ONCE: Final = 4
_REST: Final = 60  # seconds for which a destination that could not be reached is left alone
_MOST_RESTING: Final = 10_000
_LEASE: Final = 3600  # seconds that bytes stay though nothing keeps them yet
_UNREACHABLE: Final = frozenset(("4.4.1", "4.4.2"))

_log = log.get("relay")


class Local(Protocol):
    """Delivers to those whose mail is kept here."""

    def recipient(self, address: str) -> Target | Reply:
        """Give the account that has what is sent to an address, or the reply that refuses it."""
        ...

    async def deliver(
        self, mail_from: str, targets: Sequence[Target], message: bytes, once: bytes
    ) -> Sequence[Reply]:
        """Deliver a message; gives the reply for each target. once: what was delivered under it is not again."""
        ...


class Couriers(Protocol):
    """Takes messages elsewhere."""

    def destination(self, domain: str) -> str:
        """Name where mail for a domain goes to."""
        ...

    async def take(
        self, destination: str, letter: Letter, recipients: Sequence[Recipient], message: bytes
    ) -> list[Answer]:
        """Take a message to some of its recipients; gives the answer for each."""
        ...


class Lost(Exception):
    """The job is not the worker's any more: its lease ended, or it was removed."""


@dataclass(frozen=True, slots=True)
class Means:
    """What all attempts use.

    sign: gives the fields that vouch for a message, to be put before it; called in a thread. host: our name. now: the
    time in Unix seconds. jitter: gives numbers from 0 to 1. pause: seconds until what could not be written is again.
    """

    store: Store
    blobs: Blobs
    local: Local
    courier: Couriers
    sign: Callable[[bytes], bytes]
    host: str
    now: Callable[[], float]
    jitter: Callable[[], float]
    pause: float = 5.0


class _Door:
    """Who is at a destination, or waits there."""

    def __init__(self) -> None:
        self.turn = asyncio.Semaphore(AT_ONCE_TO_ONE)
        self.visitors = 0


class Carrier:
    """Makes attempts; of one event loop."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._doors: dict[str, _Door] = {}
        self._large = asyncio.Semaphore(_LARGE_AT_ONCE)
        self._resting: dict[str, tuple[float, Answer]] = {}

    async def attempt(self, claim: Claim) -> None:
        """Try to bring a letter to all who wait for it, and write down what became of that. Raises `Lost`."""
        attempt = _Attempt(self._means, claim)
        await attempt.begin()
        if attempt.is_large():
            async with self._large:
                await self._carry(attempt)
        else:
            await self._carry(attempt)

    async def rest(self, claim: Claim) -> None:
        """Let a letter wait whose attempt failed through a fault of ours; what was written down of it stays."""
        due = int(self._means.now()) + progress.pause(claim.job.tries, self._means.jitter())

        def unit(txn: Txn) -> None:
            for job in txn.jobs(claim.job.kind, claim.job.about):
                if (job.id, job.tries) == (claim.job.id, claim.job.tries):
                    txn.put_off(job, due, job.payload)

        await self._means.store.write(claim.place, 0, unit)

    async def _carry(self, attempt: _Attempt) -> None:
        try:
            message = await asyncio.to_thread(attempt.compose)
        except KeyError:
            _log.error("relay.no_message", job=attempt.claim.job.id, account=attempt.claim.job.account)
            lost = Answer(Reply(554, "5.3.0", "the message is not there any more"))
            await attempt.note([(one, lost) for one in attempt.letter.waiting])
            await attempt.end(b"")
            return
        ours, others = self._sorted(attempt)
        if ours:
            await self._deliver(attempt, ours, message)
        turn = asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for destination, recipients in others.items():
                for at in range(0, len(recipients), _MOST_IN_ONE):
                    some = recipients[at : at + _MOST_IN_ONE]
                    group.create_task(self._take(attempt, turn, destination, some, message))
        await attempt.end(message)

    def _sorted(
        self, attempt: _Attempt
    ) -> tuple[list[tuple[Recipient, Target | Reply]], dict[str, list[Recipient]]]:
        """Sort recipients into those of our domains, and all others by where their mail goes."""
        ours: list[tuple[Recipient, Target | Reply]] = []
        others: defaultdict[str, list[Recipient]] = defaultdict(list)
        for one in attempt.letter.waiting:
            found = self._means.local.recipient(one.email)
            read = address.read(one.email)
            if found is NOT_OURS and read is not None:
                others[self._means.courier.destination(read.domain)].append(one)
            else:
                ours.append((one, found))
        return ours, others

    async def _deliver(
        self, attempt: _Attempt, ours: Sequence[tuple[Recipient, Target | Reply]], message: bytes
    ) -> None:
        targets = [found for _, found in ours if isinstance(found, Target)]
        once = b"%d.%d" % (attempt.claim.job.account, attempt.claim.job.id)
        replies = iter(
            await self._means.local.deliver(attempt.letter.mail_from, targets, message, once)
            if targets
            else []
        )
        answers = [
            (one, Answer(next(replies) if isinstance(found, Target) else found, is_final=True))
            for one, found in ours
        ]
        await attempt.note(answers)

    async def _take(
        self,
        attempt: _Attempt,
        turn: asyncio.Semaphore,
        destination: str,
        recipients: Sequence[Recipient],
        message: bytes,
    ) -> None:
        async with turn, self._at(destination):
            resting = self._resting.get(destination)
            if resting is not None and resting[0] > self._means.now():
                answers = [resting[1]] * len(recipients)
            else:
                answers = await self._means.courier.take(destination, attempt.letter, recipients, message)
                self._let_rest(destination, answers[0])
            await attempt.note([*zip(recipients, answers, strict=True)])

    def _let_rest(self, destination: str, answer: Answer) -> None:
        """Leave a destination that could not be reached alone for a while, so that it takes nobody's turns."""
        self._resting.pop(destination, None)
        if answer.reply.enhanced in _UNREACHABLE:
            if len(self._resting) >= _MOST_RESTING:
                self._resting.clear()
            self._resting[destination] = (self._means.now() + _REST, answer)

    @asynccontextmanager
    async def _at(self, destination: str) -> AsyncIterator[None]:
        """Wait for one's turn at a destination."""
        door = self._doors.setdefault(destination, _Door())
        door.visitors += 1
        try:
            async with door.turn:
                yield
        finally:
            door.visitors -= 1
            if not door.visitors:
                del self._doors[destination]


class _Attempt:
    """One attempt, and its letter as it changes."""

    def __init__(self, means: Means, claim: Claim) -> None:
        self.claim = claim
        self.letter = letter_.of(claim.job)
        self._means = means

    async def begin(self) -> None:
        """Let it be known that the letter can't be taken back any more."""
        if self.letter.tries == 0:
            await self._write(self._noted)

    def is_large(self) -> bool:
        """Say whether the message takes so much memory that few like it may be under way."""
        return (self._means.blobs.size(bytes.fromhex(self.letter.blob)) or 0) > _LARGE

    def compose(self) -> bytes:
        """Make the message as it is sent; raises KeyError if its bytes are lost."""
        stored = self._means.blobs.read(bytes.fromhex(self.letter.blob))
        message = outgoing.write(stored, self.letter.fields)
        return self._means.sign(message) + message

    async def note(self, answers: Sequence[tuple[Recipient, Answer]]) -> None:
        """Write down what became of some recipients."""
        now = int(self._means.now())
        for recipient, answer in answers:
            progress.answered(recipient, answer, now)
            _log.info(
                "relay.answered",
                job=self.claim.job.id,
                account=self.claim.job.account,
                code=answer.reply.code,
                status=answer.reply.enhanced,
                host=answer.host,
            )
        await self._write(self._noted)

    async def end(self, message: bytes) -> None:
        """Put the letter off, or drop it, and queue what its sender is to be told."""
        now = int(self._means.now())
        self.letter.tries += 1
        progress.give_up(self.letter, now)
        letters = await asyncio.to_thread(self._notifications, message, now)
        due = now + progress.pause(self.letter.tries, self._means.jitter())

        def unit(txn: Txn) -> bool:
            job = self.claim.job
            payload = self.letter.payload()
            is_ours = txn.put_off(job, due, payload) if self.letter.waiting else txn.drop_job(job)
            if is_ours:
                digests = [bytes.fromhex(one.blob) for one in letters]
                for one, digest in zip(letters, digests, strict=True):
                    txn.put_job(letter_.KIND, now, one.payload(), keeps=[digest])
                outbox.record(txn, job.about, self.letter, begun=True, dsns=digests)
            return is_ours

        await self._write(unit)

    def _notifications(self, message: bytes, now: int) -> list[Letter]:
        """Write what the sender is to be told, and make letters of it."""
        found = progress.reports(self.letter, now)
        texts = [report.write(self.letter, one, message, self._means.host, now) for one in found]
        digests = self._means.blobs.put_many(texts, now + _LEASE) if texts else []
        return [
            Letter(
                blob=digest.hex(),
                mail_from="",
                recipients=[Recipient(email=self.letter.mail_from, notify=["NEVER"])],
                arrived=now,
                released=now,
            )
            for digest in digests
        ]

    def _noted(self, txn: Txn) -> bool:
        is_ours = txn.note_job(self.claim.job, self.letter.payload())
        if is_ours:
            outbox.record(txn, self.claim.job.about, self.letter, begun=True)
        return is_ours

    async def _write(self, unit: Callable[[Txn], bool]) -> None:
        """Write something down, however long that takes: what was sent must not be sent again.

        Raises `Lost` where the job is another's.
        """
        while True:
            try:
                is_ours = await self._means.store.write(self.claim.place, 0, unit)
            except OSError as error:
                _log.error("relay.write", job=self.claim.job.id, **log.fault(error))
                await asyncio.sleep(self._means.pause)
                continue
            if not is_ours:
                raise Lost
            return
