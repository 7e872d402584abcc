"""Limits: how much a peer may send before he is refused (RFC 5321 §4.5.3.1)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The bounds of one session.

    size: octets of a message. header: octets of the header of a message. recipients: recipients accepted for one
    message, 100 at least. line: octets of a command with its CRLF; AUTH needs 12,288 (RFC 4954 §4). errors: commands
    that may be refused for good before the session ends. idle: commands in a row that may bring no message further.
    """

    size: int = 50_000_000
    header: int = 1_048_576
    recipients: int = 1000
    line: int = 12_288
    errors: int = 20
    idle: int = 100
