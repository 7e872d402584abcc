"""How soon a change is told, to how many, and what it costs to wait for one.

Two workers on one data folder, as ``posthouse serve --workers 2`` has them: one takes the writes, listeners hang
on the other one or on the same.
"""

from __future__ import annotations

import base64
import secrets
import selectors
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import data, processes
from bench.client import Client
from bench.processes import Running
from bench.workload import Account, keyword, query
from posthouse.app import wiring

CHANGES = 200
APART = 0.06  # seconds between changes, so that none is merged with the one before
LISTENERS = 1000
IDLE = 10_000
WATCHED = 5.0  # seconds in which the CPU of idle workers is counted
PER_TOKEN = 50  # connections that one credential opens, below what the server allows

_TOLD = b'"StateChange"'


@dataclass(frozen=True, slots=True)
class Spread:
    """Milliseconds, from the fastest to the slowest."""

    name: str
    values: Sequence[float]

    def at(self, share: float) -> float:
        """Give the value that this share of all does not exceed."""
        ordered = sorted(self.values)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]

    def __str__(self) -> str:
        shares = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0)]
        return f"{self.name:46} " + "  ".join(f"{name} {self.at(share):7.2f} ms" for name, share in shares)

    def kept(self) -> dict[str, object]:
        """Give it as it is kept."""
        figures = {f"p{share * 100:g}": round(self.at(share), 3) for share in (0.5, 0.9, 0.99, 1.0)}
        return {"name": self.name, "changes": len(self.values), "milliseconds": figures}


class Listener:
    """A connection that waits for changes."""

    def __init__(self, port: int, hello: bytes, opened: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(hello)
        head = b""
        while opened not in head:
            piece = self.socket.recv(4096)
            assert piece, head
            head += piece

    def told(self) -> int:
        """Read what came and give how many changes it tells."""
        return self.socket.recv(65536).count(_TOLD)


def event_source(port: int, token: str) -> Listener:
    """Open an EventSource (RFC 8620 §7.3)."""
    head = (
        "GET /jmap/eventsource/?types=*&closeafter=no&ping=0 HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {token}\r\nAccept: text/event-stream\r\n\r\n"
    )
    return Listener(port, head.encode(), b"text/event-stream")


def web_socket(port: int, token: str) -> Listener:
    """Open a WebSocket and ask for changes (RFC 8887 §4.3.5.2)."""
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    head = (
        "GET /jmap/ws/ HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: jmap\r\n"
        f"Authorization: Bearer {token}\r\n\r\n"
    )
    listener = Listener(port, head.encode(), b"\r\n\r\n")
    enable = b'{"@type":"WebSocketPushEnable","dataTypes":null}'
    listener.socket.sendall(bytes((0x81, 0x80 | len(enable), 0, 0, 0, 0)) + enable)  # masked with zeros
    # An answer to a request that was sent later says that the one before was read.
    echo = b'{"@type":"Request","id":"0","using":["urn:ietf:params:jmap:core"],"methodCalls":[]}'
    listener.socket.sendall(bytes((0x81, 0x80 | len(echo), 0, 0, 0, 0)) + echo)
    while b"sessionState" not in listener.socket.recv(65536):
        pass
    return listener


CHANNELS: dict[str, Callable[[int, str], Listener]] = {"EventSource": event_source, "WebSocket": web_socket}


class Writer:
    """Changes a keyword, again and again."""

    def __init__(self, server: Running, owner: data.Owner) -> None:
        account = Account(Client(server.port, 1), owner)
        (found,) = account.call(query(owner.wire, limit=24))
        for id in found["ids"]:  # as a run that was broken off may have left it
            account.call(keyword(owner.wire, id, False))
        self._requests = [
            account.request(keyword(owner.wire, id, is_set))
            for is_set in (True, False)
            for id in found["ids"]
        ]
        self._turn = 0
        self.socket = socket.create_connection(("127.0.0.1", server.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def change(self) -> None:
        """Send one change."""
        self.socket.sendall(self._requests[self._turn % len(self._requests)])
        self._turn += 1

    def acknowledged(self) -> None:
        """Read the whole answer."""
        answer = b""
        while b'"updated":{' not in answer:
            answer += self.socket.recv(65536)


def main(folder: Path) -> dict[str, object]:
    """Measure and print everything."""
    (owner,) = data.prepare(folder, 1, 500)
    tokens = _tokens(folder, owner, IDLE // PER_TOKEN)
    spreads: list[Spread] = []
    idle: list[dict[str, object]] = []
    for name, channel in CHANNELS.items():
        with _two(folder) as (here, there):
            writer = Writer(here, owner)
            for place, server in (("same worker", here), ("other worker", there)):
                spreads.append(latency(f"{name}, {place}", writer, channel(server.port, tokens[0])))
                print(spreads[-1])
            spreads.append(fan_out(f"{name}, the last of {LISTENERS}", writer, channel, there, tokens))
            print(spreads[-1])
        with _two(folder) as (_, there):
            idle.append(waiting(name, channel, there, tokens))
    return {"latency": [spread.kept() for spread in spreads], "idle": idle}


def latency(name: str, writer: Writer, listener: Listener) -> Spread:
    """Tell how long after its acknowledgement each change reaches a listener; 0 for those that come before."""
    took = []
    with listener.socket, selectors.DefaultSelector() as selector:
        selector.register(writer.socket, selectors.EVENT_READ, "writer")
        selector.register(listener.socket, selectors.EVENT_READ, "listener")
        for _ in range(CHANGES):
            at: dict[str, float] = {}
            writer.change()
            while len(at) < 2:
                for ready, _ in selector.select(10) or [_late()]:
                    now = time.perf_counter()
                    if ready.data == "writer":
                        writer.acknowledged()
                        at["writer"] = now
                    elif listener.told():
                        at["listener"] = now
            took.append(max(at["listener"] - at["writer"], 0) * 1000)
            time.sleep(APART)
    return Spread(name, took)


def fan_out(
    name: str,
    writer: Writer,
    channel: Callable[[int, str], Listener],
    server: Running,
    tokens: Sequence[str],
) -> Spread:
    """Tell how long after its acknowledgement a change has reached each of many listeners."""
    took = []
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        for number in range(LISTENERS):
            listener = channel(server.port, tokens[number // PER_TOKEN])
            stack.callback(listener.socket.close)
            selector.register(listener.socket, selectors.EVENT_READ, listener)
        for _ in range(10):
            time.sleep(APART)
            waiting = LISTENERS
            writer.change()
            writer.acknowledged()
            began = time.perf_counter()
            while waiting:
                for ready, _ in selector.select(10) or [_late()]:
                    waiting -= bool(ready.data.told())
            took.append((time.perf_counter() - began) * 1000)
    return Spread(name, took)


def waiting(
    name: str, channel: Callable[[int, str], Listener], server: Running, tokens: Sequence[str]
) -> dict[str, object]:
    """Tell what a worker takes for many connections on which nothing happens."""
    before = server.memory()
    with ExitStack() as stack:
        for number in range(IDLE):
            stack.callback(channel(server.port, tokens[number // PER_TOKEN]).socket.close)
        held = server.memory() - before
        cpu = server.cpu()
        time.sleep(WATCHED)
        busy = (server.cpu() - cpu) / 1e9 / WATCHED
    print(
        f"{f'{IDLE:,} idle connections, {name}':46} {held / 1e6:9.1f} MB, {held / IDLE / 1000:.1f} kB each; "
        f"{busy * 100:.2f} % of a core"
    )
    return {"channel": name, "connections": IDLE, "bytes": held, "share of a core": round(busy, 5)}


@contextmanager
def _two(folder: Path) -> Iterator[tuple[Running, Running]]:
    with processes.posthouse(folder) as here, processes.posthouse(folder) as there:
        yield here, there


def _tokens(folder: Path, owner: data.Owner, count: int) -> list[str]:
    """Give the owner so many new tokens; those of the last run are taken back."""
    app = wiring.build(folder)
    try:
        for old in app.tokens.list(owner.login):
            if old.label == "listener":
                app.tokens.revoke(owner.login, old.id)
        return [app.tokens.issue(owner.login, "listener")[0] for _ in range(count)]
    finally:
        app.close()


def _late() -> tuple[selectors.SelectorKey, int]:
    raise TimeoutError("a change was not told within ten seconds")
