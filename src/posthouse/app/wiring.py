"""Wiring: every part made once and given just what it uses (DESIGN D12)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from posthouse.blobs import open_blobs
from posthouse.blobs.port import Blobs
from posthouse.capabilities import birth
from posthouse.capabilities.core import CORE
from posthouse.capabilities.mail import MAIL
from posthouse.capabilities.submission import SUBMISSION
from posthouse.capabilities.vacation import VACATION
from posthouse.directory.passwords import Passwords
from posthouse.directory.people import People
from posthouse.directory.signin import SignIn
from posthouse.directory.tokens import Tokens
from posthouse.engine.blob import BlobDoor
from posthouse.engine.call import Tools
from posthouse.engine.dispatch import Engine
from posthouse.engine.session import Sessions
from posthouse.formats.mime import decode_bytes
from posthouse.kit.limits import Limits
from posthouse.model.caller import Access
from posthouse.model.capability import Capability
from posthouse.model.registry import Registry
from posthouse.store.account import Store
from posthouse.store.directory import DirectoryStore, Person

CAPABILITIES: Final[Sequence[Capability]] = (CORE, MAIL, SUBMISSION, VACATION)
"""What this build can do, in the order in which the session shows it."""

SHARDS: Final = 4
"""How many shard files new accounts are spread over."""


@dataclass(frozen=True, slots=True)
class App:
    """A whole Posthouse on one data folder; not handed to any part of itself."""

    registry: Registry
    limits: Limits
    blobs: Blobs
    store: Store
    directory: DirectoryStore
    passwords: Passwords
    people: People
    tokens: Tokens
    sign_in: SignIn
    tools: Tools
    engine: Engine
    blob_door: BlobDoor

    def close(self) -> None:
        """Finish the writes that wait and close every file."""
        self.store.close()
        self.tools_pool.shutdown()
        self.passwords.close()
        self.directory.close()
        self.blobs.close()

    @property
    def tools_pool(self) -> ThreadPoolExecutor:
        """The threads for slow work."""
        pool = self.tools.pool
        assert isinstance(pool, ThreadPoolExecutor)
        return pool


def build(
    data: Path,
    *,
    blobs_url: str | None = None,
    limits: Limits | None = None,
    passwords: Passwords | None = None,
    lenient_using: bool = False,
    core_primary: bool = False,
) -> App:
    """Open the data folder, made if absent, and compose the parts over it.

    blobs_url: where the bytes are; by default a folder in the data folder. passwords: how passwords are
    hashed. lenient_using, core_primary: the compatibility switches of `Engine` and `Sessions`.
    """
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    limits = limits or Limits()
    passwords = passwords or Passwords()
    registry = Registry(CAPABILITIES)
    blobs = open_blobs(blobs_url or str(data / "blobs"))
    store = Store(data / "shards", registry.types.values())
    directory = DirectoryStore(data / "directory.db")
    tools = Tools(
        registry, store, blobs, limits, ThreadPoolExecutor(2, thread_name_prefix="aside"), decode_bytes
    )

    def furnish(person: Person) -> None:
        place = Access(person.account, person.shard, person.login)
        asyncio.run(store.write(place, person.id, lambda txn: birth.furnish(txn, person.login)))

    return App(
        registry=registry,
        limits=limits,
        blobs=blobs,
        store=store,
        directory=directory,
        passwords=passwords,
        people=People(directory, passwords, shards=SHARDS, furnish=furnish),
        tokens=Tokens(directory),
        sign_in=SignIn(directory, passwords),
        tools=tools,
        engine=Engine(
            tools, Sessions(registry, limits, core_primary=core_primary), lenient_using=lenient_using
        ),
        blob_door=BlobDoor(tools, blobs),
    )
