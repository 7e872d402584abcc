"""A bus of Unix sockets between the processes that share a folder.

Theory of operation. Any two processes have one connection (see `seat`). A publisher writes to each of his
peers from his own thread, which costs a few microseconds; nobody hands anything to another thread unless a
peer is slow. What a peer's socket does not take waits in his `Backlog`, merged and bounded, until the bus
thread sees that he reads again. That thread, one a process, sleeps in a selector: it accepts, reads and tells
the listeners.

Nothing is lost silently, because:

* A connection counts from the moment the newcomer has made it, accepted or not: a publisher accepts who waits
  before he writes. So what is published after a process has joined reaches it.
* Who ends in good order says goodbye, if all before it has gone out. A stream that ends otherwise may lack
  news, be it of a process that was killed between its commit and its announcement: the reader then tells his
  listeners `Missed`.
* If both are alive when a stream breaks, who had made the connection makes it again after a `PAUSE`, in which
  the bus thread sleeps. Both then hear `Missed`, he from himself and the other as the first word, for what either
  published in between. The pause is for a process that is being killed, whose connections may end a moment before
  it stops to listen, and for two that cannot read each other, as from builds with other frames: these look at the
  store at each pause, and not all the time.

Locks. ``_lock`` guards the peers and all sending, and is never held while a listener is called or anything
waits. Only the bus thread touches the selector and reads.
"""

from __future__ import annotations

import select
import selectors
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

from posthouse.bus.frame import Malformed, encode
from posthouse.bus.listeners import Listeners
from posthouse.bus.peer import Peer
from posthouse.bus.port import Listener, Missed, News
from posthouse.bus.seat import Seat
from posthouse.kit import log

_READ_AT_ONCE: Final = 64 * 1024

PAUSE: Final = 2.0
"""Seconds from the break of a connection to the attempt to make it again, and from one attempt to the next."""

_log = log.get("bus")


class SocketBus:
    """Carries news to all processes that have the same folder open; see `Bus` for what each method promises.

    Raises what `Seat` raises.
    """

    def __init__(self, folder: Path) -> None:
        self._listeners = Listeners()
        self._lock = threading.Lock()
        self._closed = False
        self._is_full = False
        self._is_looking = True  # for newcomers, in the selector
        self._thread = threading.Thread(target=self._serve, name="bus", daemon=True)
        with ExitStack() as files:
            self._woken, self._waker = map(files.enter_context, socket.socketpair())
            self._woken.setblocking(False)
            self._waker.setblocking(False)
            self._selector = files.enter_context(selectors.DefaultSelector())
            self._seat = Seat(folder)
            files.callback(self._seat.leave)
            self._waiting = select.poll()
            self._waiting.register(self._seat.listening, select.POLLIN)
            self._peers = {Peer(connection, name) for name, connection in self._seat.met.items()}
            self._lost: dict[str, float] = {}  # to whom to go back and when; of the bus thread alone
            self._unwatched = list(self._peers)  # of whom the bus thread has to look for other events
            self._selector.register(self._woken, selectors.EVENT_READ)
            self._selector.register(self._seat.listening, selectors.EVENT_READ)
            self._watch_all()
            self._thread.start()
            self._files = files.pop_all()

    def publish(self, news: Sequence[News]) -> None:
        """See `Bus.publish`."""
        if not news:
            return
        self._listeners.tell(news)
        with self._lock:
            if self._closed:
                return
            self._accept()
            if self._peers:
                frame = encode(news)
                for peer in self._peers:
                    was_behind = peer.is_behind
                    peer.tell(frame, news)
                    if peer.is_behind and not was_behind:
                        self._unwatched.append(peer)
            if self._unwatched:
                self._wake()

    def listen(self, listener: Listener) -> Callable[[], None]:
        """See `Bus.listen`."""
        return self._listeners.add(listener)

    def close(self) -> None:
        """See `Bus.close`."""
        self._listeners.clear()
        with self._lock:
            if not self._closed:
                self._closed = True
                self._seat.withdraw()
                self._accept()
                for peer in self._peers:
                    peer.part()
                self._wake()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _wake(self) -> None:
        """Let the bus thread look at what has changed."""
        with suppress(BlockingIOError):  # it has been told often enough
            self._waker.send(b"\0")

    def _accept(self) -> bool:
        """Take in everyone who waits; False if there is no room for one, who waits on and misses what is said."""
        while self._waiting.poll(0):  # a tenth of what it costs to accept nobody
            try:
                connection, _ = self._seat.listening.accept()
            except OSError:  # this process has all the files open that it may
                self._is_full = True
                return False
            if not self._seat.is_ours(connection):
                connection.close()
                continue
            connection.setblocking(False)
            self._add(Peer(connection), has_missed=self._is_full)
        self._is_full = False
        return True

    def _add(self, peer: Peer, *, has_missed: bool) -> None:
        self._peers.add(peer)
        self._unwatched.append(peer)
        if has_missed:
            peer.tell(encode([Missed()]), [Missed()])

    # -- the bus thread --

    def _serve(self) -> None:
        while not self._closed:
            for key, events in self._selector.select(self._sleep()):
                if isinstance(key.data, Peer):
                    self._attend(key.data, events)
                elif key.fileobj is self._woken:
                    self._woken.recv(_READ_AT_ONCE)
            self._take_in()
            self._go_back()
            self._watch_all()
        self._end()

    def _sleep(self) -> float | None:
        """Say for how many seconds nothing is due; None if nothing is."""
        return max(0.0, min(self._lost.values()) - time.monotonic()) if self._lost else None

    def _go_back(self) -> None:
        """Connect again to those whose connection broke, if they are alive and it is time."""
        now = time.monotonic()
        for name in [name for name, due in self._lost.items() if due <= now]:
            try:
                connection = self._seat.meet_again(name)
            except OSError:  # it is stopped, or this process has all the files open that it may
                self._lost[name] = now + PAUSE
                continue
            del self._lost[name]
            if connection is None:
                continue
            with self._lock:
                if self._closed:
                    connection.close()
                    return
                self._add(Peer(connection, name), has_missed=True)
            self._listeners.tell([Missed()])

    def _take_in(self) -> None:
        """Accept who waits; while that fails, don't look for more, for the selector would not sleep."""
        with self._lock:
            may_look = self._accept()
        if may_look and not self._is_looking:
            self._selector.register(self._seat.listening, selectors.EVENT_READ)
        elif self._is_looking and not may_look:
            self._selector.unregister(self._seat.listening)
        self._is_looking = may_look

    def _watch_all(self) -> None:
        """Look for the right events of all peers for whom these may have changed."""
        with self._lock:
            for peer in self._unwatched:
                if peer in self._peers:
                    self._watch(peer)
            self._unwatched.clear()

    def _watch(self, peer: Peer) -> None:
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if peer.is_behind else 0)
        if not peer.watched:
            self._selector.register(peer.socket, events, peer)
        elif peer.watched != events:
            self._selector.modify(peer.socket, events, peer)
        peer.watched = events

    def _attend(self, peer: Peer, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            with self._lock:
                peer.flush()
                self._watch(peer)
        if events & selectors.EVENT_READ:
            self._read(peer)

    def _read(self, peer: Peer) -> None:
        news: list[News] = []
        is_lost = False
        try:
            data = peer.socket.recv(_READ_AT_ONCE)
            news += peer.reader.read(data)
            is_lost = not data
        except BlockingIOError:
            return
        except OSError:
            is_lost = True
        except Malformed as error:
            _log.error("bus.malformed", reason=str(error))
            is_lost = True
        if is_lost or peer.reader.is_over:
            self._drop(peer)
        if is_lost and not self._closed:  # whom we have told goodbye may end first
            _log.info("bus.peer_lost")
            news.append(Missed())
            if peer.name is not None:
                self._lost[peer.name] = time.monotonic() + PAUSE
        if news:
            self._listeners.tell(news)

    def _drop(self, peer: Peer) -> None:
        self._selector.unregister(peer.socket)
        with self._lock:
            self._peers.remove(peer)
            peer.socket.close()

    def _end(self) -> None:
        with self._lock:
            for peer in self._peers:
                peer.socket.close()
        self._files.close()
