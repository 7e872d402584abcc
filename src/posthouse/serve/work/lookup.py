"""Finding the addresses of a host by the system's resolver, in a few threads of its own."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from posthouse.kit.turns import Turns

_THREADS = 8  # names that answer late hold these, one each, and nothing else of the server


class SystemLookup:
    """Asks what the system asks: its hosts file, its name servers."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="lookup")
        self._turns = Turns(self._threads)

    async def __call__(self, host: str) -> list[str]:
        """Return the IP addresses of a host, in the order to try them. Raises OSError if there is none."""
        return await self._turns.run(host, partial(_addresses, host))

    def close(self) -> None:
        """Forget the lookups that wait."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _addresses(host: str) -> list[str]:
    found = socket.getaddrinfo(
        host.encode("ascii"),  # bytes: text would be taken for IDNA of 2003
        None,
        type=socket.SOCK_STREAM,
        flags=socket.AI_ADDRCONFIG,
    )
    return [str(place[0]) for *_, place in found]
