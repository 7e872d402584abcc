"""Peer: another process on the bus, and what it has not been able to take yet."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import suppress

from posthouse.bus.backlog import Backlog
from posthouse.bus.frame import GOODBYE, Reader, encode
from posthouse.bus.port import News


class Peer:
    """Another process at the end of a connection that does not block; used by one thread at a time.

    name: of the socket at which we met it; None if it came to us, as it will again when the connection breaks.
    reader: what arrives from it. watched: the events for which the bus looks at its socket.
    """

    __slots__ = ("_backlog", "_unsent", "name", "reader", "socket", "watched")

    def __init__(self, connection: socket.socket, name: str | None = None) -> None:
        self.socket = connection
        self.name = name
        self.reader = Reader()
        self.watched = 0
        self._unsent = b""  # the rest of a frame
        self._backlog = Backlog()

    @property
    def is_behind(self) -> bool:
        """Whether something waits for it."""
        return bool(self._unsent or self._backlog)

    def tell(self, frame: bytes, news: Sequence[News]) -> None:
        """Send a frame of news, or keep the news until they can be sent."""
        if self.is_behind:
            self._backlog.add(news)
        elif sent := self._send(frame):
            self._unsent = frame[sent:]
        else:
            self._backlog.add(news)

    def flush(self) -> None:
        """Send what waits, as far as it goes."""
        while self.is_behind:
            if not self._unsent:
                self._unsent = encode(self._backlog.take())
            sent = self._send(self._unsent)
            if not sent:
                return
            self._unsent = self._unsent[sent:]

    def part(self) -> None:
        """Say goodbye if everything else has been said."""
        if not self.is_behind:
            self._send(GOODBYE)

    def _send(self, data: bytes) -> int:
        """Write what the socket takes, and give how much that was."""
        try:
            return self.socket.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            # It is gone, as reading will show; if it is not, both ends shall see the stream break off.
            with suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)
            return len(data)
