"""What accounts are born with, and what older ones are given (RFC 9610 §2)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import pytest

from posthouse.app import wiring
from posthouse.app.wiring import App
from posthouse.capabilities.contacts.addressbook import address_book
from posthouse.capabilities.mail.mailbox import mailbox
from posthouse.directory.passwords import Passwords
from posthouse.directory.place import place_of
from posthouse.store.directory import Person
from posthouse.store.txn import Transaction

T = TypeVar("T")
PIECES = ["mail", "submission", "vacation", "contacts"]


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    with closing(wiring.build(tmp_path, passwords=Passwords(passes=1, memory=8, threads=1))) as app:
        yield app


def write(app: App, person: Person, unit: Callable[[Transaction], T]) -> T:
    async def run() -> T:
        return await app.store.write(place_of(person), person.id, unit)

    return asyncio.run(run())


def held(txn: Transaction) -> tuple[int, int]:
    return len(txn.ids(mailbox)), len(txn.ids(address_book))


def test_a_new_account_has_all_and_its_note_says_so(app: App) -> None:
    person = app.people.add("ann@example.org", "x")
    assert ((6, 1), PIECES) == write(app, person, lambda txn: (held(txn), txn.note("born")))


def test_an_account_of_the_first_builds_is_given_what_it_lacks_and_no_more(app: App) -> None:
    old, new = app.people.add("old@example.org", "x"), app.people.add("new@example.org", "x")

    def as_the_first_builds_left_it(txn: Transaction) -> None:
        for id in txn.ids(address_book):
            txn.delete(address_book, id)
        txn.delete(mailbox, txn.ids(mailbox)[0])
        txn.put_note("born", True)

    write(app, old, as_the_first_builds_left_it)
    for _ in range(2):
        app.furnish_all()
        assert ((5, 1), PIECES) == write(app, old, lambda txn: (held(txn), txn.note("born")))
        assert (6, 1) == write(app, new, held)


def test_what_was_taken_away_stays_away(app: App) -> None:
    person = app.people.add("ann@example.org", "x")
    write(app, person, lambda txn: txn.delete(address_book, txn.ids(address_book)[0]))
    app.furnish_all()
    assert (6, 0) == write(app, person, held)
