"""What a WebSocket can be sent, and what it cannot do to others (RFC 6455 §10, RFC 8887 §5)."""

from __future__ import annotations

import gc
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from posthouse.serve.http.websocket_line import Line
from posthouse.testing import Server
from wire.person import Person
from wire.websocket import BINARY, CLOSE, PING, TEXT, Raw, basic, connect, frame, handshake

Enter = Callable[[], Person]
CORE = ["urn:ietf:params:jmap:core"]


@pytest.fixture
def attack(server: Server, attacker: Person) -> Iterator[Callable[[], Raw]]:
    """Open WebSockets as the attacker."""
    opened: list[Raw] = []

    def open() -> Raw:
        raw = connect(server.url, basic(attacker.user.name, attacker.user.password))
        assert raw.head.startswith("HTTP/1.1 101 "), raw.head
        opened.append(raw)
        return raw

    yield open
    for raw in opened:
        raw.close()


def is_served(person: Person) -> float:
    """See that another user gets his answer, and give the seconds it took."""
    began = time.monotonic()
    assert [["Core/echo", {}, "c"]] == person.send(["Core/echo", {}, "c"]).json()["methodResponses"]
    return time.monotonic() - began


def pour(raw: Raw, octets: bytes, times: int) -> None:
    """Send as long as the server takes it."""
    try:
        for _ in range(times):
            raw.send(octets)
    except (ConnectionError, TimeoutError):
        pass


def echo(raw: Raw, id: str, size: int = 0) -> None:
    call = ["Core/echo", {"x": "y" * size}, "c"]
    raw.say({"@type": "Request", "id": id, "using": CORE, "methodCalls": [call]})


@pytest.mark.parametrize(
    "crumbs",
    [
        frame(PING) * 1000,
        frame(PING, b"x" * 125) * 100,
        frame(10) * 1000,
        frame(0, b"", fin=False) * 1000,
        frame(0, b" ", fin=False) * 1000,
        frame(TEXT, b"x") * 1000,
        frame(TEXT, b"") * 1000,
    ],
)
def test_a_flood_ends_the_connection_and_holds_nobody_up(
    attack: Callable[[], Raw], victim: Person, crumbs: bytes
) -> None:
    raw = attack()
    if crumbs[0] & 0x0F == 0:
        raw.send(frame(TEXT, b" ", fin=False))
    raw.socket.setblocking(False)
    closed, sent = False, 0
    while not closed and sent < 200_000_000:
        try:
            sent += raw.socket.send(crumbs)
        except BlockingIOError:
            is_served(victim)
        except ConnectionError:
            closed = True
        try:
            while piece := raw.socket.recv(1 << 20):
                closed = closed or b"that bring nothing on" in piece
        except BlockingIOError:
            pass
        except ConnectionError:
            closed = True
    assert closed
    is_served(victim)


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (frame(TEXT, b"x" * 100, mask=None), 1002),
        (b"\x81\xff" + (2**63 - 1).to_bytes(8, "big") + b"\0\0\0\0" + b"x" * 100_000, None),
        (b"\xff" * 1000, 1002),
        (frame(BINARY, b"x" * 1_000_000), 1003),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 1002),
        (b"\x16\x03\x01" + os.urandom(0) + b"\0" * 500, 1002),
    ],
)
def test_broken_frames(attack: Callable[[], Raw], victim: Person, octets: bytes, code: int | None) -> None:
    raw = attack()
    raw.send(octets)
    if code is not None:
        assert code == raw.closed()
    is_served(victim)


def test_a_message_of_any_length_is_not_kept(attack: Callable[[], Raw], victim: Person) -> None:
    before = _memory()
    sockets = [attack() for _ in range(5)]
    for raw in sockets:
        raw.send(b"\x01\xff" + (2**40).to_bytes(8, "big") + b"\0\0\0\0")
    for raw in sockets:
        pour(raw, b"\0" * 1_000_000, 30)  # zeros are text
        assert raw.closed() in (1009, None)
    is_served(victim)
    assert _memory() - before < 100_000_000


def test_half_messages_of_one_caller_are_bounded_all_together(
    attack: Callable[[], Raw], attacker: Person, victim: Person
) -> None:
    before = _memory()
    piece = frame(TEXT, b" " * 9_000_000, fin=False)
    taken = 0
    for _ in range(40):
        raw = attack()
        raw.socket.settimeout(0.3)
        try:
            raw.send(piece)
        except TimeoutError:
            break  # the server has stopped reading
        taken += 1
    assert taken <= attacker.limits["maxConcurrentRequests"]
    is_served(victim)
    assert _memory() - before < 16 * 10_000_000 + 100_000_000


def test_who_never_reads_costs_a_bounded_amount(attack: Callable[[], Raw], victim: Person) -> None:
    before = _memory()
    for _ in range(5):
        raw = attack()
        raw.socket.settimeout(0.5)
        try:
            for number in range(2000):
                echo(raw, str(number), 50_000)
        except TimeoutError:
            pass  # the server reads no more of his requests
        else:
            pytest.fail("the server took everything")
    is_served(victim)
    assert _memory() - before < 100_000_000


def test_a_slow_handshake_is_a_slow_request(server: Server, attacker: Person) -> None:
    """The head of an upgrade has the bounds of any other; see the tests of the server for its time."""
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as one:
        one.sendall(handshake(parts.netloc, basic(attacker.user.name, attacker.user.password))[:-2])
        one.sendall(b"X-Filling: " + b"x" * 100_000)
        assert one.recv(65536).startswith(b"HTTP/1.1 431 ")


def test_a_thousand_connections_that_vanish_leave_nothing(
    server: Server, enter: Enter, victim: Person
) -> None:
    people = [enter() for _ in range(10)]
    is_served(victim)
    files, began = _files(), _lines()
    raws = []
    for person in people:
        for _ in range(100):
            raw = connect(server.url, basic(person.user.name, person.user.password))
            raw.say({"@type": "WebSocketPushEnable", "dataTypes": None})
            raws.append(raw)
    assert _files() >= files + 2000
    for raw in raws[:500]:
        raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
    for raw in raws:
        raw.close()
    while _files() > files + 10:  # clients of other tests come and go
        is_served(victim)
    assert _lines() <= began
    for person in people:  # nobody listens, so a change costs nothing
        person.call("Mailbox/set", create={"a": {"name": "New"}})
        with connect(server.url, basic(person.user.name, person.user.password)) as raw:
            assert raw.head.startswith("HTTP/1.1 101 ")


def test_one_caller_cannot_take_all_connections(
    server: Server, attack: Callable[[], Raw], attacker: Person, victim: Person
) -> None:
    for _ in range(100):
        attack()
    with connect(server.url, basic(attacker.user.name, attacker.user.password)) as raw:
        assert raw.head.startswith("HTTP/1.1 429 ")
    with connect(server.url, basic(victim.user.name, victim.user.password)) as raw:
        assert raw.head.startswith("HTTP/1.1 101 ")


def test_closing_again_and_again_is_closing_once(attack: Callable[[], Raw], victim: Person) -> None:
    raw = attack()
    pour(raw, frame(CLOSE, (1000).to_bytes(2, "big")) * 100, 100)
    assert raw.closed() in (1000, None)
    is_served(victim)


def _memory() -> int:
    """The memory of this process, in which the server runs."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _files() -> int:
    return len(os.listdir("/proc/self/fd"))


def _lines() -> int:
    """How many WebSockets this process has on the server's side, or has not forgotten."""
    gc.collect()
    return sum(isinstance(one, Line) for one in gc.get_objects())
