"""What it costs to take a message by SMTP, beside aiosmtpd, before anything is done with it.

Both servers put what comes into the same sink, which looks at its length. One client has many connections and takes
each step on all of them before it takes the next: CPU µs of the server for each message, all threads, in turns.
"""

from __future__ import annotations

import asyncio
import socket
import statistics
from collections.abc import Sequence
from contextlib import ExitStack
from multiprocessing.connection import Connection

import uvloop
from aiosmtpd.smtp import SMTP, Envelope
from aiosmtpd.smtp import Session as TheirSession

from bench import processes
from posthouse.kit import log
from posthouse.model.caller import Caller
from posthouse.proto.smtp.event import MailFrom, RcptTo
from posthouse.proto.smtp.peer import Peer
from posthouse.proto.smtp.reply import Reply
from posthouse.proto.smtp.scram import Key, Keys
from posthouse.proto.smtp.service import Service
from posthouse.serve.smtp.listener import Listener, bind
from posthouse.serve.smtp.ports import Body, Transaction
from posthouse.serve.smtp.server import Server
from posthouse.serve.smtp.settings import Settings

CONNECTIONS = 100
ROUNDS = 9
MESSAGES = 2000  # of each round
SIZES = (2_000, 17_000, 1_000_000)

_OK = Reply(250, "2.0.0", "OK")


class Sink:
    """Takes all, keeps nothing."""

    async def begin(self, peer: Peer, caller: Caller | None, sender: MailFrom) -> Transaction | Reply:
        return self

    async def recipient(self, recipient: RcptTo) -> Reply:
        return _OK

    async def message(self, body: Body) -> Sequence[Reply]:
        assert len(body.read(0, body.size)) > 1000
        return [_OK]

    async def handle_DATA(self, server: SMTP, session: TheirSession, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes) and len(envelope.content) > 1000
        return "250 2.0.0 OK"


class Nobody:
    """Knows no one."""

    async def basic(self, username: str, password: str, peer: str) -> Caller | None:
        return None

    async def bearer(self, token: str, peer: str) -> Caller | None:
        return None

    async def scram_keys(self, username: str, peer: str) -> Keys:
        return Keys(b"", 4096, [])

    async def scram(self, username: str, key: Key | None, peer: str) -> Caller | None:
        return None


def _serve_ours(ready: Connection) -> None:
    processes.pin(processes.SERVER_CORE)
    log.configure(level="warning")

    async def serve() -> None:
        listening = bind("127.0.0.1", 0)
        listener = Listener(socket=listening, service=Service(role="smtp", hostname="mx"), is_trusted=True)
        server = Server([listener], Sink(), Nobody(), Settings())
        await server.start()
        ready.send(listening.getsockname()[1])
        await asyncio.Event().wait()

    uvloop.run(serve())


def _serve_theirs(ready: Connection) -> None:
    processes.pin(processes.SERVER_CORE)

    async def serve() -> None:
        listening = bind("127.0.0.1", 0)
        sink = Sink()
        loop = asyncio.get_running_loop()
        await loop.create_server(lambda: SMTP(sink, hostname="mx", loop=loop), sock=listening)
        ready.send(listening.getsockname()[1])
        await asyncio.Event().wait()

    uvloop.run(serve())


class Client:
    """Connections that take each step together."""

    def __init__(self, port: int, connections: int) -> None:
        self._sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(connections)]
        self._replies(b"220")
        self._say(b"EHLO there\r\n", b"250")

    def send(self, message: bytes, times: int) -> None:
        """Send a message so often on each connection."""
        for _ in range(times):
            self._say(b"MAIL FROM:<ada@example.org>\r\n", b"250")
            self._say(b"RCPT TO:<bob@example.org>\r\n", b"250")
            self._say(b"DATA\r\n", b"354")
            self._say(message, b"250")

    def close(self) -> None:
        """Hang up."""
        for one in self._sockets:
            one.close()

    def _say(self, octets: bytes, code: bytes) -> None:
        for one in self._sockets:
            one.sendall(octets)
        self._replies(code)

    def _replies(self, code: bytes) -> None:
        for one in self._sockets:
            reply = one.recv(4096)
            while not (reply.endswith(b"\n") and reply[reply.rfind(b"\n", 0, -1) + 4 :][:1] == b" "):
                reply += one.recv(4096)
            assert reply.startswith(code), reply


def _message(size: int) -> bytes:
    line = b"0123456789" * 7 + b"\r\n"
    return b"Subject: bench\r\n\r\n" + line * (size // len(line)) + b".\r\n"


def main() -> dict[str, object]:
    """Measure and print."""
    kept: dict[str, object] = {}
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(processes._process(target))
            for name, target in (("ours", _serve_ours), ("aiosmtpd", _serve_theirs))
        }
        processes.pin(processes.CLIENT_CORE)
        for size in SIZES:
            message = _message(size)
            connections = min(CONNECTIONS, 20_000_000 // size)
            times = max(min(MESSAGES, 50_000_000 // size) // connections, 1)
            clients = {name: Client(server.port, connections) for name, server in servers.items()}
            figures: dict[str, list[float]] = {name: [] for name in servers}
            for number in range(ROUNDS + 1):
                for name, server in servers.items():
                    before = server.cpu()
                    clients[name].send(message, times)
                    if number:  # the first round warms up
                        figures[name].append((server.cpu() - before) / times / connections / 1000)
            for client in clients.values():
                client.close()
            middle = {name: statistics.median(values) for name, values in figures.items()}
            ratio = middle["aiosmtpd"] / middle["ours"]
            kept[str(size)] = {
                **{name: round(value, 1) for name, value in middle.items()},
                "ratio": round(ratio, 2),
            }
            print(
                f"SMTP, {size:9,} octets, {connections} connections: ours {middle['ours']:8.1f} µs"
                f"  aiosmtpd {middle['aiosmtpd']:8.1f} µs  {ratio:5.1f} x"
            )
    return kept
