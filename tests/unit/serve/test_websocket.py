"""JMAP over WebSocket on a real socket: the handshake, requests, pushes, and how it ends (RFC 8887)."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from posthouse.bus import Moved, SignedOut
from posthouse.kit.limits import Limits
from posthouse.model.caller import Caller
from posthouse.serve.http import api, websocket_line
from posthouse.serve.http.api import ApiResource
from posthouse.serve.http.concurrency import Gate
from posthouse.serve.http.websocket import UPGRADE
from posthouse.serve.http.websocket_talk import Desk, Talk
from wire.websocket import ACCEPT, BINARY, CLOSE, PING, PONG, TEXT, Raw, basic, connect, frame, handshake

from .test_websocket_line import Transport

Serve = Callable[..., Any]

TOKEN = "Bearer token-1"
URN = "urn:ietf:params:jmap:error:"
CORE = ["urn:ietf:params:jmap:core"]
ECHO = {
    "@type": "Request",
    "id": "R1",
    "using": CORE,
    "methodCalls": [["Core/echo", {"hello": True}, "b3ff"]],
}
WAIT = ECHO | {"id": "W", "methodCalls": [["Test/wait", {}, "w"]]}
RESPONSE = {
    "@type": "Response",
    "methodResponses": [["Core/echo", {"hello": True}, "b3ff"]],
    "sessionState": "s",
}
ENABLE = {"@type": "WebSocketPushEnable", "dataTypes": None}


def to(live: Any, authorization: str | None = TOKEN, **changed: Any) -> Raw:
    return connect(f"http://127.0.0.1:{live.port}", authorization, **changed)


def change(position: str, **types: str) -> dict[str, object]:
    return {"@type": "StateChange", "changed": {"a1": types}, "pushState": position}


def release(site: Any) -> None:
    """Let the requests go on that wait."""
    site.hub._loop.call_soon_threadsafe(site.api.open.set)


def settled(raw: Raw) -> None:
    """Wait until what was sent before has been taken."""
    raw.say(ECHO | {"id": "settled"})
    assert "settled" == raw.hear()["requestId"]


@pytest.fixture
def raw(live: Any) -> Iterator[Raw]:
    with to(live) as raw:
        yield raw


# -- the handshake --


def test_the_handshake_is_answered(raw: Raw) -> None:
    status, *lines = raw.head.split("\r\n")
    assert "HTTP/1.1 101 Switching Protocols" == status
    headers = dict(line.lower().split(": ", 1) for line in lines)
    expected = {"upgrade": "websocket", "connection": "upgrade", "sec-websocket-protocol": "jmap"}
    assert expected.items() <= headers.items()
    assert f"sec-websocket-accept: {ACCEPT}" in [line[:22].lower() + line[22:] for line in lines]


def test_no_extension_is_negotiated(live: Any) -> None:
    with to(live, Sec_WebSocket_Extensions="permessage-deflate; client_max_window_bits") as raw:
        assert raw.head.startswith("HTTP/1.1 101 ")
        assert "extensions" not in raw.head.lower()


@pytest.mark.parametrize(
    "changed",
    [
        {"Upgrade": "WebSocket", "Connection": "keep-alive, upgrade"},
        {"Sec_WebSocket_Protocol": "mqtt, jmap"},
        {"Origin": "http://evil.example"},  # no page can send a token by itself
    ],
)
def test_other_ways_to_say_it(live: Any, changed: dict[str, str]) -> None:
    with to(live, **changed) as raw:
        assert raw.head.startswith("HTTP/1.1 101 ")


@pytest.mark.parametrize(
    ("status", "changed"),
    [
        (426, {"Upgrade": None}),
        (426, {"Connection": None}),
        (426, {"Connection": "close"}),
        (426, {"Upgrade": "h2c"}),
        (426, {"Sec_WebSocket_Version": "8"}),
        (426, {"Sec_WebSocket_Version": None}),
        (400, {"Sec_WebSocket_Key": None}),
        (400, {"Sec_WebSocket_Key": "c2hvcnQ="}),
        (400, {"Sec_WebSocket_Key": "!" * 24}),
        (400, {"Sec_WebSocket_Protocol": None}),
        (400, {"Sec_WebSocket_Protocol": "JMAP"}),
        (400, {"Host": "a b"}),
        (401, {"Authorization": None}),
        (401, {"Authorization": "Bearer token-2"}),
        (401, {"Authorization": "Negotiate xxx"}),
        (429, {"Authorization": basic("eager@example.org", "x")}),
        (404, {"target": "/jmap/ws"}),
        (401, {"target": "/jmap/ws/?ticket=websocket-9", "Authorization": None}),
    ],
)
def test_a_handshake_is_refused_with_a_problem(
    live: Any, status: int, changed: dict[str, str | None]
) -> None:
    with to(live, **changed) as raw:
        head = raw.head.lower()
        assert head.startswith(f"http/1.1 {status} ")
        assert "content-type: application/problem+json" in head
        assert ("sec-websocket-version: 13" in head) == (status == 426)


def test_a_refused_handshake_ends_the_connection(live: Any) -> None:
    with to(live, None) as raw:
        assert "connection: close" in raw.head.lower()
        while raw.socket.recv(65536):
            pass


def test_a_plain_request_is_told_what_is_here(site: Any) -> None:
    reply = site.ask("GET", "/jmap/ws/")
    assert (426, "websocket") == (reply.status, reply.header("upgrade"))
    assert 405 == site.ask("POST", "/jmap/ws/").status


def test_a_ticket_lets_a_page_in_once(serve: Serve, site: Any) -> None:
    live = serve(site)
    site.tickets.made["t"] = (Caller(1, "demo@example.org", {}, "demo"), "websocket", "https://app.example")
    with to(live, None, target="/jmap/ws/?ticket=t", Origin="https://app.example") as raw:
        raw.say(ECHO)
        assert RESPONSE | {"requestId": "R1"} == raw.hear()
    with to(live, None, target="/jmap/ws/?ticket=t", Origin="https://evil.example") as raw:
        assert raw.head.startswith("HTTP/1.1 401 ")


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 101),
        ("http://127.0.0.1:{port}", 101),
        ("https://app.example", 101),
        ("https://evil.example", 403),
        ("http://127.0.0.1", 403),
        ("null", 403),
    ],
)
def test_a_strange_page_cannot_use_the_password_that_the_browser_has(
    serve: Serve, site: Any, origin: str | None, status: int
) -> None:
    live = serve(site.with_settings(origins=("*", "https://app.example")))
    given = None if origin is None else origin.format(port=live.port)
    with to(live, basic("demo@example.org", "secret"), Origin=given) as raw:
        assert raw.head.startswith(f"HTTP/1.1 {status} ")


@pytest.mark.parametrize(
    ("origin", "status"), [("http://127.0.0.1:{port}", 101), ("http://evil.example", 401)]
)
def test_the_cookie_is_for_our_own_pages(serve: Serve, site: Any, origin: str, status: int) -> None:
    live = serve(site)
    site.tickets.made["c"] = (Caller(1, "demo@example.org", {}, "demo"), "cookie", None)
    with to(live, None, Cookie="posthouse=c", Origin=origin.format(port=live.port)) as raw:
        assert raw.head.startswith(f"HTTP/1.1 {status} ")


def test_each_credential_has_a_number_of_connections(serve: Serve, site: Any) -> None:
    live = serve(site.with_limits(max_web_sockets=2))
    with to(live) as one, to(live) as other:
        with to(live) as raw:
            assert raw.head.startswith("HTTP/1.1 429 ")
        one.send(frame(CLOSE))
        assert 1005 == one.closed()
        with to(live) as raw:
            assert raw.head.startswith("HTTP/1.1 101 ")
            settled(other)


def test_a_handshake_that_fails_leaves_its_room_to_others(serve: Serve, site: Any) -> None:
    site = site.with_limits(max_web_sockets=1)
    live = serve(site)

    async def broken(place: object) -> dict[str, int]:
        raise OSError("a secret of the inside")

    site.api.levels, levels = broken, site.api.levels
    for _ in range(3):
        with to(live) as raw:
            assert raw.head.startswith("HTTP/1.1 500 ")
    site.api.levels = levels
    with to(live) as raw:
        assert raw.head.startswith("HTTP/1.1 101 ")


def test_a_peer_who_leaves_in_the_handshake_leaves_nothing(site: Any) -> None:
    class Left:
        pace = 1000.0
        tasks: set[Any] = set()  # noqa: RUF012

        def switch(self, headers: object, line: object) -> bool:
            return False

    site = site.with_limits(max_web_sockets=1)
    lines = handshake("x", None).decode().split("\r\n")[1:]
    headers = dict(line.split(": ", 1) for line in lines if line)
    for _ in range(3):
        assert 0 == site.ask("GET", "/jmap/ws/", headers, extensions={UPGRADE: Left()}).status
    assert {} == site.hub._by_person


def test_what_is_sent_too_early_is_kept(live: Any) -> None:
    with socket.create_connection(("127.0.0.1", live.port), timeout=20) as connection:
        early = frame(TEXT, json.dumps(ECHO).encode())
        connection.sendall(handshake("x", TOKEN) + early[:9])
        connection.sendall(early[9:])
        raw = Raw(connection, "", b"")
        octets = b""
        while b"\r\n\r\n" not in octets:
            octets += connection.recv(65536)
        raw = Raw(connection, "", octets.partition(b"\r\n\r\n")[2])
        assert RESPONSE | {"requestId": "R1"} == raw.hear()


# -- requests --


def test_a_request_is_answered(raw: Raw) -> None:
    raw.say(ECHO)
    assert RESPONSE | {"requestId": "R1"} == raw.hear()
    raw.say({name: value for name, value in ECHO.items() if name != "id"})
    assert RESPONSE == raw.hear()


def test_a_message_may_come_in_fragments_with_pings_between(raw: Raw) -> None:
    octets = json.dumps(ECHO | {"methodCalls": [["Core/echo", {"hello": "žluťoučký kůň 🐎"}, "c"]]}).encode()
    octets = json.dumps(json.loads(octets), ensure_ascii=False).encode()
    middle = octets.index("🐎".encode()) + 1  # within a character
    raw.send(frame(TEXT, octets[:middle], fin=False))
    raw.send(frame(PING, b"there?"))
    assert (PONG, b"there?") == raw.frame()
    raw.send(frame(0, b"", fin=False) + frame(0, octets[middle:]))
    assert "žluťoučký kůň 🐎" == raw.hear()["methodResponses"][0][1]["hello"]


def test_requests_are_answered_in_any_order(serve: Serve, site: Any) -> None:
    with to(serve(site)) as raw:
        raw.say(WAIT)
        raw.say(ECHO)
        assert "R1" == raw.hear()["requestId"]
        release(site)
        assert "W" == raw.hear()["requestId"]


@pytest.mark.parametrize(
    ("message", "type", "named"),
    [
        (b"The quick brown fox", "notJSON", {}),
        (b"", "notJSON", {}),
        (b"[]", "notRequest", {}),
        (b'{"@type":"Request","id":5}', "notRequest", {}),
        (b'{"@type":"Request","id":"x"}', "notRequest", {"requestId": "x"}),
        (b'{"id":"x","using":[],"methodCalls":[]}', "notRequest", {"requestId": "x"}),
        (b'{"@type":"StateChange","id":"x"}', "notRequest", {"requestId": "x"}),
        (b'{"@type":"WebSocketPushEnable","dataTypes":1}', "notRequest", {}),
        (
            b'{"@type":"Request","id":"x","using":["example:x"],"methodCalls":[]}',
            "unknownCapability",
            {"requestId": "x"},
        ),
    ],
)
def test_a_bad_message_is_a_request_error(raw: Raw, message: bytes, type: str, named: dict[str, str]) -> None:
    raw.send(frame(TEXT, message))
    error = raw.hear()
    assert "RequestError" == error.pop("@type")
    detail = error.pop("detail")
    assert detail
    assert {"type": URN + type, "status": 400, **named} == error
    raw.say(ECHO)
    assert "R1" == raw.hear()["requestId"]


def test_errors_are_those_of_http(live: Any, site: Any, raw: Raw) -> None:
    calls = [["Core/echo", {}, str(number)] for number in range(Limits().max_calls_in_request + 1)]
    request = {"using": CORE, "methodCalls": calls}
    reply = site.ask(
        "POST", "/jmap/api/", {"Content-Type": "application/json"}, body=json.dumps(request).encode()
    )
    raw.say(request | {"@type": "Request"})
    assert reply.json | {"@type": "RequestError"} == raw.hear()


def test_what_breaks_inside_is_not_shown(live: Any, raw: Raw) -> None:
    raw.say(ECHO | {"methodCalls": [["Test/fail", {}, "c"]]})
    error = raw.hear()
    assert ("RequestError", "about:blank", 500, "R1") == tuple(
        error[name] for name in ("@type", "type", "status", "requestId")
    )
    assert "secret" not in json.dumps(error)
    settled(raw)


def test_a_large_request_is_answered_too(raw: Raw) -> None:
    octets = json.dumps(ECHO | {"methodCalls": [["Core/echo", {"x": "y" * 300_000}, "c"]]}).encode()
    raw.send(frame(TEXT, octets))
    assert 300_000 == len(raw.hear()["methodResponses"][0][1]["x"])
    pieces = [octets[at : at + 1000] for at in range(0, len(octets), 1000)]
    for number, piece in enumerate(pieces):
        raw.send(frame(0 if number else TEXT, piece, fin=number == len(pieces) - 1))
    assert 300_000 == len(raw.hear()["methodResponses"][0][1]["x"])


@pytest.mark.parametrize("fragments", [1, 7])
@pytest.mark.parametrize("limit", [100, 100_000])
def test_a_message_that_is_too_long_is_refused_and_the_next_is_heard(
    serve: Serve, site: Any, fragments: int, limit: int
) -> None:
    live = serve(site.with_limits(max_size_request=limit))
    with to(live) as raw:
        octets = b" " * (limit + 1)
        size = len(octets) // fragments + 1
        for number in range(fragments):
            piece = octets[number * size : (number + 1) * size]
            raw.send(frame(0 if number else TEXT, piece, fin=number == fragments - 1))
        error = raw.hear()
        assert (URN + "limit", "maxSizeRequest", 400) == (error["type"], error["limit"], error["status"])
        raw.send(frame(TEXT, b"{}"))
        assert URN + "notRequest" == raw.hear()["type"]


def test_a_message_without_an_end_is_cut_off(
    serve: Serve, site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket_line, "MAX_DISCARD", 100_000)
    live = serve(site.with_limits(max_size_request=100))
    with to(live) as raw:
        for number in range(12):
            raw.send(frame(0 if number else TEXT, b" " * 10_000, fin=False))
        assert URN + "limit" == raw.hear()["type"]
        assert 1009 == raw.closed()


def test_http_and_websockets_share_a_limit(serve: Serve, site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "_IN_LINE", 1)
    site = site.with_limits(max_concurrent_requests=2)
    live = serve(site)
    waiting = {"using": CORE, "methodCalls": [["Test/wait", {}, "w"]]}
    post = json.dumps(waiting).encode()
    head = f"POST /jmap/api/ HTTP/1.1\r\nHost: x\r\nAuthorization: {TOKEN}\r\nContent-Length: {len(post)}\r\n"
    with to(live) as raw, to(live) as other, live.connect() as http:
        raw.say(WAIT)
        raw.say(ECHO)  # answered, so that one is running
        assert "R1" == raw.hear()["requestId"]
        http.sendall(head.encode() + b"Content-Type: application/json\r\n\r\n" + post)
        while site.api.running < 2:
            pass
        other.say(ECHO | {"id": "in line"})
        other.say(ECHO | {"id": "too many"})
        error = other.hear()
        assert ("too many", "maxConcurrentRequests", 429) == (
            error["requestId"],
            error["limit"],
            error["status"],
        )
        assert 2 == site.api.most_running
        release(site)
        assert "in line" == other.hear()["requestId"]


def test_what_a_connection_sends_beyond_its_limit_waits(serve: Serve, site: Any) -> None:
    site = site.with_limits(max_concurrent_requests=3)
    live = serve(site)
    with to(live) as raw:
        raw.say(WAIT)
        for number in range(200):
            raw.say(ECHO | {"id": str(number)})
        assert {str(number) for number in range(200)} == {raw.hear()["requestId"] for _ in range(200)}
        assert site.api.most_running <= 3
        release(site)
        assert "W" == raw.hear()["requestId"]


def test_a_connection_with_all_it_may_have_running_is_not_read(serve: Serve, site: Any) -> None:
    live = serve(site.with_limits(max_concurrent_requests=3))
    with to(live) as raw, to(live) as other:
        for _ in range(3):
            raw.say(WAIT)
        raw.send(frame(PING))
        while live.site.api.running < 3:
            pass
        for _ in range(3):
            other.send(frame(PING))
            assert (PONG, b"") == other.frame()
        release(live.site)
        assert TEXT == (raw.frame() or (0,))[0]


def test_a_large_message_takes_its_place_before_it_is_read(serve: Serve, site: Any) -> None:
    live = serve(site.with_limits(max_concurrent_requests=2))
    with to(live) as slow, to(live) as slower, to(live) as other:
        for one in (slow, slower):
            one.send(frame(TEXT, b" " * 70_000, fin=False) + frame(PING, b"read"))
            assert (PONG, b"read") == one.frame()  # it has its place, or would not be read on
        other.say(ECHO)
        for _ in range(3):
            other.send(frame(PING))
            assert (PONG, b"") == other.frame()  # and no answer before it
        slow.close()
        assert "R1" == other.hear()["requestId"]


# -- push --


def test_changes_are_told_once_they_are_wished_for(serve: Serve, site: Any) -> None:
    with to(serve(site)) as raw:
        site.bus.publish([Moved(1, {"Email": 7})])
        settled(raw)
        raw.say(ENABLE)
        settled(raw)
        site.bus.publish([Moved(1, {"Email": 8, "Mailbox": 9})])
        assert change("a1.9", Email="8", Mailbox="9") == raw.hear()


def test_only_the_types_that_were_asked_for_are_told(serve: Serve, site: Any) -> None:
    with to(serve(site)) as raw:
        raw.say(ENABLE | {"dataTypes": ["Mailbox", "NoSuchType"]})
        settled(raw)
        site.bus.publish([Moved(1, {"Email": 8})])
        site.bus.publish([Moved(1, {"Email": 9, "Mailbox": 9})])
        assert change("a1.9", Mailbox="9") == raw.hear()


@pytest.mark.parametrize("push_state", ["a1.5", "", "nonsense!", "a2.9", "a1.100"])
def test_what_was_missed_is_told_at_once(serve: Serve, site: Any, push_state: str) -> None:
    site.api.states = {"Email": 7, "Mailbox": 3}
    with to(serve(site)) as raw:
        raw.say(ENABLE | {"pushState": push_state})
        expected = {"Email": "7"} if push_state == "a1.5" else {"Email": "7", "Mailbox": "3"}
        assert change("a1.7", **expected) == raw.hear()


def test_who_knows_all_is_told_nothing(serve: Serve, site: Any) -> None:
    site.api.states = {"Email": 7}
    with to(serve(site)) as raw:
        raw.say(ENABLE | {"pushState": "a1.7"})
        raw.say(ENABLE | {"pushState": None})
        settled(raw)


def test_a_new_wish_takes_the_place_of_the_old(serve: Serve, site: Any) -> None:
    with to(serve(site)) as raw:
        raw.say(ENABLE | {"dataTypes": ["Email"]})
        raw.say(ENABLE | {"dataTypes": ["Mailbox"]})
        settled(raw)
        site.bus.publish([Moved(1, {"Email": 8, "Mailbox": 9})])
        assert change("a1.9", Mailbox="9") == raw.hear()
        assert 1 == len(site.hub._by_person[1])


def test_a_new_wish_loses_nothing_of_the_old(serve: Serve, site: Any) -> None:
    with to(serve(site)) as raw:
        raw.say(ENABLE)
        settled(raw)
        site.bus.publish([Moved(1, {"Email": 8})])
        assert change("a1.8", Email="8") == raw.hear()
        site.bus.publish([Moved(1, {"Email": 9})])  # told in 50 ms, or with the new wish
        site.api.states = {"Email": 9}
        raw.say(ENABLE)
        assert change("a1.9", Email="9") == raw.hear()


def test_a_new_wish_tells_what_the_old_was_not_told_yet(serve: Serve, site: Any) -> None:
    with to(serve(site)) as raw:
        raw.say(ENABLE)
        settled(raw)
        site.api.states = {"Email": 9}  # committed, but the news of it are still on their way
        raw.say(ENABLE)
        assert change("a1.9", Email="9") == raw.hear()


def test_the_first_change_after_a_wish_is_told_at_once(site: Any) -> None:
    async def scene() -> None:
        async with talking(site) as (talk, transport):
            site.bus.publish([Moved(1, {"Email": 8})])
            await turns()
            assert b'"a1.8"' in transport.sent
            talk.wake()  # once too often, as may be
            site.bus.publish([Moved(1, {"Email": 9})])
            await turns()
            assert b'"a1.9"' not in transport.sent  # but merged with what comes in the next moment

    asyncio.run(scene())


def test_while_the_peer_does_not_read_changes_are_merged(site: Any) -> None:
    async def scene() -> None:
        async with talking(site) as (talk, transport):
            talk.line.pause_writing()
            for number in range(1, 100):
                site.bus.publish([Moved(1, {"Email": number})])
                await turns()
            assert b"" == transport.sent
            talk.line.resume_writing()
            assert 1 == transport.sent.count(b"StateChange")
            assert b'"a1.33"' in transport.sent  # 99 in base 32

    asyncio.run(scene())


@asynccontextmanager
async def talking(site: Any) -> AsyncIterator[tuple[Talk, Transport]]:
    """A talk that is told of everything, on a transport that keeps what is sent."""
    site.hub.open()
    desk = Desk(ApiResource(None, site.api, site.limits), site.hub, site.limits, (), site.sign_in.current)  # type: ignore[arg-type]
    gate = Gate(1, 0)
    caller = await site.sign_in.bearer("token-1", "")
    await gate.enter(caller.key)
    talk = Talk(desk, caller, 1000, set(), gate)
    transport = Transport()
    talk.line.connection_made(transport)  # type: ignore[arg-type]
    talk.begin(await site.hub.watch(caller, None, talk.wake))
    try:
        yield talk, transport
    finally:
        talk.line.connection_lost(None)
        site.hub.close()
    assert {} == site.hub._by_person
    await gate.enter(caller.key)  # there is room again


async def turns() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


def test_no_more_is_told_once_it_is_disabled(serve: Serve, site: Any) -> None:
    with to(serve(site)) as raw:
        raw.say({"@type": "WebSocketPushDisable"})
        raw.say(ENABLE)
        raw.say({"@type": "WebSocketPushDisable"})
        settled(raw)
        site.bus.publish([Moved(1, {"Email": 8})])
        settled(raw)
        raw.say(ENABLE)
        settled(raw)
        site.bus.publish([Moved(1, {"Email": 10})])
        assert change("a1.a", Email="a") == raw.hear()


def test_a_wish_that_cannot_be_met_is_an_error(serve: Serve, site: Any) -> None:
    with to(serve(site)) as raw:

        async def broken(place: object) -> dict[str, int]:
            raise OSError("a secret of the inside")

        site.api.levels, levels = broken, site.api.levels
        raw.say(ENABLE | {"id": "x"})
        error = raw.hear()
        assert (500, "x") == (error["status"], error["requestId"])
        assert "secret" not in error["detail"]
        site.api.levels = levels
        raw.say(ENABLE)
        settled(raw)
        site.bus.publish([Moved(1, {"Email": 8})])
        assert change("a1.8", Email="8") == raw.hear()


# -- how it ends --


def test_the_client_closes(raw: Raw) -> None:
    raw.send(frame(CLOSE, (1000).to_bytes(2, "big") + b"bye"))
    assert 1000 == raw.closed()


def test_whoever_is_signed_out_is_closed_at_once_and_gets_no_answer(serve: Serve, site: Any) -> None:
    with to(serve(site)) as raw:
        raw.say(WAIT)
        settled(raw)
        site.sign_in.ended.add("demo")
        site.bus.publish([SignedOut(1, None)])
        assert CLOSE == (raw.frame() or (0,))[0]
        release(site)
        assert raw.frame() is None


def test_a_request_of_a_dead_credential_is_not_answered_before_the_news_of_it(
    serve: Serve, site: Any
) -> None:
    with to(serve(site)) as raw:
        site.sign_in.ended.add("demo")
        raw.say(ECHO)
        got = raw.frame()
        assert got is not None
        assert (CLOSE, 1008) == (got[0], int.from_bytes(got[1][:2], "big"))


def test_a_request_is_answered_to_the_caller_as_he_is_now(serve: Serve, site: Any) -> None:
    """Who has left a group has its account no more, on connections of before either."""
    with to(serve(site)) as raw:
        for reach in (1, 2):
            changed = Caller(1, "demo@example.org", {}, "demo", reach=reach)
            site.sign_in.changed = changed
            raw.say(ECHO)
            assert raw.frame() is not None
            assert changed is site.api.asked


def test_a_credential_that_expires_ends_the_connection(
    serve: Serve, site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = Caller(1, "demo@example.org", {}, "demo", expires=1000)
    now = iter([999.99, 999.999])
    monkeypatch.setattr("posthouse.kit.clock.now", lambda: next(now, 1000.0))
    site.tickets.made["t"] = (caller, "websocket", None)
    with to(serve(site), None, target="/jmap/ws/?ticket=t") as raw:
        assert 1008 == raw.closed()


def test_a_stopping_server_answers_what_runs_and_says_goodbye(serve: Serve, site: Any) -> None:
    live = serve(site)
    with to(live) as busy, to(live) as idle:
        busy.say(WAIT)
        settled(busy)
        live.server.stop()
        assert 1001 == idle.closed()
        busy.say(ECHO)  # too late
        release(site)
        assert "W" == busy.hear()["requestId"]
        assert 1001 == busy.closed()
        live.thread.join(20)
        assert not live.thread.is_alive()


def test_a_stopping_server_does_not_wait_for_ever(
    serve: Serve, site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("posthouse.serve.http.server._GRACE", 0.2)
    live = serve(site)
    with to(live) as raw:
        raw.say(WAIT)
        settled(raw)
        live.stop()
        assert not live.thread.is_alive()


def test_who_goes_away_is_forgotten(serve: Serve, site: Any) -> None:
    live = serve(site)
    left = threading.Event()
    leave = site.hub.leave

    def told(watch: object) -> None:
        leave(watch)
        left.set()

    with to(live) as raw:
        raw.say(ENABLE)
        settled(raw)
        site.hub.leave = told
        raw.send(frame(TEXT, b" " * 70_000, fin=False))
    assert left.wait(20)
    assert {} == site.hub._by_person


def test_binary_frames_are_not_understood(raw: Raw) -> None:
    raw.send(frame(BINARY, b"x"))
    assert 1003 == raw.closed()
