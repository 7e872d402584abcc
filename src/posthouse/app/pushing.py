"""Pushing: the parts by which changes are pushed to the URLs of clients, where that is wanted."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from posthouse.bus import Bus
from posthouse.capabilities import vapid
from posthouse.capabilities.emailpush import EMAILPUSH, arrival
from posthouse.capabilities.emailpush.arrival import Arrived
from posthouse.capabilities.pushstate import PUSHSTATE
from posthouse.directory.signin import SignIn
from posthouse.directory.subscriptions import Subscriptions
from posthouse.engine.call import Reading
from posthouse.kit.json import JsonObject
from posthouse.model.caller import Access
from posthouse.model.capability import Capability
from posthouse.model.ports import BlobSource
from posthouse.model.type import Type
from posthouse.proto.webpush.vapid import ServerKey, Signer
from posthouse.serve.push.hub import Hub
from posthouse.serve.work.address import Network
from posthouse.serve.work.lead import Lead
from posthouse.serve.work.outward import Outward
from posthouse.serve.work.pusher import Pusher
from posthouse.serve.work.target import Refused
from posthouse.store.account import Store
from posthouse.store.subscriptions import SubscriptionStore
from posthouse.store.txn import Transaction

CAPABILITIES: Final[Sequence[Capability]] = (EMAILPUSH, PUSHSTATE)
"""What this build can do where it pushes to URLs, besides `vapid`, which is made with the server's key."""


@dataclass(frozen=True, slots=True)
class Push:
    """How pushes go out.

    private: networks that are as good as public. trust: which certificates are good; None: those of the
    system's authorities. contact: see `Signer`.
    """

    private: Sequence[Network] = ()
    trust: ssl.SSLContext | None = None
    contact: str | None = None


class Pushing:
    """The parts, over the directory's file and a file to lock. Raises `OSError`, and `ValueError` for the contact."""

    def __init__(self, push: Push, directory: Path, lock: Path) -> None:
        self._store = SubscriptionStore(directory)
        key = ServerKey.from_pem(self._store.server_key(lambda: ServerKey.generate().pem()))
        self._signer = Signer(key, push.contact)
        self._outward = Outward(private=push.private, trust=push.trust)
        self._lock = lock
        self.capabilities = [vapid.capability(key.public), *CAPABILITIES]

    def subscriptions(self, bus: Bus) -> Subscriptions:
        """Make what the methods may do with push subscriptions."""
        return Subscriptions(self._store, bus.publish, self._fault)

    def pusher(
        self, bus: Bus, hub: Hub, sign_in: SignIn, store: Store, blobs: BlobSource, types: Mapping[str, Type]
    ) -> Pusher:
        """Make the pusher of an event loop."""

        async def arrivals(place: Access, person: int, since: int, config: JsonObject) -> Arrived:
            def unit(txn: Transaction) -> Arrived:
                return arrival.arrived(Reading(txn, blobs), since, config, types)

            return await store.read(place, person, unit)

        return Pusher(
            store=self._store,
            bus=bus,
            hub=hub,
            callers=sign_in,
            outward=self._outward,
            signer=self._signer,
            arrivals=arrivals,
            lead=Lead(self._lock),
        )

    def close(self) -> None:
        """Close the connections and the file."""
        self._outward.close()
        self._store.close()

    def _fault(self, url: str) -> str | None:
        try:
            self._outward.check(url)
        except Refused as refused:
            return str(refused)
        return None
