"""Mailing: what takes mail from other hosts and from users' mail programs, put together for one server process."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Final, Literal

from posthouse.app.config import Config, is_loopback
from posthouse.app.listening import Door
from posthouse.app.wiring import App
from posthouse.capabilities.submission.envelope import LONGEST_DELAY
from posthouse.delivery.deliver import Deliverer
from posthouse.delivery.file import Filer
from posthouse.delivery.judge import Judge, Lenient, Strict
from posthouse.delivery.keep import Keeper
from posthouse.delivery.reception import Reception
from posthouse.delivery.resolver import Resolver
from posthouse.delivery.submitted import Office, Submissions
from posthouse.delivery.vacation import Vacation
from posthouse.delivery.verify import Verifier
from posthouse.proto.smtp.limits import Limits
from posthouse.proto.smtp.service import Service
from posthouse.serve.smtp.listener import Listener
from posthouse.serve.smtp.server import Server
from posthouse.serve.smtp.signing_in import MECHANISMS


def hostname(config: Config) -> str:
    """Give the name of this host in mail."""
    return (config.mail.hostname or socket.gethostname() or "localhost").lower()


def deliverer(app: App, config: Config) -> Deliverer:
    """Put together what delivers messages, for one event loop."""
    name = hostname(config)
    judge: Judge = Strict(Verifier(Resolver(), name), name) if config.mail.verify else Lenient()
    filer = Filer(app.store, app.acceptance.is_open, Vacation(app.blobs, app.addresses.keys, name))
    return Deliverer(Keeper(app.blobs, app.keeping), filer, judge, name)


def reception(app: App, config: Config) -> Reception:
    """Put together what takes the mail of other hosts, for one event loop."""
    relays = [ip_network(one, strict=False) for one in config.mail.relays]
    return Reception(app.acceptance, deliverer(app, config), relays)


def submissions(app: App, config: Config) -> Submissions:
    """Put together what takes the mail of our own users, for one event loop."""
    office = Office(
        store=app.store,
        keeper=Keeper(app.blobs, app.keeping),
        acceptance=app.acceptance,
        current=app.sign_in.current,
        addresses=app.addresses.keys,
        host=hostname(config),
    )
    return Submissions(office)


class Mailing:
    """Takes mail for as long as a server runs; see `serve.http.ports.Beside`."""

    def __init__(
        self, app: App, config: Config, sockets: Mapping[Door, socket.socket], tls: ssl.SSLContext | None
    ) -> None:
        # Two servers, so that however many strangers come, there is room for the users.
        outer = [_outer(config, door, sockets[door], tls) for door in _OUTER if door in sockets]
        inner = [_inner(config, door, sockets[door], tls) for door in _INNER if door in sockets]
        self._servers = [
            Server(outer, reception(app, config), app.sign_in),
            Server(inner, submissions(app, config), app.sign_in),
        ]
        self._start: asyncio.Future[list[None]] | None = None

    def open(self) -> None:
        """Let peers in."""
        self._start = asyncio.gather(*(one.start() for one in self._servers))

    async def close(self) -> None:
        """Let nobody in any more; messages under way get a few seconds."""
        if self._start is not None:
            await self._start
            await asyncio.gather(*(one.stop() for one in self._servers))


_OUTER: Final[tuple[Literal["smtp", "lmtp"], ...]] = ("smtp", "lmtp")
_INNER: Final[tuple[Literal["submission", "submissions"], ...]] = ("submission", "submissions")


def _outer(
    config: Config, door: Literal["smtp", "lmtp"], at: socket.socket, tls: ssl.SSLContext | None
) -> Listener:
    """Say what other hosts find."""
    service = Service(
        role=door,
        hostname=hostname(config),
        limits=Limits(size=config.mail.max_size),
        can_start_tls=tls is not None,
    )
    return Listener(socket=at, service=service, tls=tls, is_trusted=door == "lmtp")


def _inner(
    config: Config, door: Literal["submission", "submissions"], at: socket.socket, tls: ssl.SSLContext | None
) -> Listener:
    """Say what users' mail programs find: nobody signs in in clear where others could listen."""
    service = Service(
        role="submission",
        hostname=hostname(config),
        limits=Limits(size=config.mail.max_size),
        can_start_tls=tls is not None and door == "submission",
        mechanisms=MECHANISMS,
        max_hold=LONGEST_DELAY,
    )
    return Listener(
        socket=at,
        service=service,
        tls=tls,
        is_implicit=door == "submissions",
        needs_no_tls=tls is None and is_loopback(at.getsockname()[0]),
    )
