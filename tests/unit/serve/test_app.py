"""Dispatch, CORS and the small pages."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

PATHS = ["/", "/healthz", "/.well-known/jmap", "/jmap/session", "/jmap/api/", "/jmap/eventsource/"]
PATHS += ["/jmap/upload/a1/", "/jmap/download/a1/b1/name?type=text/plain"]


@pytest.mark.parametrize("path", ["/nothing", "/jmap", "/jmap/api", "/jmap/session/", "/JMAP/api/", "*", ""])
def test_an_unknown_path_is_not_found(site: Any, path: str) -> None:
    reply = site.ask("GET", path, signed_in=False)
    assert (404, "application/problem+json") == (reply.status, reply.header("content-type"))
    expected = {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "Nothing is here."}
    assert expected == reply.json


@pytest.mark.parametrize("path", PATHS)
def test_a_method_that_is_not_allowed_is_told_which_are(site: Any, path: str) -> None:
    reply = site.ask("DELETE", path, signed_in=False)
    assert 405 == reply.status
    allowed = (
        {"POST", "OPTIONS"} if path in ("/jmap/api/", "/jmap/upload/a1/") else {"GET", "HEAD", "OPTIONS"}
    )
    if path == "/jmap/eventsource/":
        allowed -= {"HEAD"}
    assert allowed == set(str(reply.header("allow")).split(", "))


@pytest.mark.parametrize("path", PATHS)
def test_a_preflight_needs_no_credentials(site: Any, path: str) -> None:
    headers = {
        "Origin": "https://mail.example.com",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    reply = site.ask("OPTIONS", path, headers, signed_in=False)
    assert (204, b"") == (reply.status, reply.body)
    assert "*" == reply.header("access-control-allow-origin")
    assert "86400" == reply.header("access-control-max-age")
    methods = set(str(reply.header("access-control-allow-methods")).split(", "))
    assert {"GET", "POST", "PUT", "PATCH", "DELETE"} <= methods
    allowed = {name.lower() for name in str(reply.header("access-control-allow-headers")).split(", ")}
    assert {"authorization", "content-type", "accept", "last-event-id", "x-requested-with"} <= allowed
    assert reply.header("access-control-allow-credentials") is None


def test_options_without_a_preflight_tell_the_methods(site: Any) -> None:
    reply = site.ask("OPTIONS", "/jmap/api/", signed_in=False)
    assert (204, "POST, OPTIONS") == (reply.status, reply.header("allow"))
    assert reply.header("access-control-allow-methods") is None


@pytest.mark.parametrize(
    ("method", "path", "signed_in", "status"),
    [
        ("GET", "/jmap/session", True, 200),
        ("GET", "/jmap/session", False, 401),
        ("GET", "/nothing", True, 404),
        ("PUT", "/jmap/api/", True, 405),
        ("POST", "/jmap/api/", True, 400),
        ("GET", "/jmap/download/a1/b9/x", True, 404),
        ("POST", "/jmap/upload/a1/", True, 201),
        ("GET", "/jmap/eventsource/", True, 400),
        ("GET", "/jmap/eventsource/?types=*&closeafter=no&ping=0", False, 401),
        ("POST", "/jmap/ticket/", False, 401),
        ("POST", "/jmap/cookie/", True, 403),
    ],
)
def test_pages_of_any_origin_may_read_every_answer(
    site: Any, method: str, path: str, signed_in: bool, status: int
) -> None:
    reply = site.ask(method, path, {"Origin": "https://mail.example.com"}, signed_in=signed_in)
    assert (status, "*") == (reply.status, reply.header("access-control-allow-origin"))
    exposed = set(str(reply.header("access-control-expose-headers")).split(", "))
    assert {"ETag", "Content-Range", "WWW-Authenticate", "Retry-After", "Location"} == exposed


def test_a_list_of_origins_allows_just_those(site: Any) -> None:
    narrow = site.with_settings(origins=("https://mail.example.com", "https://b.example.com"))
    for origin, expected in (
        ("https://b.example.com", "https://b.example.com"),
        ("https://evil.example.com", None),
        ("null", None),
        (None, None),
    ):
        reply = narrow.ask("GET", "/jmap/session", {} if origin is None else {"Origin": origin})
        assert (200, expected) == (reply.status, reply.header("access-control-allow-origin"))
        assert "origin" == reply.header("vary")


def test_health_needs_no_credentials(site: Any) -> None:
    reply = site.ask("GET", "/healthz", signed_in=False)
    assert (200, b"ok\n") == (reply.status, reply.body)


@pytest.mark.parametrize("name", ["Host", "Content-Type", "Origin", "Range"])
def test_a_header_that_stands_alone_must_not_come_twice(site: Any, name: str) -> None:
    reply = site.ask("GET", "/healthz", [("Host", "a")] * (name != "Host") + [(name, "a"), (name, "a")])
    assert 400 == reply.status


def test_headers_that_are_lists_may_come_in_lines(site: Any) -> None:
    site.blobs.blobs["b1"] = b"x"
    pairs = [("If-None-Match", '"a"'), ("If-None-Match", '"b1"'), ("If-None-Match", '"c"')]
    assert 304 == site.ask("GET", "/jmap/download/a1/b1/x", pairs).status


def test_the_front_page_shows_the_way(site: Any) -> None:
    reply = site.ask("GET", "/", signed_in=False)
    page = reply.body.decode()
    assert (200, "text/html; charset=utf-8") == (reply.status, reply.header("content-type"))
    assert "http://mail.example.org/.well-known/jmap" in page
    assert "curl -u NAME:PASSWORD" in page
    for uri in site.api.capabilities:
        assert f"<li><code>{uri}</code></li>" in page


def test_the_front_page_runs_nothing_but_its_own_style(site: Any) -> None:
    reply = site.ask("GET", "/", signed_in=False)
    style = re.search(r"<style>(.*?)</style>", reply.body.decode(), re.S)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = str(reply.header("content-security-policy"))
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "nosniff" == reply.header("x-content-type-options")
    assert b"<script" not in reply.body


def test_the_front_page_shows_a_demo_user_safely_quoted(site: Any) -> None:
    demo = site.with_settings(demo=("demo@example.org", "a'b<c>&"))
    page = demo.ask("GET", "/", signed_in=False).body.decode()
    assert "<code>a&#x27;b&lt;c&gt;&amp;</code>" in page
    assert "curl -u &#x27;demo@example.org:a&#x27;&quot;&#x27;&quot;&#x27;b&lt;c&gt;&amp;&#x27;" in page


TEXT = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=30)
NAMES = [
    "Accept-Encoding",
    "Authorization",
    "Content-Encoding",
    "Content-Length",
    "Content-Type",
    "Forwarded",
]
NAMES += ["Host", "If-None-Match", "If-Range", "Origin", "Range", "X-Forwarded-For", "X-Forwarded-Host"]
NAMES += ["X-Forwarded-Port", "X-Forwarded-Proto"]
VISIBLE = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="?#"), max_size=20)


@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "OPTIONS", "DELETE", "BREW"]),
    path=st.sampled_from(PATHS).flatmap(lambda path: VISIBLE.map(lambda rest: path.partition("?")[0] + rest)),
    query=VISIBLE,
    headers=st.lists(
        st.tuples(
            st.sampled_from(
                [
                    "Authorization",
                    "Accept-Encoding",
                    "Content-Type",
                    "Content-Length",
                    "Content-Encoding",
                    "Host",
                    "Origin",
                    "Range",
                    "If-None-Match",
                    "If-Range",
                    "X-Forwarded-For",
                    "X-Forwarded-Host",
                    "X-Forwarded-Proto",
                    "Forwarded",
                ]
            ),
            TEXT,
        ),
        max_size=4,
    ),
    body=st.binary(max_size=20),
    trusting=st.booleans(),
)
def test_no_request_breaks_the_edge(
    live: Any, method: str, path: str, query: str, headers: Any, body: bytes, trusting: bool
) -> None:
    site = live.site.with_settings(trusted_proxies=("192.0.2.0/24",) if trusting else ())
    site.blobs.blobs["b1"] = b"octets"
    reply = site.ask(method, f"{path}?{query}", headers, body=body)
    assert reply.status in {200, 201, 204, 206, 304, 400, 401, 404, 405, 413, 415, 416, 501}
    for name, value in reply.headers:
        assert name == name.lower()
        assert not set(value) & set("\r\n\0")


def test_the_life_of_the_server_is_acknowledged(site: Any) -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, str]:
        return {"type": "lifespan.startup" if not sent else "lifespan.shutdown"}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    asyncio.run(site.edge({"type": "lifespan"}, receive, send))
    assert ["lifespan.startup.complete", "lifespan.shutdown.complete"] == sent
    with pytest.raises(ValueError):
        asyncio.run(site.edge({"type": "websocket"}, receive, send))
