"""The queue as an operator steers it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import pytest

from posthouse.app import wiring
from posthouse.app.queue import Queue, QueueError, lines, when
from posthouse.app.wiring import App
from posthouse.capabilities.submission import letter as letter_
from posthouse.capabilities.submission.letter import Letter, Recipient
from posthouse.directory.passwords import Passwords
from posthouse.directory.place import place_of
from posthouse.kit import clock
from posthouse.model.job import NEVER
from posthouse.store.txn import Transaction

T = TypeVar("T")
ANN, BOB = "ann@near.example", "bob@near.example"
NOW = 1_700_000_000


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    monkeypatch.setattr(clock, "now", lambda: float(NOW))
    passwords = Passwords(passes=1, memory=8, threads=1)
    with closing(wiring.build(tmp_path, passwords=passwords, push=None)) as app:
        for name in (ANN, BOB):
            app.people.add(name, "secret")
        yield app


def write(app: App, name: str, unit: Callable[[Transaction], T]) -> T:
    async def run() -> T:
        return await app.store.write(place_of(app.people.find(name)), 0, unit)

    return asyncio.run(run())


def put(app: App, name: str, due: int = NOW + 60) -> None:
    recipients = [Recipient(email="ben@far.example"), Recipient(email="eve@far.example", state="relayed")]
    letter = Letter(blob="00", mail_from=name, recipients=recipients, arrived=NOW, released=NOW)
    write(app, name, lambda txn: txn.put_job(letter_.KIND, due, letter.payload()))


def claim(app: App) -> None:
    asyncio.run(app.store.claim(letter_.KIND, NOW + 3600, NOW + 3660, 100))


def test_letters_of_all_accounts_are_listed_by_when_they_are_due(app: App) -> None:
    put(app, ANN, NOW + 60)
    put(app, BOB, NOW + 30)
    found = Queue(app).list()
    assert [(BOB, NOW + 30), (ANN, NOW + 60)] == [(one.account, one.due) for one in found]
    assert 2 == len({one.key for one in found})
    assert "due 2023-11-14T22:13:50Z" == when(found[0])


def test_a_letter_is_shown_with_each_recipient(app: App) -> None:
    put(app, ANN)
    [entry] = Queue(app).list()
    shown = list(lines(Queue(app).find(entry.key)))
    assert f"letter {entry.key} of {ANN}" == shown[0]
    assert shown[-2:] == [
        "to: ben@far.example: queued: 250 2.0.0 waits to be sent",
        "to: eve@far.example: relayed: 250 2.0.0 waits to be sent",
    ]


def test_what_is_held_waits_until_it_is_retried(app: App) -> None:
    put(app, ANN)
    queue = Queue(app)
    keys = [one.key for one in queue.list()]
    queue.hold(keys)
    assert [("held", NEVER)] == [(one.state, one.due) for one in queue.list()]
    claim(app)
    queue.retry(keys)
    assert [("waiting", NOW)] == [(one.state, one.due) for one in queue.list()]


def test_what_is_removed_is_gone(app: App) -> None:
    put(app, ANN)
    put(app, BOB)
    queue = Queue(app)
    queue.cancel([one.key for one in queue.list() if one.account == ANN])
    assert [BOB] == [one.account for one in queue.list()]


def test_what_is_being_sent_is_let_be(app: App) -> None:
    put(app, ANN)
    claim(app)
    queue = Queue(app)
    [entry] = queue.list()
    assert "sending" == entry.state == when(entry)
    for change in (queue.retry, queue.hold, queue.cancel):
        with pytest.raises(QueueError, match="being sent"):
            change([entry.key])
    assert [entry] == queue.list()


def test_a_name_that_is_none_changes_nothing(app: App) -> None:
    put(app, ANN)
    queue = Queue(app)
    [entry] = queue.list()
    for change in (queue.retry, queue.hold, queue.cancel):
        with pytest.raises(QueueError, match="posthouse queue list"):
            change([entry.key, "9-9"])
    assert [entry] == queue.list()
