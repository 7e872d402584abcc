"""What an operator can set of mail on sockets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Bounds of what all peers, and each of them, may take.

    command: seconds in which a command has to come, and in which replies have to be read (RFC 5321 §4.5.3.2.7).
    data: seconds in each of which `pace` octets of a message have to come for every second (RFC 5321 §4.5.3.2.5).
    handshake: seconds for that of TLS. linger: seconds in which who was refused may read why. connections: of all
    peers at once. connections_each: of one address at once. arrivals_each: new connections of one address at once,
    and as many more each minute. in_memory: octets of a message that are kept in memory; the rest goes to a file.
    memory: octets of all messages that come in that may be in memory.
    """

    command: float = 300
    data: float = 60
    pace: int = 256
    handshake: float = 60
    linger: float = 5
    connections: int = 1000
    connections_each: int = 50
    arrivals_each: int = 200
    in_memory: int = 262_144
    memory: int = 67_108_864
