"""Endpoint: a push service of its own, over HTTPS on loopback, and the client that is behind it."""

from __future__ import annotations

import json
import queue
import socket
import ssl
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from secrets import token_bytes
from typing import Any

import http_ece
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PATIENCE = 60  # seconds


@dataclass
class Answer:
    """What the endpoint answers: a status, header fields, and a gate that has to be open before."""

    status: int = 201
    headers: dict[str, str] = field(default_factory=dict)
    gate: threading.Event | None = None


@dataclass
class Received:
    """A request that came: its path, its header fields by lower-case name, and its body."""

    path: str
    headers: dict[str, str]
    body: bytes


class Device:
    """A client with keys of its own, as a browser makes them."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._auth = token_bytes(16)
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.keys = {"p256dh": _text(point), "auth": _text(self._auth)}

    def read(self, received: Received) -> Any:
        """Decrypt what came, with another implementation than ours."""
        assert "aes128gcm" == received.headers["content-encoding"]
        assert "application/json" == received.headers["content-type"]
        plain = http_ece.decrypt(
            received.body, private_key=self._key, auth_secret=self._auth, version="aes128gcm"
        )
        return json.loads(plain)


class Endpoint:
    """An HTTPS server that keeps what is posted to it and answers as it is told, else 201."""

    def __init__(self, paths: tuple[Path, Path], port: int = 0) -> None:
        self.paths = paths
        self.ca = str(paths[0])
        self.answers: deque[Answer] = deque()
        self.came: queue.Queue[Received] = queue.Queue()
        self._connections: list[ssl.SSLSocket] = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                endpoint._connections.append(self.request)
                super().setup()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                answer = endpoint.answers.popleft() if endpoint.answers else Answer()
                fields = {name.lower(): value for name, value in self.headers.items()}
                endpoint.came.put(Received(self.path, fields, body))
                if answer.gate is not None:
                    answer.gate.wait(PATIENCE)
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*paths)
        self._server = _Server(("127.0.0.1", port), Handler)
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.01])
        self._thread.start()

    @property
    def origin(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def url(self, path: str = "/push/device") -> str:
        return self.origin + path

    def next(self) -> Received:
        """Wait for the next request."""
        return self.came.get(timeout=PATIENCE)

    def close(self) -> None:
        """Listen no more, and hang up on everybody."""
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let connections end as they will."""


def check_vapid(received: Received, public_key: str, audience: str, now: float) -> Any:
    """Verify the signature of a request with nothing of ours, and give the claims (RFC 8292 §2, §3)."""
    scheme, _, rest = received.headers["authorization"].partition(" ")
    assert "vapid" == scheme
    parameters = dict(part.strip().split("=", 1) for part in rest.split(","))
    assert public_key == parameters["k"]
    head, body, signature = parameters["t"].split(".")
    assert {"typ": "JWT", "alg": "ES256"} == json.loads(_octets(head))
    pair = _octets(signature)
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _octets(public_key))
    der = encode_dss_signature(int.from_bytes(pair[:32], "big"), int.from_bytes(pair[32:], "big"))
    key.verify(der, f"{head}.{body}".encode(), ec.ECDSA(hashes.SHA256()))
    claims = json.loads(_octets(body))
    assert audience == claims["aud"]
    assert now < claims["exp"] <= now + 86_400
    return claims


def _text(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def _octets(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
