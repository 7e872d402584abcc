"""What is sent to one peer, cut wherever his socket is full."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from posthouse.bus import News, SignedOut
from posthouse.bus.frame import Reader, encode
from posthouse.bus.peer import Peer

LAST = SignedOut(99, 99)


@pytest.fixture
def ends() -> Iterator[tuple[Peer, socket.socket]]:
    """A peer, and the socket of the process that it stands for."""
    here, there = socket.socketpair()
    with here, there:
        here.setblocking(False)
        there.settimeout(30)
        yield Peer(here), there


def fill(peer: Peer) -> list[News]:
    """Tell a peer more and more until something waits for him."""
    said: list[News] = []
    while not peer.is_behind:
        news = [SignedOut(person, len(said)) for person in range(800)]
        peer.tell(encode(news), news)
        said += news
    return said


def drain(there: socket.socket) -> bytes:
    """Read all that has been sent so far."""
    there.setblocking(False)
    read = b""
    try:
        while data := there.recv(100_000):
            read += data
    except BlockingIOError:
        pass
    return read


def test_a_peer_that_reads_again_gets_the_rest_and_then_what_waited(ends: tuple[Peer, socket.socket]) -> None:
    peer, there = ends
    said = fill(peer)
    peer.tell(encode([LAST]), [LAST])
    reader = Reader()
    heard = reader.read(drain(there))
    while peer.is_behind:
        peer.flush()
        heard += reader.read(drain(there))
    assert [*said, LAST] == heard


def test_a_goodbye_is_said_only_after_everything_else(ends: tuple[Peer, socket.socket]) -> None:
    peer, there = ends
    fill(peer)
    reader = Reader()
    reader.read(drain(there))
    peer.part()
    assert b"" == drain(there)
    while peer.is_behind:
        peer.flush()
        reader.read(drain(there))
    peer.part()
    reader.read(drain(there))
    assert reader.is_over


def test_a_peer_that_is_gone_costs_nothing(ends: tuple[Peer, socket.socket]) -> None:
    peer, there = ends
    there.close()
    peer.tell(encode([LAST]), [LAST])
    assert not peer.is_behind
    assert b"" == peer.socket.recv(1)
