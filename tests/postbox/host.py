"""Host: an SMTP server on loopback that says what its test wants, and remembers what it was told."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress

Say = str | bytes | None | Callable[[str], "str | None"]
"""A reply; None hangs up without one; "..." says nothing and waits."""

POLITE: Mapping[str, Say] = {
    "GREETING": "220 mx.far.example",
    "EHLO": "250-mx.far.example\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n250 SIZE 100000",
    "HELO": "250 mx.far.example",
    "MAIL": "250 2.1.0 ok",
    "RCPT": "250 2.1.5 ok",
    "DATA": "354 go on",
    "END": "250 2.0.0 queued",
    "QUIT": "221 bye",
    "STARTTLS": "220 go on",
    "RSET": "250 ok",
    "AUTH": "235 2.7.0 welcome",
}


class Host:
    """What happened at one host. said: every command, in order. messages: those acknowledged, with their recipients."""

    def __init__(self, script: Mapping[str, Say], tls: ssl.SSLContext | None) -> None:
        self.script = {**POLITE, **script}
        self.tls = tls
        self.said: list[str] = []
        self.messages: list[tuple[list[str], bytes]] = []
        self.connections = 0
        self.encrypted = 0
        self.at_once = self.most_at_once = 0
        self.port = 0
        self.busy = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self._talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError, ValueError):
            pass
        finally:
            self.at_once -= 1
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not await self._answer("GREETING", "", writer):
            return
        to: list[str] = []
        while line := (await reader.readuntil(b"\r\n")).decode():
            line = line.rstrip("\r\n")
            self.said.append(line)
            verb = line.split(" ")[0].upper()
            if verb == "MAIL":
                to = []
            said = await self._answer(verb, line, writer)
            if not said:
                return
            if verb == "RCPT" and said.startswith("2"):
                to.append(line.removeprefix("RCPT TO:<").partition(">")[0])
            elif verb == "DATA" and said.startswith("354"):
                data = await reader.readuntil(b"\r\n.\r\n")
                said = await self._answer("END", "", writer)
                if not said:
                    return
                if said.startswith("2"):
                    self.messages.append((to, data[:-3].replace(b"\r\n..", b"\r\n.")))
            elif verb == "STARTTLS" and said.startswith("220") and self.tls is not None:
                await writer.start_tls(self.tls)
                self.encrypted += 1

    async def _answer(self, verb: str, line: str, writer: asyncio.StreamWriter) -> str | None:
        say = self.script.get(verb, "500 5.5.1 what?")
        if callable(say):
            say = say(line)
        if say is None:
            return None
        if say == "...":
            self.busy.set()
            await asyncio.Event().wait()
        raw = say if isinstance(say, bytes) else say.encode() + b"\r\n"
        writer.write(raw)
        with suppress(ConnectionError):
            await writer.drain()
        return raw.decode("latin-1")


@asynccontextmanager
async def host(
    script: Mapping[str, Say] | None = None, *, tls: ssl.SSLContext | None = None, implicit: bool = False
) -> AsyncIterator[Host]:
    """Run a host that follows a script; what it does not say is polite. implicit: with TLS from the start."""
    made = Host(script or {}, tls)
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        with suppress(asyncio.CancelledError):
            await made.serve(reader, writer)
        connections.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=2**24, ssl=tls if implicit else None)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for task in [*connections]:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
