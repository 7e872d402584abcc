"""Line: one WebSocket connection, as frames in and out under bounds (RFC 6455).

Theory of operation. Nothing runs while a line is silent: it is a protocol of the event loop, without a task of its
own, and the one timer that it has looks after it now and then. What came in is taken frame by frame, some frames
in each turn of the loop, so that nobody keeps others waiting by sending many. While the owner is busy, or the
peer does not take what we send, no further frame is taken and nothing is read from the socket.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Final, Protocol, cast

from wsproto.frame_protocol import CloseReason, Frame, FrameProtocol, Opcode, ParseFailed

from posthouse.kit import log

MAX_DISCARD: Final = 16 * 1024 * 1024
"""Octets of a message that nobody wants any more, read away so that the connection can live on."""

MOST_IDLE_FRAMES: Final = 10_000
"""Frames between two looks that bring nothing on: pings, pongs, crumbs of messages, messages that are none."""

FAREWELL: Final = 2.0
"""Seconds that the peer has to answer our Close frame and take what is on its way."""

_AT_ONCE = 64  # frames taken in one turn of the event loop
_CRUMB = 256  # octets: a smaller piece of a message counts as a frame that brings nothing on

_log = log.get("http")


class Owner(Protocol):
    """Who speaks through a line."""

    def heard(self, message: bytes) -> None:
        """Take a whole message, which is UTF-8."""

    def swells(self) -> None:
        """Hear once of each message that it has grown above the size from which a message is large."""

    def oversized(self) -> None:
        """Hear that a message is longer than any may be; the rest of it is dropped."""

    def writable(self) -> None:
        """Hear that the peer took what we sent."""

    def leave(self) -> None:
        """End the connection soon, as the server stops."""

    def gone(self) -> None:
        """Hear that the connection is no more; called once, and nothing after it."""


class Line(asyncio.Protocol):
    """A WebSocket connection after its handshake.

    owner: who hears what comes in. large, longest: octets from which a message swells, and that it may have at
    most. pace: seconds between two looks: at each a silent peer is pinged, and one who was pinged at the last,
    or who owes us the rest of a message or room for what we send and has not moved since, is cut off.
    """

    __slots__ = (
        "_before",
        "_began",
        "_frames",
        "_idle_frames",
        "_is_busy",
        "_is_dropping",
        "_is_heard",
        "_is_paused",
        "_is_pinged",
        "_is_scheduled",
        "_is_swollen",
        "_large",
        "_longest",
        "_loop",
        "_message",
        "_octets",
        "_owner",
        "_pace",
        "_timer",
        "is_closing",
        "is_full",
        "on_lost",
        "transport",
    )

    def __init__(self, owner: Owner, large: int, longest: int, pace: float) -> None:
        self._owner = owner
        self._large = large
        self._longest = longest
        self._pace = pace
        self._loop = asyncio.get_running_loop()
        self._frames: FrameProtocol | None = FrameProtocol(client=False, extensions=[])
        self._message = bytearray()
        self._octets = 0  # of messages, all together
        self._began = 0  # where among them the message that comes in began
        self._idle_frames = 0
        self._is_busy = False
        self._is_dropping = False
        self._is_heard = False
        self._is_paused = False
        self._is_pinged = False
        self._is_scheduled = False
        self._is_swollen = False
        self._before = (0, 0)
        self._timer: asyncio.TimerHandle
        self.is_closing = False
        """Nothing is heard or said any more."""
        self.is_full = False
        """The peer has not taken what we sent; what can wait should."""
        self.transport: asyncio.Transport
        """The connection, from `connection_made` on."""
        self.on_lost: Callable[[Line], None] | None = None
        """The server's: told at the end of the connection."""

    # -- for the owner --

    def say(self, *pieces: bytes | memoryview) -> None:
        """Send a message, which is UTF-8, unless the line is closing."""
        if self.is_closing:
            return
        size = sum(map(len, pieces))
        if size < 126:
            head = bytes((0x81, size))
        elif size < 65536:
            head = b"\x81\x7e" + size.to_bytes(2, "big")
        else:
            head = b"\x81\x7f" + size.to_bytes(8, "big")
        self.transport.writelines((head, *pieces))

    def hold(self, busy: bool) -> None:
        """Take no further message while busy."""
        if busy != self._is_busy:
            self._is_busy = busy
            self._go_on()

    def drop(self) -> None:
        """Forget the message that comes in, and what is still to come of it."""
        self._message = bytearray()
        self._began = self._octets
        self._is_dropping = True

    def charge(self) -> None:
        """Count a frame that brings nothing on."""
        self._idle_frames += 1
        if self._idle_frames > MOST_IDLE_FRAMES:
            self.close(CloseReason.POLICY_VIOLATION, "Too many frames that bring nothing on.")

    def close(self, code: CloseReason, reason: str) -> None:
        """Begin to end the connection; the peer is given a moment to answer (RFC 6455 §7.1.2)."""
        if self.is_closing:
            return
        assert self._frames is not None
        self.transport.write(bytes(self._frames.close(code, reason)))
        self._end_soon()
        self._go_on()

    # -- for the event loop and the server --

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = cast(asyncio.Transport, transport)
        self._look_later()

    def data_received(self, data: bytes) -> None:
        """Take the frames that came in."""
        if self._frames is not None:
            self._frames.receive_bytes(data)
            if not self._is_scheduled:
                self._advance()

    def pause_writing(self) -> None:
        """Wait for the peer, who does not read."""
        self.is_full = True
        self._steer()

    def resume_writing(self) -> None:
        """Go on, as the peer reads again."""
        self.is_full = False
        if not self.is_closing:
            self._owner.writable()
        self._go_on()

    def shutdown(self) -> None:
        """End soon, as the server stops."""
        self._owner.leave()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget everything."""
        self._timer.cancel()
        self._frames = None
        self.is_closing = True
        self._owner.gone()
        if self.on_lost is not None:
            self.on_lost(self)

    # -- what comes in --

    def _advance(self) -> None:
        """Take some of the frames that are there."""
        self._is_scheduled = False
        left = _AT_ONCE
        try:
            while self._frames is not None and not self._is_held():
                if not left:
                    self._schedule()
                    break
                frame = next(self._frames.received_frames(), None)
                if frame is None:
                    break
                self._take(frame)
                left -= 1
        except ParseFailed as error:
            self._fail(error.code, str(error))
        except Exception as error:
            _log.error("http.websocket_failed", **log.fault(error))
            self._fail(CloseReason.INTERNAL_ERROR, "Something went wrong inside.")
        self._steer()

    def _take(self, frame: Frame) -> None:
        if frame.opcode is Opcode.PONG:  # who says no more than that is pinged again
            self._is_pinged = False
        else:
            self._is_heard = True
        if frame.opcode is Opcode.CLOSE:
            self._answer_close(cast("tuple[int, str]", frame.payload)[0])
        elif self.is_closing:
            pass
        elif frame.opcode is Opcode.TEXT:
            self._take_text(cast(str, frame.payload).encode(), frame.message_finished)
        elif frame.opcode is Opcode.BINARY:
            self.close(CloseReason.UNSUPPORTED_DATA, "A message is text.")
        else:
            if frame.opcode is Opcode.PING:
                assert self._frames is not None
                self.transport.write(bytes(self._frames.pong(cast(bytes, frame.payload))))
            self.charge()

    def _take_text(self, piece: bytes, is_last: bool) -> None:
        self._octets += len(piece)
        if self._is_dropping:
            self._is_dropping = not is_last
            if self._octets - self._began > MAX_DISCARD:
                self.close(CloseReason.MESSAGE_TOO_BIG, "The message is too long.")
        elif len(self._message) + len(piece) > self._longest:
            self.drop()
            self._is_dropping = not is_last
            self._owner.oversized()
        elif is_last:
            message = bytes(self._message + piece) if self._message else piece
            self._message = bytearray()
            self._owner.heard(message)
        else:
            self._message += piece
            if len(piece) < _CRUMB:
                self.charge()
            if len(self._message) > self._large and not self._is_swollen:
                self._is_swollen = True
                self._owner.swells()
        if is_last:
            self._began = self._octets
            self._is_swollen = False

    def _answer_close(self, code: int) -> None:
        """Close as the peer wants to, or as he agrees to (RFC 6455 §5.5.1)."""
        assert self._frames is not None
        if not self.is_closing:
            self.transport.write(bytes(self._frames.close(code)))
            self._end_soon()
        self._frames = None
        self.transport.close()

    def _fail(self, code: CloseReason, reason: str) -> None:
        """Close, and read away what still comes: it makes no sense any more (RFC 6455 §7.1.7)."""
        self.close(code, reason)
        self._frames = None

    def _end_soon(self) -> None:
        self.is_closing = True
        self._message = bytearray()
        self._timer.cancel()
        self._timer = self._loop.call_later(FAREWELL, self.transport.abort)

    # -- when it is taken --

    def _is_held(self) -> bool:
        return (self._is_busy or self.is_full) and not self.is_closing

    def _schedule(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._advance)

    def _go_on(self) -> None:
        """Take what waits, if it may be taken now; not at once, for the caller may be in the midst of it."""
        if not self._is_held():
            self._schedule()
        self._steer()

    def _steer(self) -> None:
        """Read from the socket if what comes can be taken."""
        pause = self._is_held() or self._is_scheduled
        if pause != self._is_paused and not self.transport.is_closing():
            self._is_paused = pause
            if pause:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()

    # -- looking after it --

    def _look_later(self) -> None:
        # Lines that were opened together are not all looked at together.
        self._timer = self._loop.call_later(self._pace * random.uniform(0.8, 1), self._look)

    def _look(self) -> None:
        unsent = self.transport.get_write_buffer_size()
        before, self._before = self._before, (unsent, self._octets)
        self._idle_frames = 0
        is_heard, self._is_heard = self._is_heard, False
        is_partial = self._octets > self._began or self._is_dropping
        if unsent:
            if unsent == before[0]:
                self.transport.abort()
                return
        elif is_partial and self._octets == before[1] and not self._is_paused:
            self.close(CloseReason.POLICY_VIOLATION, "The rest of the message did not come in time.")
            return
        elif self._is_paused or is_heard:
            self._is_pinged = False
        elif self._is_pinged:
            self.transport.abort()
            return
        else:
            self._is_pinged = True
            self.transport.write(_PING)
        self._look_later()


_PING: Final = bytes(FrameProtocol(client=False, extensions=[]).ping())
