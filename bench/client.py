"""A client that costs the server nothing but the requests: raw sockets, kept alive, bodies made before."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from posthouse.kit import json


class Failed(Exception):
    """A server did not answer with 200."""


class Client:
    """A few connections to one port of 127.0.0.1, used together: each sends before any is read."""

    def __init__(self, port: int, connections: int) -> None:
        self._sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(connections)]
        for one in self._sockets:
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, requests: Sequence[bytes]) -> list[int]:
        """Send whole requests and give the sizes of the answers' bodies."""
        return [len(body) for body in self.answers(requests)]

    def answers(self, requests: Sequence[bytes]) -> list[bytes]:
        """Send whole requests and give the bodies of the answers. Raises `Failed`."""
        bodies = []
        for start in range(0, len(requests), len(self._sockets)):
            batch = requests[start : start + len(self._sockets)]
            for one, request in zip(self._sockets, batch, strict=False):
                one.sendall(request)
            bodies += [_read(one) for one, _ in zip(self._sockets, batch, strict=False)]
        return bodies

    def close(self) -> None:
        """Hang up."""
        for one in self._sockets:
            one.close()


def _read(connection: socket.socket) -> bytes:
    head = connection.recv(262_144)
    while b"\r\n\r\n" not in head:
        piece = connection.recv(262_144)
        if not piece:
            raise Failed(head.decode("latin-1"))
        head += piece
    head, _, body = head.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200") and not head.startswith(b"HTTP/1.1 206"):
        raise Failed((head + b"\n" + body).decode("latin-1"))
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    if len(body) == length:
        return body
    pieces, missing = [body], length - len(body)
    while missing:
        piece = connection.recv(262_144)
        if not piece:
            raise Failed("the connection was closed inside an answer")
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def post(path: str, token: str, body: bytes) -> bytes:
    """Write a whole POST request with headers as clients send them."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nAccept: */*\r\n"
        f"User-Agent: bench\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def get(path: str, token: str) -> bytes:
    """Write a whole GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode()


MAIL = ("urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail")


def api(token: str, calls: Sequence[tuple[str, json.JsonObject]], using: Sequence[str] = MAIL) -> bytes:
    """Write a JMAP request; the call ids are 0, 1 and so on."""
    invocations = [[name, arguments, str(number)] for number, (name, arguments) in enumerate(calls)]
    return post("/jmap/api/", token, json.dumps({"using": using, "methodCalls": invocations}))


def results(body: bytes) -> list[json.JsonObject]:
    """Read the arguments of each response of a JMAP answer. Raises `Failed` for an error among them."""
    responses = json.loads(body)["methodResponses"]
    for name, arguments, _ in responses:
        if name == "error":
            raise Failed(str(arguments))
    return [arguments for _, arguments, _ in responses]
