"""Supervisor: listens once, and keeps worker processes serving (DESIGN D11).

Theory of operation. The parent binds the sockets and starts N workers that inherit it, so what waits to be
accepted outlives any of them. Each worker has two pipes to its parent. Its standard input brings the
configuration and then stays open: its end tells the worker that the parent is gone. Its standard output brings
a line once it accepts connections, and its end tells the parent that the worker is gone. So the parent waits
in one place for all of them and for signals.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from posthouse.app import listening, plugins, terminal, worker
from posthouse.app.config import Config, ConfigError, check_exposed
from posthouse.app.demo import is_demo, is_private
from posthouse.app.listening import Sockets
from posthouse.kit import log

_STEADY: Final = 10.0  # seconds after which the end of a worker is an accident and not its way of starting
_LONGEST_PAUSE: Final = 30.0
_GRACE: Final = 15.0  # seconds for workers to end; more than they give their own requests

_log = log.get("app")


def serve(config: Config) -> None:
    """Serve until SIGINT or SIGTERM, in this process or in several.

    Raises `ConfigError` for what must not or cannot be served, and `OSError`.
    """
    check_exposed(config)
    host, port = config.address
    if is_demo(Path(config.data)) and not is_private(config):
        raise ConfigError(
            f"{config.data} is the demo's, whose passwords everyone knows: serve another folder with --data DIR"
        )
    log.configure(level=config.log.level, lines_as_json=config.log.json)
    plugins.tell()
    workers = config.workers or _cores()
    with listening.listen(host, port) as http, listening.opened(config, http) as sockets:
        url = worker.url_of(config, http)

        def ready() -> None:
            for line in sockets.describe():
                terminal.line(line)
            terminal.line(f"Ready: {url}/")

        if workers == 1:
            worker.run(config, sockets, ready)
        else:
            worker.check(config)
            with Supervisor(config, sockets, workers, ready) as supervisor:
                supervisor.run()


def _cores() -> int:
    """Count the cores that this process may use, or all where the system does not tell."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    else:
        return os.cpu_count() or 1


class _Worker:
    """A place for one worker process, and what became of those that had it.

    process: None while it waits to be started again. due: when that is to be, by the monotonic clock.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.is_ready = False
        self.pause = 0.0
        self.due = 0.0


class Supervisor:
    """Workers on the same listening sockets; ``with`` makes sure that none outlives it.

    ready: called once all accept connections for the first time.
    """

    def __init__(self, config: Config, sockets: Sockets, count: int, ready: Callable[[], None]) -> None:
        self._config = msgspec.json.encode(config) + b"\n"
        self._sockets = sockets
        self._workers = [_Worker(number) for number in range(1, count + 1)]
        self._ready: Callable[[], None] | None = ready
        self._selector = selectors.DefaultSelector()
        self._deadline: float | None = None

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._workers:
            if one.process is not None:
                one.process.kill()
                self._reap(one)
        self._selector.close()

    def run(self) -> None:
        """Keep the workers serving until SIGINT or SIGTERM, then let them finish.

        Raises `ConfigError` if they cannot even start.
        """
        with self._signals():
            while self._deadline is None or any(one.process for one in self._workers):
                self._start_due()
                for key, _ in self._selector.select(self._patience()):
                    self._look(key)
                if self._deadline is not None and time.monotonic() > self._deadline:
                    return  # and __exit__ ends those who would not

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Make SIGINT and SIGTERM readable on a socket."""
        reader, writer = socket.socketpair()
        with reader, writer:
            reader.setblocking(False)
            writer.setblocking(False)
            numbers = (signal.SIGINT, signal.SIGTERM)
            before = {number: signal.signal(number, lambda *_: None) for number in numbers}
            woken = signal.set_wakeup_fd(writer.fileno())
            self._selector.register(reader, selectors.EVENT_READ)
            try:
                yield
            finally:
                self._selector.unregister(reader)
                signal.set_wakeup_fd(woken)
                for number, handler in before.items():
                    signal.signal(number, handler)

    def _patience(self) -> float | None:
        """Give the seconds until something is to be done without being told."""
        if self._deadline is not None:
            return max(self._deadline - time.monotonic(), 0)
        due = [one.due for one in self._workers if one.process is None]
        return max(min(due) - time.monotonic(), 0) if due else None

    def _look(self, key: selectors.SelectorKey) -> None:
        one = key.data
        if not isinstance(one, _Worker):
            os.read(key.fd, 64)
            self._stop()
        elif os.read(key.fd, 64):
            one.is_ready = True
            if self._ready is not None and all(one.is_ready for one in self._workers):
                self._ready()
                self._ready = None
        else:
            self._ended(one)

    def _start_due(self) -> None:
        now = time.monotonic()
        for one in self._workers:
            if one.process is None and one.due <= now and self._deadline is None:
                self._start(one)

    def _start(self, one: _Worker) -> None:
        one.process = subprocess.Popen(
            [sys.executable, "-m", "posthouse.app.worker", *self._sockets.inherited()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=self._sockets.numbers(),
            process_group=0,  # so that Ctrl-C reaches them through us
            bufsize=0,
        )
        assert one.process.stdin is not None and one.process.stdout is not None
        one.started = time.monotonic()
        one.is_ready = False
        self._selector.register(one.process.stdout, selectors.EVENT_READ, one)
        with suppress(BrokenPipeError):  # it is gone already, as the other pipe will tell
            one.process.stdin.write(self._config)

    def _ended(self, one: _Worker) -> None:
        served = time.monotonic() - one.started
        code = self._reap(one)
        if self._deadline is not None:
            return
        if not one.is_ready and self._ready is not None:
            raise ConfigError(f"a worker ended with {code} before it served: the lines above say why")
        one.pause = 0.0 if served >= _STEADY else min(max(2 * one.pause, 0.1), _LONGEST_PAUSE)
        one.due = time.monotonic() + one.pause
        _log.error("app.worker_ended", worker=one.number, code=code, again_in=one.pause)

    def _reap(self, one: _Worker) -> int:
        process = one.process
        assert process is not None and process.stdin is not None and process.stdout is not None
        self._selector.unregister(process.stdout)
        process.stdin.close()
        process.stdout.close()
        one.process = None
        return process.wait()

    def _stop(self) -> None:
        """Let the workers finish; asked twice, do not wait."""
        self._deadline = time.monotonic() + (_GRACE if self._deadline is None else 0)
        for one in self._workers:
            if one.process is not None:
                one.process.terminate()
