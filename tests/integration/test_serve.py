"""``posthouse serve``: workers that die, TLS, and how it ends."""

from __future__ import annotations

import http.client
import os
import signal
import ssl
import threading
from pathlib import Path

import pytest

from posthouse.testing.client import Jmap

from .conftest import NAME, PASSWORD, Commands, Process

needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc to see processes")


class Writer(threading.Thread):
    """Makes Mailboxes one after the other until it is told to stop, and notes which were acknowledged."""

    def __init__(self, client: Jmap, prefix: str, enough: threading.Event) -> None:
        super().__init__()
        self.client, self.prefix, self.enough = client, prefix, enough
        self.acknowledged: list[str] = []
        self.broken = 0

    def run(self) -> None:
        number = 0
        while not self.enough.is_set():
            number += 1
            name = f"{self.prefix}{number}"
            try:
                answer = self.client.ask("Mailbox/set", create={"a": {"name": name}})
            except (OSError, http.client.HTTPException):
                self.broken += 1
            else:
                assert answer["notCreated"] is None
                self.acknowledged.append(name)


def kill_a_worker(server: Process, writer: Writer) -> None:
    """Kill a worker in the middle of work, and wait until another took its place and all are at work."""
    before = server.workers()
    assert 2 == len(before)
    reached = len(writer.acknowledged) + 10
    while len(writer.acknowledged) < reached:
        assert writer.is_alive()
    os.kill(before[0], signal.SIGKILL)
    while len(now := server.workers()) < 2 or before[0] in now:
        assert server.popen.poll() is None


@needs_proc
def test_a_killed_worker_loses_nothing_that_was_acknowledged(posthouse: Commands) -> None:
    posthouse.add()
    with posthouse.serving("serve", "--workers", "2") as server:
        enough = threading.Event()
        writers = [Writer(server.client(), prefix, enough) for prefix in ("a", "b", "c")]
        try:
            for writer in writers:
                writer.client.session  # noqa: B018  asked for before anything dies
                writer.start()
            for writer in writers:
                kill_a_worker(server, writer)
        finally:
            enough.set()
            for writer in writers:
                writer.join()
        assert any(writer.broken for writer in writers), "no request was cut off"
        there = [one["name"] for one in server.client().ask("Mailbox/get", properties=["name"])["list"]]
        acknowledged = {name for writer in writers for name in writer.acknowledged}
        assert set() == acknowledged - set(there)
        assert len(there) == len(set(there))
        assert 0 == server.end()


@needs_proc
def test_a_supervisor_that_is_killed_leaves_no_worker_behind(posthouse: Commands) -> None:
    with posthouse.serving("serve", "--workers", "2") as server:
        workers = server.workers()
        server.popen.kill()
        server.popen.wait()
        while any(Path(f"/proc/{worker}").exists() and is_running(worker) for worker in workers):
            pass


def is_running(process: int) -> bool:
    """Say whether a process is more than an entry that nobody has asked for yet."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_without_complaint(
    posthouse: Commands, workers: str, number: signal.Signals
) -> None:
    with posthouse.serving("serve", "--workers", workers) as server:
        server.popen.send_signal(number)
        assert 0 == server.popen.wait(30)
        assert server.popen.stderr is not None
        assert "" == server.popen.stderr.read()


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """The paths of a certificate for 127.0.0.1 and of its key."""
    pytest.importorskip("cryptography")
    from posthouse.testing.certificate import make

    return make(tmp_path)


@pytest.mark.parametrize("workers", [1, 2])
def test_tls_needs_but_a_certificate(
    posthouse: Commands, tmp_path: Path, certificate: tuple[Path, Path], workers: int
) -> None:
    posthouse.add()
    chain, key = certificate
    config = tmp_path / "posthouse.toml"
    config.write_text(f'workers = {workers}\n[tls]\ncertificate = "{chain}"\nkey = "{key}"\n')
    with posthouse.serving("serve", "--config", config) as server:
        assert server.url.startswith("https://127.0.0.1:")
        trusting = server.client(NAME, PASSWORD, str(chain))
        assert trusting.session["apiUrl"].startswith(server.url)
        with pytest.raises(ssl.SSLCertVerificationError):
            server.client().ask("Mailbox/get")


def test_a_certificate_that_cannot_be_used_is_told_before_anything_starts(
    posthouse: Commands, tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    chain, _ = certificate
    config = tmp_path / "posthouse.toml"
    for workers in (1, 2):
        config.write_text(
            f'workers = {workers}\n[tls]\ncertificate = "{chain}"\nkey = "{tmp_path}/none.pem"\n'
        )
        ended = posthouse.run("serve", "--config", config, "--listen", "127.0.0.1:0")
        assert (1, "") == (ended.returncode, ended.stdout)
        assert ended.stderr.startswith(f"posthouse: tls: {chain} with {tmp_path}/none.pem cannot be used: ")
        assert 1 == ended.stderr.count("\n")
