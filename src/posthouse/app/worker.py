"""Worker: one process that serves, with everything in it.

``python -m posthouse.app.worker`` is what the supervisor starts; nobody else should.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Sequence
from io import FileIO
from ipaddress import ip_network
from pathlib import Path
from typing import Final

import msgspec

from posthouse.app import sending, wiring
from posthouse.app.config import Config, ConfigError
from posthouse.app.listening import Sockets, adopt
from posthouse.app.mailing import Mailing
from posthouse.app.pushing import Push
from posthouse.app.wiring import App
from posthouse.kit import log
from posthouse.serve.http.app import Edge
from posthouse.serve.http.ports import Beside
from posthouse.serve.http.server import Server, Tls
from posthouse.serve.http.settings import Settings
from posthouse.serve.push.hub import Hub

# glibc's mallopt(3), and what we ask of it: answers are often tens of kilobytes, and giving such memory back
# to the system and taking it again costs more than making the answer.
_M_TRIM_THRESHOLD: Final = -1
_M_TOP_PAD: Final = -2
_M_MMAP_THRESHOLD: Final = -3
_KEPT: Final = 16 * 1024 * 1024  # bytes


def run(
    config: Config,
    sockets: Sockets,
    ready: Callable[[], None],
    demo: tuple[str, str] | None = None,
) -> None:
    """Serve on listening sockets until SIGINT or SIGTERM; running requests get a few seconds at the end.

    ready: called once connections are accepted. demo: see `Settings`. Raises what `open_app` raises, and
    `ConfigError` for a certificate that cannot be used.
    """
    log.configure(level=config.log.level, lines_as_json=config.log.json)
    _keep_memory()
    app = open_app(config)
    try:
        app.furnish_all()
        certificate = tls(config)
        mail = (
            [Mailing(app, config, sockets.mail, None if certificate is None else _context(certificate))]
            if sockets.mail
            else []
        )
        edge = make_edge(app, config, demo, mail)
        Server(edge, [sockets.http], ready, certificate).run_until_stopped()
    finally:
        app.close()


def url_of(config: Config, listening: socket.socket) -> str:
    """Give the URL that leads to a listening socket, without a slash at its end."""
    if config.public_url is not None:
        return config.public_url.rstrip("/")
    host, _ = config.address
    port = listening.getsockname()[1]
    scheme = "http" if config.tls.certificate is None else "https"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def check(config: Config) -> None:
    """Raise what `run` would raise before it serves."""
    tls(config)
    open_app(config).close()


def open_app(config: Config) -> App:
    """Open everything that a configuration names. Raises `ConfigError` and `OSError`."""
    try:
        return wiring.build(
            Path(config.data),
            store_folder=config.store_folder,
            blobs_url=config.blobs,
            limits=config.limits,
            lenient_using=config.compat.lenient_using,
            core_primary=config.compat.core_primary,
            false_removes=config.compat.false_removes,
            push=push(config),
        )
    except ValueError as error:
        raise ConfigError(f"blobs: {error}") from error


def push(config: Config) -> Push | None:
    """Give how pushes go out; None if they are switched off. Raises `ConfigError`."""
    if not config.push.enabled:
        return None
    private = [ip_network(network, strict=False) for network in config.push.private_networks]
    return Push(private, _trust(config.push.ca), config.push.contact)


def _trust(ca: str | None) -> ssl.SSLContext | None:
    """Trust those who lead to the certificates in a file; None: those whom the system trusts."""
    if ca is None:
        return None
    try:
        trust = ssl.create_default_context(cafile=ca)
    except OSError as error:
        raise ConfigError(f"push.ca: {ca} cannot be used: {error.strerror or error}") from error
    trust.set_alpn_protocols(["http/1.1"])
    return trust


def make_edge(
    app: App, config: Config, demo: tuple[str, str] | None = None, beside: Sequence[Beside] = ()
) -> Edge:
    """Put the HTTP edge before an app. beside: what else runs as long as it does."""
    settings = Settings(
        public_url=config.public_url,
        trusted_proxies=config.trusted_proxies,
        origins=config.origins,
        compress=config.compress,
        demo=demo,
    )
    hub = Hub(app.bus, app.store, app.sign_in)
    pusher = app.pusher(hub)
    return Edge(
        sign_in=app.sign_in,
        tickets=app.tickets,
        api=app.engine,
        blobs=app.blob_door,
        hub=hub,
        limits=config.limits,
        settings=settings,
        beside=[*beside, sending.relay(app, config), *([] if pusher is None else [pusher])],
    )


def tls(config: Config) -> Tls | None:
    """Give the certificate, if there is one, after a look at whether it can be used. Raises `ConfigError`."""
    if config.tls.certificate is None or config.tls.key is None:
        return None
    certificate = Tls(config.tls.certificate, config.tls.key)
    try:
        _context(certificate)
    except OSError as error:  # also what is wrong inside the files: SSLError
        raise ConfigError(
            f"tls: {config.tls.certificate} with {config.tls.key} cannot be used: {error.strerror or error}"
        ) from error
    return certificate


def _context(certificate: Tls) -> ssl.SSLContext:
    """Say how TLS is spoken with a certificate. Raises `OSError` if it cannot be used."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.certificate, certificate.key)
    return context


def _keep_memory() -> None:
    """Ask the C library to keep freed memory for the next answer; where it is not glibc, do nothing."""
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            for option in (_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD):
                mallopt(option, _KEPT)


def main() -> None:
    """Serve as the supervisor says: the configuration comes on standard input, the sockets' numbers as arguments."""
    # Without a buffer, whose lock the thread below would hold at the end.
    orders = FileIO(0, closefd=False)
    config = msgspec.json.decode(orders.readline(), type=Config)
    sockets = adopt(sys.argv[1:])
    threading.Thread(target=_follow_the_parent, args=[orders], daemon=True).start()
    run(config, sockets, lambda: print("ready", flush=True))


def _follow_the_parent(orders: FileIO) -> None:
    """End this process as SIGTERM does once the parent is gone, which is the end of its orders."""
    orders.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
