"""Mail that comes in by SMTP and LMTP, into a server as it is started."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import smtplib
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from .conftest import NAME, PASSWORD, Commands, Process

MESSAGE = "From: Ann <ann@far.example>\r\nTo: {to}\r\nSubject: {subject}\r\n\r\nHow are you?\r\n"


def port_of(server: Process, role: str) -> int:
    found = re.search(rf"^\W*{role}\W+127\.0\.0\.1:(\d+)", server.said, re.M)
    assert found is not None, server.said
    return int(found[1])


def send(client: smtplib.SMTP, subject: str, *to: str) -> dict[str, tuple[int, bytes]]:
    return client.sendmail("ann@far.example", to, MESSAGE.format(to=to[0], subject=subject))


def subjects(server: Process, name: str = NAME, password: str = PASSWORD) -> list[str]:
    client = server.client(name, password)
    ids = client.ask("Email/query")["ids"]
    return [one["subject"] for one in client.ask("Email/get", ids=ids, properties=["subject"])["list"]]


@contextmanager
def events(server: Process, name: str, password: str) -> Iterator[Iterator[dict[str, dict[str, str]]]]:
    """Listen to the account's changes, of the kind that mail brings."""
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    path = urlsplit(server.client(name, password).session["eventSourceUrl"]).path
    credentials = b64encode(f"{name}:{password}".encode()).decode()
    connection.request(
        "GET",
        f"{path}?types=EmailDelivery,Email&closeafter=no&ping=0",
        headers={"Authorization": f"Basic {credentials}"},
    )
    response = connection.getresponse()
    assert 200 == response.status

    def told() -> Iterator[dict[str, dict[str, str]]]:
        while line := response.readline():
            if line.startswith(b"data: "):
                yield json.loads(line[6:])["changed"]

    try:
        yield told()
    finally:
        connection.close()


def test_mail_to_the_demo_is_there_and_is_pushed(posthouse: Commands) -> None:
    with posthouse.serving("demo") as server:
        with events(server, "friend@example.org", "friend") as told:
            with smtplib.SMTP("127.0.0.1", port_of(server, "SMTP"), timeout=30) as client:
                assert {} == send(client, "Hello", "friend@example.org")
            [changed] = next(told).values()
            assert "EmailDelivery" in changed
        assert ["Hello"] == subjects(server, "friend@example.org", "friend")
        assert 0 == server.end()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_mail_comes_by_smtp_by_lmtp_and_by_a_unix_socket(
    posthouse: Commands, tmp_path: Path, workers: str
) -> None:
    posthouse.add()
    assert 0 == posthouse.run("alias", "add", "info@example.com", NAME).returncode
    config = tmp_path / "posthouse.toml"
    config.write_text('[mail]\nhostname = "mx.example.org"\nverify = false\n')
    ports = ["--config", config, "--workers", workers, "--smtp", "127.0.0.1:0"]
    with posthouse.serving("serve", *ports, "--lmtp", "127.0.0.1:0") as server:
        with smtplib.SMTP("127.0.0.1", port_of(server, "SMTP"), timeout=30) as client:
            assert {} == send(client, "one", NAME, "Info+x@example.com")
            refused = send(client, "two", NAME, "nobody@example.org", "else@where.example")
            assert [550, 550] == [code for code, _ in refused.values()]
        with smtplib.LMTP("127.0.0.1", port_of(server, "LMTP")) as client:
            assert {} == send(client, "three", NAME)
        assert {"one", "two", "three"} == set(subjects(server))
        assert 3 == len(subjects(server))
        assert 0 == server.end()
    path = tmp_path / "lmtp"
    for _ in range(2):  # what is left of a server that was killed stands in nobody's way
        with posthouse.serving("serve", "--workers", workers, "--lmtp", f"unix:{path}") as server:
            with smtplib.LMTP(str(path)) as client:
                assert {} == send(client, "four", NAME)
            assert server.client().ask("Email/query", filter={"subject": "four"})["ids"]


def test_what_must_not_be_open_is_not_opened(posthouse: Commands, tmp_path: Path) -> None:
    posthouse.add()
    for arguments, said in [
        (["--lmtp", "0.0.0.0:0"], "whoever reaches 0.0.0.0:0 can put mail into every account"),
        (["--smtp", "127.0.0.1"], "smtp: '127.0.0.1' is not HOST:PORT"),
        (["--smtp", "unix:x"], "smtp: "),
        (["--lmtp", f"unix:{tmp_path}"], f"{tmp_path} cannot be listened on: "),
    ]:
        ended = posthouse.run("serve", "--listen", "127.0.0.1:0", *arguments)
        assert (1, "") == (ended.returncode, ended.stdout)
        assert said in ended.stderr
        assert 1 == ended.stderr.count("\n")
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        ended = posthouse.run("serve", "--listen", "127.0.0.1:0", "--smtp", address)
    assert f"{address} is in use: end the program that has it, or choose another with --smtp" in ended.stderr


class Sender(threading.Thread):
    """Sends messages one after the other until it is told to stop, and notes which were acknowledged."""

    def __init__(self, port: int, prefix: str, enough: threading.Event) -> None:
        super().__init__()
        self.port, self.prefix, self.enough = port, prefix, enough
        self.acknowledged: list[str] = []
        self.unsure: list[str] = []

    def run(self) -> None:
        number = 0
        while not self.enough.is_set():
            try:
                with smtplib.SMTP("127.0.0.1", self.port, timeout=30) as client:
                    while not self.enough.is_set():
                        number += 1
                        subject = f"{self.prefix}{number}"
                        self.unsure.append(subject)
                        assert {} == send(client, subject, NAME)
                        self.unsure.pop()
                        self.acknowledged.append(subject)
            except (OSError, smtplib.SMTPException):
                continue


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc to see processes")
def test_a_killed_worker_loses_no_mail_that_was_acknowledged(posthouse: Commands, tmp_path: Path) -> None:
    posthouse.add()
    config = tmp_path / "posthouse.toml"
    config.write_text('[mail]\nverify = false\n[log]\nlevel = "warning"\n')  # nobody reads the log
    with posthouse.serving("serve", "--config", config, "--workers", "2", "--smtp", "127.0.0.1:0") as server:
        enough = threading.Event()
        senders = [Sender(port_of(server, "SMTP"), prefix, enough) for prefix in "abcdef"]
        try:
            for sender in senders:
                sender.start()
            for _ in range(3):
                reached = sum(len(sender.acknowledged) for sender in senders) + 100
                while sum(len(sender.acknowledged) for sender in senders) < reached:
                    assert server.popen.poll() is None
                before = server.workers()
                os.kill(before[0], signal.SIGKILL)
                while len(now := server.workers()) < 2 or before[0] in now:
                    assert server.popen.poll() is None
        finally:
            enough.set()
            for sender in senders:
                sender.join()
        there = all_subjects(server)
        acknowledged = {subject for sender in senders for subject in sender.acknowledged}
        unsure = {subject for sender in senders for subject in sender.unsure}
        assert unsure, "nothing was cut off"
        assert len(there) == len(set(there))
        assert set() == acknowledged - set(there)
        assert set() == set(there) - acknowledged - unsure
        assert 0 == server.end()


def all_subjects(server: Process) -> list[str]:
    client = server.client()
    found: list[str] = []
    while ids := client.ask("Email/query", position=len(found), limit=500)["ids"]:
        found += [one["subject"] for one in client.ask("Email/get", ids=ids, properties=["subject"])["list"]]
    return found


@pytest.mark.parametrize("workers", ["1", "2"])
def test_who_asks_for_tls_gets_it(posthouse: Commands, tmp_path: Path, workers: str) -> None:
    pytest.importorskip("cryptography")
    from posthouse.testing.certificate import make

    chain, key = make(tmp_path)
    posthouse.add()
    config = tmp_path / "posthouse.toml"
    config.write_text(f'[mail]\nverify = false\n[tls]\ncertificate = "{chain}"\nkey = "{key}"\n')
    with posthouse.serving(
        "serve", "--config", config, "--workers", workers, "--smtp", "127.0.0.1:0"
    ) as server:
        with smtplib.SMTP("127.0.0.1", port_of(server, "SMTP"), timeout=30) as client:
            client.starttls(context=ssl.create_default_context(cafile=str(chain)))
            assert {} == send(client, "Hello", NAME)
        reader = server.client(NAME, PASSWORD, str(chain))
        [id] = reader.ask("Email/query")["ids"]
        [found] = reader.ask("Email/get", ids=[id], properties=["header:Received:asRaw"])["list"]
        assert " with ESMTPS id " in found["header:Received:asRaw"]
