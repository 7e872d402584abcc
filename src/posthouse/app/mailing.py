"""Mailing: what takes mail from other hosts, put together for one server process."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from ipaddress import ip_network

from posthouse.app.config import Config
from posthouse.app.wiring import App
from posthouse.delivery.deliver import Deliverer
from posthouse.delivery.file import Filer
from posthouse.delivery.judge import Judge, Lenient, Strict
from posthouse.delivery.keep import Keeper
from posthouse.delivery.reception import Reception
from posthouse.delivery.resolver import Resolver
from posthouse.delivery.vacation import Vacation
from posthouse.delivery.verify import Verifier
from posthouse.proto.smtp.limits import Limits
from posthouse.proto.smtp.peer import Role
from posthouse.proto.smtp.service import Service
from posthouse.serve.smtp.listener import Listener
from posthouse.serve.smtp.server import Server


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


class Mailing:
    """Takes mail for as long as a server runs; see `serve.http.ports.Beside`."""

    def __init__(
        self, app: App, config: Config, sockets: Mapping[Role, socket.socket], tls: ssl.SSLContext | None
    ) -> None:
        listeners = [_listener(config, role, one, tls) for role, one in sockets.items()]
        self._server = Server(listeners, reception(app, config), app.sign_in)
        self._start: asyncio.Future[None] | None = None

    def open(self) -> None:
        """Let peers in."""
        self._start = asyncio.ensure_future(self._server.start())

    async def close(self) -> None:
        """Let nobody in any more; messages under way get a few seconds."""
        if self._start is not None:
            await self._start
            await self._server.stop()


def _listener(config: Config, role: Role, at: socket.socket, tls: ssl.SSLContext | None) -> Listener:
    service = Service(
        role=role,
        hostname=hostname(config),
        limits=Limits(size=config.mail.max_size),
        can_start_tls=tls is not None,
    )
    return Listener(socket=at, service=service, tls=tls, is_trusted=role == "lmtp")
