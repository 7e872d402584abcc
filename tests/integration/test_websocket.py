"""WebSockets between real processes: told by every worker, ended in order, caught up after a crash (RFC 8887)."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from posthouse.testing.client import Jmap
from wire.websocket import CLOSE, TEXT, Raw, basic, connect, frame

from .conftest import NAME, PASSWORD, Commands, Process
from .test_push import worker_of, write

pytestmark = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs /proc to see connections")

BASIC = basic(NAME, PASSWORD)
CORE = ["urn:ietf:params:jmap:core"]


@pytest.fixture
def serving(posthouse: Commands) -> Iterator[Process]:
    """Two workers with one account."""
    posthouse.add()
    with posthouse.serving("serve", "--workers", "2") as server:
        yield server


def enabled(server: Process, authorization: str = BASIC, **more: str) -> Raw:
    """Open a WebSocket and ask for changes, those since a ``pushState`` if there is one."""
    raw = connect(server.url, authorization)
    assert raw.head.startswith("HTTP/1.1 101 "), raw.head
    raw.say({"@type": "WebSocketPushEnable", "dataTypes": None, **more})
    if not more:
        raw.say({"@type": "Request", "id": "ready", "using": CORE, "methodCalls": []})
        assert "ready" == raw.hear()["requestId"]
    return raw


@contextmanager
def at_each(server: Process, authorization: str = BASIC) -> Iterator[dict[int, Raw]]:
    """Be connected to each of the two workers."""
    with ExitStack() as stack:
        found: dict[int, Raw] = {}
        for _ in range(200):
            raw = stack.enter_context(enabled(server, authorization))
            worker = worker_of(server, raw.socket.getsockname()[1])
            if worker is None or worker in found:
                raw.close()
                continue
            found[worker] = raw
            if len(found) == 2:
                break
        else:
            pytest.fail("one worker took every connection")
        yield found


def told(raw: Raw, client: Jmap, state: str) -> str:
    """Wait until one has heard of a Mailbox state and give the position after it."""
    while True:
        push = raw.hear()
        assert "StateChange" == push["@type"]
        if push["changed"][client.account].get("Mailbox") == state:
            return str(push["pushState"])


def test_what_one_worker_commits_both_tell(serving: Process) -> None:
    clients = [serving.client() for _ in range(6)]
    with at_each(serving) as sockets:
        for number, client in enumerate(clients):
            state = write(client, f"box {number}")
            for raw in sockets.values():
                told(raw, client, state)


def test_whoever_loses_his_worker_is_caught_up_by_another(serving: Process) -> None:
    client = serving.client()
    with at_each(serving) as sockets:
        state = write(client, "before")
        positions = {worker: told(raw, client, state) for worker, raw in sockets.items()}
        (dead, lost), (_, kept) = sockets.items()
        os.kill(dead, signal.SIGKILL)
        assert lost.closed() is None
        fresh = serving.client()
        state = write(fresh, "meanwhile")
        told(kept, fresh, state)
        with enabled(serving, pushState=positions[dead]) as again:
            told(again, fresh, state)


def test_the_end_of_the_server_is_told_and_does_not_wait(serving: Process) -> None:
    with at_each(serving) as sockets:
        began = time.monotonic()
        serving.popen.send_signal(signal.SIGTERM)
        assert [1001, 1001] == [raw.closed() for raw in sockets.values()]
        assert 0 == serving.popen.wait(30)
        # A request gets ten seconds; nobody here has one.
        assert time.monotonic() - began < 9


def test_who_does_not_answer_the_goodbye_does_not_hold_the_server_up(serving: Process) -> None:
    with at_each(serving):
        began = time.monotonic()
        assert 0 == serving.end()
        assert time.monotonic() - began < 9


def test_requests_under_way_are_answered_before_the_goodbye(serving: Process) -> None:
    with at_each(serving) as sockets:
        for raw in sockets.values():
            # Those that are read before the end are answered, each of them whole.
            calls = [["Core/echo", {"x": "y" * 1000}, str(number)] for number in range(50)]
            for number in range(10):
                raw.say({"@type": "Request", "id": str(number), "using": CORE, "methodCalls": calls})
        serving.popen.send_signal(signal.SIGTERM)
        for raw in sockets.values():
            answered, end = set(), None
            try:
                while (got := raw.frame()) is not None:
                    opcode, payload = got
                    if opcode == TEXT:
                        assert payload.endswith(b"}")
                        answered.add(payload[:40])
                    elif opcode == CLOSE:
                        end = int.from_bytes(payload[:2], "big")
                        raw.send(frame(CLOSE, payload[:2]))
            except ConnectionError:
                pass
            assert (1001, True) == (end, len(answered) > 0)
        assert 0 == serving.popen.wait(30)


def test_another_password_ends_the_sockets_of_every_worker(serving: Process, posthouse: Commands) -> None:
    with at_each(serving) as sockets:
        done = posthouse.run("account", "password", NAME, "--password-stdin", stdin="another one\n")
        assert 0 == done.returncode, done.stderr
        assert [1008, 1008] == [raw.closed() for raw in sockets.values()]
    with connect(serving.url, BASIC) as raw:
        assert raw.head.startswith("HTTP/1.1 401 ")


def test_a_revoked_token_ends_its_sockets_and_no_others(serving: Process, posthouse: Commands) -> None:
    token = posthouse.run("account", "token", NAME).stdout.strip()
    with at_each(serving, f"Bearer {token}") as sockets, at_each(serving) as others:
        assert 0 == posthouse.run("account", "token", NAME, "--revoke", "1").returncode
        assert [1008, 1008] == [raw.closed() for raw in sockets.values()]
        client = serving.client()
        state = write(client, "still there")
        for raw in others.values():
            told(raw, client, state)
