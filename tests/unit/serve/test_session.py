"""The Session resource and the way to it (RFC 8620 §2)."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize("path", ["/.well-known/jmap", "/jmap/session"])
def test_both_addresses_answer_with_the_session_itself(site: Any, path: str) -> None:
    reply = site.ask("GET", path)
    assert 200 == reply.status
    assert "application/json" == reply.header("content-type")
    assert "no-cache, no-store, must-revalidate" == reply.header("cache-control")
    assert "demo@example.org" == reply.json["username"]
    assert "http://mail.example.org/jmap/api/" == reply.json["apiUrl"]


@pytest.mark.parametrize("accept", ["text/html", "application/json;jmapVersion=rfc-8620", "nonsense"])
def test_any_accept_header_is_fine(site: Any, accept: str) -> None:
    assert 200 == site.ask("GET", "/jmap/session", {"Accept": accept}).status


def api_url(site: Any, headers: dict[str, str], **more: Any) -> str:
    reply = site.ask("GET", "/jmap/session", headers, **more)
    assert 200 == reply.status, reply.body
    return str(reply.json["apiUrl"]).removesuffix("/jmap/api/")


def test_a_configured_url_is_used_whatever_the_host(site: Any) -> None:
    fixed = site.with_settings(public_url="https://jmap.example.com/")
    assert "https://jmap.example.com" == api_url(fixed, {"Host": "10.0.0.1:8080"})


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "[::1]:443", "mail.example.org:8080", "a_b"])
def test_the_host_is_where_the_client_finds_us(site: Any, host: str) -> None:
    assert f"http://{host}" == api_url(site, {"Host": host})


@pytest.mark.parametrize(
    "host",
    ["", " ", "a b", "a/b", "a@b", "a:b", "a:", "a:123456", "a\x00", "é", "<script>", "[::1", "a,b", "a?b"],
)
def test_a_host_that_is_none_is_refused_everywhere(site: Any, host: str) -> None:
    for path in ("/jmap/session", "/", "/healthz", "/jmap/api/"):
        assert 400 == site.ask("GET", path, {"Host": host}).status


def test_http_1_0_may_leave_out_the_host(site: Any) -> None:
    assert "http://127.0.0.1:8080" == api_url(site, {}, http_version="1.0")


FORWARDED = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "jmap.example.com"}


def test_a_stranger_forwards_nothing(site: Any) -> None:
    assert "http://mail.example.org" == api_url(site, FORWARDED)
    trusting = site.with_settings(trusted_proxies=("10.0.0.0/8",))
    assert "http://mail.example.org" == api_url(trusting, FORWARDED, peer="11.0.0.1")


@pytest.mark.parametrize("peer", ["10.1.2.3", "::ffff:10.1.2.3", "::1"])
@pytest.mark.parametrize(
    "headers",
    [
        FORWARDED,
        {"X-Forwarded-Proto": "https, http", "X-Forwarded-Host": "jmap.example.com, inner"},
        {"Forwarded": 'for=192.0.2.9;proto=https;host="jmap.example.com", for=10.0.0.2;proto=http'},
        {"Forwarded": "Proto=https; Host=jmap.example.com"},
    ],
)
def test_a_trusted_proxy_tells_what_the_client_sees(site: Any, headers: dict[str, str], peer: str) -> None:
    trusting = site.with_settings(trusted_proxies=("10.0.0.0/8", "::1"))
    assert "https://jmap.example.com" == api_url(trusting, headers, peer=peer)


@pytest.mark.parametrize(
    ("host", "port", "expected"),
    [
        ("jmap.example.com", "443", "https://jmap.example.com"),
        ("jmap.example.com", "8443", "https://jmap.example.com:8443"),
        ("jmap.example.com:9443", "8443", "https://jmap.example.com:9443"),
        ("[2001:db8::1]", "8443", "https://[2001:db8::1]:8443"),
    ],
)
def test_a_trusted_proxy_may_tell_its_port_apart(site: Any, host: str, port: str, expected: str) -> None:
    trusting = site.with_settings(trusted_proxies=("10.0.0.0/8",))
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": host, "X-Forwarded-Port": port}
    assert expected == api_url(trusting, headers, peer="10.1.2.3")


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Port": "8443/x"},
        {"X-Forwarded-Proto": "javascript"},
        {"X-Forwarded-Host": "a b"},
        {"Forwarded": "host=a/b"},
    ],
)
def test_nonsense_from_a_trusted_proxy_is_refused(site: Any, headers: dict[str, str]) -> None:
    trusting = site.with_settings(trusted_proxies=("10.0.0.0/8",))
    assert 400 == trusting.ask("GET", "/jmap/session", headers, peer="10.1.2.3").status


@pytest.mark.parametrize(
    ("forwarded_for", "expected"),
    [
        ("192.0.2.9", "192.0.2.9"),
        ("198.51.100.1, 192.0.2.9", "192.0.2.9"),
        ("198.51.100.1, 192.0.2.9, 10.0.0.7", "192.0.2.9"),
        ("192.0.2.9, ::ffff:10.0.0.7", "192.0.2.9"),
        ("2001:db8::1", "2001:db8::1"),
        ("192.0.2.9, nonsense", "10.1.2.3"),
        ("", "10.1.2.3"),
    ],
)
def test_sign_in_sees_the_last_address_that_is_no_proxy(site: Any, forwarded_for: str, expected: str) -> None:
    trusting = site.with_settings(trusted_proxies=("10.0.0.0/8",))
    trusting.ask("GET", "/jmap/session", {"X-Forwarded-For": forwarded_for}, peer="10.1.2.3")
    assert [expected] == trusting.sign_in.peers


def test_a_proxy_that_is_no_address_is_a_wrong_setting(site: Any) -> None:
    with pytest.raises(ValueError):
        site.with_settings(trusted_proxies=("proxy.example.org",))
