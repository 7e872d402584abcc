"""The API resource (RFC 8620 §3.1, §3.6.1)."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

import pytest
from structlog.testing import capture_logs

from posthouse.kit import json, log

JSON = {"Content-Type": "application/json"}
ECHO = json.dumps(
    {"using": ["urn:ietf:params:jmap:core"], "methodCalls": [["Core/echo", {"hello": "world"}, "c1"]]}
)
WAIT = ECHO.replace(b"Core/echo", b"Test/wait")
URN = "urn:ietf:params:jmap:error:"


def test_a_request_gets_its_response(site: Any) -> None:
    reply = site.ask("POST", "/jmap/api/", JSON, body=ECHO)
    assert (200, "application/json") == (reply.status, reply.header("content-type"))
    expected = {"methodResponses": [["Core/echo", {"hello": "world"}, "c1"]], "sessionState": "s"}
    assert expected == reply.json
    assert str(len(reply.body)) == reply.header("content-length")


def test_a_body_may_come_in_pieces(site: Any) -> None:
    pieces = [ECHO[:7], b"", ECHO[7:20], ECHO[20:]]
    assert 200 == site.ask("POST", "/jmap/api/", JSON, body=pieces).status


@pytest.mark.parametrize(
    ("headers", "body", "type"),
    [
        ({}, ECHO, "notJSON"),
        ({"Content-Type": "text/plain"}, ECHO, "notJSON"),
        (JSON, b"", "notJSON"),
        (JSON, b"{", "notJSON"),
        (JSON, b'{"foo":1}', "notRequest"),
        (JSON, b'{"using":["example:x"],"methodCalls":[]}', "unknownCapability"),
    ],
)
def test_a_request_that_is_none_is_a_problem(
    site: Any, headers: dict[str, str], body: bytes, type: str
) -> None:
    reply = site.ask("POST", "/jmap/api/", headers, body=body)
    assert (400, "application/problem+json") == (reply.status, reply.header("content-type"))
    assert (URN + type, 400) == (reply.json["type"], reply.json["status"])


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Length": "101"}, []),
        ({"Content-Length": "9" * 5000}, []),
        ({"Content-Length": "-1"}, []),
        ({}, b" " * 101),
        ({}, [b" " * 50, b" " * 50, b" "]),
        ({}, [b" " * 101, None]),
    ],
)
def test_a_body_above_the_limit_is_a_problem_that_names_it(
    site: Any, headers: dict[str, str], body: Any
) -> None:
    reply = site.with_limits(max_size_request=100).ask("POST", "/jmap/api/", JSON | headers, body=body)
    assert (400, URN + "limit", "maxSizeRequest") == (reply.status, reply.json["type"], reply.json["limit"])


def test_a_body_of_just_the_limit_is_read(site: Any) -> None:
    assert (
        200 == site.with_limits(max_size_request=len(ECHO)).ask("POST", "/jmap/api/", JSON, body=ECHO).status
    )


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "identity, gzip", "br"])
def test_a_compressed_body_is_refused(site: Any, coding: str) -> None:
    reply = site.ask("POST", "/jmap/api/", JSON | {"Content-Encoding": coding}, body=gzip.compress(ECHO))
    assert (415, "identity") == (reply.status, reply.header("accept-encoding"))


def test_a_peer_who_went_away_gets_no_answer(site: Any) -> None:
    assert 0 == site.ask("POST", "/jmap/api/", JSON, body=[b"{", None]).status


def test_a_failure_has_an_id_that_is_in_the_log(site: Any) -> None:
    with capture_logs(processors=[log.add_request]) as lines:
        reply = site.ask("POST", "/jmap/api/", JSON, body=ECHO.replace(b"Core/echo", b"Test/fail"))
    assert (500, "about:blank") == (reply.status, reply.json["type"])
    assert b"a secret of the inside" not in reply.body
    request_id = reply.json["detail"].rstrip(".").rpartition(" ")[2]
    [line] = lines
    assert ("http.failed", "error", request_id) == (line["event"], line["log_level"], line["request"])
    assert line["trace"]


def test_what_an_error_says_is_not_in_the_log(site: Any) -> None:
    """It may quote what a client sent or stored."""
    with capture_logs() as lines:
        site.ask("POST", "/jmap/api/", JSON, body=ECHO.replace(b"Core/echo", b"Test/fail"))
    assert "a secret of the inside" not in str(lines)


def test_a_failure_leaves_room_for_the_next_request(site: Any) -> None:
    narrow = site.with_limits(max_concurrent_requests=1)
    for _ in range(3):
        failing = ECHO.replace(b"Core/echo", b"Test/fail")
        assert 500 == narrow.ask("POST", "/jmap/api/", JSON, body=failing).status
        assert 400 == narrow.ask("POST", "/jmap/api/", JSON, body=b"{").status
    assert 200 == narrow.ask("POST", "/jmap/api/", JSON, body=ECHO).status


def test_requests_above_the_limit_wait_for_their_turn(site: Any) -> None:
    narrow = site.with_limits(max_concurrent_requests=3)

    async def burst() -> list[int]:
        asked = [asyncio.ensure_future(narrow.send("POST", "/jmap/api/", JSON, body=WAIT)) for _ in range(20)]
        for _ in range(10):
            await asyncio.sleep(0)
        assert 3 == narrow.api.running
        narrow.api.open.set()
        return [reply.status for reply in await asyncio.gather(*asked)]

    assert [200] * 20 == asyncio.run(burst())
    assert 3 == narrow.api.most_running


def test_only_a_long_line_is_refused(site: Any) -> None:
    narrow = site.with_limits(max_concurrent_requests=1)

    async def flood() -> list[Any]:
        asked = [
            asyncio.ensure_future(narrow.send("POST", "/jmap/api/", JSON, body=WAIT)) for _ in range(300)
        ]
        for _ in range(10):
            await asyncio.sleep(0)
        narrow.api.open.set()
        return list(await asyncio.gather(*asked))

    replies = asyncio.run(flood())
    refused = [reply for reply in replies if reply.status != 200]
    assert 300 - 257 == len(refused)
    reply = refused[0]
    assert (429, "1") == (reply.status, reply.header("retry-after"))
    assert (URN + "limit", "maxConcurrentRequests") == (reply.json["type"], reply.json["limit"])


LONG = ECHO.replace(b"world", b"w" * 5000)


@pytest.mark.parametrize("accepted", ["gzip", "deflate, GZIP", "br;q=1.0, gzip;q=0.8", "*", "gzip;q=0.001"])
def test_a_long_answer_is_compressed_for_who_accepts_it(site: Any, accepted: str) -> None:
    reply = site.ask("POST", "/jmap/api/", JSON | {"Accept-Encoding": accepted}, body=LONG)
    assert ("gzip", "accept-encoding") == (reply.header("content-encoding"), reply.header("vary"))
    assert str(len(reply.body)) == reply.header("content-length")
    assert 5000 == len(json.loads(gzip.decompress(reply.body))["methodResponses"][0][1]["hello"])


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "gzip; q=0.0", "*;q=0", "gzip;q=0, *", "xgzip"])
def test_a_long_answer_is_not_compressed_for_others(site: Any, accepted: str) -> None:
    reply = site.ask("POST", "/jmap/api/", JSON | {"Accept-Encoding": accepted}, body=LONG)
    assert reply.header("content-encoding") is None
    assert 200 == reply.status


def test_short_answers_and_a_server_told_not_to_are_not_compressed(site: Any) -> None:
    gzipped = JSON | {"Accept-Encoding": "gzip"}
    assert site.ask("POST", "/jmap/api/", gzipped, body=ECHO).header("content-encoding") is None
    plain = site.with_settings(compress=False)
    assert plain.ask("POST", "/jmap/api/", gzipped, body=LONG).header("content-encoding") is None


def test_a_very_long_answer_is_compressed_aside(site: Any) -> None:
    body = ECHO.replace(b"world", b"w" * 1_000_000)
    reply = site.ask("POST", "/jmap/api/", JSON | {"Accept-Encoding": "gzip"}, body=body)
    assert len(body) // 2 < len(gzip.decompress(reply.body))
