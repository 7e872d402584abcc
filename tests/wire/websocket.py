"""Raw: a WebSocket client that sends what no well-behaved one would, frame by frame (RFC 6455 §5)."""

from __future__ import annotations

import base64
import json
import socket
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""The sample of RFC 6455 §1.3, and the proof that belongs to it."""


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, mask: bytes | None = b"\1\2\3\4") -> bytes:
    """Write one frame, unmasked if the mask is None."""
    size = len(payload)
    masked = 0x80 if mask else 0
    if size < 126:
        length = bytes((masked | size,))
    elif size < 65536:
        length = bytes((masked | 126,)) + size.to_bytes(2, "big")
    else:
        length = bytes((masked | 127,)) + size.to_bytes(8, "big")
    head = bytes((0x80 * fin | opcode,)) + length
    if mask is None:
        return head + payload
    table = [bytes(octet ^ key for octet in range(256)) for key in mask]
    body = bytearray(payload)
    for at, column in enumerate(table):
        body[at::4] = body[at::4].translate(column)
    return head + mask + body


def basic(name: str, password: str) -> str:
    """Write the Authorization of a name and password."""
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def handshake(
    host: str, authorization: str | None, *, target: str = "/jmap/ws/", **changed: str | None
) -> bytes:
    """Write the request for a WebSocket; `changed` replaces headers, or takes them out where it is None."""
    headers: dict[str, str | None] = {
        "Host": host,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": "jmap",
        "Authorization": authorization,
    }
    headers |= {name.replace("_", "-"): value for name, value in changed.items()}
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join([f"GET {target} HTTP/1.1", *lines, "", ""]).encode("latin-1")


@dataclass
class Raw:
    """An open WebSocket: its socket, and what was received of the next frame."""

    socket: socket.socket
    head: str
    _rest: bytes

    def send(self, octets: bytes) -> None:
        self.socket.sendall(octets)

    def say(self, message: object) -> None:
        """Send a JSON value as one message."""
        self.send(frame(TEXT, json.dumps(message).encode()))

    def frame(self) -> tuple[int, bytes] | None:
        """Receive one frame: its opcode and payload; None at the end of the stream."""
        head = self._exactly(2)
        if head is None:
            return None
        assert 0x80 == head[0] & 0xF0, "frames of the server are whole messages"
        assert not head[1] & 0x80, "frames of the server are not masked"
        size = head[1]
        if size >= 126:
            size = int.from_bytes(self._exactly(2 if size == 126 else 8) or b"", "big")
        payload = self._exactly(size)
        assert payload is not None
        return head[0] & 0x0F, payload

    def hear(self) -> Any:
        """Receive the next message, past pings."""
        while (got := self.frame()) is not None and got[0] == PING:
            self.send(frame(PONG, got[1]))
        assert got is not None and got[0] == TEXT, got
        return json.loads(got[1])

    def closed(self) -> int | None:
        """Receive to the end, and give the code of the Close frame, which is answered; None if there was none."""
        code = None
        try:
            while (got := self.frame()) is not None:
                if got[0] == CLOSE:
                    code = int.from_bytes(got[1][:2], "big") if got[1] else 1005
                    self.send(frame(CLOSE, got[1][:2]))
        except (ConnectionResetError, BrokenPipeError):
            pass
        return code

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _exactly(self, size: int) -> bytes | None:
        pieces, missing = [self._rest], size - len(self._rest)
        while missing > 0:
            piece = self.socket.recv(65536)
            if not piece:
                return None
            pieces.append(piece)
            missing -= len(piece)
        data = b"".join(pieces)
        self._rest = data[size:]
        return data[:size]


def connect(url: str, authorization: str | None, *, ca: str | None = None, **changed: Any) -> Raw:
    """Open a WebSocket at the server with this URL of ``/``, or show how that was refused; see `handshake`."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    one = socket.create_connection((parts.hostname, parts.port or 80), timeout=30)
    if ca is not None:
        one = ssl.create_default_context(cafile=ca).wrap_socket(one, server_hostname=parts.hostname)
    one.sendall(handshake(parts.netloc, authorization, **changed))
    got = b""
    while b"\r\n\r\n" not in got:
        piece = one.recv(65536)
        if not piece:
            break
        got += piece
    head, _, rest = got.partition(b"\r\n\r\n")
    return Raw(one, head.decode("latin-1"), rest)
