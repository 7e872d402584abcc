"""Running: what `Server` starts, loaded when it does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from posthouse.app import demo, wiring, worker
from posthouse.app.config import Config
from posthouse.app.config import Tls as TlsConfig
from posthouse.app.wiring import App
from posthouse.directory.passwords import Passwords
from posthouse.serve.http.server import Server, Tls

_HOST = "127.0.0.1"
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

    def fill(self, name: str, messages: int) -> None:
        """Put sample mail into an account."""
        app = self._administration
        asyncio.run(demo.fill(app, app.people.find(name), messages))


@contextmanager
def running(tls: bool) -> Iterator[Running]:
    """Run a server on a free loopback port, in a thread with an event loop of its own.

    Accounts are added from the caller's thread by a second `App` on the same folder, as the command line does.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="posthouse-")))
        pair = _certificate(folder) if tls else None
        config = Config(
            data=str(folder / "data"),
            tls=TlsConfig() if pair is None else TlsConfig(certificate=pair.certificate, key=pair.key),
        )
        listening = stack.enter_context(worker.listen(_HOST, 0))
        administration = _open(stack, config)
        edge = worker.make_edge(_open(stack, config), config)
        ready = threading.Event()
        server = Server(edge, [listening], ready.set, pair)
        thread = threading.Thread(target=server.run_until_stopped, name="posthouse", daemon=True)
        thread.start()
        stack.callback(thread.join)
        stack.callback(server.stop)
        if not ready.wait(_SOON):
            raise RuntimeError(f"the server did not start within {_SOON} s")
        yield Running(
            worker.url_of(config, listening), None if pair is None else pair.certificate, administration
        )


def _open(stack: ExitStack, config: Config) -> App:
    """Open an app whose password hashes cost next to nothing."""
    app = wiring.build(Path(config.data), passwords=Passwords(passes=1, memory=8, threads=1))
    stack.callback(app.close)
    return app


def _certificate(folder: Path) -> Tls:
    """Make a certificate for the loopback address that is its own authority, valid for a day."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Posthouse test server")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.IPAddress(ipaddress.ip_address(_HOST)), x509.DNSName("localhost")]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    tls = Tls(str(folder / "certificate.pem"), str(folder / "key.pem"))
    Path(tls.certificate).write_bytes(certificate.public_bytes(pem))
    Path(tls.key).write_bytes(private)
    return tls
