"""The two servers that are compared: the whole Posthouse, and the same HTTP server with static answers.

Each is a process of its own on one core, while the client has another. CPU time is what the kernel counted
for all threads of the server.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast

from posthouse.app import worker
from posthouse.app.config import Config
from posthouse.app.listening import Sockets, listen
from posthouse.serve.http.app import Edge
from posthouse.serve.http.server import Server

SERVER_CORE, CLIENT_CORE = 0, 1

_MAIN = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Running:
    """A server that runs: its process and its port on 127.0.0.1."""

    pid: int
    port: int

    def cpu(self) -> int:
        """Give the nanoseconds that all its threads have used."""
        tasks = Path(f"/proc/{self.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)

    def memory(self) -> int:
        """Give its proportional share of memory (PSS) in bytes."""
        for line in Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("the kernel tells no PSS")


@contextmanager
def posthouse(folder: Path) -> Iterator[Running]:
    """Run one worker on a data folder as ``posthouse serve`` does."""
    with _process(_serve_posthouse, str(folder)) as running:
        yield running


@contextmanager
def floor() -> Iterator[Running]:
    """Run the same server with an application that answers ``/N`` with N static bytes, reading nothing."""
    with _process(_serve_static) as running:
        yield running


@contextmanager
def _process(target: Any, *arguments: str) -> Iterator[Running]:
    ours, theirs = _MAIN.Pipe()
    process = _MAIN.Process(target=target, args=(theirs, *arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        port = ours.recv()
        assert process.pid is not None
        yield Running(process.pid, port)
    finally:
        process.terminate()
        process.join()


def pin(core: int) -> None:
    """Keep this process on one core, if there are two."""
    if sys.platform == "linux" and len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, {core})


def _serve_posthouse(ready: Connection, folder: str) -> None:
    pin(SERVER_CORE)
    listening = listen("127.0.0.1", 0)
    worker.run(Config(data=folder), Sockets(listening), lambda: ready.send(listening.getsockname()[1]))


def _serve_static(ready: Connection) -> None:
    pin(SERVER_CORE)
    worker._keep_memory()  # whatever the worker asks of the C library, the floor gets too
    listening = listen("127.0.0.1", 0)
    edge = cast(Edge, Static())
    Server(edge, [listening], lambda: ready.send(listening.getsockname()[1])).run_until_stopped()


class Static:
    """An application that answers ``/N`` with N static bytes."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = _of_size(int(scope["path"][1:]))
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def stop(self) -> None:
        """End nothing: no answer goes on by itself."""


_bodies: dict[int, bytes] = {}


def _of_size(size: int) -> bytes:
    body = _bodies.get(size)
    if body is None:
        body = _bodies[size] = b"x" * size
    return body
