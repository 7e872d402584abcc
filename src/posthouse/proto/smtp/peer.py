"""Peer: who is at the other end of a session, as far as the session knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["smtp", "lmtp", "submission"]
"""What is spoken: mail from other hosts, from the MTA in front of us, or from our own users' clients."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Who speaks.

    address: his IP address; empty on a Unix socket. port: his port, 0 on a Unix socket. hello: the name that he gave.
    extended: whether he gave it with EHLO or LHLO. tls: version and cipher, empty in clear. authenticated: whether he
    signed in.
    """

    role: Role
    address: str
    port: int
    hello: str
    extended: bool
    tls: str
    authenticated: bool

    def protocol(self, utf8: bool) -> str:
        """Name the protocol for ``with`` in a Received field (RFC 3848, RFC 6531 §4.3).

        :param utf8: whether the message came with SMTPUTF8.
        """
        if not self.extended:
            return "SMTP"
        base = "LMTP" if self.role == "lmtp" else "SMTP"
        secured = ("S" if self.tls else "") + ("A" if self.authenticated else "")
        return ("UTF8" if utf8 else "E" if base == "SMTP" else "") + base + secured
