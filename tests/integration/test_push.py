"""Push between real processes: what one worker commits the others tell, whatever becomes of any of them."""

from __future__ import annotations

import base64
import http.client
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from posthouse.testing.client import Jmap
from wire.events import QUERY, Events

from .conftest import NAME, PASSWORD, Commands, Process

pytestmark = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs /proc to see connections")

BASIC = "Basic " + base64.b64encode(f"{NAME}:{PASSWORD}".encode()).decode()


@pytest.fixture
def serving(posthouse: Commands) -> Iterator[Process]:
    """Two workers with one account."""
    posthouse.add()
    with posthouse.serving("serve", "--workers", "2") as server:
        yield server


def worker_of(server: Process, port: int) -> int | None:
    """Give the worker that has the connection from a port of this machine."""
    inode = None
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[2].rpartition(":")[2], 16) == port:
            inode = fields[9]
    for worker in server.workers():
        for file in Path(f"/proc/{worker}/fd").iterdir():
            try:
                if os.readlink(file) == f"socket:[{inode}]":
                    return worker
            except FileNotFoundError:
                pass
    return None


@contextmanager
def listening(server: Process, query: str = QUERY, **headers: str) -> Iterator[dict[int, Events]]:
    """Listen at each of the two workers."""
    with ExitStack() as stack:
        found: dict[int, Events] = {}
        for _ in range(200):
            url = f"{server.url}/jmap/eventsource/?{query}"
            events = stack.enter_context(Events(url, **({"authorization": BASIC} | headers)))
            assert 200 == events.status
            worker = worker_of(server, events.port)
            if worker is not None and worker not in found:
                found[worker] = events.welcome()
                if len(found) == 2:
                    break
            else:
                events.close()
        else:
            pytest.fail("one worker took every connection")
        yield found


def write(client: Jmap, name: str) -> str:
    """Make a Mailbox and give the state after it."""
    answer = client.ask("Mailbox/set", create={"a": {"name": name}})
    assert answer["notCreated"] is None
    return str(answer["newState"])


def told(events: Events, client: Jmap, state: str) -> None:
    """Wait until a listener has heard of a Mailbox state."""
    while (event := events.next()) is not None:
        assert "state" == event.name
        if event.data["changed"][client.account].get("Mailbox") == state:
            return
    pytest.fail("the stream ended")


def test_what_one_worker_commits_both_tell(serving: Process) -> None:
    clients = [serving.client() for _ in range(6)]
    with listening(serving) as streams:
        for number, client in enumerate(clients):
            state = write(client, f"box {number}")
            for events in streams.values():
                told(events, client, state)


def test_a_killed_worker_takes_only_its_own_listeners_and_they_are_caught_up(serving: Process) -> None:
    client = serving.client()
    with listening(serving) as streams:
        state = write(client, "before")
        for events in streams.values():
            told(events, client, state)
        (dead, lost), (_, kept) = streams.items()
        os.kill(dead, signal.SIGKILL)
        with pytest.raises((OSError, http.client.HTTPException)):
            while lost.next() is not None:
                pass
            raise ConnectionResetError("the stream broke off")
        fresh = serving.client()
        state = write(fresh, "meanwhile")
        told(kept, fresh, state)
        url = f"{serving.url}/jmap/eventsource/?{QUERY}"
        with Events(url, authorization=BASIC, last_event_id=lost.id) as again:
            told(again, fresh, state)


def test_the_end_of_the_server_is_the_end_of_each_stream(serving: Process) -> None:
    with listening(serving) as streams:
        began = time.monotonic()
        serving.popen.send_signal(signal.SIGTERM)
        assert [None, None] == [events.next() for events in streams.values()]
        assert 0 == serving.popen.wait(30)
        # Streams would hold up the end for the ten seconds that requests get.
        assert time.monotonic() - began < 9


def test_what_happened_while_nobody_served_is_told_afterwards(posthouse: Commands) -> None:
    posthouse.add()
    with posthouse.serving("serve") as server:
        with Events(f"{server.url}/jmap/eventsource/?{QUERY}", authorization=BASIC) as events:
            position = events.welcome().id
        server.end()
    with posthouse.serving("serve", "--workers", "2") as server:
        client = server.client()
        state = write(client, "first")
        server.end()
    with posthouse.serving("serve") as server:
        headers = {"authorization": BASIC, "last_event_id": position}
        with Events(f"{server.url}/jmap/eventsource/?{QUERY}", **headers) as events:
            told(events, client, state)


def ends(streams: dict[int, Events]) -> list[Any]:
    return [events.next() for events in streams.values()]


def test_another_password_ends_the_streams_of_every_worker(serving: Process, posthouse: Commands) -> None:
    with listening(serving) as streams:
        done = posthouse.run("account", "password", NAME, "--password-stdin", stdin="another one\n")
        assert 0 == done.returncode, done.stderr
        assert [None, None] == ends(streams)
    with Events(f"{serving.url}/jmap/eventsource/?{QUERY}", authorization=BASIC) as events:
        assert 401 == events.status


def test_a_revoked_token_ends_its_streams_and_tickets_and_no_others(
    serving: Process, posthouse: Commands
) -> None:
    token = posthouse.run("account", "token", NAME).stdout.strip()
    bearer = f"Bearer {token}"
    page = {"authorization": bearer, "origin": "https://app.example.com"}
    url = ticket(serving, "eventsource", page)["url"].replace("{types}", "*")
    by_ticket = Events(url.replace("{closeafter}", "no").replace("{ping}", "0"), origin=page["origin"])
    with by_ticket, listening(serving, authorization=bearer) as streams, listening(serving) as others:
        assert 200 == by_ticket.welcome().status
        assert 0 == posthouse.run("account", "token", NAME, "--revoke", "1").returncode
        assert [None, None, None] == [*ends(streams), by_ticket.next()]
        client = serving.client()
        state = write(client, "still there")
        for events in others.values():
            told(events, client, state)


def ask(server: Process, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Any:
    """Make one request on a connection of its own, so that any worker may get it."""
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


def ticket(server: Process, kind: str, headers: dict[str, str]) -> Any:
    body = json.dumps({"for": kind}).encode()
    answer, content = ask(server, "POST", "/jmap/ticket/", headers, body)
    assert 201 == answer.status, content
    return json.loads(content)


def test_tickets_and_cookies_count_at_every_worker(serving: Process) -> None:
    page = {"authorization": BASIC, "origin": "https://app.example.com"}
    shown = ticket(serving, "eventsource", page)["ticket"]
    with listening(serving, f"{QUERY}&ticket={shown}", authorization="", origin=page["origin"]):
        pass
    answer, _ = ask(serving, "POST", "/jmap/cookie/", {"authorization": BASIC, "origin": serving.url})
    cookie = answer.headers["set-cookie"].partition(";")[0]
    with listening(serving, authorization="", cookie=cookie, sec_fetch_site="same-origin") as streams:
        client = serving.client()
        state = write(client, "a box")
        for events in streams.values():
            told(events, client, state)


def test_no_ticket_and_no_cookie_is_ever_in_the_log(posthouse: Commands, tmp_path: Path) -> None:
    posthouse.add()
    config = tmp_path / "posthouse.toml"
    config.write_text('[log]\nlevel = "debug"\n')
    page = {"authorization": BASIC, "origin": "https://app.example.com"}
    with posthouse.serving("serve", "--config", config) as server:
        shown = ticket(server, "eventsource", page)["ticket"]
        answer, _ = ask(server, "POST", "/jmap/cookie/", {"authorization": BASIC})
        cookie = answer.headers["set-cookie"].partition(";")[0]
        for query in (QUERY, "types=", QUERY + "&ticket=" + shown):
            for path in ("/jmap/eventsource/", "/jmap/api/", "/nothing", "/jmap/ws/"):
                for headers in (
                    {},
                    page,
                    {"origin": page["origin"]},
                    {"cookie": cookie, "origin": server.url},
                ):
                    target = f"{path}?{query}&ticket={shown}"
                    with Events(server.url + target, **headers) as events:
                        events.welcome()
        server.end()
        assert server.popen.stderr is not None
        log = server.popen.stderr.read() + server.said
        assert shown not in log
        assert cookie.partition("=")[2] not in log
