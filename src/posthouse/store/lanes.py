"""Lanes: where a unit of work runs (DESIGN D1, D3, D11).

Short reads run inline, in the caller's thread, under a budget; one that exceeds it starts again in a slow
lane, a small pool of threads with connections of their own. Writes go through one thread a shard, which
takes what waits and commits it together: one fsync for all. If it is several units, each runs in a savepoint; but
those that may run twice share one, and run again one by one if any of them fails.
"""

from __future__ import annotations

import asyncio
import errno
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from math import inf
from pathlib import Path
from queue import SimpleQueue
from typing import Final, Generic, TypeVar

from posthouse.bus import Moved
from posthouse.kit.turns import Turns
from posthouse.model.ports import TooMuch
from posthouse.store.place import Place
from posthouse.store.schema import Schema
from posthouse.store.sqlite import Database, FileLock, Full, Interrupted, connect
from posthouse.store.txn import Transaction

T = TypeVar("T")
Unit = Callable[[Transaction], T]
Announce = Callable[[Sequence[Moved]], None]

BUDGET: Final = 0.004
"""Seconds of CPU that a read may hold up the event loop before it moves to the slow lane.

CPU and not the clock: on a busy machine the clock would send every read to the slow lane, to be done twice.
"""

LONGEST: Final = 20.0
"""Seconds of CPU after which a read in the slow lane is given up."""

_STEPS_BETWEEN_LOOKS: Final = 5000
_MOST_IN_ONE_COMMIT: Final = 64


def _reading(
    database: Database, schema: Schema, place: Place, person: int, is_late: Callable[[], bool]
) -> Transaction:
    """Give a snapshot of an account as a person sees it."""
    txn = Transaction(
        database, schema, place.account, person, False, is_late, place.through, place.subscribed
    )
    return txn.seen()


class InlineLane:
    """Reads in the event loop's own thread, stopped when they exceed the budget."""

    def __init__(self, path: Path, schema: Schema) -> None:
        self._database = Database(connect(path, readonly=True))
        self._schema = schema
        self._deadline = inf
        self._database.connection.set_progress_handler(self._is_late, _STEPS_BETWEEN_LOOKS)

    def _is_late(self) -> bool:
        return time.thread_time() > self._deadline

    def read(self, place: Place, person: int, unit: Unit[T]) -> T:
        """Run a unit now; raises `Interrupted` if it takes too long."""
        self._deadline = time.thread_time() + BUDGET
        self._database.run("BEGIN")
        try:
            return unit(_reading(self._database, self._schema, place, person, self._is_late))
        finally:
            self._deadline = inf
            self._database.run("ROLLBACK")

    def close(self) -> None:
        """Close the connection."""
        self._database.close()


class SlowLane:
    """Reads that take their time, in threads with a connection each."""

    def __init__(self, path: Path, schema: Schema, turns: Turns) -> None:
        self._path = path
        self._schema = schema
        self._turns = turns
        self._idle: list[Database] = []
        self._lock = threading.Lock()

    async def read(self, place: Place, person: int, unit: Unit[T]) -> T:
        """Run a unit when it is the account's turn; raises `TooMuch` if it takes longer than anything may."""
        return await self._turns.run(place.account, partial(self._run, place, person, unit))

    def _run(self, place: Place, person: int, unit: Unit[T]) -> T:
        with self._lock:
            database = self._idle.pop() if self._idle else None
        if database is None:
            database = Database(connect(self._path, readonly=True))
        deadline = time.thread_time() + LONGEST

        def is_late() -> bool:
            return time.thread_time() > deadline

        database.connection.set_progress_handler(is_late, _STEPS_BETWEEN_LOOKS)
        database.run("BEGIN")
        try:
            return unit(_reading(database, self._schema, place, person, is_late))
        except Interrupted:
            raise TooMuch("this takes too long to find out") from None
        finally:
            database.connection.set_progress_handler(None)
            database.run("ROLLBACK")
            with self._lock:
                self._idle.append(database)

    def close(self) -> None:
        """Close the idle connections; the pool has been shut down before."""
        for database in self._idle:
            database.close()


@dataclass(slots=True, eq=False)
class _Waiting(Generic[T]):
    place: Place
    person: int
    unit: Unit[T]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[T]
    again: bool
    result: T | None = None
    error: BaseException | None = None
    moved: Mapping[str, int] | None = None

    def settle(self) -> None:
        if self.future.cancelled():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)  # type: ignore[arg-type]


class WriteLane:
    """The one writer of a shard in this process; processes take turns by a lock on a file.

    announce: called in the writer's thread with what each commit moved, once it is on the disk and before the
    next; it never raises.
    """

    def __init__(self, path: Path, schema: Schema, announce: Announce) -> None:
        self._database = Database(connect(path))
        self._schema = schema
        self._announce = announce
        self._closed = False
        self._queue: SimpleQueue[_Waiting[object] | None] = SimpleQueue()
        self._turn = FileLock(path.with_suffix(".lock"))
        self._thread = threading.Thread(target=self._serve, name=f"writer-{path.stem}", daemon=True)
        self._thread.start()

    async def write(self, place: Place, person: int, unit: Unit[T], *, again: bool = False) -> T:
        """Run a unit and return when its changes are durable; it raises what the unit raises.

        again: it may run twice, which makes it cheaper: each savepoint has the full-text index written out.
        """
        if self._closed:
            raise RuntimeError("the store is closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        # A caller that goes away cancels what it waits for and not the unit, which stays in the queue.
        self._queue.put(_Waiting(place, person, unit, loop, future, again))  # type: ignore[arg-type]
        return await future

    def close(self) -> None:
        """Finish what waits and end the thread."""
        if self._closed:
            return
        self._closed = True
        self._queue.put(None)
        self._thread.join()
        self._database.close()
        self._turn.close()

    def _serve(self) -> None:
        _stand_back()
        ended = False
        while not ended:
            group: list[_Waiting[object]] = []
            waiting = self._queue.get()
            while True:
                if waiting is None:
                    ended = True
                    break
                group.append(waiting)
                if len(group) >= _MOST_IN_ONE_COMMIT or self._queue.empty():
                    break
                waiting = self._queue.get()
            if group:
                self._commit(self._database, group)

    def _commit(self, database: Database, group: list[_Waiting[object]]) -> None:
        try:
            with self._turn:
                database.run("BEGIN IMMEDIATE")
                try:
                    self._run_all(database, group)
                    database.run("COMMIT")
                    # Before another process can commit, so that news come in the order of their numbers.
                    self._announce(_moved(group))
                except BaseException:
                    if database.connection.in_transaction:
                        database.run("ROLLBACK")
                    raise
        except BaseException as error:  # Whatever it is, who waits must hear of it and the thread go on.
            for waiting in group:
                waiting.error = waiting.error or error
        for waiting in group:
            if isinstance(waiting.error, Full):
                waiting.error = OSError(errno.ENOSPC, "no space left on the disk")
            with suppress(RuntimeError):  # The loop was closed: nobody waits.
                waiting.loop.call_soon_threadsafe(waiting.settle)

    def _run_all(self, database: Database, group: list[_Waiting[object]]) -> None:
        if len(group) == 1:
            self._run(database, group[0])
            return
        # What is told of them later goes by the order in which they ran.
        group.sort(key=lambda waiting: waiting.again)
        together = [waiting for waiting in group if waiting.again]
        for waiting in group[: len(group) - len(together)]:
            self._try(database, waiting)
        if together and not self._try_together(database, together):
            for waiting in together:
                self._try(database, waiting)

    def _try_together(self, database: Database, group: list[_Waiting[object]]) -> bool:
        """Run units in one savepoint; if any of them fails, undo them all and say so."""
        database.run("SAVEPOINT units")
        try:
            for waiting in group:
                self._run(database, waiting)
        except Exception:
            if not database.connection.in_transaction:
                raise
            database.run("ROLLBACK TO units")
            for waiting in group:
                waiting.result = waiting.moved = None
        database.run("RELEASE units")
        return all(waiting.moved is not None for waiting in group)

    def _try(self, database: Database, waiting: _Waiting[object]) -> None:
        """Run one unit in a savepoint, so that its failure undoes nothing of its neighbours."""
        database.run("SAVEPOINT unit")
        try:
            self._run(database, waiting)
        except Exception as error:
            if not database.connection.in_transaction:
                raise  # The database gave the whole transaction up, as it does when the disk is full.
            waiting.error = error
            database.run("ROLLBACK TO unit")
        database.run("RELEASE unit")

    def _run(self, database: Database, waiting: _Waiting[object]) -> None:
        place = waiting.place
        txn = Transaction(
            database,
            self._schema,
            place.account,
            waiting.person,
            writes=True,
            through=place.through,
            subscribed=place.subscribed,
        )
        try:
            waiting.result = waiting.unit(txn)
        except StopIteration as stop:  # which a future can't hold
            raise RuntimeError("a unit ran past the end of an iterator") from stop
        txn.finish()
        waiting.moved = txn.moved()


def _stand_back() -> None:
    """Let this thread not break off the one that wakes it, which holds the interpreter's lock just then."""
    if sys.platform == "linux" and os.sched_getscheduler(0) == os.SCHED_OTHER:
        with suppress(OSError):  # Where a sandbox forbids it, all goes on as before.
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _moved(group: list[_Waiting[object]]) -> list[Moved]:
    """Tell what units that were committed together moved, those of one account as one."""
    levels: dict[int, dict[str, int]] = {}
    for waiting in group:
        if waiting.error is None and waiting.moved:
            levels.setdefault(waiting.place.account, {}).update(waiting.moved)
    return [Moved(account, moved) for account, moved in levels.items()]


__all__ = ["BUDGET", "InlineLane", "Interrupted", "SlowLane", "WriteLane"]
