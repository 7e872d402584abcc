"""Wiring: every part made once and given just what it uses (DESIGN D12)."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from posthouse.app import furnishing, plugins
from posthouse.app.pushing import CAPABILITIES as PUSH_CAPABILITIES
from posthouse.app.pushing import Push, Pushing
from posthouse.app.register import Register
from posthouse.app.sharing import Sharing
from posthouse.blobs import open_blobs
from posthouse.blobs.port import Blobs
from posthouse.bus import Bus, open_bus
from posthouse.capabilities import vapid
from posthouse.capabilities.contacts import CONTACTS, CONTACTS_PARSE
from posthouse.capabilities.core import CORE
from posthouse.capabilities.mail import MAIL, MAIL_SHARE
from posthouse.capabilities.principals import OWNER, PRINCIPALS
from posthouse.capabilities.principals.notifier import Notifier
from posthouse.capabilities.submission import SUBMISSION
from posthouse.capabilities.vacation import VACATION
from posthouse.capabilities.websocket import WEBSOCKET
from posthouse.delivery.accept import Acceptance
from posthouse.directory.aliases import Aliases
from posthouse.directory.callers import Callers
from posthouse.directory.groups import Groups
from posthouse.directory.passwords import Passwords
from posthouse.directory.people import People
from posthouse.directory.sharing import Sharing as Circle
from posthouse.directory.signin import SignIn
from posthouse.directory.tickets import Tickets
from posthouse.directory.tokens import Tokens
from posthouse.engine.blob import BlobDoor
from posthouse.engine.call import Tools
from posthouse.engine.dispatch import Engine
from posthouse.engine.session import Sessions
from posthouse.formats.mime import decode_bytes
from posthouse.kit import clock
from posthouse.kit.limits import Limits
from posthouse.kit.turns import Turns
from posthouse.model.capability import Capability
from posthouse.model.registry import Registry
from posthouse.model.type import Type
from posthouse.serve.push.hub import Hub
from posthouse.serve.work.pusher import Pusher
from posthouse.store.account import Store
from posthouse.store.addresses import AddressStore
from posthouse.store.directory import DirectoryStore
from posthouse.store.principals import PrincipalStore

CAPABILITIES: Final[Sequence[Capability]] = (
    CORE,
    MAIL,
    MAIL_SHARE,
    SUBMISSION,
    VACATION,
    CONTACTS,
    CONTACTS_PARSE,
    PRINCIPALS,
    OWNER,
    WEBSOCKET,
)
"""What this build can do, in the order in which the session shows it."""

SHARDS: Final = 4
"""How many shard files new accounts are spread over."""


@dataclass(frozen=True, slots=True)
class App:
    """A whole Posthouse on one data folder; not handed to any part of itself.

    aside: the threads for work that would hold up the event loop; keeping: those for messages that arrive.
    pushing: None if nothing is pushed to URLs.
    """

    limits: Limits
    bus: Bus
    blobs: Blobs
    store: Store
    directory: DirectoryStore
    passwords: Passwords
    people: People
    groups: Groups
    aliases: Aliases
    addresses: AddressStore
    acceptance: Acceptance
    sharing: Sharing
    register: Register
    tokens: Tokens
    sign_in: SignIn
    tickets: Tickets
    engine: Engine
    blob_door: BlobDoor
    aside: ThreadPoolExecutor
    keeping: ThreadPoolExecutor
    types: Mapping[str, Type]
    pushing: Pushing | None

    def pusher(self, hub: Hub) -> Pusher | None:
        """Give what pushes to the URLs of clients, for the event loop of a hub."""
        if self.pushing is None:
            return None
        return self.pushing.pusher(self.bus, hub, self.sign_in, self.store, self.blobs, self.types)

    def furnish_all(self) -> None:
        """Give accounts that an older build made what they lack."""
        self.directory.add_homes(shards=SHARDS, now=int(clock.now()))
        furnishing.furnish_all(self.store, [*self.people.list(), *self.groups.list()])
        self.register.reconcile()
        asyncio.run(self.sharing.tell_all())

    def close(self) -> None:
        """Finish the writes that wait and close every file."""
        self.keeping.shutdown()
        self.sharing.close()
        self.store.close()
        self.aside.shutdown()
        self.passwords.close()
        self.tickets.close()
        if self.pushing is not None:
            self.pushing.close()
        self.directory.close()
        self.blobs.close()
        self.bus.close()


def build(
    data: Path,
    *,
    store_folder: Path | None = None,
    blobs_url: str | None = None,
    limits: Limits | None = None,
    passwords: Passwords | None = None,
    lenient_using: bool = False,
    core_primary: bool = False,
    false_removes: bool = False,
    push: Push | None = Push(),  # noqa: B008  it cannot change
) -> App:
    """Open the data folder, made if absent, and compose the parts over it.

    store_folder, blobs_url: where rows and bytes are; by default in the data folder. passwords: how passwords
    are hashed. lenient_using, core_primary, false_removes: the compatibility switches of `Engine`,
    `Sessions` and `Tools`. push: None if nothing is to be pushed to the URLs of clients.
    Raises `OSError` where files cannot be used, `ValueError` for a blobs URL that this build cannot open, and
    `plugins.PluginError` for an installed package that cannot be used.
    """
    limits = limits or Limits()
    # Before anything is opened, and with all that this build could bring, whether it is switched on or not.
    strangers = plugins.load(limits, [*CAPABILITIES, *PUSH_CAPABILITIES, vapid.capability("")])
    passwords = passwords or Passwords()
    folder = store_folder or data
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _demand_directory(folder)
    bus = open_bus(str(data / "bus"))
    blobs = open_blobs(blobs_url or str(data / "blobs"))
    directory = DirectoryStore(folder / "directory.db")
    pushing = None if push is None else Pushing(push, folder / "directory.db", folder / "pusher.lock")
    registry = Registry([*CAPABILITIES, *([] if pushing is None else pushing.capabilities), *strangers])
    store = Store(folder / "shards", registry.types.values(), bus.publish)
    aside = ThreadPoolExecutor(2, thread_name_prefix="aside")
    principals = PrincipalStore(directory)
    addresses = AddressStore(directory)
    circle = Circle(principals, bus.publish)
    sharing = Sharing(circle, Notifier(store, circle, registry.types), store, registry.types)
    register = Register(circle, store, registry.types)
    sessions = Sessions(registry, limits, core_primary=core_primary)
    tools = Tools(
        registry,
        store,
        blobs,
        limits,
        Turns(aside),
        decode_bytes,
        false_removes,
        subscriptions=None if pushing is None else pushing.subscriptions(bus),
        sharing=sharing,
        describe=sessions.describe,
        addresses=addresses.keys,
    )

    sign_in = SignIn(directory, passwords, Callers(directory, principals, sharing.look))
    people = People(
        directory,
        passwords,
        shards=SHARDS,
        furnish=partial(furnishing.furnish, store),
        announce=bus.publish,
        register=register,
    )

    return App(
        limits=limits,
        bus=bus,
        blobs=blobs,
        store=store,
        directory=directory,
        passwords=passwords,
        people=people,
        groups=Groups(principals, people, circle, announce=bus.publish, register=register),
        aliases=Aliases(addresses, people, furnishing.Furnisher(store), shards=SHARDS),
        addresses=addresses,
        acceptance=Acceptance(directory),
        sharing=sharing,
        register=register,
        tokens=Tokens(directory, bus.publish),
        sign_in=sign_in,
        tickets=Tickets(directory, sign_in),
        engine=Engine(tools, sessions, lenient_using=lenient_using),
        blob_door=BlobDoor(tools, blobs),
        aside=aside,
        keeping=ThreadPoolExecutor(2, thread_name_prefix="keeping"),
        types=registry.types,
        pushing=pushing,
    )


def _demand_directory(folder: Path) -> None:
    """Refuse to begin anew where there are accounts' files, but not the directory that says whose they are."""
    directory = folder / "directory.db"
    if not directory.exists() and any((folder / "shards").glob("*.db")):
        raise FileNotFoundError(
            errno.ENOENT, "it says whose the accounts here are: restore it from a backup", str(directory)
        )
