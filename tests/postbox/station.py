"""Station: a whole Posthouse without edges, whose queue runs to hosts of the test's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import TypeVar

from posthouse.app import wiring
from posthouse.app.wiring import App
from posthouse.capabilities.mail import birth, ingest
from posthouse.capabilities.mail.email import email
from posthouse.capabilities.mail.ingest import Filing
from posthouse.capabilities.mail.mailbox import mailbox
from posthouse.capabilities.submission import letter as letter_
from posthouse.capabilities.submission.identity import identity
from posthouse.delivery.deliver import Deliverer
from posthouse.delivery.file import Filer
from posthouse.delivery.inside import Inside
from posthouse.delivery.judge import Lenient
from posthouse.delivery.keep import Keeper
from posthouse.delivery.vacation import Vacation
from posthouse.directory.passwords import Passwords
from posthouse.directory.place import place_of
from posthouse.kit import json
from posthouse.kit.json import JsonObject
from posthouse.model import blobid
from posthouse.model.caller import Access, Caller
from posthouse.model.job import Job
from posthouse.proto.jmap.request import Invocation, Request
from posthouse.serve.work.carrier import Carrier, Local, Means
from posthouse.serve.work.courier import Courier, Manner, Patience
from posthouse.serve.work.lead import Lead
from posthouse.serve.work.relay import Relay
from posthouse.serve.work.route import NO_DOMAIN, Hop, Unroutable
from posthouse.store.txn import Transaction

T = TypeVar("T")
ANN, BOB = "ann@near.example", "bob@near.example"
NAME = "mx.near.example"
PATIENCE = Patience(connect=2, command=2, data=2, whole=10)
MESSAGE = (
    b"From: Ann <ann@near.example>\r\nTo: Ben <ben@far.example>\r\nBcc: eve@far.example\r\n"
    b"Subject: Hello\r\nMessage-ID: <1@near.example>\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\n\r\nText\r\n"
)


class Roads:
    """A route by the ports that a test gives to domains."""

    def __init__(self) -> None:
        self.ports: dict[str, int] = {}

    def destination(self, domain: str) -> str:
        return domain

    async def hops(self, destination: str) -> Sequence[Hop]:
        if destination not in self.ports:
            raise Unroutable(NO_DOMAIN)
        return [Hop(f"mx.{destination}", "127.0.0.1", self.ports[destination])]


class Station:
    """Ann's and Bob's server. now: what the relay takes for the time."""

    def __init__(self, app: App, pool: ThreadPoolExecutor, folder: Path) -> None:
        self.app = app
        self.roads = Roads()
        self.now = 0.0
        self._pool = pool
        self._folder = folder
        self.pause = 0.01
        self.local: Local | None = None

    def relay(self, lead: str = "relay.lock") -> Relay:
        app = self.app
        filer = Filer(app.store, app.acceptance.is_open, Vacation(app.blobs, app.addresses.keys, NAME))
        deliverer = Deliverer(Keeper(app.blobs, self._pool), filer, Lenient(), NAME)
        means = Means(
            store=app.store,
            blobs=app.blobs,
            local=self.local or Inside(app.acceptance, deliverer, NAME),
            courier=Courier(self.roads, Manner(NAME, patience=PATIENCE)),
            sign=lambda message: b"DKIM-Signature: signed\r\n",
            host=NAME,
            now=lambda: self.now,
            jitter=lambda: 0.0,
            pause=self.pause,
        )
        carrier = Carrier(means)
        lock = Lead(self._folder / lead)
        return Relay(store=app.store, bus=app.bus, carrier=carrier, lead=lock, now=lambda: self.now)

    @asynccontextmanager
    async def relaying(self) -> AsyncIterator[Relay]:
        relay = self.relay()
        relay.open()
        try:
            yield relay
        finally:
            await relay.close()

    # -- accounts --

    def place(self, name: str = ANN) -> Access:
        return place_of(self.app.people.find(name))

    async def write(self, unit: Callable[[Transaction], T], name: str = ANN) -> T:
        return await self.app.store.write(self.place(name), self.place(name).owner, unit)

    async def read(self, unit: Callable[[Transaction], T], name: str = ANN) -> T:
        return await self.app.store.read(self.place(name), self.place(name).owner, unit)

    async def ask(self, method: str, name: str = ANN, **arguments: object) -> JsonObject:
        """Make one JMAP call as a person."""
        place = self.place(name)
        caller = Caller(place.owner, name, {place.wire: place}, name)
        request = Request(
            frozenset(
                ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail", "urn:ietf:params:jmap:submission"]
            ),
            [Invocation(method, {"accountId": place.wire, **arguments}, "0")],
            None,
        )
        answered = json.loads_strict(await self.app.engine.answer(caller, request))
        called, result, _ = answered["methodResponses"][0]
        assert method == called, result
        return dict(result)

    async def submit(
        self,
        *to: str,
        data: bytes = MESSAGE,
        name: str = ANN,
        mail_from: str | None = None,
        **parameters: object,
    ) -> str:
        """File a message as an Email of a person, and submit it; gives the id of the submission."""
        [digest] = self.app.blobs.put_many([data], 2**40)
        prepared = ingest.digest(data, digest)

        def file(txn: Transaction) -> tuple[str, str]:
            box = birth.ensure(txn, ("Sent",), "sent")
            [moved] = ingest.file(txn, [Filing(prepared, frozenset([box]), frozenset(), 0)])
            return email.wire(moved.id), identity.wire(txn.ids(identity)[0])

        id, own = await self.write(file, name)
        envelope = {
            "mailFrom": {"email": name if mail_from is None else mail_from, "parameters": None},
            "rcptTo": [{"email": one, "parameters": parameters or None} for one in to],
        }
        create = {"k": {"emailId": id, "identityId": own, "envelope": envelope if to else None}}
        answered = await self.ask("EmailSubmission/set", name, create=create)
        assert answered["notCreated"] is None, answered["notCreated"]
        found: str = answered["created"]["k"]["id"]
        return found

    async def submission(self, id: str, name: str = ANN) -> JsonObject:
        [found] = (await self.ask("EmailSubmission/get", name, ids=[id]))["list"]
        return dict(found)

    async def delivered(self, id: str, name: str = ANN) -> dict[str, tuple[str, str]]:
        """Give for each recipient whether he has it, and the reply."""
        status = (await self.submission(id, name))["deliveryStatus"]
        return {to: (one["delivered"], one["smtpReply"]) for to, one in status.items()}

    async def jobs(self, name: str = ANN) -> list[Job]:
        return await self.read(lambda txn: txn.jobs(letter_.KIND), name)

    async def inbox(self, name: str = ANN) -> list[bytes]:
        """Give the messages in a person's inbox."""

        def unit(txn: Transaction) -> list[str]:
            box = birth.ensure(txn, ("Inbox",), "inbox")
            wire = mailbox.wire(box)
            return [one["blobId"] for one in txn.values(email).values() if wire in one["mailboxIds"]]

        found = []
        for wire in await self.write(unit, name):
            blob = blobid.decode(wire)
            assert blob is not None
            found.append(self.app.blobs.read(blob.digest))
        return found

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait until something holds; what is asked may be a coroutine function."""
        async with asyncio.timeout(20):
            while True:
                found = holds()
                if asyncio.iscoroutine(found):
                    found = await found
                if found:
                    return
                await asyncio.sleep(0.005)

    async def is_empty(self) -> bool:
        """Say whether nothing waits in the queue any more."""
        return not await self.jobs() and not await self.jobs(BOB)

    async def rests(self) -> bool:
        """Say whether nothing is under way, and something waits."""
        jobs = await self.jobs()
        return bool(jobs) and all(job.lease == 0 and job.due > self.now for job in jobs)


@asynccontextmanager
async def station(folder: Path) -> AsyncIterator[Station]:
    """Open a station on an empty folder."""
    app = await asyncio.to_thread(
        wiring.build, folder, passwords=Passwords(passes=1, memory=8, threads=1), push=None
    )
    with closing(app), ThreadPoolExecutor(2) as pool:
        for name in (ANN, BOB):
            if name not in {person.login for person in app.people.list()}:
                await asyncio.to_thread(app.people.add, name, "secret")
        yield Station(app, pool, folder)
