"""Hostile and careless HTTP on a real socket (RFC 9112)."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from posthouse.kit import json
from posthouse.serve.http import connection as bounds

HEAD = b"Host: localhost\r\nAuthorization: Bearer token-1\r\n"
CLOSE = b"Connection: close\r\n"
ECHO = b'{"using":[],"methodCalls":[["Core/echo",{"a":1},"c"]]}'


def status(reply: bytes) -> int:
    assert reply.startswith(b"HTTP/1.1 "), reply[:200]
    return int(reply[9:12])


def problem(reply: bytes) -> json.JsonObject:
    head, _, body = reply.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    document: json.JsonObject = json.loads_strict(body)
    return document


def post(body: bytes, *lines: bytes) -> bytes:
    length = b"Content-Length: %d\r\n" % len(body)
    return b"POST /jmap/api/ HTTP/1.1\r\n" + HEAD + b"".join(lines) + length + b"\r\n" + body


def read_all(connection: socket.socket) -> bytes:
    octets = b""
    try:
        while piece := connection.recv(65536):
            octets += piece
    except ConnectionResetError:
        pass
    return octets


def read_reply(connection: socket.socket) -> bytes:
    """Read one reply that has a Content-Length."""
    octets = b""
    while b"\r\n\r\n" not in octets:
        octets += connection.recv(1)
    length = int(octets.partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while length:
        piece = connection.recv(length)
        octets += piece
        length -= len(piece)
    return octets


def test_requests_follow_each_other_on_one_connection(live: Any) -> None:
    with live.connect() as connection:
        for _ in range(3):
            connection.sendall(post(ECHO, b"Content-Type: application/json\r\n"))
            reply = read_reply(connection)
            assert 200 == status(reply)
            assert b'["Core/echo",{"a":1},"c"]' in reply


def test_requests_may_be_pipelined(live: Any) -> None:
    one = post(ECHO, b"Content-Type: application/json\r\n")
    reply = live.talk(one * 20 + b"GET /healthz HTTP/1.1\r\n" + HEAD + CLOSE + b"\r\n")
    assert 21 == reply.count(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    "rest",
    [b"\x00\x01\x02\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n"],
)
def test_whole_requests_are_answered_before_nonsense_ends_the_connection(live: Any, rest: bytes) -> None:
    one = post(ECHO, b"Content-Type: application/json\r\n")
    reply = live.talk(one * 3 + rest)
    assert 3 == reply.count(b"HTTP/1.1 200 OK")
    assert 3 == reply.count(b"HTTP/1.1 ")


def test_answers_have_a_date_and_no_name_of_software(live: Any) -> None:
    reply = live.talk(b"GET /healthz HTTP/1.1\r\n" + HEAD + CLOSE + b"\r\n").lower()
    assert b"\r\ndate: " in reply
    assert b"\r\nserver: " not in reply


@pytest.mark.parametrize(
    "octets",
    [
        b"\r\n\r\n\x00\x01\x02",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHo st: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\x00b\r\n\r\n",
        b"POST /jmap/api/ HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /jmap/api/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /jmap/api/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /jmap/api/ HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"CONNECT example.org:443 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused_and_the_connection_closed(live: Any, octets: bytes) -> None:
    reply = live.talk(octets)
    assert 400 == status(reply)
    assert 400 == problem(reply)["status"]


def test_a_bad_chunk_ends_the_request(live: Any) -> None:
    head = b"POST /jmap/api/ HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    assert 400 == status(live.talk(head + b"5\r\nhello\r\nzz\r\n"))
    assert 400 == status(live.talk(head + b"5\r\nhelloX"))


def test_chunked_bodies_are_joined(live: Any) -> None:
    head = b"POST /jmap/api/ HTTP/1.1\r\nContent-Type: application/json\r\n" + HEAD + CLOSE
    chunks = b"".join(b"%x;ext=1\r\n%b\r\n" % (1, ECHO[i : i + 1]) for i in range(len(ECHO)))
    reply = live.talk(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\nX-Trailer: 1\r\n\r\n")
    assert 200 == status(reply)


def test_a_chunked_body_is_counted(serve: Callable[[Any], Any], site: Any) -> None:
    live = serve(site.with_limits(max_size_request=1000))
    head = b"POST /jmap/api/ HTTP/1.1\r\n" + HEAD + CLOSE + b"Transfer-Encoding: chunked\r\n\r\n"
    reply = live.talk(head + (b"64\r\n" + b" " * 100 + b"\r\n") * 11)
    assert 400 == status(reply)
    assert "maxSizeRequest" == problem(reply)["limit"]


def test_a_body_that_is_announced_too_long_is_refused_before_it_is_sent(live: Any) -> None:
    with live.connect() as connection:
        connection.sendall(b"POST /jmap/api/ HTTP/1.1\r\n" + HEAD + b"Content-Length: 99999999\r\n\r\n")
        reply = read_reply(connection)
        assert 400 == status(reply)
        assert "maxSizeRequest" == problem(reply)["limit"]


def test_who_expects_100_continue_is_refused_without_sending(live: Any) -> None:
    with live.connect() as connection:
        expect = b"Expect: 100-continue\r\nContent-Length: 99999999999\r\n\r\n"
        connection.sendall(b"POST /jmap/upload/a1/ HTTP/1.1\r\n" + HEAD + expect)
        assert 413 == status(read_reply(connection))


def test_an_unwanted_body_is_read_away_only_so_far(live: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MAX_DISCARD", 200_000)
    with live.connect() as connection:
        connection.sendall(b"POST /nowhere HTTP/1.1\r\n" + HEAD + b"Content-Length: 99999999\r\n\r\n")
        with pytest.raises(OSError):
            for _ in range(10_000):
                connection.sendall(b" " * 10_000)


@pytest.mark.parametrize(
    "octets",
    [
        b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\n" + HEAD + b"\r\n",
        b"GET / HTTP/1.1\r\n" + HEAD + b"X: " + b"a" * 1_000_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HEAD + b"a" * 1_000_000,
        b"GET / HTTP/1.1\r\n" + HEAD + b"A: b\r\n" * 200 + b"\r\n",
        b"GET / HTTP/1.1\r\n" + HEAD + b"A: b\r\n" * 200_000 + b"\r\n",
    ],
)
def test_a_head_that_is_too_large_is_refused(live: Any, octets: bytes) -> None:
    with live.connect() as connection:
        sender = threading.Thread(target=send_while_taken, args=(connection, octets))
        sender.start()
        reply = read_all(connection)
        sender.join()
    # The refusal can be lost when the peer goes on sending, the end of the connection cannot.
    assert reply == b"" or 431 == status(reply)


def send_while_taken(connection: socket.socket, octets: bytes) -> None:
    with contextlib.suppress(OSError):
        connection.sendall(octets)


def test_too_many_lines_are_told_so(live: Any) -> None:
    reply = live.talk(b"GET / HTTP/1.1\r\n" + HEAD + b"A: b\r\n" * 200 + b"\r\n")
    assert 431 == status(reply)
    assert 431 == problem(reply)["status"]


@pytest.mark.parametrize("rest", [b"1;" + b"x" * 300_000, b"0\r\n" + b"A: b\r\n" * 50_000])
def test_endless_chunk_extensions_and_trailers_come_to_an_end(live: Any, rest: bytes) -> None:
    head = b"POST /jmap/api/ HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    with live.connect() as connection:
        send_while_taken(connection, head + rest)
        reply = read_all(connection)
    assert reply == b"" or 431 == status(reply)


def test_a_second_head_is_bounded_as_the_first(live: Any) -> None:
    with live.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\n" + HEAD + b"\r\n")
        assert 200 == status(read_reply(connection))
        send_while_taken(connection, b"GET /" + b"a" * 1_000_000)
        reply = read_all(connection)
    assert reply == b"" or 431 == status(reply)


@pytest.mark.parametrize(
    "octets",
    [
        b"GET / HT",
        b"GET / HTTP/1.1\r\n" + HEAD,
        b"GET /healthz HTTP/1.1\r\n" + HEAD + b"\r\nGET /",
        b"POST /jmap/api/ HTTP/1.1\r\n" + HEAD + b"Content-Length: 10\r\n\r\n",
        b"POST /jmap/api/ HTTP/1.1\r\n" + HEAD + b"Content-Length: 10\r\n\r\nhello",
        b"POST /jmap/upload/a1/ HTTP/1.1\r\n" + HEAD + b"Content-Length: 10\r\n\r\nhello",
        b"POST /nowhere HTTP/1.1\r\n" + HEAD + b"Content-Length: 10\r\n\r\nhello",
    ],
)
def test_who_stops_sending_is_cut_off(serve: Callable[..., Any], site: Any, octets: bytes) -> None:
    with serve(site, patience=0.05).connect() as connection:
        connection.sendall(octets)
        reply = read_all(connection)
    assert reply.endswith(bounds._SLOW)
    assert {} == site.blobs.blobs


def test_who_never_says_anything_is_hung_up_on_in_silence(serve: Callable[..., Any], site: Any) -> None:
    with serve(site, patience=0.05).connect() as connection:
        assert b"" == read_all(connection)


def test_who_takes_nothing_is_cut_off(serve: Callable[..., Any], site: Any) -> None:
    size = 30_000_000
    site.blobs.blobs["b1"] = bytes(size)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(20)
        live = serve(site, patience=0.05)
        connection.connect(("127.0.0.1", live.port))
        connection.sendall(b"GET /jmap/download/a1/b1/x HTTP/1.1\r\n" + HEAD + b"\r\n")
        live.server.stop()  # it ends only when no connection is left
        live.thread.join(8)
        assert not live.thread.is_alive()
        assert len(read_all(connection)) < size


def test_who_sends_slowly_but_steadily_is_served(serve: Callable[..., Any], site: Any) -> None:
    """Three looks go by while octets come one by one, and each finds that the peer has moved."""
    patience = 0.3
    live = serve(site, patience=patience)
    head = b"POST /jmap/upload/a1/ HTTP/1.1\r\n" + HEAD + CLOSE + b"Transfer-Encoding: chunked\r\n\r\n"
    with live.connect() as connection:
        connection.sendall(head)
        end = time.monotonic() + 3 * patience
        while time.monotonic() < end:
            connection.sendall(b"1\r\nx\r\n")
            assert site.blobs.arrived.acquire(timeout=20)
        connection.sendall(b"0\r\n\r\n")
        assert 201 == status(read_all(connection))


def test_a_peer_who_goes_away_leaves_nothing_behind(serve: Callable[..., Any], site: Any) -> None:
    live = serve(site)
    with live.connect() as connection:
        connection.sendall(b"POST /jmap/upload/a1/ HTTP/1.1\r\n" + HEAD + b"Content-Length: 10\r\n\r\nhello")
        assert site.blobs.arrived.acquire(timeout=20)
    assert site.blobs.closed.wait(20)
    assert {} == site.blobs.blobs


def test_head_has_no_body(live: Any) -> None:
    for path in (b"/healthz", b"/jmap/session", b"/"):
        reply = live.talk(b"HEAD " + path + b" HTTP/1.1\r\n" + HEAD + CLOSE + b"\r\n")
        assert 200 == status(reply)
        assert reply.endswith(b"\r\n\r\n")
        assert b"content-length: 0" not in reply


def test_a_large_blob_comes_back_whole(live: Any) -> None:
    octets = bytes(range(256)) * 20_000
    head = b"POST /jmap/upload/a1/ HTTP/1.1\r\n" + HEAD + CLOSE + b"Content-Length: %d\r\n\r\n" % len(octets)
    stored = live.talk(head + octets)
    assert 201 == status(stored)
    blob_id = json.loads(stored.partition(b"\r\n\r\n")[2])["blobId"].encode()
    reply = live.talk(b"GET /jmap/download/a1/" + blob_id + b"/x HTTP/1.1\r\n" + HEAD + CLOSE + b"\r\n")
    assert octets == reply.partition(b"\r\n\r\n")[2]
    assert live.site.blobs.largest_read <= 256 * 1024


def test_a_blob_that_ends_early_ends_the_connection(live: Any) -> None:
    reply = live.talk(b"GET /jmap/download/a1/bshort/x HTTP/1.1\r\n" + HEAD + b"\r\n")
    assert 200 == status(reply)
    assert reply.endswith(b"\r\n\r\nshort")


def test_names_in_a_path_need_no_percent_encoding(live: Any) -> None:
    live.site.blobs.blobs["bname"] = b"octets"
    target = b"/jmap/download/a1/bname/<a|b>^{c}/d.txt?type=text/plain"
    reply = live.talk(b"GET " + target + b" HTTP/1.1\r\n" + HEAD + CLOSE + b"\r\n")
    assert 200 == status(reply)
    assert b'content-disposition: attachment; filename="<a|b>^{c}/d.txt"\r\n' in reply
    assert b"content-type: text/plain\r\n" in reply


@pytest.mark.parametrize("target", [b"/%00", b"/jmap/api%2f", b"/jmap/%2e%2e/etc", b"//", b"/%ff", b"/%zz"])
def test_odd_paths_are_just_not_found(live: Any, target: bytes) -> None:
    assert 404 == status(live.talk(b"GET " + target + b" HTTP/1.1\r\n" + HEAD + CLOSE + b"\r\n"))


def test_an_authorization_that_is_no_text_is_a_wrong_credential(live: Any) -> None:
    head = (
        b"GET /jmap/session HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Basic \xff\xfe\r\n\r\n"
    )
    assert 401 == status(live.talk(head))


def test_http_1_1_needs_one_host(live: Any) -> None:
    assert 400 == status(live.talk(b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n"))
    twice = b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"
    assert 400 == status(live.talk(twice))
    assert 200 == status(live.talk(b"GET /healthz HTTP/1.0\r\n\r\n"))


def test_an_upgrade_to_what_we_do_not_speak_is_ignored(live: Any) -> None:
    h2c = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    with live.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\n" + HEAD + h2c + b"\r\n")
        assert 200 == status(read_reply(connection))


JSON = b"Content-Type: application/json\r\n"
H2C = (b"Connection: Upgrade, HTTP2-Settings\r\n", b"Upgrade: h2c\r\n", b"HTTP2-Settings: AAEAAEAAAAI\r\n")


@pytest.mark.parametrize("at_once", [True, False])
def test_a_body_behind_an_offer_of_http_2_is_read(live: Any, at_once: bool) -> None:
    """Java's client makes the offer with its first request, whatever that is."""
    body = ECHO.replace(b'"a":1', b'"a":"\\r\\nUpgrade: h2c\\r\\n"')
    head, blank, rest = post(body, JSON, *H2C).partition(b"\r\n\r\n")
    with live.connect() as connection:
        if at_once:
            connection.sendall(head + blank + rest)
        else:
            connection.sendall(head + blank)
            connection.sendall(rest)
        reply = read_reply(connection)
        assert 200 == status(reply)
        assert b"Upgrade: h2c" in reply
        connection.sendall(post(ECHO, JSON))
        assert 200 == status(read_reply(connection))


def test_what_looks_like_an_offer_inside_a_body_stays(live: Any) -> None:
    body = b"\r\nUpgrade: h2c\r\n\r\n"
    upload = b"POST /jmap/upload/a1/ HTTP/1.1\r\n" + HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    with live.connect() as connection:
        connection.sendall(upload)
        assert b'"size":%d' % len(body) in read_reply(connection)


def test_a_failure_shows_nothing_of_the_inside(live: Any) -> None:
    body = ECHO.replace(b"Core/echo", b"Test/fail")
    reply = live.talk(post(body, b"Content-Type: application/json\r\n"))
    assert 500 == status(reply)
    assert b"secret" not in reply and b"Traceback" not in reply


def test_stopping_lets_a_running_request_end(serve: Callable[..., Any], site: Any) -> None:
    live = serve(site)
    with live.connect() as connection:
        connection.sendall(b"POST /jmap/upload/a1/ HTTP/1.1\r\n" + HEAD + b"Content-Length: 5\r\n\r\nhell")
        assert site.blobs.arrived.acquire(timeout=20)
        live.server.stop()
        while is_listening(live):
            pass
        connection.sendall(b"o")
        assert 201 == status(read_all(connection))


def is_listening(live: Any) -> bool:
    try:
        live.connect().close()
    except OSError:
        return False
    return True
