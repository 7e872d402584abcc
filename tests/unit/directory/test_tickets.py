from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from posthouse.directory import tickets as module
from posthouse.directory.callers import Callers
from posthouse.directory.passwords import Passwords
from posthouse.directory.people import People
from posthouse.directory.signin import SignIn
from posthouse.directory.tickets import AT_MOST, COOKIE, ENTER, GRACE, Kind, Tickets
from posthouse.directory.tokens import Tokens
from posthouse.model.caller import Caller
from posthouse.store.directory import DirectoryStore
from posthouse.store.principals import PrincipalStore

ADA = "ada@example.org"
PAGE = "https://mail.example.org"
Wait = Callable[[float], None]
Open = Callable[[], Tickets]


@pytest.fixture
def ada(people: People) -> str:
    people.add(ADA, "secret")
    return ADA


@pytest.fixture
def sign_in(
    store: DirectoryStore, passwords: Passwords, callers: Callers, clock: Callable[[], float]
) -> SignIn:
    return SignIn(store, passwords, callers, now=clock, monotonic=clock)


@pytest.fixture
def worker(path: Path, passwords: Passwords, clock: Callable[[], float]) -> Iterator[Open]:
    """A function that gives the tickets of one more process."""
    stores: list[DirectoryStore] = []

    def open() -> Tickets:
        stores.append(DirectoryStore(path))
        callers = Callers(stores[-1], PrincipalStore(stores[-1]))
        sign_in = SignIn(stores[-1], passwords, callers, now=clock, monotonic=clock)
        return Tickets(stores[-1], sign_in, now=clock)

    yield open
    for store in stores:
        store.close()


@pytest.fixture
def tickets(worker: Open) -> Tickets:
    return worker()


@pytest.fixture
def caller(sign_in: SignIn, ada: str) -> Caller:
    caller = asyncio.run(sign_in.basic(ada, "secret", "192.0.2.1"))
    assert caller is not None
    return caller


def issue(tickets: Tickets, caller: Caller, kind: Kind = "eventsource", origin: str | None = PAGE) -> str:
    return asyncio.run(tickets.issue(caller, kind, origin))[0]


def redeem(
    tickets: Tickets, text: str, kind: Kind = "eventsource", origin: str | None = PAGE
) -> Caller | None:
    return asyncio.run(tickets.redeem(text, kind, origin))


@pytest.mark.parametrize("kind", ["eventsource", "websocket", "cookie"])
def test_who_shows_it_is_the_one_who_asked_for_it(worker: Open, caller: Caller, kind: Kind) -> None:
    text = issue(worker(), caller, kind)
    found = redeem(worker(), text, kind)
    assert found is not None
    assert caller == replace(found, expires=None)


@pytest.mark.parametrize("kind", ["eventsource", "websocket"])
def test_it_has_to_be_shown_within_a_minute(tickets: Tickets, caller: Caller, wait: Wait, kind: Kind) -> None:
    early, late = issue(tickets, caller, kind), issue(tickets, caller, kind)
    wait(ENTER - 1)
    assert redeem(tickets, early, kind) is not None
    wait(1)
    assert redeem(tickets, late, kind) is None


@pytest.mark.parametrize("kind", ["eventsource", "websocket", "cookie"])
@pytest.mark.parametrize("origin", [None, "null", "https://mail.example.org:444", "http://mail.example.org"])
def test_another_origin_cannot_show_it(
    tickets: Tickets, caller: Caller, kind: Kind, origin: str | None
) -> None:
    text = issue(tickets, caller, kind)
    assert redeem(tickets, text, kind, origin) is None
    assert redeem(tickets, text, kind) is not None


def test_one_that_was_made_without_an_origin_is_for_no_page(tickets: Tickets, caller: Caller) -> None:
    text = issue(tickets, caller, origin=None)
    assert redeem(tickets, text, origin=PAGE) is None
    assert redeem(tickets, text, origin=None) is not None


def test_it_is_good_for_its_own_kind_only(tickets: Tickets, caller: Caller) -> None:
    kinds: tuple[Kind, ...] = ("eventsource", "websocket", "cookie")
    for kind in kinds:
        text = issue(tickets, caller, kind)
        assert [] == [other for other in kinds if other != kind and redeem(tickets, text, other)]


def test_of_all_who_show_a_websockets_ticket_one_gets_in(worker: Open, caller: Caller) -> None:
    workers = [worker(), worker(), worker()]
    text = issue(workers[0], caller, "websocket")

    async def rush() -> list[Caller | None]:
        return await asyncio.gather(*(one.redeem(text, "websocket", PAGE) for one in workers for _ in "abc"))

    found = asyncio.run(rush())
    assert [caller] == [one for one in found if one is not None]


@pytest.mark.parametrize("text", ["", "pt_", "pt_" + "a" * 31, "pt_" + "A" * 32, "ph_" + "a" * 32, "é" * 35])
def test_what_is_no_ticket_signs_nobody_in(tickets: Tickets, text: str) -> None:
    assert redeem(tickets, text) is None


@pytest.mark.parametrize("kind", ["eventsource", "websocket", "cookie"])
def test_who_has_none_makes_nothing_be_written(
    tickets: Tickets, caller: Caller, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = issue(tickets, caller, kind)
    monkeypatch.setattr(tickets._store.file, "writing", None)
    assert redeem(tickets, "pt_" + "a" * 32, kind) is None
    assert redeem(tickets, text, kind, "https://evil.example") is None


def test_its_text_is_nowhere_in_the_folder(tickets: Tickets, caller: Caller, path: Path) -> None:
    text = issue(tickets, caller)
    kept = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"ticket" in kept
    assert text.encode() not in kept


def test_another_password_ends_it(tickets: Tickets, caller: Caller, people: People) -> None:
    kinds: tuple[Kind, ...] = ("eventsource", "websocket", "cookie")
    texts = [(issue(tickets, caller, kind), kind) for kind in kinds]
    people.set_password(ADA, "another")
    assert [None] * 3 == [redeem(tickets, text, kind) for text, kind in texts]


def test_it_ends_with_the_token_it_was_made_with(
    tickets: Tickets, tokens: Tokens, sign_in: SignIn, ada: str
) -> None:
    token, kept = tokens.issue(ada)
    caller = asyncio.run(sign_in.bearer(token, "192.0.2.1"))
    assert caller is not None
    text = issue(tickets, caller)
    assert caller == redeem(tickets, text)
    tokens.revoke(ada, kept.id)
    assert redeem(tickets, text) is None


def test_it_goes_with_its_person(tickets: Tickets, caller: Caller, people: People) -> None:
    text = issue(tickets, caller)
    people.remove(ADA)
    assert redeem(tickets, text) is None


def test_it_outlives_no_token(
    tickets: Tickets, tokens: Tokens, sign_in: SignIn, ada: str, clock: Callable[[], float], wait: Wait
) -> None:
    token, _ = tokens.issue(ada, expires=int(clock()) + 100)
    caller = asyncio.run(sign_in.bearer(token, "192.0.2.1"))
    assert caller is not None
    text, until = asyncio.run(tickets.issue(caller, "cookie", None))
    assert int(clock()) + 100 == until
    found = redeem(tickets, text, "cookie", None)
    assert found is not None
    assert int(clock()) + 100 == found.expires
    wait(100)
    assert redeem(tickets, text, "cookie", None) is None


def test_a_cookie_is_good_for_two_weeks(
    tickets: Tickets, caller: Caller, clock: Callable[[], float], wait: Wait
) -> None:
    text = issue(tickets, caller, "cookie")
    end = int(clock()) + COOKIE
    wait(COOKIE - 1)
    found = redeem(tickets, text, "cookie")
    assert found is not None
    assert end == found.expires
    wait(1)
    assert redeem(tickets, text, "cookie") is None


def test_what_was_revoked_is_void_everywhere(worker: Open, caller: Caller) -> None:
    here, there = worker(), worker()
    text = issue(here, caller, "cookie")
    asyncio.run(here.revoke(text))
    assert redeem(there, text, "cookie") is None


def test_the_oldest_of_too_many_are_void(tickets: Tickets, caller: Caller, wait: Wait) -> None:
    cookie = issue(tickets, caller, "cookie")
    first = issue(tickets, caller)
    wait(1)
    others = [issue(tickets, caller) for _ in range(AT_MOST)]
    assert redeem(tickets, first) is None
    assert redeem(tickets, others[0]) is not None
    assert redeem(tickets, cookie, "cookie") is not None


def test_what_ended_long_ago_is_swept(
    tickets: Tickets, caller: Caller, store: DirectoryStore, wait: Wait
) -> None:
    text = issue(tickets, caller)
    hash = module._hash(text)
    wait(3601 + ENTER)
    assert store.ticket(hash, "eventsource", PAGE) is not None
    issue(tickets, caller)
    assert store.ticket(hash, "eventsource", PAGE) is None


# -- an EventSource comes back --


async def connect(tickets: Tickets, text: str) -> bool:
    if await tickets.redeem(text, "eventsource", PAGE) is None:
        return False
    tickets.hold(text)
    return True


def test_it_is_good_for_five_minutes_after_the_last_one_left(
    worker: Open, caller: Caller, wait: Wait
) -> None:
    here, there = worker(), worker()
    text = issue(here, caller)

    async def live() -> list[bool]:
        entered = [await connect(here, text), await connect(here, text)]
        here.let_go(text)
        for _ in range(20):  # one is there for twenty minutes, and every minute a timer fires
            wait(60)
            here._write(here._ends())
        assert await there.redeem(text, "eventsource", PAGE) is not None
        here.let_go(text)
        here._write(here._ends())
        wait(GRACE - 1)
        entered.append(await connect(there, text))
        there.let_go(text)
        there._write(there._ends())
        wait(GRACE)
        return [*entered, await connect(there, text), await connect(here, text)]

    assert [True, True, True, False, False] == asyncio.run(live())


def test_who_comes_and_goes_all_the_time_stays_in(tickets: Tickets, caller: Caller, wait: Wait) -> None:
    text = issue(tickets, caller)

    async def live() -> None:
        for second in range(2000):
            assert await connect(tickets, text)
            wait(1)
            tickets.let_go(text)
            if second % 60 == 0:
                tickets._write(tickets._ends())

    asyncio.run(live())


def test_a_disk_that_is_full_turns_no_event_source_away(
    tickets: Tickets, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = issue(tickets, caller)

    def fail(ends: object) -> None:
        raise OSError(28, "no space left")

    monkeypatch.setattr(tickets._store, "extend_tickets", fail)
    assert redeem(tickets, text) is not None


def test_coming_back_soon_writes_nothing(
    tickets: Tickets, caller: Caller, store: DirectoryStore, wait: Wait
) -> None:
    text = issue(tickets, caller)

    async def live() -> None:
        await connect(tickets, text)
        version = store.version()
        for _ in range(100):
            wait(1)
            tickets.let_go(text)
            assert await connect(tickets, text)
        assert version == store.version()

    asyncio.run(live())


@pytest.mark.parametrize("late", [0, 1, 30, 59])
@pytest.mark.parametrize("minutes", [1, 4, 5, 6, 11])
def test_who_moves_to_another_worker_stays_in(
    worker: Open, caller: Caller, wait: Wait, late: int, minutes: int
) -> None:
    here, there = worker(), worker()
    text = issue(here, caller)

    async def live() -> None:
        await connect(here, text)
        here.let_go(text)
        await connect(there, text)
        for _ in range(minutes):  # the timers of the two fire at different seconds of each
            there._write(there._ends())
            wait(late)
            here._write(here._ends())
            wait(60 - late)
        assert await here.redeem(text, "eventsource", PAGE) is not None

    asyncio.run(live())


def test_the_lease_of_a_killed_worker_runs_out(worker: Open, caller: Caller, wait: Wait) -> None:
    here, there = worker(), worker()
    text = issue(here, caller)

    async def live() -> list[bool]:
        await connect(here, text)  # and is heard of no more
        wait(GRACE)
        entered = [await connect(there, text)]
        there.let_go(text)
        there._write(there._ends())
        wait(2 * GRACE)
        return [*entered, await connect(there, text)]

    assert [True, False] == asyncio.run(live())


def test_a_worker_that_ends_leaves_its_clients_their_grace(worker: Open, caller: Caller, wait: Wait) -> None:
    here, there = worker(), worker()
    text = issue(here, caller)
    asyncio.run(connect(here, text))
    here.close()
    wait(GRACE - 1)
    assert redeem(there, text) is not None


def test_and_no_second_more(worker: Open, caller: Caller, wait: Wait) -> None:
    here, there = worker(), worker()
    text = issue(here, caller)
    asyncio.run(connect(here, text))
    here.close()
    wait(GRACE)
    assert redeem(there, text) is None


def test_what_ends_when_is_written_by_and_by(
    tickets: Tickets,
    caller: Caller,
    store: DirectoryStore,
    clock: Callable[[], float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_TICK", 0.01)
    texts = [issue(tickets, caller), issue(tickets, caller)]

    async def ends(text: str, until: int) -> None:
        while (ticket := store.ticket(module._hash(text), "eventsource", PAGE)) and until != ticket.until:
            await asyncio.sleep(0.01)

    async def live() -> None:
        now = int(clock())
        for text in texts:
            tickets.hold(text)
        for text in texts:
            await ends(text, now + module._LEASE)
            tickets.let_go(text)
            await ends(text, now + GRACE)
        while tickets._timer is not None:
            await asyncio.sleep(0.01)

    asyncio.run(live())


def test_nothing_of_those_who_left_stays(tickets: Tickets, caller: Caller) -> None:
    async def live() -> None:
        texts = [(await tickets.issue(caller, "eventsource", PAGE))[0] for _ in range(5)]
        for text in texts:
            await connect(tickets, text)
            tickets.let_go(text)

    asyncio.run(live())
    tickets.close()
    assert {} == tickets._held
