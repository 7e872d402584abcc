"""Gather: what comes while work is under way is done together afterwards, at less cost for each."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeAlias, TypeVar

T = TypeVar("T")
R = TypeVar("R")

Work: TypeAlias = Callable[[Sequence[T]], Awaitable[Sequence[R | Exception]]]
"""Does some pieces together; gives for each what came of it, or its fault."""


class Gather(Generic[T, R]):
    """Does pieces of work in batches; of one event loop.

    :param at_once: so many batches may be under way.
    :param most: pieces of a batch.
    :param weigh: gives the weight of a piece; a batch that has reached `heaviest` takes no more.
    """

    def __init__(
        self,
        work: Work[T, R],
        *,
        at_once: int,
        most: int,
        weigh: Callable[[T], int] = lambda piece: 0,
        heaviest: int = 1,
    ) -> None:
        self._work = work
        self._at_once = at_once
        self._most = most
        self._weigh = weigh
        self._heaviest = heaviest
        self._waiting: deque[tuple[T, asyncio.Future[R]]] = deque()
        self._running: set[asyncio.Future[None]] = set()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way, nor waits."""
        return not self._running and not self._waiting

    async def do(self, piece: T) -> R:
        """Do a piece with others; raises its fault. Who goes away meanwhile stops nothing."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._go_on)  # so that what others bring at this moment is in the batch
        self._waiting.append((piece, future))
        return await future

    def _go_on(self) -> None:
        """Begin batches of what waits, unless enough are under way."""
        while self._waiting and len(self._running) < self._at_once:
            batch = [self._waiting.popleft()]
            weight = self._weigh(batch[0][0])
            while self._waiting and len(batch) < self._most and weight < self._heaviest:
                batch.append(self._waiting.popleft())
                weight += self._weigh(batch[-1][0])
            self._running.add(asyncio.ensure_future(self._do(batch)))

    async def _do(self, batch: Sequence[tuple[T, asyncio.Future[R]]]) -> None:
        outcomes: Sequence[R | Exception]
        try:
            outcomes = await self._work([piece for piece, _ in batch])
        except Exception as fault:
            outcomes = [fault] * len(batch)
        except asyncio.CancelledError:
            for _, future in batch:
                future.cancel()
            raise
        finally:
            task = asyncio.current_task()
            assert task is not None
            self._running.discard(task)
            self._go_on()
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            if future.done():
                continue  # who waited for it has gone away
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
