"""Running: what `Server` starts, loaded when it does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from posthouse.app import demo, wiring, worker
from posthouse.app.config import Config, Push, Relay, Tls
from posthouse.app.listening import listen
from posthouse.app.wiring import App
from posthouse.directory.passwords import Passwords
from posthouse.serve.http.server import Server

_HOST = "127.0.0.1"
_LOOPBACK = ("127.0.0.0/8", "::1/128")
_SOON = 10  # seconds


@dataclass(frozen=True, slots=True)
class Running:
    """A server that runs. url: of ``/``, without a slash at its end. ca: path of its certificate, if it has one."""

    url: str
    ca: str | None
    _administration: App

    def add_account(self, name: str, password: str) -> str:
        """Add a person with an account, and give a token for it."""
        self._administration.people.add(name, password)
        text, _ = self._administration.tokens.issue(name, "test")
        return text

    def add_group(self, name: str, members: Sequence[str]) -> None:
        """Add a group with members."""
        self._administration.groups.add(name)
        self._administration.groups.join(name, members)

    def leave_group(self, name: str, members: Sequence[str]) -> None:
        """Take members out of a group."""
        self._administration.groups.leave(name, members)

    def fill(self, name: str, messages: int) -> None:
        """Put sample mail into an account."""
        app = self._administration
        asyncio.run(demo.fill(app, app.people.find(name), messages))


@contextmanager
def running(tls: bool, push_ca: str | None = None) -> Iterator[Running]:
    """Run a server on a free loopback port, in a thread with an event loop of its own.

    Accounts are added from the caller's thread by a second `App` on the same folder, as the command line does.
    push_ca: see `posthouse.testing.Server`.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="posthouse-")))
        config = Config(
            data=str(folder / "data"),
            tls=_tls(folder) if tls else Tls(),
            relay=Relay(outward=False),
            push=Push() if push_ca is None else Push(private_networks=_LOOPBACK, ca=push_ca),
        )
        listening = stack.enter_context(listen(_HOST, 0))
        administration = _open(stack, config)
        edge = worker.make_edge(_open(stack, config), config)
        ready = threading.Event()
        server = Server(edge, [listening], ready.set, worker.tls(config))
        thread = threading.Thread(target=server.run_until_stopped, name="posthouse", daemon=True)
        thread.start()
        stack.callback(thread.join)
        stack.callback(server.stop)
        if not ready.wait(_SOON):
            raise RuntimeError(f"the server did not start within {_SOON} s")
        yield Running(worker.url_of(config, listening), config.tls.certificate, administration)


def _open(stack: ExitStack, config: Config) -> App:
    """Open an app whose password hashes cost next to nothing."""
    cheap = Passwords(passes=1, memory=8, threads=1)
    app = wiring.build(Path(config.data), passwords=cheap, push=worker.push(config))
    stack.callback(app.close)
    return app


def _tls(folder: Path) -> Tls:
    """Make a certificate; the package it takes is needed for nothing else."""
    from posthouse.testing import certificate

    chain, key = certificate.make(folder)
    return Tls(certificate=str(chain), key=str(key))
