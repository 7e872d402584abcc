"""Claim jobs and end them, ten at a time, and print each as soon as its end is durable.

Arguments: the tests' folder, the store's kind and folder, and what the time is.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])
sys.path.insert(0, str(Path(sys.argv[1]).parent / "examples" / "posthouse-bakery" / "src"))

from bakery.kitchen import STORES, TYPES
from posthouse.store.jobs import Claim

kind, folder, now = sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])


async def main() -> None:
    store = STORES[kind](folder, TYPES)
    print("ready", flush=True)

    async def end(claim: Claim) -> None:
        assert await store.write(claim.place, 0, lambda txn: txn.drop_job(claim.job))
        print(claim.job.id, flush=True)

    while claims := await store.claim("bake", now, now + 500, 10):
        for claim in claims:
            await end(claim)
    store.close()


asyncio.run(main())
