"""Listener: a socket that waits for mail, and what is spoken on it."""

from __future__ import annotations

import os
import socket
import ssl
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from posthouse.proto.smtp.service import Service

BACKLOG: Final = 1024
"""Connections that may wait to be let in, while others come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """What is served on a socket.

    tls: how TLS is spoken; None: not at all. is_implicit: TLS comes first (RFC 8314 §3.3), not after STARTTLS.
    needs_no_tls: passwords may come in clear, as on loopback. is_trusted: who comes here is one of our own, such as
    the MTA in front of us; his connections are not counted by address.
    """

    socket: socket.socket
    service: Service
    tls: ssl.SSLContext | None = None
    is_implicit: bool = False
    needs_no_tls: bool = False
    is_trusted: bool = False


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


def bind_unix(path: Path, mode: int = 0o660) -> socket.socket:
    """Return a socket that listens on a path, which those may use whom `mode` lets write. Raises OSError.

    What a server left behind that is gone is replaced; raises `OSError` if one still listens there, or if the path is
    something else.
    """
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _clear(path)
        # Bound under a name that is not yet known, so that nobody connects before the mode is set.
        early = path.with_name(f".{path.name}.{os.getpid()}")
        early.unlink(missing_ok=True)
        listening.bind(str(early))
        early.chmod(mode)
        listening.listen(BACKLOG)
        early.rename(path)
    except BaseException:
        listening.close()
        raise
    return listening


def _clear(path: Path) -> None:
    """Make sure that a path is free, or only left over."""
    try:
        kind = path.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(kind):
        raise FileExistsError(f"{path} is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return
    raise FileExistsError(f"{path} is in use")
