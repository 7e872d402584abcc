"""The HTTP edge on ports that are small enough to see through, in process and on a real socket."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

import pytest

from posthouse.bus import open_bus
from posthouse.kit import json
from posthouse.kit.limits import Limits
from posthouse.model.caller import Access, Caller
from posthouse.proto.jmap.errors import MethodError
from posthouse.proto.jmap.request import Request
from posthouse.proto.jmap.response import encode_response
from posthouse.serve.http.app import Edge
from posthouse.serve.http.ports import BlobUnknown, TooManyAttempts
from posthouse.serve.http.server import Server, bind
from posthouse.serve.http.settings import Settings
from posthouse.serve.push.hub import Hub

DEMO = Caller(1, "demo@example.org", {"a1": Access(1, 1, "demo@example.org")}, "demo")


@dataclass
class OneUser:
    """Knows ``demo@example.org`` with ``secret``, the token ``token-1``, and who tries too often."""

    peers: list[str] = field(default_factory=list)
    ended: set[object] = field(default_factory=set)
    changed: Caller | None = None
    """The user after he signed in, if other accounts are open to him then."""

    def stands(self, caller: Caller) -> bool:
        return caller.key not in self.ended

    def is_current(self, caller: Caller) -> bool:
        return self.changed in (None, caller)

    async def current(self, caller: Caller) -> Caller | None:
        return (self.changed or caller) if self.stands(caller) else None

    async def basic(self, username: str, password: str, peer: str) -> Caller | None:
        self.peers.append(peer)
        if username == "eager@example.org":
            raise TooManyAttempts(17)
        return DEMO if (username, password) == ("demo@example.org", "secret") else None

    async def bearer(self, token: str, peer: str) -> Caller | None:
        self.peers.append(peer)
        return DEMO if token == "token-1" else None


@dataclass
class Tickets:
    """Gives tickets that say whose and what for they are, and counts who holds which."""

    made: dict[str, tuple[Caller, str, str | None]] = field(default_factory=dict)
    held: Counter[str] = field(default_factory=Counter)

    async def issue(self, caller: Caller, kind: str, origin: str | None) -> tuple[str, int]:
        text = f"{kind}-{len(self.made)}"
        self.made[text] = (caller, kind, origin)
        return text, 2**33

    async def redeem(self, text: str, kind: str, origin: str | None) -> Caller | None:
        caller, *bound = self.made.get(text, (None,))
        return caller if bound == [kind, origin] else None

    def hold(self, text: str) -> None:
        self.held[text] += 1

    def let_go(self, text: str) -> None:
        self.held[text] -= 1

    async def revoke(self, text: str) -> None:
        del self.made[text]


@dataclass
class Echo:
    """Echoes each call; ``Test/fail`` breaks, ``Test/wait`` waits until `open` is set."""

    capabilities: tuple[str, ...] = ("urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail")
    running: int = 0
    most_running: int = 0
    open: asyncio.Event = field(default_factory=asyncio.Event)
    states: dict[str, int] = field(default_factory=dict)
    asked: Caller | None = None
    """Who asked last."""

    async def levels(self, place: Access, person: int) -> dict[str, int]:
        return dict(self.states)

    def session(self, caller: Caller, base_url: str) -> bytes:
        return json.dumps({"username": caller.username, "apiUrl": f"{base_url}/jmap/api/", "state": "s"})

    async def answer(self, caller: Caller, request: Request, *, aside: bool = False) -> bytes:
        self.asked = caller
        self.running += 1
        self.most_running = max(self.running, self.most_running)
        for call in request.calls:
            if call.name == "Test/fail":
                raise RuntimeError("a secret of the inside")
            if call.name == "Test/wait":
                await self.open.wait()
        self.running -= 1
        responses = [(call.name, [json.dumps(call.arguments)], call.call_id) for call in request.calls]
        return encode_response(responses, request.created_ids, "s")


@dataclass
class Bytes:
    """An open blob of bytes; one whose size is more than that breaks off."""

    octets: bytes
    size: int
    memory: Memory

    async def read(self, offset: int, length: int) -> bytes:
        self.memory.largest_read = max(length, self.memory.largest_read)
        return self.octets[offset : offset + length]


@dataclass
class Memory:
    """Keeps what is uploaded to the account ``a1``, each upload as soon as `gate` is open."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    largest_read: int = 0
    gate: asyncio.Event | None = None
    refuses: Exception | None = None
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    closed: threading.Event = field(default_factory=threading.Event)

    def check(self, caller: Caller, account_id: str) -> None:
        if self.refuses is not None:
            raise self.refuses
        if account_id not in caller.accounts:
            raise MethodError("accountNotFound")

    async def upload(
        self, caller: Caller, account_id: str, media_type: str, chunks: AsyncIterator[bytes]
    ) -> json.JsonObject:
        self.check(caller, account_id)
        octets = bytearray()
        try:
            async for chunk in chunks:
                octets += chunk
                self.arrived.release()
        except BaseException:
            self.closed.set()
            raise
        if self.gate is not None:
            await self.gate.wait()
        blob_id = f"b{len(self.blobs)}"
        self.blobs[blob_id] = bytes(octets)
        return {"accountId": account_id, "blobId": blob_id, "type": media_type, "size": len(octets)}

    async def open(self, caller: Caller, account_id: str, blob_id: str) -> Bytes:
        self.check(caller, account_id)
        if blob_id == "bshort":
            return Bytes(b"short", 1000, self)
        if blob_id not in self.blobs:
            raise BlobUnknown(blob_id)
        return Bytes(self.blobs[blob_id], len(self.blobs[blob_id]), self)


@dataclass
class Reply:
    """What came back."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The only value of a header, or None."""
        values = [value for key, value in self.headers if key == name]
        assert len(values) <= 1, values
        return values[0] if values else None

    @property
    def json(self) -> json.Json:
        return json.loads_strict(self.body)


@dataclass
class Site:
    """An edge with its ports, and a way to ask it in process."""

    settings: Settings = field(default_factory=Settings)
    limits: Limits = field(default_factory=Limits)
    sign_in: OneUser = field(default_factory=OneUser)
    tickets: Tickets = field(default_factory=Tickets)
    api: Echo = field(default_factory=Echo)
    blobs: Memory = field(default_factory=Memory)

    def __post_init__(self) -> None:
        self.bus = open_bus("local:")
        self.hub = Hub(self.bus, self.api, self.sign_in)
        self.edge = Edge(
            sign_in=self.sign_in,
            tickets=self.tickets,
            api=self.api,
            blobs=self.blobs,
            hub=self.hub,
            limits=self.limits,
            settings=self.settings,
        )

    def with_settings(self, **changes: Any) -> Site:
        return Site(settings=replace(self.settings, **changes), limits=self.limits)

    def with_limits(self, **limits: int) -> Site:
        return Site(settings=self.settings, limits=Limits(**limits))

    def ask(self, method: str, target: str, headers: dict[str, str] | None = None, **more: Any) -> Reply:
        """Send one request and return the reply; see `send`."""
        return asyncio.run(self.send(method, target, headers, **more))

    async def send(
        self,
        method: str,
        target: str,
        headers: dict[str, str] | list[tuple[str, str]] | None = None,
        *,
        body: bytes | list[bytes | None] = b"",
        signed_in: bool = True,
        peer: str = "192.0.2.1",
        http_version: str = "1.1",
        extensions: dict[str, object] | None = None,
    ) -> Reply:
        """Send one request; None among the pieces of a body is the peer that goes away."""
        pairs = list(headers.items() if isinstance(headers, dict) else headers or [])
        names = {name.lower() for name, _ in pairs}
        if "host" not in names and http_version == "1.1":
            pairs.append(("host", "mail.example.org"))
        if signed_in and "authorization" not in names:
            pairs.append(("authorization", "Bearer token-1"))
        raw_path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "path": unquote(raw_path),
            "raw_path": raw_path.encode(),
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in pairs],
            "client": (peer, 4242),
            "server": ("127.0.0.1", 8080),
            "scheme": "http",
            "http_version": http_version,
            "extensions": extensions or {},
        }
        pieces: list[bytes | None] = [body] if isinstance(body, bytes) else list(body)
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            if not pieces:
                await asyncio.Event().wait()
            piece = pieces.pop(0)
            if piece is None:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.edge(scope, receive, send)
        if not sent:
            return Reply(0, [], b"")
        fields = [(name.decode(), value.decode("latin-1")) for name, value in sent[0]["headers"]]
        return Reply(sent[0]["status"], fields, b"".join(message.get("body", b"") for message in sent[1:]))


@pytest.fixture
def site() -> Site:
    return Site()


@dataclass
class Live:
    """A site on a real socket."""

    site: Site
    port: int
    server: Server
    thread: threading.Thread

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def talk(self, octets: bytes) -> bytes:
        """Send octets and return all that comes back until the other end hangs up."""
        with self.connect() as connection:
            connection.sendall(octets)
            reply = b""
            while piece := connection.recv(65536):
                reply += piece
            return reply

    def stop(self) -> None:
        self.server.stop()
        self.thread.join(20)


def start(site: Site, patience: float = 30.0, pace: float = 50.0) -> Live:
    """Put a site on a socket of this machine."""
    listening = bind("127.0.0.1", 0)
    port = listening.getsockname()[1]
    ready = threading.Event()
    server = Server(site.edge, [listening], ready.set, patience=patience, pace=pace)
    thread = threading.Thread(target=server.run_until_stopped)
    thread.start()
    assert ready.wait(20)
    return Live(site, port, server, thread)


@pytest.fixture
def serve() -> Iterator[Callable[..., Live]]:
    """Put sites on sockets until the test is over."""
    running: list[Live] = []

    def keep(site: Site, patience: float = 30.0, pace: float = 50.0) -> Live:
        running.append(start(site, patience, pace))
        return running[-1]

    yield keep
    for live in running:
        live.stop()


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    """One site on a socket for all tests of a module."""
    live = start(Site())
    yield live
    live.stop()
