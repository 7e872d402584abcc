"""What delivering a message costs, from its bytes to durable, indexed and acknowledged.

``python -m bench deliver``: a hundred deliveries are in flight at any time, to a few accounts. Everything runs in
this process, as in a worker, but for SMTP itself and for what verifying takes: the bench of those is their own.
"""

from __future__ import annotations

import asyncio
import shutil
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address
from itertools import islice
from pathlib import Path

from bench.corpus import Corpus
from posthouse.app import wiring
from posthouse.app.wiring import App
from posthouse.capabilities.mail.email import email
from posthouse.delivery.accept import Acceptance, Target
from posthouse.delivery.deliver import Deliverer
from posthouse.delivery.file import Filer
from posthouse.delivery.judge import Lenient
from posthouse.delivery.keep import Keeper
from posthouse.delivery.received import Envelope
from posthouse.delivery.vacation import Vacation
from posthouse.directory.place import place_of
from posthouse.kit import log
from posthouse.store.addresses import AddressStore

IN_FLIGHT = 100
_LARGEST = 200_000  # octets; those below have 14 kB in the mean, those of a few attachments more are left out
_ENVELOPE = Envelope(
    mail_from="sender@elsewhere.example",
    helo="mx.elsewhere.example",
    peer=IPv4Address("192.0.2.1"),
    protocol="ESMTPS",
)


def main(folder: Path, rounds: int) -> dict[str, object]:
    """Deliver to ten accounts, then all to one; CPU is a median of rounds."""
    log.configure(level="warning")
    kept: dict[str, object] = {}
    for accounts in (10, 1):
        shutil.rmtree(folder, ignore_errors=True)
        app = wiring.build(folder)
        try:
            kept[f"accounts: {accounts}"] = _measure(app, accounts, rounds)
        finally:
            app.close()
            shutil.rmtree(folder)
    return kept


def _measure(app: App, accounts: int, rounds: int) -> dict[str, object]:
    names = [f"owner{number}@bench.example" for number in range(accounts)]
    people = [app.people.add(name, None) for name in names]
    messages = _messages(rounds * 1000)
    mean = round(statistics.mean(map(len, messages)))
    acceptance = Acceptance(app.directory)
    pool = ThreadPoolExecutor(2, thread_name_prefix="deliver")
    costs, walls = [], []
    with asyncio.Runner() as runner:
        deliverer = Deliverer(
            Keeper(app.blobs, pool),
            Filer(
                app.store,
                acceptance.is_open,
                Vacation(app.blobs, AddressStore(app.directory).keys, "mx.bench.example"),
            ),
            Lenient(),
            "mx.bench.example",
        )
        for turn in range(rounds):
            batch = messages[turn * 1000 : (turn + 1) * 1000]
            cpu, wall = time.process_time(), time.perf_counter()
            runner.run(_deliver(deliverer, acceptance, names, batch))
            costs.append((time.process_time() - cpu) / len(batch) * 1e6)
            walls.append((time.perf_counter() - wall) / len(batch) * 1e6)

        async def count() -> int:
            counts = [
                await app.store.read(place_of(one), 0, lambda txn: txn.tally(email)[0]) for one in people
            ]
            return sum(counts)

        assert runner.run(count()) == len(messages)
    pool.shutdown()
    cost, clock = statistics.median(costs), statistics.median(walls)
    print(
        f"deliver {mean:,} octets, {IN_FLIGHT} in flight to {accounts:2} accounts: {cost:7.1f} µs of CPU "
        f"(best {min(costs):.1f}), {clock:7.1f} µs by the clock"
    )
    return {"octets": mean, "cpu, µs": cost, "clock, µs": clock}


def _messages(count: int) -> list[bytes]:
    corpus = Corpus(2 * count, 1)
    found = (data for at in range(2 * count) if len(data := corpus.message(at).raw) <= _LARGEST)
    return [data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") for data in islice(found, count)]


async def _deliver(
    deliverer: Deliverer, acceptance: Acceptance, names: Sequence[str], messages: Sequence[bytes]
) -> None:
    waiting: Iterator[tuple[int, bytes]] = iter(enumerate(messages))

    async def sender() -> None:
        for number, data in waiting:
            target = acceptance.recipient(names[number % len(names)])
            assert isinstance(target, Target)
            [reply] = await deliverer.message(_ENVELOPE, [target], data)
            assert reply.code == 250, reply

    await asyncio.gather(*[sender() for _ in range(IN_FLIGHT)])
