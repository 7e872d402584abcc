from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from posthouse.bus import Moved, SignedOut
from posthouse.kit import json
from posthouse.serve.http import eventsource as module

ALL = "/jmap/eventsource/?types=*&closeafter=no&ping=0"
FIRST = "/jmap/eventsource/?types=*&closeafter=state&ping=0"
OURS = "http://mail.example.org"
STATE = {"@type": "StateChange", "changed": {"a1": {"Email": "7"}}}


@dataclass
class Listener:
    """Someone who listens in process; he takes what he is sent only while `takes` is set."""

    site: Any
    target: str
    headers: dict[str, str]
    sent: list[Any] = field(default_factory=list)

    async def __aenter__(self) -> Listener:
        self.takes, self.leaves, self.news = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.takes.set()
        path, _, query = self.target.partition("?")
        headers = {"host": "mail.example.org", "authorization": "Bearer token-1"} | self.headers
        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items() if value],
            "client": ("192.0.2.1", 4242),
            "server": ("127.0.0.1", 8080),
            "scheme": "http",
            "http_version": "1.1",
        }
        asked = False

        async def receive() -> dict[str, Any]:
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await self.leaves.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            await self.takes.wait()
            self.sent.append(message)
            self.news.set()

        self.task = asyncio.ensure_future(self.site.edge(scope, receive, send))
        await self.until(lambda: len(self.sent) >= 2)
        return self

    async def __aexit__(self, *failure: object) -> None:
        self.takes.set()
        self.leaves.set()
        await asyncio.wait_for(self.task, 20)

    async def until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            await asyncio.wait_for(self.news.wait(), 20)
            self.news.clear()

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def blocks(self) -> list[dict[str, str]]:
        """What came so far, block by block."""
        text = b"".join(message["body"] for message in self.sent[1:] if "body" in message).decode()
        assert text == "" or text.endswith("\n\n")
        return [dict(line.split(": ", 1) for line in block.split("\n")) for block in text.split("\n\n")[:-1]]

    @property
    def events(self) -> list[dict[str, str]]:
        return [block for block in self.blocks if "event" in block]

    async def told(self, count: int = 1) -> list[Any]:
        """Wait for so many events and return what they hold."""
        await self.until(lambda: len(self.events) >= count)
        return [json.loads(event["data"]) for event in self.events]

    async def over(self) -> None:
        await asyncio.wait_for(self.task, 20)


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def run(site: Any, test: Callable[[], Awaitable[None]]) -> None:
    """Run a coroutine beside an open hub, of which nothing stays."""

    async def live() -> None:
        site.hub.open()
        try:
            await asyncio.wait_for(test(), 60)
        finally:
            site.hub.close()
        assert {} == site.hub._by_person == site.hub._by_account
        assert not +site.tickets.held

    asyncio.run(live())


def listen(site: Any, target: str = ALL, **headers: str) -> Listener:
    return Listener(site, target, {name.replace("_", "-"): value for name, value in headers.items()})


def move(site: Any, account: int = 1, **levels: int) -> None:
    site.bus.publish([Moved(account, levels)])


def test_the_head_and_a_position_come_at_once(site: Any) -> None:
    site.api.states = {"Email": 6}

    async def test() -> None:
        async with listen(site, accept_encoding="gzip") as listener:
            headers = dict(listener.sent[0]["headers"])
            assert 200 == listener.status
            assert b"text/event-stream" == headers[b"content-type"]
            assert b"no-store" == headers[b"cache-control"]
            assert b"no" == headers[b"x-accel-buffering"]
            assert b"no-referrer" == headers[b"referrer-policy"]
            assert not {b"content-encoding", b"content-length"} & {*headers}
            assert [{"": "welcome", "id": "a1.6"}] == listener.blocks

    run(site, test)


def test_a_change_is_told_with_an_id(site: Any) -> None:
    async def test() -> None:
        async with listen(site) as listener:
            move(site, Email=7)
            assert [STATE] == await listener.told()
            assert [("state", "a1.7")] == [(event["event"], event["id"]) for event in listener.events]

    run(site, test)


@pytest.mark.parametrize("types", ["Email,Mailbox", "Email%2CMailbox", "Mailbox"])
def test_only_the_types_asked_for_are_told(site: Any, types: str) -> None:
    async def test() -> None:
        async with listen(site, ALL.replace("*", types)) as listener:
            move(site, Thread=6)
            move(site, Mailbox=7, Identity=7)
            assert [{"a1": {"Mailbox": "7"}}] == [one["changed"] for one in await listener.told()]

    run(site, test)


def test_other_accounts_are_not_told(site: Any) -> None:
    async def test() -> None:
        async with listen(site, FIRST) as listener:
            move(site, 2, Email=9)
            move(site, 1, Email=7)
            assert [STATE] == await listener.told()

    run(site, test)


def test_after_one_state_the_response_ends_if_that_was_asked_for(site: Any) -> None:
    async def test() -> None:
        async with listen(site, FIRST) as listener:
            move(site, Email=7)
            await listener.over()
            assert [STATE] == await listener.told()
            assert {"type": "http.response.body"} == listener.sent[-1]

    run(site, test)


@pytest.mark.parametrize(
    ("asked", "given"), [("0", 0), ("1", 5), ("5", 5), ("300", 300), ("3601", 3600), ("9999999999", 3600)]
)
def test_the_interval_of_pings_has_bounds_within_those_of_the_standard(asked: str, given: int) -> None:
    """No minimum above 30, no maximum below 300 (RFC 8620 §7.3)."""
    assert given == module._interval(asked)


def test_a_ping_says_its_interval_and_sets_no_id(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHORTEST_PING", 1)

    async def test() -> None:
        async with listen(site, ALL.replace("ping=0", "ping=1")) as listener:
            assert [{"interval": 1}] * 2 == await listener.told(2)
            assert [{"event", "data"}] * 2 == [{*event} for event in listener.events]
            assert {"ping"} == {event["event"] for event in listener.events}

    run(site, test)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "types=*&closeafter=no",
        "types=*&ping=0",
        "closeafter=no&ping=0",
        "types=&closeafter=no&ping=0",
        "types=Email,&closeafter=no&ping=0",
        "types=*,Email&closeafter=no&ping=0",
        "types=Email%0d%0aSet-Cookie:x=y&closeafter=no&ping=0",
        "types=%00&closeafter=no&ping=0",
        "types=%ff&closeafter=no&ping=0",
        "types=" + ",".join(["Email"] * 101) + "&closeafter=no&ping=0",
        "types=" + "E" * 101 + "&closeafter=no&ping=0",
        "types=*&types=Email&closeafter=no&ping=0",
        "types=*&closeafter=&ping=0",
        "types=*&closeafter=yes&ping=0",
        "types=*&closeafter=State&ping=0",
        "types=*&closeafter=no&ping=",
        "types=*&closeafter=no&ping=-1",
        "types=*&closeafter=no&ping=1.5",
        "types=*&closeafter=no&ping=1e3",
        "types=*&closeafter=no&ping=%D9%A3",
        "types=*&closeafter=no&ping=" + "9" * 5000,
        "types={types}&closeafter={closeafter}&ping={ping}",
    ],
)
def test_a_malformed_parameter_is_refused(site: Any, query: str) -> None:
    reply = site.ask("GET", f"/jmap/eventsource/?{query}")
    assert (400, "application/problem+json") == (reply.status, reply.header("content-type"))
    assert reply.header("set-cookie") is None


def test_a_hundred_types_may_be_named(site: Any) -> None:
    async def test() -> None:
        names = ",".join(f"Type{number}" for number in range(99)) + ",Email"
        async with listen(site, FIRST.replace("*", names)) as listener:
            move(site, Email=7)
            assert [STATE] == await listener.told()

    run(site, test)


# -- where a client goes on --


def test_who_knows_all_is_told_nothing(site: Any) -> None:
    site.api.states = {"Email": 6, "Mailbox": 4}

    async def test() -> None:
        async with listen(site, last_event_id="a1.6") as knows, listen(site) as new:
            move(site, Email=7)
            assert [STATE] == await knows.told() == await new.told()

    run(site, test)


def test_what_came_since_the_last_id_is_told_at_once(site: Any) -> None:
    site.api.states = {"Email": 7, "Mailbox": 4}

    async def test() -> None:
        async with listen(site, FIRST, last_event_id="a1.5") as listener:
            assert [STATE] == await listener.told()
            assert "a1.7" == listener.events[0]["id"]

    run(site, test)


def test_who_is_cut_off_before_the_first_event_is_caught_up(site: Any) -> None:
    site.api.states = {"Email": 6}

    async def test() -> None:
        async with listen(site) as listener:
            position = listener.blocks[0]["id"]
        site.api.states = {"Email": 7}
        async with listen(site, last_event_id=position) as listener:
            assert [STATE] == await listener.told()

    run(site, test)


@pytest.mark.parametrize("id", ["7", "a1", "a1.6-", "x" * 60_000, "a2.9", "a1.zz", "\x00", "a1.l"])
def test_who_comes_with_an_id_that_is_none_of_ours_is_told_all(site: Any, id: str) -> None:
    site.api.states = {"Email": 7}

    async def test() -> None:
        async with listen(site, FIRST, last_event_id=id) as listener:
            assert [STATE] == await listener.told()

    run(site, test)


# -- the end --


def test_who_is_signed_out_is_told_nothing_more(site: Any) -> None:
    async def test() -> None:
        async with listen(site) as listener:
            site.sign_in.ended.add("demo")
            site.bus.publish([SignedOut(1, None), Moved(1, {"Email": 7})])
            await listener.over()
            assert [] == listener.events
            assert {"type": "http.response.body"} == listener.sent[-1]

    run(site, test)


def test_it_ends_when_the_server_stops(site: Any) -> None:
    async def test() -> None:
        async with listen(site) as listener:
            site.edge.stop()
            await listener.over()
            assert {"type": "http.response.body"} == listener.sent[-1]

    run(site, test)


def test_it_ends_with_the_credential(site: Any) -> None:
    caller = None

    async def bearer(token: str, peer: str) -> Any:
        return caller

    async def test() -> None:
        nonlocal caller
        demo = await site.sign_in.bearer("token-1", "")
        expires = int(time.time()) + 2
        caller = replace(demo, expires=expires)
        site.sign_in.bearer = bearer
        async with listen(site) as listener:
            move(site, Email=7)
            assert [STATE] == await listener.told()
            await listener.over()
            assert expires <= time.time()

    run(site, test)


def test_a_clock_that_is_put_forward_ends_it_too(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("posthouse.serve.http.eventsource.LOOK", 0.05)
    known = type(site.sign_in)()
    ahead = 0.0

    async def bearer(token: str, peer: str) -> Any:
        return replace((await known.bearer(token, peer)), expires=int(time.time()) + 86_400)

    site.sign_in.bearer = bearer
    monkeypatch.setattr("posthouse.serve.http.eventsource.clock.now", lambda: time.time() + ahead)

    async def test() -> None:
        nonlocal ahead
        async with listen(site) as listener:
            move(site, Email=7)
            assert [STATE] == await listener.told()
            ahead = 86_401.0
            await listener.over()

    run(site, test)


def test_one_that_has_expired_meanwhile_is_told_nothing(site: Any) -> None:
    site.api.states = {"Email": 7}

    async def bearer(token: str, peer: str) -> Any:
        return replace((await known.bearer(token, peer)), expires=1)

    known = type(site.sign_in)()
    site.sign_in.bearer = bearer

    async def test() -> None:
        async with listen(site, last_event_id="a1.1") as listener:
            await listener.over()
            assert [] == listener.events

    run(site, test)


def test_a_peer_that_leaves_leaves_nothing_behind(site: Any) -> None:
    async def test() -> None:
        async with listen(site) as listener:
            assert 1 == len(site.hub._by_person[1])
            listener.leaves.set()
            await listener.over()
        assert {} == site.hub._by_person

    run(site, test)


def test_a_thousand_that_are_dropped_at_once_leave_nothing_behind(site: Any) -> None:
    site = site.with_limits(max_event_sources=1000)

    async def test() -> None:
        listeners = [listen(site) for _ in range(1000)]
        for listener in listeners:
            await listener.__aenter__()
        assert 1000 == len(site.hub._by_person[1])
        for listener in listeners:
            listener.leaves.set()
        move(site, Email=7)
        for listener in listeners:
            await listener.over()
        assert {} == site.hub._by_person
        async with listen(site):
            pass

    run(site, test)


def test_what_a_slow_reader_does_not_take_is_merged(site: Any) -> None:
    async def test() -> None:
        async with listen(site) as slow, listen(site) as quick:
            slow.takes.clear()
            for number in range(1, 201):
                move(site, Email=number)
                await turns(2)
            move(site, Mailbox=201)
            await quick.told(2)
            slow.takes.set()
            first, second = [one["changed"] for one in await slow.told(2)]
            assert {"a1": {"Email": "1"}} == first
            assert {"a1": {"Email": "68", "Mailbox": "69"}} == second
            assert 2 == len(slow.events)

    run(site, test)


def test_a_hub_that_cannot_read_leaves_nothing_behind(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(place: object) -> dict[str, int]:
        raise OSError("the disk is full")

    async def test() -> None:
        monkeypatch.setattr(site.api, "levels", fail)
        for _ in range(200):
            assert 500 == (await site.send("GET", ALL)).status
        monkeypatch.undo()
        async with listen(site) as listener:
            assert 200 == listener.status

    run(site, test)


def test_one_stream_too_many_is_refused_until_another_ends(site: Any) -> None:
    site = site.with_limits(max_event_sources=2)

    async def test() -> None:
        async with listen(site):
            async with listen(site):
                reply = await site.send("GET", ALL)
                assert (429, "60") == (reply.status, reply.header("retry-after"))
                assert "maxEventSources" == reply.json["limit"]
            async with listen(site) as listener:
                assert 200 == listener.status

    run(site, test)


# -- signing in from a page --


async def ticket(site: Any, kind: str = "eventsource", origin: str | None = OURS) -> str:
    caller = await site.sign_in.bearer("token-1", "")
    text, _ = await site.tickets.issue(caller, kind, origin)
    return str(text)


def test_a_page_listens_by_ticket_and_holds_it(site: Any) -> None:
    async def test() -> None:
        text = await ticket(site)
        async with listen(site, f"{ALL}&ticket={text}", authorization="", origin=OURS) as listener:
            assert 1 == site.tickets.held[text]
            move(site, Email=7)
            assert [STATE] == await listener.told()
        assert 0 == site.tickets.held[text]

    run(site, test)


def test_a_page_of_our_own_sends_no_origin(site: Any) -> None:
    async def test() -> None:
        text = await ticket(site)
        headers = {"authorization": "", "sec_fetch_site": "same-origin"}
        async with listen(site, f"{ALL}&ticket={text}", **headers) as listener:
            assert 200 == listener.status

    run(site, test)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "https://mail.example.org"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "none"},
        {"origin": "http://evil.example", "sec-fetch-site": "same-origin"},
    ],
)
def test_ticket_and_cookie_are_for_their_own_pages(site: Any, headers: dict[str, str]) -> None:
    async def test() -> None:
        text = await ticket(site)
        cookie = "posthouse=" + await ticket(site, "cookie", None)
        for target, more in ((f"{ALL}&ticket={text}", {}), (ALL, {"cookie": cookie})):
            reply = await site.send("GET", target, headers | more, signed_in=False)
            assert 401 == reply.status

    run(site, test)


@pytest.mark.parametrize("headers", [{"origin": OURS}, {"sec-fetch-site": "same-origin"}])
def test_a_page_of_our_own_listens_by_cookie(site: Any, headers: dict[str, str]) -> None:
    async def test() -> None:
        cookie = "other=1; posthouse=" + await ticket(site, "cookie", None) + "; more=2"
        more = {name.replace("-", "_"): value for name, value in headers.items()}
        async with listen(site, authorization="", cookie=cookie, **more) as listener:
            assert 200 == listener.status

    run(site, test)


def test_authorization_goes_before_a_ticket(site: Any) -> None:
    async def test() -> None:
        text = await ticket(site)
        async with listen(site, f"{ALL}&ticket={text}", origin=OURS):
            assert 0 == site.tickets.held[text]
        wrong = {"authorization": "Bearer wrong", "origin": OURS}
        assert 401 == (await site.send("GET", f"{ALL}&ticket={text}", wrong)).status

    run(site, test)


@pytest.mark.parametrize("shown", ["eventsource", "cookie", "websocket"])
def test_neither_ticket_nor_cookie_opens_anything_else(site: Any, shown: str) -> None:
    async def test() -> None:
        text = await ticket(site, shown, None if shown == "cookie" else OURS)
        headers = {"origin": OURS, "cookie": f"posthouse={text}", "sec-fetch-site": "same-origin"}
        for method, path in (
            ("POST", "/jmap/api/"),
            ("GET", "/jmap/session"),
            ("POST", "/jmap/upload/a1/"),
            ("GET", "/jmap/download/a1/b0/x"),
            ("POST", "/jmap/ticket/"),
            ("POST", "/jmap/cookie/"),
        ):
            reply = await site.send(method, f"{path}?ticket={text}", headers, signed_in=False)
            assert (path, 401) == (path, reply.status)

    run(site, test)


def test_no_page_makes_its_browser_ask_for_a_password(site: Any) -> None:
    headers = {"sec-fetch-mode": "cors"}
    page = site.ask("GET", ALL, headers, signed_in=False)
    assert ['Bearer realm="Posthouse"'] == [
        value for name, value in page.headers if name == "www-authenticate"
    ]
    other = site.ask("GET", ALL, signed_in=False)
    assert 2 == len([value for name, value in other.headers if name == "www-authenticate"])
