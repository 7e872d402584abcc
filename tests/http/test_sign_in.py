"""Signing in, on every resource that needs it (RFC 8620 §8.2)."""

from __future__ import annotations

from base64 import b64encode

import httpx
import pytest

from posthouse.testing import Server
from wire.person import Person

RESOURCES = [
    ("GET", "/.well-known/jmap"),
    ("GET", "/jmap/session"),
    ("POST", "/jmap/api/"),
    ("POST", "/jmap/upload/{account}/"),
    ("GET", "/jmap/download/{account}/b1/name?type=text/plain"),
]


def _basic(text: str) -> str:
    return "Basic " + b64encode(text.encode()).decode()


@pytest.mark.parametrize(("method", "path"), RESOURCES)
@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic",
        "Basic !!!",
        "Basic bm9jb2xvbg==",
        _basic("demo@example.org:wrong"),
        _basic("nobody@example.org:secret"),
        _basic(":"),
        _basic("demo@example.org:secret\0"),
        "Digest username=demo",
        "Bearer",
        "Bearer wrong",
        "Bearer " + "x" * 9000,
    ],
)
def test_without_a_good_credential_nothing_is_told(
    demo: Person, server: Server, method: str, path: str, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    url = server.url + path.format(account=demo.account)
    response = httpx.request(method, url, headers=headers)
    assert 401 == response.status_code
    schemes = [line.split()[0] for line in response.headers.get_list("www-authenticate")]
    assert ["Basic", "Bearer"] == schemes
    assert "application/problem+json" == response.headers["content-type"].partition(";")[0]
    assert {"type", "title", "status", "detail"} == set(response.json())
    assert "set-cookie" not in response.headers


def test_a_wrong_token_is_called_invalid(server: Server) -> None:
    response = httpx.get(server.session_url, headers={"Authorization": "Bearer wrong"})
    assert 'error="invalid_token"' in response.headers.get_list("www-authenticate")[1]


def test_password_and_token_open_the_same_session(demo: Person, server: Server) -> None:
    user = demo.user
    for authorization in (
        _basic(f"{user.name}:{user.password}"),
        _basic(f"{user.name}:{user.token}"),
        f"Bearer {user.token}",
        f"bearer {user.token}",
    ):
        assert demo.session == httpx.get(server.session_url, headers={"Authorization": authorization}).json()


def test_a_credential_counts_for_its_own_request_only(demo: Person, server: Server) -> None:
    with httpx.Client(base_url=server.url) as client:
        auth = (demo.user.name, demo.user.password)
        assert 200 == client.get("/.well-known/jmap", auth=auth).status_code
        assert 401 == client.get("/.well-known/jmap").status_code
