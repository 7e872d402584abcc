"""Store: the door to accounts' rows; it chooses the shard and the lane (DESIGN D2, D11)."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

from posthouse.kit.json import Json, loads
from posthouse.kit.turns import Turns
from posthouse.model.caller import Access
from posthouse.model.job import Job
from posthouse.model.type import Type
from posthouse.store import jobs, reshape, tables
from posthouse.store.jobs import Claim
from posthouse.store.lanes import Announce, InlineLane, Interrupted, SlowLane, WriteLane
from posthouse.store.layout import Layout
from posthouse.store.place import Place as Place
from posthouse.store.schema import Schema
from posthouse.store.sqlite import Database, FileLock, Presence, connect
from posthouse.store.txn import Transaction

T = TypeVar("T")


def _whole(shard: int) -> Place:
    """Give a place for what is done to a shard as a whole; no account has this number."""
    return Access(0, shard, "")


def _renew(taken: list[Job], until: int, txn: Transaction) -> None:
    txn.renew(taken, until)


def _claim(kind: str, now: int, until: int, limit: int, txn: Transaction) -> list[Job]:
    return txn.claim(kind, now, until, limit)


class _Shard:
    def __init__(self, path: Path, layouts: list[Layout], turns: Turns, announce: Announce) -> None:
        schema = _prepared(path, layouts)
        self.inline = InlineLane(path, schema)
        self.slow = SlowLane(path, schema, turns)
        self.writer = WriteLane(path, schema, announce)


def _prepared(path: Path, layouts: list[Layout], *, alone: bool = False) -> Schema:
    """Bring a shard file up to date, one process at a time, and learn the numbers of the types in it.

    alone: no other process uses it, so that its objects may be led over to the form declared now.
    """
    with (
        closing(FileLock(path.with_suffix(".lock"))) as turn,
        turn,
        closing(Database(connect(path))) as database,
    ):
        database.run("BEGIN IMMEDIATE")
        if alone:
            reshape.lead_over(database, layouts)
        tables.create(database, layouts)
        codes = tables.codes(database)
        database.run("COMMIT")
    return Schema({layout.type.name: layout for layout in layouts}, codes)


class Store:
    """Accounts in SQLite shard files under a folder.

    `read` belongs to the thread of one event loop unless it is not inline; `write` to any. folder: made if
    absent. types: every declared type. announce: told what each commit moved, in a thread of the store's.
    Objects of a type that was declared otherwise are led over to its present form first. Raises
    `tables.WrongSchema` when a shard was written by a version that this one can't work with, or a type was declared
    so otherwise that its objects can't be led over.
    """

    def __init__(self, folder: Path, types: Iterable[Type], announce: Announce = lambda news: None) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self.layouts = {type.name: Layout(type) for type in types}
        self._told = {name for one in self.layouts.values() for name in (one.type.name, one.type.arrivals)}
        self._presence = Presence(folder / "in-use")
        try:
            self._look_over()
        except BaseException:
            self._presence.close()
            raise
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="slow")
        self._turns = Turns(self._pool)
        self._announce = announce
        self._shards: dict[int, _Shard] = {}
        self._opening = threading.Lock()

    def _look_over(self) -> None:
        """Bring every shard up to date before the first client comes, who would be told of a fault of ours."""
        layouts = [*self.layouts.values()]
        other = []
        for path in sorted(self._folder.glob("[0-9]*.db")):
            with closing(Database(connect(path, readonly=True))) as database:
                if tables.check(database) and reshape.differ(database, layouts):
                    other.append(path)
        if not other:
            return
        with self._presence.alone() as alone:
            for path in other:
                _prepared(path, layouts, alone=alone)

    def _shard(self, number: int) -> _Shard:
        shard = self._shards.get(number)
        return self._opened(number) if shard is None else shard

    def _opened(self, number: int) -> _Shard:
        with self._opening:
            if number not in self._shards:
                path = self._folder / f"{number}.db"
                self._shards[number] = _Shard(path, list(self.layouts.values()), self._turns, self._announce)
            return self._shards[number]

    async def read(
        self, place: Place, person: int, unit: Callable[[Transaction], T], *, inline: bool = True
    ) -> T:
        """Run a unit on a snapshot of one account; it may run twice, so it must have no effect.

        To a visitor only what he sees is there. inline: try it in this thread first, which is the event loop's.
        Raises `TooMuch`.
        """
        shard = self._shard(place.shard)
        if inline:
            with suppress(Interrupted):
                return shard.inline.read(place, person, unit)
        return await shard.slow.read(place, person, unit)

    def write(
        self, place: Place, person: int, unit: Callable[[Transaction], T], *, again: bool = False
    ) -> Coroutine[Any, Any, T]:
        """Run a unit that changes one account; when this has been awaited, its changes are on the disk.

        All of the account is there, also for a visitor: see `Transaction.seen`. again: the unit may run twice; of
        many that may, each costs less.
        """
        return self._shard(place.shard).writer.write(place, person, unit, again=again)

    def notes(self, name: str) -> dict[int, Json]:
        """Give the note of a name of each account that has it, by the account's number."""
        found: dict[int, Json] = {}
        for path in self._folder.glob("[0-9]*.db"):
            with closing(Database(connect(path, readonly=True))) as database:
                rows = database.all("SELECT account, value FROM note WHERE name = ?", (name,))
            for account, value in cast("list[tuple[int, bytes]]", rows):
                found[account] = loads(value)
        return found

    def untold(self) -> dict[int, set[int]]:
        """Give the Principals whose grants are others than they were told, by the number of the account."""
        found: defaultdict[int, set[int]] = defaultdict(set)
        for path in self._folder.glob("[0-9]*.db"):
            with closing(Database(connect(path, readonly=True))) as database:
                rows = database.all("SELECT DISTINCT account, principal FROM granted WHERE told <> bits")
            for account, principal in cast("list[tuple[int, int]]", rows):
                found[account].add(principal)
        return found

    async def levels(self, place: Place, person: int = 0) -> dict[str, int]:
        """Give how far each type of an account has come, as a person sees it: its newest number, by its name.

        Types that nobody declares now are left out: their rows wait for whoever declares them again.
        """
        levels = await self.read(place, person, lambda txn: txn.levels())
        return {name: level for name, level in levels.items() if name in self._told}

    def jobs(self, kind: str) -> list[Claim]:
        """Give all jobs of a kind, of all accounts, and where each lies; nobody has them by that."""
        found: list[Claim] = []
        for path in sorted(self._folder.glob("[0-9]*.db")):
            with closing(Database(connect(path, readonly=True))) as database:
                shard = int(path.stem)
                found += [Claim(Access(job.account, shard, ""), job) for job in jobs.every(database, kind)]
        return found

    async def claim(self, kind: str, now: int, until: int, limit: int) -> list[Claim]:
        """Take up to so many jobs of a kind that are due, of all accounts; they are the caller's until a time.

        Each shard gives its longest due ones first. What is not dropped or put off by then is due again.
        """
        found: list[Claim] = []
        for number, due in (await self._due(kind)).items():
            if due <= now and len(found) < limit:
                unit = partial(_claim, kind, now, until, limit - len(found))
                taken = await self.write(_whole(number), 0, unit)
                found += [Claim(Access(job.account, number, ""), job) for job in taken]
        return found

    async def renew(self, claims: Iterable[Claim], until: int) -> None:
        """Let claims last until a later time; those that have ended, and were taken by others, are let be."""
        by_shard: dict[int, list[Job]] = {}
        for place, job in claims:
            by_shard.setdefault(place.shard, []).append(job)
        for number, taken in by_shard.items():
            await self.write(_whole(number), 0, partial(_renew, taken, until))

    async def release(self, kind: str, now: int) -> None:
        """Let all claimed jobs of a kind be due, as whoever had them is known to be gone."""
        for number in await self._due(kind):
            await self.write(_whole(number), 0, lambda txn: txn.release(kind, now))

    async def next_due(self, kind: str) -> int | None:
        """Give the Unix second at which the next job of a kind is due, in any account; None if there is none."""
        return min((await self._due(kind)).values(), default=None)

    async def _due(self, kind: str) -> dict[int, int]:
        """Give when the next job of a kind is due in each shard that has one."""
        found: dict[int, int] = {}
        for path in sorted(self._folder.glob("[0-9]*.db")):
            number = int(path.stem)
            due = await self.read(_whole(number), 0, lambda txn: txn.first_due(kind))
            if due is not None:
                found[number] = due
        return found

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
        self._presence.close()
