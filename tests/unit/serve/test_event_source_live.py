"""The event source on a real socket: who listens is let be, who does not read is cut off."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from posthouse.bus import Moved
from posthouse.serve.http import eventsource

Serve = Callable[..., Any]


def listen(live: Any, ping: int = 0, room: int | None = None) -> socket.socket:
    """Begin to listen and read the head; `room` is how much the socket takes that nobody reads."""
    connection = socket.socket()
    if room is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
    connection.settimeout(20)
    connection.connect(("127.0.0.1", live.port))
    connection.sendall(
        b"GET /jmap/eventsource/?types=*&closeafter=no&ping=%d HTTP/1.1\r\nHost: x\r\n"
        b"Authorization: Bearer token-1\r\n\r\n" % ping
    )
    read_until(connection, rb"id: .*\n\n\r\n")
    return connection


def read_until(connection: socket.socket, pattern: bytes) -> bytes:
    octets = b""
    while not re.search(pattern, octets):
        piece = connection.recv(65536)
        assert piece, octets[-200:]
        octets += piece
    return octets


def watch_leaves(site: Any) -> threading.Event:
    """Give the event that is set when someone stops listening."""
    left = threading.Event()
    leave = site.hub.leave

    def told(watch: object) -> None:
        leave(watch)
        left.set()

    site.hub.leave = told
    return left


def test_who_only_listens_is_let_be_and_gets_only_what_he_asked_for(
    serve: Serve, site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eventsource, "SHORTEST_PING", 1)
    live = serve(site, patience=0.05)
    with listen(live, ping=1) as pinged, listen(live) as silent:
        read_until(pinged, rb"(?s)event: ping.*event: ping")
        site.bus.publish([Moved(1, {"Email": 7})])
        assert b"ping" not in read_until(silent, b"event: state")


def test_who_does_not_read_is_cut_off_and_what_waits_for_him_does_not_grow(serve: Serve, site: Any) -> None:
    left = watch_leaves(site)
    live = serve(site, patience=0.2)
    with listen(live, room=4096) as connection:
        [watch] = site.hub._by_person[1]
        number = 0
        while not left.wait(0.06):
            number += 1
            site.bus.publish([Moved(1, {f"Type{type}": number for type in range(20_000)})])
            assert sum(map(len, watch._pending.values())) <= 20_000
            assert number < 1000
        with pytest.raises((ConnectionResetError, AssertionError)):
            read_until(connection, b"never")


def test_who_goes_away_is_forgotten(serve: Serve, site: Any) -> None:
    left = watch_leaves(site)
    live = serve(site)
    listen(live).close()
    assert left.wait(20)
    assert {} == site.hub._by_person


def test_a_server_that_stops_ends_the_response_and_the_connection(serve: Serve, site: Any) -> None:
    live = serve(site)
    with listen(live) as connection:
        live.server.stop()
        assert b"0\r\n\r\n" == read_until(connection, rb"0\r\n\r\n")
        assert b"" == connection.recv(1)
    live.thread.join(20)
    assert not live.thread.is_alive()


def test_the_system_asks_after_peers_that_vanished(serve: Serve, site: Any) -> None:
    live = serve(site)
    with listen(live):
        [connection] = live.server.server_state.connections
        accepted = connection.transport.get_extra_info("socket")
        assert 1 == accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
