"""A server on a port, with a desk that takes what it is told to take and keeps it."""

from __future__ import annotations

import asyncio
import queue
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from posthouse.model.caller import Access, Caller
from posthouse.proto.smtp.event import MailFrom, RcptTo
from posthouse.proto.smtp.limits import Limits
from posthouse.proto.smtp.peer import Peer, Role
from posthouse.proto.smtp.reply import Reply
from posthouse.proto.smtp.scram import Key, Keys, derive
from posthouse.proto.smtp.service import Service
from posthouse.serve.smtp.listener import Listener, bind, bind_unix
from posthouse.serve.smtp.ports import Body, TooManyAttempts, Transaction
from posthouse.serve.smtp.server import Server
from posthouse.serve.smtp.settings import Settings
from posthouse.serve.smtp.signing_in import MECHANISMS

ADA = Caller(1, "ada@example.org", {"a1": Access(1, 1, "ada@example.org")}, "ada")
SALT, ITERATIONS = b"salt of everybody", 4096
APP_PASSWORD = "app-password"
TAKEN = Reply(250, "2.1.5", "OK")


@dataclass
class Letter:
    """What came."""

    peer: Peer
    caller: Caller | None
    sender: MailFrom
    recipients: list[RcptTo]
    content: bytes


@dataclass
class Desk:
    """Takes everything but for ``unknown@``, ``broken@`` and ``full@``, and keeps it.

    Nobody may send as ``forged@``. The message for ``full@`` meets a full mailbox. Messages wait until it `is_open`;
    `came` is for who waits for one.
    """

    letters: list[Letter] = field(default_factory=list)
    is_open: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Event = field(default_factory=threading.Event)
    came: queue.SimpleQueue[Letter] = field(default_factory=queue.SimpleQueue)

    def __post_init__(self) -> None:
        self.is_open.set()

    async def begin(self, peer: Peer, caller: Caller | None, sender: MailFrom) -> Transaction | Reply:
        if sender.address is not None and sender.address.local == "forged":
            return Reply(550, "5.7.1", "That is not you")
        return _Slip(self, peer, caller, sender)


class _Slip:
    def __init__(self, desk: Desk, peer: Peer, caller: Caller | None, sender: MailFrom) -> None:
        self._desk = desk
        self._letter = Letter(peer, caller, sender, [], b"")

    async def recipient(self, recipient: RcptTo) -> Reply:
        await asyncio.sleep(0)
        if recipient.address.local == "unknown":
            return Reply(550, "5.1.1", "Nobody has this name")
        if recipient.address.local == "broken":
            raise RuntimeError("the directory is broken")
        self._letter.recipients.append(recipient)
        return TAKEN

    async def message(self, body: Body) -> Sequence[Reply]:
        self._desk.arrived.set()
        if not self._desk.is_open.is_set():
            await asyncio.to_thread(self._desk.is_open.wait)
        self._letter.content = body.read(0, body.size)
        locals_ = [each.address.local for each in self._letter.recipients]
        if "crash" in locals_:
            raise RuntimeError("the store is broken")
        if "full" not in locals_ or len(locals_) > 1:
            self._desk.letters.append(self._letter)
            self._desk.came.put(self._letter)
        full = Reply(452, "4.2.2", "The mailbox is full")
        return [full if local == "full" else Reply(250, "2.0.0", "Kept") for local in locals_]


class People:
    """Knows ada with the password ``secret``, the token ``token`` and an app password, and who tries too often."""

    key = derive(APP_PASSWORD.encode(), SALT, ITERATIONS)

    async def basic(self, username: str, password: str, peer: str) -> Caller | None:
        if username == "eager":
            raise TooManyAttempts(17)
        return ADA if (username, password) == ("ada@example.org", "secret") else None

    async def bearer(self, token: str, peer: str) -> Caller | None:
        return ADA if token == "token" else None

    async def scram_keys(self, username: str, peer: str) -> Keys:
        return Keys(SALT, ITERATIONS, [self.key] if username == "ada@example.org" else [])

    async def scram(self, username: str, key: Key | None, peer: str) -> Caller | None:
        return ADA if key == self.key else None


@dataclass
class Office:
    """A server that runs in a thread of its own."""

    desk: Desk
    port: int
    path: Path | None
    stop: Callable[[float], None]
    server: Server

    def connect(self) -> socket.socket:
        """Connect, with a minute of patience for each octet."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def talk(self, *pieces: bytes) -> bytes:
        """Send, say that no more comes, and give all that is said until the end."""
        with self.connect() as connection:
            for piece in pieces:
                connection.sendall(piece)
            connection.shutdown(socket.SHUT_WR)
            return read_all(connection)


def read_all(connection: socket.socket) -> bytes:
    """Read until the end, or until the connection is reset."""
    octets = b""
    try:
        while piece := connection.recv(65536):
            octets += piece
    except ConnectionResetError:
        pass
    return octets


def read_reply(connection: socket.socket) -> bytes:
    """Read one reply; what follows stays."""
    reply = b""
    while True:
        line = b""
        while not line.endswith(b"\n"):
            octet = connection.recv(1)
            if not octet:
                return reply + line
            line += octet
        reply += line
        if line[3:4] == b" ":
            return reply


def codes(replies: bytes) -> list[int]:
    """Give the code of each reply."""
    return [int(line[:3]) for line in replies.split(b"\r\n")[:-1] if line[3:4] == b" "]


@contextmanager
def office(
    role: Role = "smtp",
    *,
    settings: Settings | None = None,
    limits: Limits | None = None,
    tls: ssl.SSLContext | None = None,
    is_implicit: bool = False,
    needs_no_tls: bool = False,
    path: Path | None = None,
    max_hold: int = 0,
) -> Iterator[Office]:
    """Run a server until the end of the block."""
    listening = bind_unix(path) if path else bind("127.0.0.1", 0)
    service = Service(
        role=role,
        hostname="mx.example.org",
        limits=limits or Limits(),
        can_start_tls=tls is not None and not is_implicit,
        mechanisms=MECHANISMS if role == "submission" else (),
        max_hold=max_hold,
    )
    listener = Listener(
        socket=listening,
        service=service,
        tls=tls,
        is_implicit=is_implicit,
        needs_no_tls=needs_no_tls,
        is_trusted=role == "lmtp",
    )
    desk = Desk()
    port = 0 if path else listening.getsockname()[1]
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    server = Server([listener], desk, People(), settings)
    ready = threading.Event()
    end = asyncio.Event()

    async def serve() -> None:
        await server.start()
        ready.set()
        await end.wait()

    def stop(grace: float) -> None:
        asyncio.run_coroutine_threadsafe(server.stop(grace), loop).result(60)

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(60)
    try:
        yield Office(desk, port, path, stop, server)
    finally:
        desk.is_open.set()
        stop(5)
        loop.call_soon_threadsafe(end.set)
        thread.join(60)
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
        listening.close()
