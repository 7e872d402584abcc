"""Doorkeeper: how many connections there may be, of all and of each address."""

from __future__ import annotations

import ipaddress
from collections import Counter

from posthouse.directory.attempts import Attempts
from posthouse.proto.smtp.reply import Reply
from posthouse.serve.smtp.settings import Settings

_FULL = Reply(421, "4.3.2", "So many are here that there is no room; come back later")
_FULL_OF_YOU = Reply(421, "4.7.0", "Too many connections come from your address; come back later")


class Doorkeeper:
    """Lets connections in, and counts those that are."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._inside = 0
        self._of: Counter[str] = Counter()
        self._arrivals = Attempts(settings.arrivals_each, 60 / settings.arrivals_each)

    def enter(self, origin: str, now: float) -> Reply | None:
        """Let a connection in, to be followed by one `leave`; or say why not.

        :param origin: what `origin_of` gives; empty: one of our own, who is counted among all only.
        :param now: seconds that never jump.
        """
        if self._inside >= self._settings.connections:
            return _FULL
        if origin:
            if self._of[origin] >= self._settings.connections_each or self._arrivals.wait(origin, now):
                if not self._of[origin]:
                    del self._of[origin]
                return _FULL_OF_YOU
            self._arrivals.take(origin, now)
            self._of[origin] += 1
        self._inside += 1
        return None

    def leave(self, origin: str) -> None:
        """Count one less."""
        self._inside -= 1
        if origin:
            self._of[origin] -= 1
            if not self._of[origin]:
                del self._of[origin]


def plain_address(text: str) -> str:
    """Write an address as it is; one of IPv4 that comes through a socket of IPv6 is one of IPv4."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)


def origin_of(address: str) -> str:
    """Give what connections are counted by: an IPv4 address, or the /64 that one IPv6 host commands."""
    if ":" not in address:
        return address
    return str(ipaddress.ip_network((int(ipaddress.IPv6Address(address)) >> 64 << 64, 64)))
