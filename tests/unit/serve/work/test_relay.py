"""The queue at work: each letter to each recipient, through all that hosts and crashes do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from postbox.host import host
from postbox.station import ANN, BOB, MESSAGE, Station, station
from posthouse.capabilities.mail.email import email
from posthouse.capabilities.submission import letter as letter_
from posthouse.capabilities.submission.letter import Letter, Recipient
from posthouse.delivery.progress import LATE, PATIENCE
from posthouse.kit import clock
from posthouse.model import blobid
from posthouse.model.job import Job
from posthouse.serve.work import carrier, relay
from posthouse.store.txn import Transaction

NOW = 1_700_000_000


def run(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[[Path, pytest.MonkeyPatch], None]:
    def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(clock, "now", lambda: float(NOW))

        async def whole() -> None:
            async with station(tmp_path) as at:
                at.now = float(NOW)
                await test(at)

        asyncio.run(whole())

    runner.__name__, runner.__doc__ = test.__name__, test.__doc__
    return runner


@run
async def test_what_is_submitted_reaches_another_host_at_once(at: Station) -> None:
    async with host() as far, at.relaying():
        at.roads.ports["far.example"] = far.port
        id = await at.submit()
        await at.until(at.is_empty)
    [(to, data)] = far.messages
    assert ["ben@far.example", "eve@far.example"] == to
    assert data.startswith(b"DKIM-Signature: signed\r\nFrom: Ann")
    assert b"Bcc" not in data and b"\r\n\r\nText\r\n" in data
    assert "MAIL FROM:<ann@near.example>" in far.said[1]
    status = ("unknown", "250 2.0.0 queued")
    assert {"ben@far.example": status, "eve@far.example": status} == await at.delivered(id)
    assert "final" == (await at.submission(id))["undoStatus"]


@run
async def test_people_here_are_reached_without_any_host(at: Station) -> None:
    async with at.relaying():
        id = await at.submit(BOB, "BOB+tag@near.example")
        await at.until(at.is_empty)
    [data] = await at.inbox(BOB)
    assert b"Return-Path: <ann@near.example>\r\n" in data and b"Subject: Hello" in data and b"Bcc" not in data
    assert [("yes", "250 2.0.0 Delivered")] * 2 == [*(await at.delivered(id)).values()]


@run
async def test_what_waited_while_nobody_ran_is_sent_when_somebody_does(at: Station) -> None:
    await at.submit(BOB)
    async with at.relaying():
        await at.until(at.is_empty)
    assert 1 == len(await at.inbox(BOB))


@run
async def test_what_is_held_back_waits_and_then_goes(at: Station) -> None:
    async with at.relaying():
        await at.submit(BOB)
        await at.until(at.is_empty)
        [job] = await at.write(lambda txn: held(txn))
        await at.until(at.rests)
        assert 1 == len(await at.inbox(BOB))
        at.now = float(job.due)
        await wake(at)
        await at.until(at.is_empty)
    assert 2 == len(await at.inbox(BOB))


def held(txn: Transaction) -> list[Job]:
    """Queue a letter for an hour from now."""
    [digest] = [txn.values(email)[txn.ids(email)[0]]["blobId"]]
    blob = blobid.decode(digest)
    assert blob is not None
    one = Letter(
        blob=blob.digest.hex(),
        mail_from="",
        recipients=[Recipient(email=BOB)],
        arrived=NOW,
        released=NOW + 3600,
    )
    txn.put_job(letter_.KIND, one.released, one.payload(), keeps=[blob.digest])
    return txn.jobs(letter_.KIND)


@run
async def test_each_recipient_fares_by_himself(at: Station) -> None:
    def rcpt(line: str) -> str:
        return {"y": "250 ok", "n": "550 5.1.1 who?", "l": "451 4.7.1 later"}[line.partition("<")[2][0]]

    async with host({"RCPT": rcpt}) as far, at.relaying():
        at.roads.ports["far.example"] = far.port
        id = await at.submit(
            "y@far.example", "n@far.example", "l@far.example", BOB, "z@near.example", "a@no.example"
        )
        await at.until(at.rests)
        found = await at.delivered(id)
        expected = {
            "y@far.example": ("unknown", "250 2.0.0 queued"),
            "n@far.example": ("no", "550 5.1.1 who?"),
            "l@far.example": ("queued", "451 4.7.1 later"),
            BOB: ("yes", "250 2.0.0 Delivered"),
            "z@near.example": ("no", "550 5.1.1 Nobody here has this address"),
            "a@no.example": ("no", "550 5.1.2 there is no such domain"),
        }
        assert expected == found
        # Who failed is told to the sender, in one notification.
        await at.until(lambda: has(at, 1))
        [report] = await at.inbox()
        assert all(name in report for name in (b"n@far.example", b"z@near.example", b"a@no.example"))
        assert b"l@far.example" not in report and b"Return-Path: <>" in report
        # The one who waits is asked again, alone.
        far.script["RCPT"] = "250 ok"
        at.now += 301
        await wake(at)
        await at.until(at.is_empty)
    assert [["y@far.example"], ["l@far.example"]] == [to for to, _ in far.messages]
    assert 1 == len(await at.inbox()) == len(await at.inbox(BOB))


async def has(at: Station, count: int, name: str = ANN) -> bool:
    return len(await at.inbox(name)) == count


async def wake(at: Station) -> None:
    """Queue something else, as the clock of the test wakes nobody."""
    await at.write(lambda txn: txn.put_off(txn.jobs(letter_.KIND)[0], 0, txn.jobs(letter_.KIND)[0].payload))


@run
async def test_a_host_that_greylists_is_asked_later_and_later(at: Station) -> None:
    async with host({"RCPT": "450 4.2.0 greylisted"}) as far, at.relaying():
        at.roads.ports["far.example"] = far.port
        id = await at.submit("ben@far.example")
        for pause in (300, 600, 1200):
            await at.until(at.rests)
            [job] = await at.jobs()
            assert at.now + pause == job.due
            at.now = float(job.due)
            await wake(at)
        far.script["RCPT"] = "250 ok"
        await at.until(at.is_empty)
    assert 1 == len(far.messages)
    assert [("unknown", "250 2.0.0 queued")] == [*(await at.delivered(id)).values()]
    assert [] == await at.inbox()


@run
async def test_what_takes_long_is_told_once_and_given_up_after_five_days(at: Station) -> None:
    async with host({"RCPT": "450 4.2.0 no"}) as far, at.relaying():
        at.roads.ports["far.example"] = far.port
        id = await at.submit("ben@far.example")
        for moment in (LATE, LATE + 9000, PATIENCE):
            await at.until(at.rests)
            at.now = float(NOW + moment)
            await wake(at)
        await at.until(at.is_empty)
    late, failed = sorted(await at.inbox(), key=lambda one: b"Undelivered" in one)
    assert b"Action: delayed" in late and b"Action: failed" in failed
    assert b"Status: 5.4.7" in failed
    assert [("no", "554 5.4.7 given up after 5 days; last: 450 4.2.0 no")] == [
        *(await at.delivered(id)).values()
    ]
    assert 2 == len((await at.submission(id))["dsnBlobIds"])


@run
async def test_success_is_told_where_it_is_wanted(at: Station) -> None:
    async with host({"EHLO": "250 plain"}) as far, at.relaying():
        at.roads.ports["far.example"] = far.port
        id = await at.submit(BOB, "ben@far.example", NOTIFY="SUCCESS")
        await at.until(at.is_empty)
        await at.until(lambda: has(at, 2))
    texts = b"".join(await at.inbox())
    assert b"Action: delivered" in texts and b"Action: relayed" in texts
    assert 2 == len((await at.submission(id))["dsnBlobIds"])


@run
async def test_of_what_has_no_return_path_nobody_is_told(at: Station) -> None:
    async with at.relaying():
        await at.submit("a@no.example", mail_from="")
        await at.until(at.is_empty)
    assert [] == await at.inbox()


@run
async def test_a_notification_that_cannot_be_delivered_is_the_end(at: Station) -> None:
    gone = Letter(
        blob="00" * 32, mail_from="", recipients=[Recipient(email="x@no.example")], arrived=NOW, released=NOW
    )
    async with at.relaying():
        await at.write(lambda txn: txn.put_job(letter_.KIND, NOW, gone.payload()))
        await at.until(at.is_empty)
    assert [] == await at.inbox()


@run
async def test_a_message_whose_bytes_are_lost_is_told_to_its_sender(at: Station) -> None:
    lost = Letter(blob="00" * 32, mail_from=ANN, recipients=[Recipient(email=BOB)], arrived=NOW, released=NOW)
    async with at.relaying():
        await at.write(lambda txn: txn.put_job(letter_.KIND, NOW, lost.payload()))
        await at.until(lambda: has(at, 1))
        await at.until(at.is_empty)
    assert b"Status: 5.3.0" in (await at.inbox())[0]


# -- crashes --


@pytest.mark.parametrize("kill_at", range(1, 6))
def test_a_crash_at_any_write_doubles_nothing_that_was_recorded(
    kill_at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Count at the end: each has it, none lost; a host has it twice only if the record of its reply was lost."""
    monkeypatch.setattr(clock, "now", lambda: float(NOW))

    async def whole() -> None:
        async with station(tmp_path) as at, host() as far:
            at.now = float(NOW)
            at.roads.ports["far.example"] = far.port
            id = await at.submit(BOB, "ben@far.example", "a@no.example")
            writes = 0
            real = carrier._Attempt._write

            async def killed(self: Any, unit: Any) -> None:
                nonlocal writes
                writes += 1
                if writes == kill_at:
                    await asyncio.Event().wait()  # nothing more is heard of it
                await real(self, unit)

            monkeypatch.setattr(carrier._Attempt, "_write", killed)
            dead = at.relay("other.lock")
            dead.open()
            await at.until(lambda: writes >= kill_at)
            for task in (*dead._under_way, *dead._running):
                task.cancel()
            monkeypatch.setattr(carrier._Attempt, "_write", real)
            assert "final" == (await at.submission(id))["undoStatus"] or kill_at == 1
            async with at.relaying():
                await at.until(at.is_empty)
                await at.until(lambda: has(at, 1))
            assert 1 == len(await at.inbox(BOB))
            assert 1 == len(await at.inbox())
            assert len(far.messages) in (1, 2)
            delivered = await at.delivered(id)
            assert ["yes", "unknown", "no"] == [
                delivered[to][0] for to in (BOB, "ben@far.example", "a@no.example")
            ]

    asyncio.run(whole())


@run
async def test_who_comes_back_after_its_lease_ended_writes_nothing(at: Station) -> None:
    async with host({"END": "..."}) as far:
        at.roads.ports["far.example"] = far.port
        id = await at.submit("ben@far.example")
        slow = at.relay("slow.lock")
        slow.open()
        await far.busy.wait()
        at.now += relay.LEASE
        far.script["END"] = "250 2.0.0 second"
        async with at.relaying():
            await at.until(at.is_empty)
        await at.until(lambda: not slow._under_way)
        await slow.close()
    assert [("unknown", "250 2.0.0 second")] == [*(await at.delivered(id)).values()]


@run
async def test_leases_are_renewed_while_a_host_thinks(at: Station) -> None:
    async with host({"END": "..."}) as far, at.relaying() as running:
        at.roads.ports["far.example"] = far.port
        await at.submit("ben@far.example")
        await far.busy.wait()
        at.now += 50
        await at.app.store.renew([*running._under_way.values()], int(at.now) + relay.LEASE)
        assert [] == await at.app.store.claim(letter_.KIND, int(at.now) + 30, 2**40, 10)


@run
async def test_a_full_disk_lets_nothing_be_sent_twice(at: Station) -> None:
    async with host() as far, at.relaying():
        at.roads.ports["far.example"] = far.port
        real, failures = at.app.store.write, 0

        def full(place: Any, person: int, unit: Any) -> Any:
            nonlocal failures
            if far.messages and failures < 5:
                failures += 1
                raise OSError(28, "no space left")
            return real(place, person, unit)

        object.__setattr__(at.app.store, "write", full)
        id = await at.submit("ben@far.example")
        await at.until(at.is_empty)
    assert (5, 1) == (failures, len(far.messages))
    assert [("unknown", "250 2.0.0 queued")] == [*(await at.delivered(id)).values()]


@run
async def test_a_fault_of_ours_lets_one_letter_rest_and_no_other(at: Station) -> None:
    async with host() as far, at.relaying():
        at.roads.ports["far.example"] = far.port
        broken = {"nonsense": 1}
        await at.write(lambda txn: txn.put_job(letter_.KIND, NOW, broken))
        await at.submit("ben@far.example")
        await at.until(at.rests)
        [job] = await at.jobs()
        assert (broken, NOW + 300, 1) == (job.payload, job.due, job.tries)
    assert 1 == len(far.messages)


@run
async def test_the_queue_goes_on_after_a_fault_in_the_claim_itself(at: Station) -> None:
    real, faults = at.app.store.claim, 0

    async def faulty(*arguments: Any) -> Any:
        nonlocal faults
        if faults < 1:
            faults += 1
            raise RuntimeError("of ours")
        return await real(*arguments)

    object.__setattr__(at.app.store, "claim", faulty)
    async with at.relaying():
        await at.until(lambda: faults)
        await at.submit(BOB)
        await at.until(at.is_empty)
    assert 1 == len(await at.inbox(BOB))


@run
async def test_large_messages_go_a_few_at_a_time(at: Station) -> None:
    large = MESSAGE + b".large\r\n" * 200_000
    async with host({"EHLO": "250 mx.far.example"}) as far, at.relaying():
        at.roads.ports["far.example"] = far.port
        for _ in range(8):
            await at.submit("ben@far.example", data=large)
        await at.until(at.is_empty)
    assert 8 == len(far.messages)
    assert far.messages[0][1].endswith(b"\r\n.large\r\n")
    assert far.most_at_once <= 4


# -- many --


@run
async def test_one_destination_gets_so_many_connections_and_no_more(at: Station) -> None:
    count = 3 * carrier.AT_ONCE_TO_ONE
    async with host() as far, at.relaying():
        at.roads.ports["far.example"] = far.port
        for number in range(count):
            await at.submit(f"u{number}@far.example")
        await at.until(at.is_empty)
    assert count == len(far.messages)
    assert far.most_at_once <= carrier.AT_ONCE_TO_ONE


@run
async def test_a_host_that_hangs_holds_up_no_other(at: Station) -> None:
    async with host({"GREETING": "..."}) as stuck, host() as far, at.relaying():
        at.roads.ports.update({"far.example": far.port, "stuck.example": stuck.port})
        for number in range(20):
            await at.submit(f"u{number}@stuck.example")
        await stuck.busy.wait()
        await at.submit("ben@far.example")
        await at.until(lambda: far.messages)
        # What could not be reached is let be for a while, so that its letters do not wait one after the other.
        await at.until(at.rests)
    assert stuck.connections <= carrier.AT_ONCE_TO_ONE


@run
async def test_many_recipients_go_in_pieces(at: Station) -> None:
    async with host() as far, at.relaying():
        at.roads.ports["far.example"] = far.port
        await at.submit(*[f"u{number}@far.example" for number in range(250)])
        await at.until(at.is_empty)
    assert [50, 100, 100] == sorted(len(to) for to, _ in far.messages)


@run
async def test_an_account_that_is_removed_sends_nothing_more(at: Station) -> None:
    await at.submit("ben@far.example")
    place = at.place()
    await asyncio.to_thread(at.app.people.remove, ANN)
    await at.app.store.erase(place)
    async with host() as far, at.relaying():
        at.roads.ports["far.example"] = far.port
        await asyncio.sleep(0)
        assert None is await at.app.store.next_due(letter_.KIND)
    assert [] == far.messages


@run
async def test_only_one_process_sends(at: Station) -> None:
    async with host() as far:
        at.roads.ports["far.example"] = far.port
        first, second = at.relay(), at.relay()
        first.open()
        second.open()
        for number in range(20):
            await at.submit(f"u{number}@far.example")
        await at.until(at.is_empty)
        await asyncio.gather(first.close(), second.close())
    assert 20 == len(far.messages)
