"""Who hears of a grant when, also if the process that wrote it ends before it has told anybody."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from posthouse.app import sharing, wiring
from posthouse.app.wiring import App
from posthouse.capabilities.mail.mailbox import RIGHTS, mailbox
from posthouse.directory.passwords import Passwords
from posthouse.directory.place import place_of
from posthouse.model.caller import Caller
from posthouse.store.txn import Transaction

ADA, BOB = "ada@example.org", "bob@example.org"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    """A process that serves Ada and Bob."""
    with closing(opened(tmp_path)) as app:
        for name in (ADA, BOB):
            app.people.add(name, "secret")
        yield app


def opened(folder: Path) -> App:
    return wiring.build(folder, passwords=Passwords(passes=1, memory=8, threads=1))


def signed_in(app: App, name: str) -> Caller:
    caller = asyncio.run(app.sign_in.basic(name, "secret", "127.0.0.1"))
    assert caller is not None
    return caller


def test_what_was_granted_is_open_once_the_next_process_starts(app: App, tmp_path: Path) -> None:
    ada, bob = app.people.find(ADA), app.people.find(BOB)
    asyncio.run(app.sharing.open(place_of(ada), [bob.id]))
    before = signed_in(app, BOB)

    def grant(txn: Transaction) -> None:
        txn.share(mailbox, txn.ids(mailbox)[0], {bob.id: RIGHTS.all}, ada.id, 0)

    asyncio.run(app.store.write(place_of(ada), ada.id, grant))
    assert before.accounts == signed_in(app, BOB).accounts  # so far nobody was told
    with closing(opened(tmp_path)) as other:
        other.furnish_all()
    assert [ada.account] == [
        access.account for wire, access in signed_in(app, BOB).accounts.items() if wire not in before.accounts
    ]


def test_nobody_waits_until_all_have_heard_of_what_others_share(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "_PATIENCE", 0.01)
    ada, bob = app.people.find(ADA), app.people.find(BOB)
    goes_on = threading.Event()
    app.sharing._teller.submit(goes_on.wait)
    try:
        asyncio.run(asyncio.wait_for(app.sharing.changed(place_of(ada), [bob.id]), 60))
    finally:
        goes_on.set()
