"""Signing in (RFC 8620 §8.2, RFC 7617, RFC 6750)."""

from __future__ import annotations

import base64
from typing import Any

import pytest

BASIC = 'Basic realm="Posthouse", charset="UTF-8"'
BEARER = 'Bearer realm="Posthouse"'
INVALID_TOKEN = 'Bearer realm="Posthouse", error="invalid_token"'


def basic(text: str, encoding: str = "utf-8") -> str:
    return "Basic " + base64.b64encode(text.encode(encoding)).decode()


def challenges(reply: Any) -> list[str]:
    return [value for name, value in reply.headers if name == "www-authenticate"]


@pytest.mark.parametrize(
    "authorization",
    [
        basic("demo@example.org:secret"),
        basic("demo@example.org:secret").replace("Basic", "bAsIc"),
        basic("demo@example.org:secret").replace(" ", "   "),
        "Bearer token-1",
        "bearer  token-1",
    ],
)
def test_a_valid_credential_lets_in(site: Any, authorization: str) -> None:
    reply = site.ask("GET", "/jmap/session", {"Authorization": authorization})
    assert (200, []) == (reply.status, challenges(reply))


def test_without_a_credential_both_schemes_are_offered_basic_first(site: Any) -> None:
    for method, path in (
        ("GET", "/.well-known/jmap"),
        ("GET", "/jmap/session"),
        ("POST", "/jmap/api/"),
        ("POST", "/jmap/upload/a1/"),
        ("GET", "/jmap/download/a1/b1/x"),
    ):
        reply = site.ask(method, path, signed_in=False)
        assert (401, [BASIC, BEARER]) == (reply.status, challenges(reply))
        assert 401 == reply.json["status"]


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic ZGVtbw",
        "Basic ZGVtbw==",
        basic("demo@example.org:wrong"),
        basic(":"),
        basic("demo@example.org:sec\nret"),
        basic("demo@example.org:secret\0"),
        basic("dém@example.org:secret", "latin-1"),
        basic("demo@example.org:" + "x" * 100_000),
        basic("demo@example.org:secret") + " x",
        "Digest username=demo",
        "ZGVtbw==",
        "\xff\xfe",
    ],
)
def test_a_wrong_credential_is_refused_with_both_challenges(site: Any, authorization: str) -> None:
    reply = site.ask("GET", "/jmap/session", {"Authorization": authorization})
    assert (401, [BASIC, BEARER]) == (reply.status, challenges(reply))


@pytest.mark.parametrize("token", ["wrong", "", "a b", "é", "x" * 100_000, '"token-1"', "token-1,"])
def test_a_wrong_token_is_said_to_be_invalid(site: Any, token: str) -> None:
    reply = site.ask("GET", "/jmap/session", {"Authorization": f"Bearer {token}"})
    assert (401, [BASIC, INVALID_TOKEN]) == (reply.status, challenges(reply))


def test_a_wrong_credential_is_told_from_none(site: Any) -> None:
    wrong = "This password or token is wrong, or good no more."
    for authorization in (basic("demo@example.org:wrong"), "Bearer wrong"):
        assert wrong == site.ask("GET", "/jmap/session", {"Authorization": authorization}).json["detail"]
    reply = site.ask("GET", "/jmap/session", signed_in=False)
    assert "Sign in with Basic or Bearer." == reply.json["detail"]


def test_malformed_credentials_never_reach_the_directory(site: Any) -> None:
    for authorization in ("Basic !!!", "Bearer a b", basic("x:" + "y" * 9000), "Bearer " + "x" * 9000):
        site.ask("GET", "/jmap/session", {"Authorization": authorization})
    assert [] == site.sign_in.peers


def test_a_name_and_password_may_hold_colons_and_any_letters(site: Any) -> None:
    site.ask("GET", "/jmap/session", {"Authorization": basic("grün:a:b:ß")}, peer="192.0.2.7")
    assert ["192.0.2.7"] == site.sign_in.peers


def test_our_web_client_gets_no_basic_challenge(site: Any) -> None:
    headers = {"X-Requested-With": "posthouse-web"}
    assert [BEARER] == challenges(site.ask("GET", "/jmap/session", headers, signed_in=False))
    headers["Authorization"] = "Bearer wrong"
    assert [INVALID_TOKEN] == challenges(site.ask("GET", "/jmap/session", headers))


def test_too_many_attempts_are_told_when_to_come_back(site: Any) -> None:
    reply = site.ask("GET", "/jmap/session", {"Authorization": basic("eager@example.org:x")})
    assert (429, "17") == (reply.status, reply.header("retry-after"))
    assert "about:blank" == reply.json["type"]


def test_two_credentials_in_one_request_are_refused(site: Any) -> None:
    pairs = [("Authorization", "Bearer token-1"), ("Authorization", "Bearer token-2")]
    assert 400 == site.ask("GET", "/jmap/session", pairs).status
