"""The command line as real processes, and ways to talk to what they serve."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from posthouse.testing.client import Jmap

COMMAND = [sys.executable, "-m", "posthouse"]
NAME, PASSWORD = "ada@example.org", "correct horse"


@dataclass
class Process:
    """A server that has said that it is ready, at which URL, and what it printed till then."""

    popen: subprocess.Popen[str]
    url: str
    said: str
    clients: list[Jmap] = field(default_factory=list)

    def client(self, name: str = NAME, password: str = PASSWORD, ca: str | None = None) -> Jmap:
        """A client that is closed with the server."""
        self.clients.append(Jmap(self.url, name, password, ca))
        return self.clients[-1]

    def workers(self) -> list[int]:
        """The process ids of its workers."""
        pid = self.popen.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def end(self) -> int:
        """Ask it to end and return its exit code."""
        self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(30)


@dataclass
class Commands:
    """Runs ``posthouse`` on one data folder."""

    data: Path

    def environment(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if not name.startswith("POSTHOUSE_")}

    def run(self, *arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [*COMMAND, *map(str, arguments), "--data", str(self.data)],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=100,
            env=self.environment(),
        )

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """Start a command and let it run."""
        return subprocess.Popen(
            [*COMMAND, *map(str, arguments), "--data", str(self.data)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment(),
        )

    @contextmanager
    def serving(self, *arguments: str | Path) -> Iterator[Process]:
        """Start a command that serves, wait until it is ready, and end it afterwards."""
        with self.start(*arguments, "--listen", "127.0.0.1:0") as popen:
            try:
                assert popen.stdout is not None and popen.stderr is not None
                said, url = "", ""
                for line in popen.stdout:
                    said += line
                    url = next((word.rstrip("/") for word in line.split() if word.startswith("http")), url)
                    if line.startswith("Ready"):
                        break
                else:
                    raise AssertionError(f"it never was ready: {popen.stderr.read()}")
                server = Process(popen, url.removesuffix("/.well-known/jmap"), said)
                try:
                    yield server
                finally:
                    for client in server.clients:
                        client.close()
            finally:
                popen.kill()
                popen.communicate()

    def add(self, name: str = NAME, password: str = PASSWORD) -> None:
        """Add an account."""
        assert 0 == self.run("account", "add", name, "--password-stdin", stdin=password + "\n").returncode


@pytest.fixture
def posthouse(tmp_path: Path) -> Commands:
    return Commands(tmp_path / "data")


@pytest.fixture
def mbox(tmp_path: Path) -> Callable[[int], Path]:
    """Writes an mbox of so many messages, each different from the others."""

    def write(count: int) -> Path:
        path = tmp_path / "Letters.mbox"
        with path.open("wb") as file:
            for number in range(count):
                filling = b"word%d and more of it\n" % number * 40
                file.write(
                    b"From ada@example.org Mon Jan  1 00:00:00 2024\n"
                    b"From: Ada <ada@example.org>\nTo: bob@example.org\nSubject: Letter %d\n"
                    b"Date: Mon, 1 Jan 2024 00:00:00 +0000\nMessage-ID: <%d@example.org>\n\n%s\n"
                    % (number, number, filling)
                )
        return path

    return write
