from __future__ import annotations

from typing import Any

import pytest

from posthouse.serve.http.exchange import Exchange
from posthouse.serve.http.proxy import Proxies


@pytest.mark.parametrize(
    ("public_url", "host", "origin"),
    [
        (None, "mail.example.org", "http://mail.example.org"),
        (None, "Mail.Example.ORG:80", "http://mail.example.org"),
        (None, "mail.example.org:8080", "http://mail.example.org:8080"),
        (None, "mail.example.org:443", "http://mail.example.org:443"),
        (None, "[::1]:8080", "http://[::1]:8080"),
        ("https://mail.example.org:443/jmap", "other.example", "https://mail.example.org"),
        ("https://mail.example.org:8443", "other.example", "https://mail.example.org:8443"),
    ],
)
def test_our_origin_is_as_a_browser_writes_it(public_url: str | None, host: str, origin: str) -> None:
    scope: dict[str, Any] = {
        "method": "GET",
        "raw_path": b"/",
        "query_string": b"",
        "headers": [(b"host", host.encode())],
        "client": ("192.0.2.1", 4242),
        "scheme": "http",
    }

    async def receive() -> dict[str, Any]:
        raise AssertionError

    assert origin == Proxies(public_url, ()).origin(Exchange(scope, receive))
