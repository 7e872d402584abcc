"""What a request costs over a WebSocket, beside the same request over HTTP (RFC 8887).

Both go to one worker, in turns, and must bring the same answer: CPU µs of the server, all threads, for an echo
and for opening the app.
"""

from __future__ import annotations

import base64
import secrets
import socket
import statistics
from collections.abc import Sequence
from pathlib import Path

from bench import data, processes
from bench.client import Client
from bench.workload import Account, opening
from posthouse.kit import json

CONNECTIONS = 16
ROUNDS = 9
REQUESTS = 1600  # of each round


class Sockets:
    """A few WebSockets, used together: each is sent a request before any answer is read."""

    def __init__(self, port: int, token: str) -> None:
        self._sockets = [_open(port, token) for _ in range(CONNECTIONS)]

    def answers(self, requests: Sequence[bytes]) -> list[bytes]:
        """Send whole frames and give the messages that answer them."""
        messages = []
        for start in range(0, len(requests), CONNECTIONS):
            batch = requests[start : start + CONNECTIONS]
            for one, request in zip(self._sockets, batch, strict=False):
                one.sendall(request)
            messages += [_read(one) for one, _ in zip(self._sockets, batch, strict=False)]
        return messages

    def close(self) -> None:
        """Hang up."""
        for one in self._sockets:
            one.close()


def frame(request: bytes) -> bytes:
    """Write the Request of an HTTP body as a masked frame (RFC 6455 §5.2)."""
    message = b'{"@type":"Request","id":"R",' + request[1:]
    size = len(message)
    length = bytes((0x80 | size,)) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    key = secrets.token_bytes(4)
    return b"\x81" + length + key + bytes(octet ^ key[at % 4] for at, octet in enumerate(message))


def _open(port: int, token: str) -> socket.socket:
    one = socket.create_connection(("127.0.0.1", port))
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    head = (
        "GET /jmap/ws/ HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: jmap\r\n"
        f"Authorization: Bearer {token}\r\n\r\n"
    )
    one.sendall(head.encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += one.recv(4096)
    assert answer.startswith(b"HTTP/1.1 101"), answer
    return one


def _read(one: socket.socket) -> bytes:
    data = one.recv(262_144)
    while len(data) < 10:
        data += one.recv(262_144)
    short = data[1]
    start = {126: 4, 127: 10}.get(short, 2)
    size = short if start == 2 else int.from_bytes(data[2:start], "big")
    while len(data) < start + size:
        data += one.recv(262_144)
    return data[start:]


def main(folder: Path) -> dict[str, object]:
    """Measure and print."""
    (owner,) = data.prepare(folder, 1, 2000)
    kept: dict[str, object] = {}
    with processes.posthouse(folder) as server:
        http = Client(server.port, CONNECTIONS)
        account = Account(http, owner)
        sockets = Sockets(server.port, owner.token)
        calls = {"echo": [("Core/echo", {"hello": "world"})], "open": opening(owner.wire, account.full[0])}
        for name, asked in calls.items():
            request = account.request(*asked)
            ways: dict[str, tuple[Client | Sockets, bytes]] = {
                "HTTP": (http, request),
                "WebSocket": (sockets, frame(request.partition(b"\r\n\r\n")[2])),
            }
            first = [json.loads(way.answers([request])[0]) for way, request in ways.values()]
            assert first[0]["methodResponses"] == first[1]["methodResponses"]
            figures: dict[str, list[float]] = {way: [] for way in ways}
            for _ in range(ROUNDS):
                for way, (client, request) in ways.items():
                    before = server.cpu()
                    client.answers([request] * REQUESTS)
                    figures[way].append((server.cpu() - before) / REQUESTS / 1000)
            middle = {way: statistics.median(values) for way, values in figures.items()}
            ratio = statistics.median(
                ours / theirs for ours, theirs in zip(figures["WebSocket"], figures["HTTP"], strict=True)
            )
            kept[name] = {**{way: round(value, 1) for way, value in middle.items()}, "ratio": round(ratio, 3)}
            print(
                f"{name:14} HTTP {middle['HTTP']:7.1f} µs   WebSocket {middle['WebSocket']:7.1f} µs   "
                f"{ratio:5.2f} x"
            )
        sockets.close()
        http.close()
    return kept
