"""Listening: the sockets of a server, opened before its workers are, which all share them."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from posthouse.app.config import Config, ConfigError, parse_endpoint
from posthouse.proto.smtp.peer import Role
from posthouse.serve.http.server import bind
from posthouse.serve.smtp.listener import bind_unix

_ROLES: Final[dict[str, Role]] = {"smtp": "smtp", "lmtp": "lmtp"}
"""What is spoken where each key of the configuration says."""


@dataclass(frozen=True, slots=True)
class Sockets:
    """Listening sockets: for HTTP, and for mail by what is spoken there.

    paths: of those that are Unix sockets, which the system knows by other names.
    """

    http: socket.socket
    mail: dict[Role, socket.socket] = field(default_factory=dict)
    paths: dict[Role, Path] = field(default_factory=dict)

    def inherited(self) -> list[str]:
        """Write their numbers for a process that inherits them, which reads them with `adopt`."""
        return [f"{role}={one.fileno()}" for role, one in [("http", self.http), *self.mail.items()]]

    def address(self, role: Role) -> str:
        """Write where one listens: ``HOST:PORT`` or the path of a Unix socket."""
        if role in self.paths:
            return str(self.paths[role])
        host, port = self.mail[role].getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def describe(self) -> list[str]:
        """Write a line for each that mail comes by."""
        return [f"{role.upper()}: {self.address(role)}" for role in self.mail]

    def numbers(self) -> list[int]:
        """Give their file descriptors."""
        return [one.fileno() for one in (self.http, *self.mail.values())]


def adopt(written: list[str]) -> Sockets:
    """Take over the sockets that the parent process opened."""
    found = {
        role: socket.socket(fileno=int(number)) for role, _, number in (one.partition("=") for one in written)
    }
    http = found.pop("http")
    return Sockets(http, {_ROLES[role]: one for role, one in found.items()})


@contextmanager
def opened(config: Config, http: socket.socket) -> Iterator[Sockets]:
    """Listen wherever a configuration says, beside HTTP; ``with`` closes what was opened here.

    Raises `ConfigError`.
    """
    mail: dict[Role, socket.socket] = {}
    paths: dict[Role, Path] = {}
    try:
        for key, role in _ROLES.items():
            text = getattr(config, key)
            if text is None:
                continue
            endpoint = parse_endpoint(key, text)
            if isinstance(endpoint, Path):
                mail[role] = _listen_at(endpoint)
                paths[role] = endpoint
            else:
                mail[role] = listen(*endpoint, flag=f"--{key}")
        yield Sockets(http, mail, paths)
    finally:
        for one in mail.values():
            one.close()
        for path in paths.values():
            path.unlink(missing_ok=True)


def listen(host: str, port: int, flag: str = "--listen") -> socket.socket:
    """Give a listening socket; port 0 takes a free one. Raises `ConfigError`.

    flag: with which another port can be chosen.
    """
    try:
        return bind(host, port)
    except OSError as error:
        shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        if error.errno == errno.EADDRINUSE:
            reason = f"is in use: end the program that has it, or choose another with {flag}"
        elif error.errno == errno.EACCES:
            reason = f"is not open to this user: choose a port from 1024 up with {flag}"
        else:
            reason = f"cannot be listened on: {error.strerror or error}"
        raise ConfigError(f"{shown} {reason}") from error


def _listen_at(path: Path) -> socket.socket:
    """Listen on a Unix socket. Raises `ConfigError`."""
    try:
        # As with a port of this machine, whoever is on it may connect; the folder can say otherwise.
        return bind_unix(path, 0o666)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be listened on: {error.strerror or error}; choose another"
        ) from error
