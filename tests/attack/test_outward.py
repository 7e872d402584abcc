"""Hosts and URLs that would lead the server into its own network, hold it up or fill its memory."""

from __future__ import annotations

import asyncio
import functools
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.serve.work import connection, pool
from posthouse.serve.work.answer import Answer, Unreachable
from posthouse.serve.work.lookup import SystemLookup
from posthouse.serve.work.outward import Outward
from posthouse.serve.work.target import Refused
from posthouse.testing import certificate

LOOPBACK = ip_network("127.0.0.1/32")
OK = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def in_loop(test: Callable[..., Coroutine[object, object, None]]) -> Callable[..., None]:
    """Run a test in an event loop such as the server's."""

    @functools.wraps(test)
    def run(*args: object, **kwargs: object) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(test(*args, **kwargs))

    return run


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 and localhost, and its key."""
    return certificate.make(tmp_path_factory.mktemp("certificate"))


@dataclass
class Stranger:
    """A server that does as its script says, and counts who came."""

    paths: tuple[Path, Path]
    script: Script
    host: str = "127.0.0.1"
    port: int = 0
    tls: bool = True
    came: int = 0
    requests: list[bytes] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Stranger]:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*self.paths)
        server = await asyncio.start_server(
            self._meet, self.host, self.port, ssl=context if self.tls else None
        )
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in self.tasks:
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}/push/secret"

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.came += 1
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            await self.script(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    async def request(self, reader: asyncio.StreamReader) -> bytes:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.partition(b":")[2])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length")
        )
        self.requests.append(head + await reader.readexactly(length))
        return self.requests[-1]


@asynccontextmanager
async def stranger(
    paths: tuple[Path, Path], *answers: bytes, then: Script | None = None, **options: object
) -> AsyncIterator[Stranger]:
    """Open a server that gives each connection these answers to its requests, one by one, and then more."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await server.request(reader)
            writer.write(answer)
            await writer.drain()
        if then is not None:
            await then(reader, writer)
        else:
            await reader.read()

    server = Stranger(paths, script, **options)
    async with server.open():
        yield server


def table(*rounds: Sequence[str]) -> tuple[list[str], Callable[[str], Awaitable[Sequence[str]]]]:
    """Make a resolver that answers with these addresses, the last ones for ever, and a list of who was asked for."""
    asked: list[str] = []

    async def lookup(host: str) -> Sequence[str]:
        asked.append(host)
        found = rounds[min(len(asked), len(rounds)) - 1]
        if not found:
            raise OSError("no such host")
        return found

    return asked, lookup


@asynccontextmanager
async def door(
    paths: tuple[Path, Path], *rounds: Sequence[str], trusted: bool = True, **options: object
) -> AsyncIterator[Outward]:
    """Open a door that takes 127.0.0.1, and no other address of loopback, for a public one."""
    _, lookup = table(*(rounds or (["127.0.0.1"],)))
    trust = ssl.create_default_context(cafile=paths[0]) if trusted else None
    outward = Outward(**{"private": [LOOPBACK], "trust": trust, "lookup": lookup, **options})
    try:
        yield outward
    finally:
        outward.close()


@in_loop
async def test_a_request_arrives_as_it_was_given(paths: tuple[Path, Path]) -> None:
    async with stranger(paths, OK) as server, door(paths) as outward:
        url = f"{server.url}/%2e%2E/a%2Fb;c=~!?x=1&y=%20+&z?"
        assert Answer(201, None, b"") == await outward.post(url, b"body", {"TTL": "60"})
    assert [
        f"POST /push/secret/%2e%2E/a%2Fb;c=~!?x=1&y=%20+&z? HTTP/1.1\r\n"
        f"Host: localhost:{server.port}\r\nUser-Agent: Posthouse\r\nTTL: 60\r\nContent-Length: 4\r\n\r\nbody".encode()
    ] == server.requests


@in_loop
async def test_the_next_request_takes_the_same_connection_without_cookies(paths: tuple[Path, Path]) -> None:
    with_cookie = OK.replace(b"Content-Length", b"Set-Cookie: a=b\r\nContent-Length")
    async with stranger(paths, with_cookie, OK) as server, door(paths) as outward:
        for _ in range(2):
            await outward.post(server.url, b"", {})
    assert 1 == server.came
    assert b"cookie" not in server.requests[1].lower()


@in_loop
async def test_an_address_in_the_url_is_connected_to_if_it_is_allowed(paths: tuple[Path, Path]) -> None:
    asked, lookup = table([])
    async with stranger(paths, OK) as server, door(paths, lookup=lookup) as outward:
        await outward.post(f"https://127.0.0.1:{server.port}/", b"", {})
    assert 1 == server.came
    assert [] == asked


@in_loop
async def test_status_and_time_to_wait_are_told_and_the_body_as_it_came(paths: tuple[Path, Path]) -> None:
    answer = b"HTTP/1.1 429 Slow\r\nRetry-After: 30\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08"
    async with stranger(paths, answer) as server, door(paths) as outward:
        assert Answer(429, 30, b"\x1f\x8b\x08") == await outward.post(server.url, b"", {})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@in_loop
async def test_a_redirect_is_an_answer_and_not_followed(paths: tuple[Path, Path], status: int) -> None:
    async with stranger(paths, OK) as inside:
        answer = f"HTTP/1.1 {status} Go\r\nLocation: {inside.url}\r\nContent-Length: 0\r\n\r\n".encode()
        async with stranger(paths, answer) as server, door(paths) as outward:
            assert status == (await outward.post(server.url, b"", {})).status
    assert 0 == inside.came


@pytest.mark.parametrize(
    "found",
    [
        ["127.0.0.1"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["10.0.0.1", "fe80::1%1"],
        ["0.0.0.0"],
    ],
)
@in_loop
async def test_a_name_that_leads_inside_is_refused(paths: tuple[Path, Path], found: list[str]) -> None:
    async with stranger(paths, OK) as server, door(paths, found, private=[]) as outward:
        with pytest.raises(Refused, match="no public address"):
            await outward.post(f"https://push.example.net:{server.port}/", b"", {})
    assert 0 == server.came


@in_loop
async def test_a_name_that_changes_its_mind_leads_nowhere_else(paths: tuple[Path, Path]) -> None:
    """DNS rebinding: the first look-up is harmless, the next leads inside, with a server on the same port."""
    bye = OK.replace(b"Content-Length", b"Connection: close\r\nContent-Length")
    asked, lookup = table(["127.0.0.1"], ["127.0.0.2"])
    async with (
        stranger(paths, bye) as server,
        stranger(paths, OK, host="127.0.0.2", port=server.port) as inside,
        door(paths, lookup=lookup) as outward,
    ):
        await outward.post(server.url, b"", {})
        assert ["localhost"] == asked
        with pytest.raises(Refused):
            await outward.post(server.url, b"", {})
    assert (1, 0) == (server.came, inside.came)


@in_loop
async def test_of_several_addresses_only_public_ones_are_tried(paths: tuple[Path, Path]) -> None:
    async with (
        stranger(paths, OK) as server,
        stranger(paths, OK, host="127.0.0.2", port=server.port) as inside,
        door(paths, ["127.0.0.2", "::1", "127.0.0.1"]) as outward,
    ):
        await outward.post(server.url, b"", {})
    assert (1, 0) == (server.came, inside.came)


@in_loop
async def test_a_connection_that_is_kept_is_not_lent_to_another_name(paths: tuple[Path, Path]) -> None:
    async with stranger(paths, OK, OK) as server, door(paths) as outward:
        await outward.post(server.url, b"", {})
        with pytest.raises(Unreachable, match="certificate"):
            await outward.post(server.url.replace("localhost", "other.example"), b"", {})
    assert 1 == len(server.requests)


@pytest.mark.parametrize(("host", "trusted"), [("push.example.net", True), ("localhost", False)])
@in_loop
async def test_a_certificate_of_another_name_or_of_nobody_is_not_good(
    paths: tuple[Path, Path], host: str, trusted: bool
) -> None:
    async with stranger(paths, OK) as server, door(paths, trusted=trusted) as outward:
        with pytest.raises(Unreachable, match="the certificate of the host is not valid"):
            await outward.post(f"https://{host}:{server.port}/", b"secret", {})
    assert [] == server.requests


@in_loop
async def test_a_proxy_of_the_environment_is_not_asked(
    paths: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        stranger(paths, OK, tls=False) as proxy,
        stranger(paths, OK) as server,
        door(paths) as outward,
    ):
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        await outward.post(server.url, b"", {})
    assert (0, 1) == (proxy.came, server.came)


def watcher() -> tuple[Script, asyncio.Event]:
    """Make a script that says nothing, and an event of the connection's end."""
    ended = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1000):
            pass
        ended.set()

    return script, ended


async def goodbye(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    return


async def greeting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example.net ESMTP\r\n")
    await reader.read()


def endless(first: bytes, piece: bytes) -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while True:
            writer.write(piece)
            await writer.drain()

    return script


@pytest.mark.parametrize("tls", [True, False])
@in_loop
async def test_a_host_that_never_answers_is_given_up(paths: tuple[Path, Path], tls: bool) -> None:
    watch, ended = watcher()
    async with stranger(paths, then=watch, tls=tls) as server, door(paths, patience=0.2) as outward:
        with pytest.raises(Unreachable, match=r"no answer within 0\.2 seconds"):
            await outward.post(server.url, b"", {})
        await ended.wait()


@in_loop
async def test_a_name_that_never_resolves_is_given_up(paths: tuple[Path, Path]) -> None:
    async def lookup(host: str) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    async with door(paths, lookup=lookup, patience=0.2) as outward:
        with pytest.raises(Unreachable, match="no answer within"):
            await outward.post("https://push.example.net/", b"", {})


@in_loop
async def test_a_name_without_an_address_is_unreachable(paths: tuple[Path, Path]) -> None:
    async with door(paths, []) as outward:
        with pytest.raises(Unreachable, match="the host has no address"):
            await outward.post("https://push.example.net/", b"", {})


@in_loop
async def test_a_host_that_does_not_listen_is_unreachable(paths: tuple[Path, Path]) -> None:
    async with stranger(paths) as server:
        pass
    async with door(paths) as outward:
        with pytest.raises(Unreachable, match="no connection to the host"):
            await outward.post(server.url, b"", {})


@in_loop
async def test_a_host_that_speaks_no_tls_is_unreachable(paths: tuple[Path, Path]) -> None:
    async with (
        stranger(paths, then=greeting, tls=False) as server,
        door(paths) as outward,
    ):
        with pytest.raises(Unreachable, match="does not speak TLS"):
            await outward.post(server.url, b"", {})


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 20", b"HTTP/1.1 201 Created\r\nContent-Le"])
@in_loop
async def test_a_host_that_hangs_up_before_its_answer_is_unreachable(
    paths: tuple[Path, Path], answer: bytes
) -> None:
    async with stranger(paths, answer, then=goodbye) as server, door(paths) as outward:
        with pytest.raises(Unreachable, match="the host closed the connection"):
            await outward.post(server.url, b"", {})


@in_loop
async def test_a_body_that_breaks_off_leaves_the_status(paths: tuple[Path, Path]) -> None:
    answer = b"HTTP/1.1 410 Gone\r\nContent-Length: 100\r\n\r\nno such"
    async with stranger(paths, answer, then=goodbye) as server, door(paths) as outward:
        assert Answer(410, None, b"no such") == await outward.post(server.url, b"", {})


@in_loop
async def test_a_body_that_comes_too_slowly_leaves_the_status(
    paths: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_BODY_PATIENCE", 0.1)
    answer = b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\nslow"
    async with stranger(paths, answer) as server, door(paths) as outward:
        assert Answer(201, None, b"slow") == await outward.post(server.url, b"", {})


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n", b"x" * 65536),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"4000\r\n" + b"x" * 0x4000 + b"\r\n"),
    ],
    ids=["till the end", "of a length", "chunked"],
)
@in_loop
async def test_of_an_endless_body_the_beginning_is_read(
    paths: tuple[Path, Path], head: bytes, piece: bytes
) -> None:
    async with stranger(paths, b"", then=endless(head, piece)) as server, door(paths) as outward:
        assert Answer(200, None, b"x" * 4096) == await outward.post(server.url, b"", {})


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"y" * 1000),
        (b"HTTP/1.1 200 OK\r\n", b"y" * 1000),
        (b"HTTP/1.1 200 ", b"y" * 1000),
        (b"", b"\x00" * 1000),
    ],
    ids=["fields", "value", "name", "reason", "nothing"],
)
@in_loop
async def test_an_endless_head_is_not_read_to_its_end(
    paths: tuple[Path, Path], head: bytes, piece: bytes
) -> None:
    async with stranger(paths, b"", then=endless(head, piece)) as server, door(paths) as outward:
        with pytest.raises(Unreachable, match=r"without an end|does not speak HTTP"):
            await outward.post(server.url, b"", {})


@in_loop
async def test_a_head_that_ends_too_late_is_not_read_to_its_end(paths: tuple[Path, Path]) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in (
            b"HTTP/1.1 200 OK\r\nX: ",
            b"y" * 10_000,
            b"y" * 10_000 + b"\r\nContent-Length: 0\r\n\r\n",
        ):
            writer.write(piece)
            await writer.drain()
        await reader.read()

    async with stranger(paths, b"", then=script) as server, door(paths) as outward:
        with pytest.raises(Unreachable, match="without an end"):
            await outward.post(server.url, b"", {})


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 4000),
        (b"", b"\r\n" * 30000),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x" * 65536),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 10000),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n" * 10000),
    ],
    ids=["promises", "empty lines", "extension", "chunks", "trailers"],
)
@in_loop
async def test_of_a_flood_little_is_read_and_the_flood_is_cut_off(
    paths: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, head: bytes, piece: bytes
) -> None:
    monkeypatch.setattr(connection, "_BODY_PATIENCE", 1000)
    ended = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await endless(head, piece)(reader, writer)
        finally:
            ended.set()

    async with stranger(paths, b"", then=script) as server, door(paths) as outward:
        try:
            answer = await outward.post(server.url, b"", {})
            assert len(answer.body) <= 100
        except Unreachable as error:
            assert "no answer within" not in str(error)
        await ended.wait()


@in_loop
async def test_an_answer_too_many_is_not_taken_for_the_next(paths: tuple[Path, Path]) -> None:
    planted = b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"
    async with stranger(paths, OK + planted, OK) as server, door(paths) as outward:
        assert 201 == (await outward.post(server.url, b"", {})).status
        await outward.post(server.url, b"", {})
    assert 2 == server.came


@in_loop
async def test_what_comes_unasked_for_is_not_taken_for_the_next_answer(
    paths: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_IDLE", 1000)
    ended = asyncio.Event()

    async def unasked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answered.wait()
        writer.write(b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n")
        await reader.read()
        ended.set()

    answered = asyncio.Event()
    async with stranger(paths, OK, then=unasked) as server, door(paths) as outward:
        await outward.post(server.url, b"", {})
        answered.set()
        await ended.wait()
        assert 201 == (await outward.post(server.url, b"", {})).status
    assert 2 == server.came


@in_loop
async def test_a_connection_that_serves_nobody_is_closed(
    paths: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_IDLE", 0.01)
    watch, ended = watcher()
    async with stranger(paths, OK, then=watch) as server, door(paths) as outward:
        await outward.post(server.url, b"", {})
        await ended.wait()
        await outward.post(server.url, b"", {})
    assert 2 == server.came


@in_loop
async def test_a_connection_in_use_again_outlives_its_time(
    paths: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_IDLE", 0.2)
    loop, faults, late = asyncio.get_running_loop(), [], asyncio.Event()
    loop.set_exception_handler(lambda _, fault: faults.append(fault))

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.request(reader)
        loop.call_later(0.3, late.set)
        await late.wait()
        writer.write(OK)
        await reader.read()

    async with stranger(paths, OK, then=slow) as server, door(paths) as outward:
        await outward.post(server.url, b"", {})
        await outward.post(server.url, b"", {})
    assert ([], 1) == (faults, server.came)


@in_loop
async def test_of_many_connections_the_oldest_is_not_kept(
    paths: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_MOST", 1)
    watch, ended = watcher()
    async with (
        stranger(paths, OK, then=watch) as server,
        stranger(paths, OK, OK) as other,
        door(paths) as outward,
    ):
        await outward.post(server.url, b"", {})
        await outward.post(other.url, b"", {})
        await ended.wait()
        await outward.post(other.url, b"", {})
    assert (1, 1) == (server.came, other.came)


PIECES = (
    b"HTTP/1.1 |200| OK|\r\n|\n|Content-Length: |Transfer-Encoding: chunked|5|-1|FFFFFFFFFFFFFFFFFF|\0|: |101"
)


@settings(max_examples=60)
@given(st.one_of(st.binary(max_size=200), st.lists(st.sampled_from(PIECES.split(b"|"))).map(b"".join)))
def test_whatever_is_answered_is_an_answer_or_unreachable(paths: tuple[Path, Path], answer: bytes) -> None:
    @in_loop
    async def attempt() -> None:
        async with stranger(paths, answer, then=goodbye) as server, door(paths) as outward:
            try:
                await outward.post(server.url, b"", {})
            except Unreachable as error:
                assert "localhost" not in str(error)

    attempt()


@in_loop
async def test_one_host_gets_no_more_than_its_share_of_connections(paths: tuple[Path, Path]) -> None:
    full, now, most = asyncio.Event(), 0, 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal now, most
        while True:
            await server.request(reader)
            now, most = now + 1, max(most, now + 1)
            if now == 16:
                full.set()
            await full.wait()
            now -= 1
            writer.write(OK)

    async with stranger(paths, then=script) as server, door(paths) as outward:
        answers = await asyncio.gather(*(outward.post(server.url, b"", {}) for _ in range(40)))
    assert [201] * 40 == [answer.status for answer in answers]
    assert (16, 16) == (most, server.came)


@in_loop
async def test_a_request_on_its_way_when_the_door_closes_is_unreachable(paths: tuple[Path, Path]) -> None:
    arrived = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.request(reader)
        arrived.set()
        await reader.read()

    async with stranger(paths, then=script) as server, door(paths) as outward:
        request = asyncio.create_task(outward.post(server.url, b"", {}))
        await arrived.wait()
        outward.close()
        with pytest.raises(Unreachable, match="closed the connection"):
            await request
        with pytest.raises(Unreachable, match="stopping"):
            await outward.post(server.url, b"", {})


@in_loop
async def test_a_door_that_closes_while_it_opens_lets_nothing_out(paths: tuple[Path, Path]) -> None:
    async with stranger(paths, OK) as server, door(paths) as outward:
        request = asyncio.create_task(outward.post(server.url, b"", {}))
        await asyncio.sleep(0)
        outward.close()
        with pytest.raises(Unreachable, match="stopping"):
            await request
    assert 0 == server.came


@in_loop
async def test_the_system_knows_where_localhost_is() -> None:
    lookup = SystemLookup()
    try:
        assert {"127.0.0.1", "::1"} & set(await lookup("localhost"))
    finally:
        lookup.close()
