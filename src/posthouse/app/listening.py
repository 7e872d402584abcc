"""Listening: the sockets of a server, opened before its workers are, which all share them."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeAlias, cast

from posthouse.app.config import Config, ConfigError, parse_endpoint
from posthouse.serve.http.server import bind
from posthouse.serve.smtp.listener import bind_unix

Door: TypeAlias = Literal["smtp", "lmtp", "submission", "submissions"]
"""Where mail comes in, by its key in the configuration."""

_DOORS: Final[tuple[Door, ...]] = ("smtp", "lmtp", "submission", "submissions")


@dataclass(frozen=True, slots=True)
class Sockets:
    """Listening sockets: for HTTP, and for mail by its door.

    paths: of those that are Unix sockets, which the system knows by other names.
    """

    http: socket.socket
    mail: dict[Door, socket.socket] = field(default_factory=dict)
    paths: dict[Door, Path] = field(default_factory=dict)

    def inherited(self) -> list[str]:
        """Write their numbers for a process that inherits them, which reads them with `adopt`."""
        return [f"{door}={one.fileno()}" for door, one in [("http", self.http), *self.mail.items()]]

    def address(self, door: Door) -> str:
        """Write where one listens: ``HOST:PORT`` or the path of a Unix socket."""
        if door in self.paths:
            return str(self.paths[door])
        host, port = self.mail[door].getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def describe(self) -> list[str]:
        """Write a line for each that mail comes by."""
        return [f"{door.upper()}: {self.address(door)}" for door in self.mail]

    def numbers(self) -> list[int]:
        """Give their file descriptors."""
        return [one.fileno() for one in (self.http, *self.mail.values())]


def adopt(written: list[str]) -> Sockets:
    """Take over the sockets that the parent process opened."""
    found = {
        door: socket.socket(fileno=int(number)) for door, _, number in (one.partition("=") for one in written)
    }
    http = found.pop("http")
    return Sockets(http, {cast(Door, door): one for door, one in found.items()})


@contextmanager
def opened(config: Config, http: socket.socket) -> Iterator[Sockets]:
    """Listen wherever a configuration says, beside HTTP; ``with`` closes what was opened here.

    Raises `ConfigError`.
    """
    mail: dict[Door, socket.socket] = {}
    paths: dict[Door, Path] = {}
    try:
        for door in _DOORS:
            text = getattr(config, door)
            if text is None:
                continue
            endpoint = parse_endpoint(door, text)
            if isinstance(endpoint, Path):
                mail[door] = _listen_at(endpoint)
                paths[door] = endpoint
            else:
                mail[door] = listen(*endpoint, flag=f"--{door}")
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
