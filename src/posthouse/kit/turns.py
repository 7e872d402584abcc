"""Turns: a pool of threads in which nobody's work keeps everybody else waiting."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import Executor, Future
from functools import partial
from typing import TypeVar

T = TypeVar("T")


class Turns:
    """Runs work in a pool, of each owner one piece at a time; owners take turns.

    So an owner who brings very much takes one thread, and waits behind others himself. Usable from any thread
    and event loop.
    """

    def __init__(self, pool: Executor) -> None:
        self._pool = pool
        self._lines: dict[Hashable, deque[Callable[[], None]]] = {}
        """What waits behind the piece that is in the pool, for each owner who has one there."""
        self._lock = threading.Lock()

    async def run(self, owner: Hashable, work: Callable[[], T]) -> T:
        """Run work when it is its turn, and give what it returns; it raises what the work raises."""
        future: Future[T] = Future()
        piece = partial(_do, work, future)
        with self._lock:
            line = self._lines.get(owner)
            if line is None:
                self._pool.submit(self._serve, owner, piece)
                self._lines[owner] = deque()
            else:
                line.append(piece)
        return await asyncio.wrap_future(future)

    def _serve(self, owner: Hashable, piece: Callable[[], None]) -> None:
        """Do one piece, and send the owner's next to the end of the pool's queue."""
        try:
            piece()
        finally:
            with self._lock:
                line = self._lines[owner]
                if line:
                    self._pool.submit(self._serve, owner, line.popleft())
                else:
                    del self._lines[owner]


def _do(work: Callable[[], T], future: Future[T]) -> None:
    """Do a piece of work unless who waited for it has gone away."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = work()
    except StopIteration as stop:  # no future can hold one
        error = RuntimeError("work ran past the end of an iterator")
        error.__cause__ = stop
        future.set_exception(error)
    except BaseException as fault:
        future.set_exception(fault)
    else:
        future.set_result(result)
