"""Write notes and shelves to a store, and print each as soon as it is acknowledged.

Arguments: the tests' folder, the store's kind and folder, a name, and how many to write (0: without end).
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])
sys.path.insert(0, str(Path(sys.argv[1]).parent / "examples" / "posthouse-bakery" / "src"))

from bakery import shelf
from bakery.kitchen import HOME, STORES, TYPES
from posthouse.store.txn import Transaction

kind, folder, name, most = sys.argv[2], Path(sys.argv[3]), sys.argv[4], int(sys.argv[5])


async def main() -> None:
    store = STORES[kind](folder, TYPES)

    async def write(at: int) -> None:
        def unit(txn: Transaction) -> tuple[int, int]:
            id = txn.allocate()
            txn.insert(
                shelf, id, {"name": f"{name}{at}", "parentId": None, "sortOrder": 0, "isFavourite": True}
            )
            return id, txn.state(shelf)

        id, number = await store.write(HOME, 7, unit)
        print(id, number, flush=True)

    at = 0
    while most == 0 or at < most:
        await asyncio.gather(*(write(at + further) for further in range(5)))
        at += 5
    store.close()


asyncio.run(main())
