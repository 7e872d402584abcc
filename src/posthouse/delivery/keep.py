"""Keep: messages are made durable and read, many with one sync, where they hold up nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Final

from posthouse.blobs.port import Blobs
from posthouse.capabilities.mail.ingest import Prepared, digest
from posthouse.delivery.gather import Gather
from posthouse.kit import clock

_LEASE: Final = 3600  # seconds that bytes stay though no Email has them yet
_MOST: Final = 64
_MOST_OCTETS: Final = 4 * 1024 * 1024
_AT_ONCE: Final = 2  # so that one batch is read while the disk is busy with another


class Keeper:
    """Keeps messages; of one event loop. pool: threads for two batches at once."""

    def __init__(self, blobs: Blobs, pool: Executor) -> None:
        self._blobs = blobs
        self._pool = pool
        self._gather = Gather(
            self._aside, at_once=_AT_ONCE, most=_MOST, weigh=lambda data: len(data), heaviest=_MOST_OCTETS
        )

    async def keep(self, data: bytes) -> Prepared:
        """Put a message on the disk and read it. Raises `OSError` if it could not be kept."""
        return await self._gather.do(data)

    def _aside(self, batch: Sequence[bytes]) -> asyncio.Future[list[Prepared | Exception]]:
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._pool, partial(_keep, self._blobs, batch))


def _keep(blobs: Blobs, batch: Sequence[bytes]) -> list[Prepared | Exception]:
    until = int(clock.now()) + _LEASE
    try:
        hashes = blobs.put_many(batch, until)
    except OSError as error:
        if len(batch) == 1:
            return [error]
        # One that is too large for what is left of the disk must not keep the others out.
        return [kept for one in batch for kept in _keep(blobs, [one])]
    return [digest(data, hash) for data, hash in zip(batch, hashes, strict=True)]
