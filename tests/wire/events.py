"""Events: someone who listens to an event source, as the standard of server-sent events says."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

QUERY = "types=*&closeafter=no&ping=0"


@dataclass(frozen=True, slots=True)
class Event:
    """An event: its name and its data, which here is always JSON."""

    name: str
    data: Any


class Events:
    """A stream of events from ``with`` on till its end; reads wait for at most `timeout` seconds.

    url: with the query. headers: by names with ``_`` for ``-``; empty ones are left out. status, reply: what the
    server answered. id: the last one that came.
    """

    def __init__(self, url: str, timeout: float = 30, **headers: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.netloc, timeout=timeout)
        sent = {name.replace("_", "-"): value for name, value in headers.items() if value}
        try:
            self._connection.request("GET", f"{parts.path}?{parts.query}", headers=sent)
            assert self._connection.sock is not None
            self.port: int = self._connection.sock.getsockname()[1]
            self.reply = self._connection.getresponse()
        except BaseException:
            self._connection.close()
            raise
        self.status = self.reply.status
        self.id = ""

    def __enter__(self) -> Events:
        return self

    def __exit__(
        self, type: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self.reply.close()
        self._connection.close()

    def next(self) -> Event | None:
        """Wait for the next event; None at the end. Raises what a connection that breaks off raises."""
        name, data = "message", ""
        while line := self.reply.readline():
            field, _, value = line.decode().removesuffix("\n").partition(":")
            value = value.removeprefix(" ")
            if field == "event":
                name = value
            elif field == "data":
                data += value
            elif field == "id":
                self.id = value
            elif line == b"\n":
                if data:
                    return Event(name, json.loads(data))
                name = "message"
        return None

    def welcome(self) -> Events:
        """Read the first block, which brings an id and no event."""
        while (line := self.reply.readline()) not in (b"\n", b""):
            if line.startswith(b"id: "):
                self.id = line[4:-1].decode()
        return self
