"""A line: frames in and out under bounds (RFC 6455)."""

from __future__ import annotations

import asyncio
import functools
import itertools
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.protocol import State
from websockets.uri import parse_uri
from wsproto.frame_protocol import CloseReason

from posthouse.serve.http import websocket_line
from posthouse.serve.http.websocket_line import Line
from wire.websocket import BINARY, CLOSE, PING, PONG, TEXT, frame

LARGE, LONGEST = 1000, 3000


class Transport:
    """What a line writes, and whether it reads."""

    def __init__(self) -> None:
        self.sent = bytearray()
        self.unsent = 0
        self.is_reading = True
        self.is_closed = False
        self.is_aborted = False

    def write(self, octets: bytes) -> None:
        self.sent += octets

    def writelines(self, pieces: Any) -> None:
        self.sent += b"".join(pieces)

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def pause_reading(self) -> None:
        assert self.is_reading
        self.is_reading = False

    def resume_reading(self) -> None:
        assert not self.is_reading
        self.is_reading = True

    def is_closing(self) -> bool:
        return self.is_closed or self.is_aborted

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_aborted = True


class Owner:
    """Notes what it is told; is busy after each message if it is said to be."""

    def __init__(self, pace: float = 1000) -> None:
        self.messages: list[bytes] = []
        self.told: list[str] = []
        self.breaks = False
        self.is_busy_after = False
        self.line = Line(self, LARGE, LONGEST, pace)
        self.transport = Transport()
        self.line.connection_made(self.transport)  # type: ignore[arg-type]

    def heard(self, message: bytes) -> None:
        if self.breaks:
            raise ValueError("a secret of the inside")
        self.messages.append(message)
        if self.is_busy_after:
            self.line.hold(True)

    def swells(self) -> None:
        self.told.append("swells")

    def oversized(self) -> None:
        self.told.append("oversized")

    def writable(self) -> None:
        self.told.append("writable")

    def leave(self) -> None:
        self.told.append("leave")

    def gone(self) -> None:
        self.told.append("gone")

    def frames(self) -> list[tuple[int, bytes]]:
        """What the line sent, as another library reads it."""
        client = ClientProtocol(parse_uri("ws://x/"), state=State.OPEN)
        client.receive_data(bytes(self.transport.sent))
        assert client.parser_exc is None
        return [(int(event.opcode), bytes(event.data)) for event in client.events_received()]  # type: ignore[union-attr]

    def code(self) -> int | None:
        """The code of the Close frame that the line sent, if it did."""
        closes = [payload for opcode, payload in self.frames() if opcode == CLOSE]
        assert len(closes) <= 1
        return int.from_bytes(closes[0][:2], "big") if closes and closes[0] else 1005 if closes else None


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def running(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test in an event loop of its own."""

    @functools.wraps(test)
    def run(*arguments: Any, **named: Any) -> None:
        asyncio.run(test(*arguments, **named))

    return run


def feed(owner: Owner, octets: bytes, cuts: list[int] | None = None) -> None:
    """Give a line octets in pieces, cut at these places."""
    places = sorted({0, *(cut % (len(octets) + 1) for cut in cuts or ()), len(octets)})
    for start, end in itertools.pairwise(places):
        owner.line.data_received(octets[start:end])


CUTS = st.lists(st.integers(0, 10_000), max_size=12)
MESSAGES = st.lists(st.text(max_size=400), max_size=8)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[list[str], bytes, list[bytes]]:
    """Messages, a stream of frames that holds them in fragments with pings and pongs between, and the pings."""
    messages = draw(MESSAGES)
    stream, pings = b"", []
    for message in messages:
        octets = message.encode()
        cuts = sorted(draw(st.lists(st.integers(0, len(octets)), max_size=4)))
        places = [0, *cuts, len(octets)]
        for number, (start, end) in enumerate(itertools.pairwise(places)):
            is_last = number == len(places) - 2
            mask = draw(st.binary(min_size=4, max_size=4))
            stream += frame(0 if number else TEXT, octets[start:end], fin=is_last, mask=mask)
            between = draw(st.sampled_from([None, PING, PONG]))
            if between is not None:
                payload = draw(st.binary(max_size=125))
                stream += frame(between, payload)
                pings += [payload] * (between == PING)
    return messages, stream, pings


@given(conversations(), CUTS)
@running
async def test_whatever_its_frames_a_message_comes_whole(
    conversation: tuple[list[str], bytes, list[bytes]], cuts: list[int]
) -> None:
    messages, stream, pings = conversation
    owner = Owner()
    feed(owner, stream, cuts)
    await turns(3 + len(stream) // 100)
    assert messages == [message.decode() for message in owner.messages]
    assert [(PONG, payload) for payload in pings] == owner.frames()
    assert owner.transport.is_reading


@given(st.binary(max_size=300), CUTS)
@running
async def test_nothing_that_comes_breaks_it(octets: bytes, cuts: list[int]) -> None:
    owner = Owner()
    feed(owner, octets, cuts)
    feed(owner, frame(TEXT, b"hello"), cuts)
    await turns(3 + len(octets) // 100)
    assert owner.code() in (None, 1000, 1002, 1003, 1005, 1007, *range(1000, 5000))
    for message in owner.messages:
        message.decode()


@given(conversations(), st.integers(0, 10_000), st.integers(0, 255), CUTS)
@running
async def test_a_stream_with_one_octet_changed_does_not_break_it(
    conversation: tuple[list[str], bytes, list[bytes]], at: int, octet: int, cuts: list[int]
) -> None:
    _, stream, _ = conversation
    if stream:
        at %= len(stream)
        stream = stream[:at] + bytes((octet,)) + stream[at + 1 :]
    owner = Owner()
    feed(owner, stream, cuts)
    await turns(3 + len(stream) // 100)
    assert CloseReason.INTERNAL_ERROR != owner.code()


@given(st.lists(st.binary(max_size=70_000) | st.integers(0, 200).map(bytes), max_size=5))
@running
async def test_what_is_said_comes_as_it_was_said(messages: list[bytes]) -> None:
    owner = Owner()
    for message in messages:
        owner.line.say(message[:5], memoryview(message)[5:])
    assert [(TEXT, message) for message in messages] == owner.frames()


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (frame(TEXT, b"x", mask=None), 1002),
        (frame(3, b"x"), 1002),
        (frame(11), 1002),
        (b"\xc1" + frame(TEXT, b"x")[1:], 1002),  # a reserved bit
        (frame(0, b"x"), 1002),  # a continuation of nothing
        (frame(TEXT, b"x", fin=False) + frame(TEXT, b"y"), 1002),
        (frame(PING, b"x", fin=False), 1002),
        (frame(PING, b"x" * 126), 1002),
        (b"\x81\xfe\x00\x05\0\0\0\0hello", 1002),  # a length that is longer than it need be
        (b"\x81\xff" + b"\xff" * 8 + b"\0\0\0\0", 1002),
        (frame(CLOSE, b"x"), 1002),
        (frame(CLOSE, (1005).to_bytes(2, "big")), 1002),
        (frame(CLOSE, (999).to_bytes(2, "big")), 1002),
        (frame(CLOSE, (1000).to_bytes(2, "big") + b"\xff"), 1007),
        (frame(TEXT, b"\xff"), 1007),
        (frame(TEXT, b"\xc3"), 1007),
        (frame(TEXT, b"\xed\xa0\x80"), 1007),
        (frame(TEXT, b"\xc3", fin=False) + frame(0, b"x"), 1007),
        (frame(BINARY, b"x"), 1003),
        (frame(BINARY, b"", fin=False), 1003),
    ],
)
@running
async def test_a_broken_frame_closes(octets: bytes, code: int) -> None:
    owner = Owner()
    feed(owner, octets)
    assert code == owner.code()
    feed(owner, frame(TEXT, b"more") + frame(PING))
    await turns()
    assert [] == owner.messages
    assert 1 == len(owner.frames())
    assert owner.transport.is_reading  # so that the peer gets to read our Close frame


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
@running
async def test_a_close_is_answered(code: int) -> None:
    owner = Owner()
    feed(owner, frame(CLOSE, code.to_bytes(2, "big") + "späť".encode()) + frame(TEXT, b"after"))
    assert (code, True, []) == (owner.code(), owner.transport.is_closed, owner.messages)


@running
async def test_a_close_of_ours_is_over_with_the_answer() -> None:
    owner = Owner()
    owner.line.close(CloseReason.GOING_AWAY, "bye")
    owner.line.close(CloseReason.INTERNAL_ERROR, "again")
    owner.line.say(b"too late")
    assert not owner.transport.is_closed
    feed(owner, frame(TEXT, b"x") + frame(PING) + frame(CLOSE, (1001).to_bytes(2, "big")))
    await turns()
    assert (1001, True, []) == (owner.code(), owner.transport.is_closed, owner.messages)
    assert 1 == len(owner.frames())


@running
async def test_who_does_not_answer_a_close_is_cut_off() -> None:
    owner = Owner()
    loop = asyncio.get_running_loop()
    owner.line.close(CloseReason.GOING_AWAY, "bye")
    timer = owner.line._timer
    assert timer.when() <= loop.time() + websocket_line.FAREWELL
    timer._run()
    assert owner.transport.is_aborted


@running
async def test_what_breaks_in_the_owner_closes_and_tells_nothing_of_it() -> None:
    owner = Owner()
    owner.breaks = True
    feed(owner, frame(TEXT, b"x"))
    assert 1011 == owner.code()
    assert b"secret" not in owner.transport.sent


# -- bounds --


@running
async def test_a_message_that_grows_is_told_once_of() -> None:
    owner = Owner()
    for number in range(5):
        feed(owner, frame(0 if number else TEXT, b"x" * 300, fin=False))
    feed(owner, frame(0))
    feed(owner, frame(TEXT, b"y" * LARGE))
    assert (["swells"], [1500, LARGE]) == (owner.told, [len(message) for message in owner.messages])


@running
async def test_a_message_that_is_too_long_is_not_kept() -> None:
    owner = Owner()
    feed(owner, frame(TEXT, b"x" * LONGEST) + frame(TEXT, b"x" * (LONGEST + 1)))
    for number in range(50):
        feed(owner, frame(0 if number else TEXT, b"x" * 300, fin=number == 49))
        assert len(owner.line._message) <= LONGEST
    feed(owner, frame(TEXT, b"next"))
    assert [LONGEST, 4] == [len(message) for message in owner.messages]
    assert ["oversized", "swells", "oversized"] == owner.told


@running
async def test_a_message_that_its_owner_drops_is_not_heard() -> None:
    owner = Owner()
    feed(owner, frame(TEXT, b"x" * 300, fin=False))
    owner.line.drop()
    feed(owner, frame(0, b"x" * 300) + frame(TEXT, b"next"))
    assert [b"next"] == owner.messages


@pytest.mark.parametrize("crumb", [frame(PING), frame(PONG), frame(0, b"", fin=False)])
@running
async def test_a_flood_of_frames_that_bring_nothing_ends_the_connection(crumb: bytes) -> None:
    owner = Owner()
    feed(owner, frame(TEXT, b"", fin=False))
    flood = crumb * (websocket_line.MOST_IDLE_FRAMES + 1)
    feed(owner, flood)
    while not owner.line.is_closing:
        assert not owner.transport.is_reading
        await asyncio.sleep(0)
    assert 1008 == owner.code()


@running
async def test_a_flood_leaves_others_their_turn() -> None:
    owner = Owner()
    feed(owner, frame(PING) * 1000)
    assert len(owner.frames()) < 100
    assert not owner.transport.is_reading
    await turns(30)
    assert 1000 == len(owner.frames())
    assert owner.transport.is_reading


@running
async def test_while_its_owner_is_busy_nothing_is_taken() -> None:
    owner = Owner()
    owner.is_busy_after = True
    feed(owner, frame(TEXT, b"1") + frame(TEXT, b"2") + frame(TEXT, b"3"))
    await turns()
    for count in (1, 2, 3):
        assert (count, False) == (len(owner.messages), owner.transport.is_reading)
        owner.line.hold(False)
        await turns()
    assert owner.transport.is_reading


@running
async def test_while_the_peer_does_not_read_nothing_is_taken() -> None:
    owner = Owner()
    owner.line.pause_writing()
    feed(owner, frame(TEXT, b"1"))
    await turns()
    assert ([], False) == (owner.messages, owner.transport.is_reading)
    owner.line.resume_writing()
    await turns()
    assert ([b"1"], ["writable"], True) == (owner.messages, owner.told, owner.transport.is_reading)


# -- looking after it --


def look(owner: Owner) -> None:
    """Let the time of one look pass."""
    owner.line._timer.cancel()
    owner.line._look()


@running
async def test_who_is_silent_is_pinged_and_who_does_not_answer_is_cut_off() -> None:
    owner = Owner()
    for _ in range(3):
        look(owner)
        feed(owner, frame(PONG))
    assert [(PING, b"")] * 3 == owner.frames()
    look(owner)
    assert not owner.transport.is_aborted
    look(owner)
    assert owner.transport.is_aborted


@running
async def test_who_sends_is_not_pinged() -> None:
    owner = Owner()
    for _ in range(5):
        feed(owner, frame(TEXT, b"x"))
        look(owner)
    assert [] == owner.frames()


@running
async def test_who_owes_the_rest_of_a_message_is_cut_off() -> None:
    owner = Owner()
    for _ in range(3):
        feed(owner, frame(TEXT, b"x") + frame(TEXT, b"y", fin=False))
        look(owner)
        feed(owner, frame(0, b"z"))
        look(owner)
    feed(owner, frame(TEXT, b"begun", fin=False))
    look(owner)
    feed(owner, frame(PONG))
    look(owner)
    assert 1008 == owner.code()


@running
async def test_who_is_slow_but_moves_is_not_cut_off() -> None:
    owner = Owner()
    feed(owner, frame(TEXT, b"x", fin=False))
    for _ in range(5):
        feed(owner, frame(0, b"x", fin=False))
        look(owner)
    feed(owner, frame(0, b"x"))
    assert [b"x" * 7] == owner.messages


@running
async def test_who_waits_for_us_is_not_cut_off() -> None:
    owner = Owner()
    owner.is_busy_after = True
    feed(owner, frame(TEXT, b"1") + frame(TEXT, b"2", fin=False))
    for _ in range(5):
        look(owner)
    assert not owner.transport.is_aborted
    assert [] == owner.frames()


@running
async def test_who_takes_nothing_is_cut_off() -> None:
    owner = Owner()
    owner.transport.unsent = 100_000
    look(owner)
    owner.transport.unsent = 90_000
    look(owner)
    assert not owner.transport.is_aborted
    look(owner)
    assert owner.transport.is_aborted


@running
async def test_the_end_is_told_once_and_nothing_after_it() -> None:
    owner = Owner()
    feed(owner, frame(PING) * 100)  # some of them wait for their turn
    lost: list[Line] = []
    owner.line.on_lost = lost.append
    owner.transport.is_closed = True
    owner.line.connection_lost(None)
    await turns()
    owner.line.say(b"x")
    owner.line.hold(True)
    owner.line.hold(False)
    owner.line.close(CloseReason.GOING_AWAY, "")
    await turns()
    assert (["gone"], [owner.line]) == (owner.told, lost)
    assert owner.line._timer.cancelled()
