"""Office: a whole Posthouse without edges, into which messages are delivered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import TypeVar

from posthouse.app.wiring import App
from posthouse.capabilities.mail.email import email
from posthouse.capabilities.mail.mailbox import mailbox
from posthouse.delivery.accept import Acceptance, Target
from posthouse.delivery.deliver import Deliverer
from posthouse.delivery.file import Filer
from posthouse.delivery.judge import Judge, Lenient
from posthouse.delivery.keep import Keeper
from posthouse.delivery.received import Envelope
from posthouse.delivery.vacation import Vacation
from posthouse.directory.place import place_of
from posthouse.kit.json import JsonObject
from posthouse.model import blobid
from posthouse.proto.smtp.reply import Reply
from posthouse.store.addresses import AddressStore
from posthouse.store.txn import Transaction

T = TypeVar("T")
HOST = "mx.near.example"
FROM_FAR = Envelope(
    mail_from="ann@far.example", helo="mx.far.example", peer=ip_address("192.0.2.1"), protocol="ESMTP"
)


class PostOffice:
    """Delivers, and looks into the accounts."""

    def __init__(self, app: App, pool: ThreadPoolExecutor) -> None:
        self.app = app
        self.pool = pool
        self.acceptance = Acceptance(app.directory)
        self.judge: Judge = Lenient()

    def deliver(
        self, data: bytes, *recipients: str | Target, envelope: Envelope = FROM_FAR, times: int = 1
    ) -> list[Reply]:
        """Deliver a message, several times at once if asked to; gives the replies of the last."""
        targets = [self.target(one) if isinstance(one, str) else one for one in recipients]

        async def run() -> list[list[Reply]]:
            deliverer = self.deliverer()
            return await asyncio.gather(*[deliverer.message(envelope, targets, data) for _ in range(times)])

        return asyncio.run(run())[-1]

    def deliverer(self) -> Deliverer:
        """Give what delivers, for the event loop that runs."""
        app = self.app
        vacation = Vacation(app.blobs, AddressStore(app.directory).keys, HOST)
        filer = Filer(app.store, self.acceptance.is_open, vacation)
        return Deliverer(Keeper(app.blobs, self.pool), filer, self.judge, HOST)

    def target(self, recipient: str) -> Target:
        found = self.acceptance.recipient(recipient)
        assert isinstance(found, Target)
        return found

    def write(self, name: str, unit: Callable[[Transaction], T]) -> T:
        person = self.app.people.holder(name)

        async def run() -> T:
            return await self.app.store.write(place_of(person), person.id, unit)

        return asyncio.run(run())

    def emails(self, name: str) -> list[JsonObject]:
        """Give the Emails of an account, with the names of their Mailboxes as ``in`` and their bytes as ``raw``."""
        found = self.write(name, lambda txn: [*txn.values(email).values()])
        names = self.write(name, lambda txn: txn.values(mailbox, None, ["name"]))
        for one in found:
            one["in"] = sorted(names[mailbox.local(id) or 0]["name"] for id in one["mailboxIds"])
            blob = blobid.decode(one["blobId"])
            assert blob is not None
            one["raw"] = self.app.blobs.read(blob.digest)
        return found
