"""Store: the door to accounts' rows; it chooses the shard and the lane (DESIGN D2, D11)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar

from posthouse.model.type import Type
from posthouse.store import tables
from posthouse.store.lanes import InlineLane, Interrupted, SlowLane, WriteLane
from posthouse.store.layout import Layout
from posthouse.store.sqlite import Database, FileLock, connect
from posthouse.store.txn import Schema, Transaction

T = TypeVar("T")


class Place(Protocol):
    """Where an account lies."""

    @property
    def account(self) -> int:
        """The account's number."""
        ...

    @property
    def shard(self) -> int:
        """The number of the shard that holds it."""
        ...


class _Shard:
    def __init__(self, path: Path, layouts: list[Layout], pool: ThreadPoolExecutor) -> None:
        database = Database(connect(path))
        lock = FileLock(path.with_suffix(".lock"))
        with lock:
            database.run("BEGIN IMMEDIATE")
            tables.create(database, layouts)
            database.run("COMMIT")
        lock.close()
        schema = Schema(
            {layout.type.name: layout for layout in layouts},
            tables.codes(database, [layout.type for layout in layouts]),
        )
        database.close()
        self.inline = InlineLane(path, schema)
        self.slow = SlowLane(path, schema, pool)
        self.writer = WriteLane(path, schema)


class Store:
    """Accounts in SQLite shard files under a folder.

    All methods belong to the thread of one event loop. folder: made if absent. types: every declared type.
    Raises `tables.SchemaTooNew` when a shard was written by a newer version.
    """

    def __init__(self, folder: Path, types: Iterable[Type]) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self.layouts = {type.name: Layout(type) for type in types}
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="slow")
        self._shards: dict[int, _Shard] = {}

    def _shard(self, number: int) -> _Shard:
        shard = self._shards.get(number)
        if shard is None:
            path = self._folder / f"{number}.db"
            shard = self._shards[number] = _Shard(path, list(self.layouts.values()), self._pool)
        return shard

    async def read(self, place: Place, person: int, unit: Callable[[Transaction], T]) -> T:
        """Run a unit on a snapshot of one account; it may run twice, so it must have no effect."""
        shard = self._shard(place.shard)
        try:
            return shard.inline.read(place.account, person, unit)
        except Interrupted:
            return await shard.slow.read(place.account, person, unit)

    async def write(self, place: Place, person: int, unit: Callable[[Transaction], T]) -> T:
        """Run a unit that changes one account; when this returns, its changes are on the disk."""
        return await self._shard(place.shard).writer.write(place.account, person, unit)

    async def erase(self, place: Place) -> None:
        """Remove all rows of an account that nobody can reach any more; what was interrupted goes on."""
        while await self.write(place, 0, lambda txn: txn.erase()):
            pass

    def close(self) -> None:
        """Finish the writes that wait and close every file."""
        for shard in self._shards.values():
            shard.writer.close()
        self._pool.shutdown()
        for shard in self._shards.values():
            shard.inline.close()
            shard.slow.close()
