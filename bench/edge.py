"""What the HTTP edge adds to a request: CPU µs of the server beside a static answer of bare uvicorn.

Run ``python -m bench edge`` on Linux. Each server is a process of its own on loopback; a few
connections ask it again and again, in rounds that alternate between the servers, and the process's own CPU
time is read from the kernel. The edge answers an API request of four calls with a fixed body; signing in
and answering cost nothing here, so what is left is HTTP, CORS, limits, JSON and the log's context.
"""

from __future__ import annotations

import multiprocessing
import socket
import statistics
from collections.abc import AsyncIterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import uvicorn

from posthouse.bus import open_bus
from posthouse.kit import json
from posthouse.kit.limits import Limits
from posthouse.model.caller import Access, Caller
from posthouse.proto.jmap.request import Request
from posthouse.serve.http.app import Edge
from posthouse.serve.http.ports import Download
from posthouse.serve.http.server import Server, bind
from posthouse.serve.http.settings import Settings
from posthouse.serve.push.hub import Hub

ROUNDS = 5
CONNECTIONS = 16
MAIL = ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"]
RESPONSE = b'{"methodResponses":[["Core/echo",{"x":"' + b"y" * 900 + b'"},"c1"]],"sessionState":"s"}'
CALLS = [
    ["Mailbox/get", {"accountId": "a1", "ids": None}, "0"],
    [
        "Email/query",
        {
            "accountId": "a1",
            "filter": {"inMailbox": "m1"},
            "sort": [{"property": "receivedAt", "isAscending": False}],
            "collapseThreads": True,
            "limit": 50,
            "calculateTotal": True,
        },
        "1",
    ],
    [
        "Email/get",
        {
            "accountId": "a1",
            "#ids": {"resultOf": "1", "name": "Email/query", "path": "/ids"},
            "properties": [
                "threadId",
                "mailboxIds",
                "keywords",
                "from",
                "to",
                "subject",
                "receivedAt",
                "preview",
            ],
        },
        "2",
    ],
    [
        "Thread/get",
        {"accountId": "a1", "#ids": {"resultOf": "2", "name": "Email/get", "path": "/list/*/threadId"}},
        "3",
    ],
]
REQUEST = json.dumps({"using": MAIL, "methodCalls": CALLS})


class Nobody:
    """Every port of the edge, doing nothing."""

    capabilities = frozenset(MAIL)
    caller = Caller(1, "demo@example.org", {}, "demo")

    def stands(self, caller: Caller) -> bool:
        return True

    async def levels(self, place: Access) -> dict[str, int]:
        return {}

    async def basic(self, username: str, password: str, peer: str) -> Caller | None:
        return self.caller

    async def bearer(self, token: str, peer: str) -> Caller | None:
        return self.caller

    def session(self, caller: Caller, base_url: str) -> bytes:
        return b"{}"

    async def answer(self, caller: Caller, request: Request) -> bytes:
        return RESPONSE

    async def upload(
        self, caller: Caller, account_id: str, media_type: str, chunks: AsyncIterator[bytes]
    ) -> json.JsonObject:
        return {"size": sum([len(chunk) async for chunk in chunks])}

    async def open(self, caller: Caller, account_id: str, blob_id: str) -> Download:
        raise LookupError


async def static(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the same bytes, reading nothing."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(RESPONSE))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": RESPONSE})


def serve_static(ready: Connection) -> None:
    listening = bind("127.0.0.1", 0)
    ready.send(listening.getsockname()[1])
    config = uvicorn.Config(
        static,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="critical",
    )
    uvicorn.Server(config).run(sockets=[listening])


def serve_edge(ready: Connection) -> None:
    nobody = Nobody()
    hub = Hub(open_bus("local:"), nobody, nobody)
    edge = Edge(
        sign_in=nobody,
        tickets=nobody,
        api=nobody,
        blobs=nobody,
        hub=hub,
        limits=Limits(),
        settings=Settings(),
    )
    listening = bind("127.0.0.1", 0)
    Server(edge, [listening], lambda: ready.send(listening.getsockname()[1])).run_until_stopped()


def cpu_ns(process: multiprocessing.Process) -> int:
    return int(Path(f"/proc/{process.pid}/schedstat").read_text().split()[0])


def ask(connections: list[socket.socket], request: bytes, times: int) -> None:
    for _ in range(times // len(connections)):
        for connection in connections:
            connection.sendall(request)
        for connection in connections:
            reply = b""
            while not reply.endswith(RESPONSE[-20:]):
                reply += connection.recv(65536)
            assert reply.startswith(b"HTTP/1.1 200"), reply


def main(requests: int = 5000) -> None:
    """Measure and print."""
    head = (
        "POST /jmap/api/ HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer token\r\nAccept: */*\r\n"
        f"User-Agent: bench\r\nContent-Type: application/json\r\nContent-Length: {len(REQUEST)}\r\n\r\n"
    )
    request = head.encode() + REQUEST
    running = []
    for name, target in (("uvicorn, static", serve_static), ("the edge", serve_edge)):
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.Process(target=target, args=(theirs,), daemon=True)
        process.start()
        address = ("127.0.0.1", ours.recv())
        connections = [socket.create_connection(address) for _ in range(CONNECTIONS)]
        ask(connections, request, 1000)
        running.append((name, process, connections, []))
    for _ in range(ROUNDS):
        for _, process, connections, figures in running:
            before = cpu_ns(process)
            ask(connections, request, requests)
            figures.append((cpu_ns(process) - before) / requests / 1000)
    floor = statistics.median(running[0][3])
    for name, process, connections, figures in running:
        middle = statistics.median(figures)
        print(f"{name:16} {middle:7.1f} µs  +{middle - floor:5.1f} µs  {middle / floor:4.2f} x")
        for connection in connections:
            connection.close()
        process.terminate()
