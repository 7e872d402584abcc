"""``posthouse serve`` sends: to a receiving server of others' making, through kills and restarts."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from posthouse.testing.client import Jmap

from .conftest import NAME, Commands, Process


class Sink:
    """What aiosmtpd does with mail: it keeps what it acknowledges. on_data is called before that."""

    def __init__(self) -> None:
        self.port = 0
        self.taken: Counter[str] = Counter()
        self.on_data: Callable[[str], str | None] = lambda subject: None

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        subject = str(message_from_bytes(envelope.content)["Subject"])
        refusal = self.on_data(subject)
        if refusal is not None:
            return refusal
        self.taken[subject] += 1
        return "250 2.0.0 taken"


@pytest.fixture
def sink() -> Iterator[Sink]:
    made = Sink()
    with listening(made) as port:
        made.port = port
        yield made


@contextmanager
def listening(handler: Sink) -> Iterator[int]:
    """Run aiosmtpd on a free port, in a thread."""
    loop = asyncio.new_event_loop()
    start = loop.create_server(lambda: SMTP(handler, hostname="far.example", loop=loop), "127.0.0.1", 0)
    server = loop.run_until_complete(start)
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def end() -> None:
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def configured(posthouse: Commands, sink: Sink, tmp_path: Path) -> list[str]:
    """What starts a server whose mail for others goes to the sink."""
    posthouse.add()
    file = tmp_path / "posthouse.toml"
    file.write_text(f'[relay]\nsmarthost = "127.0.0.1:{sink.port}"\n')
    return ["serve", "--config", str(file)]


def prepare(client: Jmap) -> tuple[str, str]:
    """Give the ids of the drafts Mailbox and of the Identity."""
    [drafts] = client.ask("Mailbox/query", filter={"role": "drafts"})["ids"]
    return drafts, client.ask("Identity/get")["list"][0]["id"]


def submit(client: Jmap, drafts: str, identity: str, subject: str) -> str:
    mail = {
        "mailboxIds": {drafts: True},
        "from": [{"email": NAME}],
        "to": [{"email": "ben@far.example"}],
        "subject": subject,
        "textBody": [{"partId": "1", "type": "text/plain"}],
        "bodyValues": {"1": {"value": "x"}},
    }
    made = client.ask("Email/set", create={"m": mail})["created"]["m"]["id"]
    created = client.ask("EmailSubmission/set", create={"s": {"emailId": made, "identityId": identity}})
    id: str = created["created"]["s"]["id"]
    return id


def outcomes(client: Jmap) -> Counter[str]:
    """Count submissions by what became of them."""
    found = client.ask("EmailSubmission/get", properties=["deliveryStatus"])["list"]
    return Counter(one["deliveryStatus"]["ben@far.example"]["delivered"] for one in found)


def wait(holds: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "it never came to pass"
        time.sleep(0.02)


def test_mail_goes_to_another_server_and_its_refusals_come_back(
    posthouse: Commands, configured: list[str], sink: Sink
) -> None:
    sink.on_data = lambda subject: "554 5.7.1 spam" if subject == "bad" else None
    with posthouse.serving(*configured) as server:
        client = server.client()
        drafts, identity = prepare(client)
        for subject in ("good", "bad"):
            submit(client, drafts, identity, subject)
        wait(lambda: outcomes(client) == {"unknown": 1, "no": 1})
        [report] = client.ask("Email/query", filter={"subject": "Undelivered mail"})["ids"]
        shown = client.ask("Email/get", ids=[report], fetchTextBodyValues=True)["list"][0]
        assert "554 5.7.1 spam" in str(shown["bodyValues"])
    assert {"good": 1} == sink.taken


def test_kills_lose_nothing_and_double_only_what_was_on_the_wire(
    posthouse: Commands, configured: list[str], sink: Sink
) -> None:
    """Count at the end: accepted = delivered or bounced; twice only what was sent and not recorded."""
    open_: set[str] = set()
    lock = threading.Lock()
    kills: dict[str, Process] = {}

    def on_data(subject: str) -> None:
        with lock:
            open_.add(subject)
            process = kills.pop(subject, None)
        if process is not None:  # between the last byte of the message and the record of the reply
            os.kill(process.popen.pid, signal.SIGKILL)

    sink.on_data = on_data  # type: ignore[assignment]
    accepted = 0
    for life in range(3):
        with posthouse.serving(*configured) as server:
            client = server.client()
            drafts, identity = prepare(client)
            kills[f"{life}-7"] = server
            try:
                for number in range(30):
                    submit(client, drafts, identity, f"{life}-{number}")
                    accepted += 1
            except (OSError, ValueError, AssertionError):
                pass  # it was killed
            assert server.popen.wait(60) == -signal.SIGKILL
    with posthouse.serving(*configured) as server:
        client = server.client()
        wait(lambda: outcomes(client)["queued"] == 0)
        found = outcomes(client)
    assert {"unknown"} == found.keys()
    # A request that was killed before its answer may have been accepted.
    assert accepted <= found["unknown"] <= accepted + 3
    assert found["unknown"] == len(sink.taken)
    doubled = {subject for subject, times in sink.taken.items() if times > 1}
    assert all(times <= 2 for times in sink.taken.values())
    # What may have been on the wire when a process was killed: at most as many as connections.
    assert len(doubled) <= 3 * 10


def test_the_operator_sees_what_waits_and_sends_it_at_once(
    posthouse: Commands, configured: list[str], sink: Sink
) -> None:
    sink.on_data = lambda subject: "451 4.7.1 greylisted"
    with posthouse.serving(*configured) as server:
        client = server.client()
        submit(client, *prepare(client), "slow")
        wait(lambda: "greylisted" in posthouse.run("queue", "list").stdout)
        [line] = posthouse.run("queue", "list").stdout.splitlines()
        key, due, sender, to, reply = line.split("\t")
        assert (NAME, "ben@far.example") == (sender, to)
        assert due.startswith("due ") and "451 4.7.1" in reply
        assert "attempts: 1" in posthouse.run("queue", "show", key).stdout
        assert 0 == posthouse.run("queue", "hold", key).returncode
        assert "held" in posthouse.run("queue", "list").stdout
        sink.on_data = lambda subject: None
        assert 0 == posthouse.run("queue", "retry", key).returncode
        wait(lambda: sink.taken == {"slow": 1})
        wait(lambda: outcomes(client) == {"unknown": 1})
        assert "" == posthouse.run("queue", "list").stdout
        ended = posthouse.run("queue", "cancel", key)
        assert 1 == ended.returncode and "posthouse queue list" in ended.stderr


def test_two_workers_send_once(posthouse: Commands, configured: list[str], sink: Sink) -> None:
    with posthouse.serving(*configured, "--workers", "2") as server:
        client = server.client()
        drafts, identity = prepare(client)
        for number in range(20):
            submit(client, drafts, identity, str(number))
        leader_gone = server.workers()[0]
        os.kill(leader_gone, signal.SIGKILL)

        def all_sent() -> bool:
            try:
                return outcomes(client)["unknown"] == 20
            except (OSError, HTTPException):
                return False  # the connection was to the worker that is gone

        wait(all_sent)
    assert 20 == len(sink.taken)
