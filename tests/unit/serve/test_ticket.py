from __future__ import annotations

import asyncio
from typing import Any

import pytest

OURS = "http://mail.example.org"


def make(site: Any, body: bytes = b'{"for": "eventsource"}', **headers: str) -> Any:
    return site.ask("POST", "/jmap/ticket/", headers, body=body)


def test_a_ticket_comes_with_the_url_to_show_it_in(site: Any) -> None:
    reply = make(site)
    assert 201 == reply.status
    query = "types={types}&closeafter={closeafter}&ping={ping}&ticket=eventsource-0"
    assert {
        "ticket": "eventsource-0",
        "url": f"{OURS}/jmap/eventsource/?{query}",
        "expires": "2242-03-16T12:56:32Z",
    } == reply.json
    assert ("no-store", "no-referrer") == (reply.header("cache-control"), reply.header("referrer-policy"))


def test_that_of_a_websocket_is_one_of_a_websocket(site: Any) -> None:
    site = site.with_settings(public_url="https://jmap.example.net/mail")
    reply = make(site, b'{"for": "websocket"}')
    assert "wss://jmap.example.net/mail/jmap/ws/?ticket=websocket-0" == reply.json["url"]


@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ({}, None),
        ({"origin": "https://app.example.com"}, "https://app.example.com"),
        ({"sec-fetch-site": "same-origin"}, OURS),
        ({"sec-fetch-site": "cross-site"}, None),
    ],
)
def test_it_is_for_the_page_that_asks(site: Any, headers: dict[str, str], origin: str | None) -> None:
    assert 201 == make(site, **headers).status
    assert [origin] == [bound for _, _, bound in site.tickets.made.values()]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"eventsource"',
        b"{}",
        b'{"for": "cookie"}',
        b'{"for": ["websocket"]}',
        b"\xff",
    ],
)
def test_it_is_said_what_can_be_asked_for(site: Any, body: bytes) -> None:
    reply = make(site, body)
    assert (400, {}) == (reply.status, site.tickets.made)
    assert "eventsource" in reply.json["detail"]


def test_a_body_that_is_too_long_is_refused(site: Any) -> None:
    assert 413 == make(site, b'{"for": "eventsource"}' + b" " * 1000).status


def test_of_one_caller_so_many_wait(site: Any) -> None:
    gate = asyncio.Event()
    issue = site.tickets.issue

    async def wait(*arguments: Any) -> Any:
        await gate.wait()
        return await issue(*arguments)

    site.tickets.issue = wait

    async def rush() -> list[int]:
        async def one() -> int:
            return int((await site.send("POST", "/jmap/ticket/", body=b'{"for": "eventsource"}')).status)

        tasks = [asyncio.ensure_future(one()) for _ in range(30)]
        for _ in range(20):
            await asyncio.sleep(0)
        gate.set()
        return await asyncio.gather(*tasks)

    assert [201] * 17 + [429] * 13 == sorted(asyncio.run(rush()))


# -- the cookie --


def cookie_of(reply: Any) -> tuple[str, set[str]]:
    pair, *attributes = reply.header("set-cookie").split("; ")
    return pair, set(attributes)


@pytest.mark.parametrize("origin", [None, OURS])
def test_the_cookie_is_for_our_pages_alone_and_out_of_reach_of_scripts(site: Any, origin: str | None) -> None:
    reply = site.ask("POST", "/jmap/cookie/", {} if origin is None else {"origin": origin})
    assert (204, b"") == (reply.status, reply.body)
    pair, attributes = cookie_of(reply)
    assert "posthouse=cookie-0" == pair
    assert {"HttpOnly", "SameSite=Strict", "Path=/jmap/"} < attributes
    assert not {one for one in attributes if one == "Secure" or one.startswith("Domain")}
    assert 4 == len(attributes)


@pytest.mark.parametrize(
    ("settings", "peer", "headers"),
    [
        ({"public_url": "https://mail.example.org"}, "192.0.2.1", {}),
        ({"trusted_proxies": ("192.0.2.0/24",)}, "192.0.2.1", {"x-forwarded-proto": "https"}),
    ],
)
def test_behind_tls_it_never_goes_in_clear(
    site: Any, settings: dict[str, Any], peer: str, headers: dict[str, str]
) -> None:
    reply = site.with_settings(**settings).ask("POST", "/jmap/cookie/", headers, peer=peer)
    assert "Secure" in cookie_of(reply)[1]


def test_a_stranger_who_says_that_he_has_tls_is_not_believed(site: Any) -> None:
    reply = site.ask("POST", "/jmap/cookie/", {"x-forwarded-proto": "https"})
    assert "Secure" not in cookie_of(reply)[1]


def test_its_path_is_below_the_public_url(site: Any) -> None:
    site = site.with_settings(public_url="https://jmap.example.net/mail")
    assert "Path=/mail/jmap/" in cookie_of(site.ask("POST", "/jmap/cookie/"))[1]


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize(
    "origin", ["https://mail.example.org", "http://evil.example", "null", "http://mail.example.org:81"]
)
def test_pages_of_others_have_no_say(site: Any, method: str, origin: str) -> None:
    reply = site.ask(method, "/jmap/cookie/", {"origin": origin})
    assert (403, None) == (reply.status, reply.header("set-cookie"))
    assert {} == site.tickets.made


def test_taking_it_out_makes_it_void(site: Any) -> None:
    pair, _ = cookie_of(site.ask("POST", "/jmap/cookie/"))
    reply = site.ask("DELETE", "/jmap/cookie/", {"cookie": pair, "origin": OURS}, signed_in=False)
    assert 204 == reply.status
    pair, attributes = cookie_of(reply)
    assert ("posthouse=", {}) == (pair, site.tickets.made)
    assert {"Max-Age=0", "Path=/jmap/"} < attributes


@pytest.mark.parametrize("cookie", [None, "posthouse=unknown", "other=1", "posthouse"])
def test_taking_out_what_is_not_there_is_no_failure(site: Any, cookie: str | None) -> None:
    headers = {} if cookie is None else {"cookie": cookie}
    assert 204 == site.ask("DELETE", "/jmap/cookie/", headers, signed_in=False).status


def test_a_ticket_is_no_cookie_to_take_out(site: Any) -> None:
    ticket = make(site).json["ticket"]
    site.ask("DELETE", "/jmap/cookie/", {"cookie": f"posthouse={ticket}"}, signed_in=False)
    assert [ticket] == [*site.tickets.made]


def test_it_lasts_no_longer_than_the_server_lets_it(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def issue(caller: Any, kind: str, origin: str | None) -> tuple[str, int]:
        return "cookie", 1000

    site.tickets.issue = issue
    monkeypatch.setattr("posthouse.kit.clock.now", lambda: 900.5)
    assert "Max-Age=100" in cookie_of(site.ask("POST", "/jmap/cookie/"))[1]
