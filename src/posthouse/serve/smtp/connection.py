"""Connection: one peer on a socket, his session, and how long he may take.

Theory of operation. The transport feeds the session; one task takes its events, waits for the ports, and sends what
is to be sent whenever it needs more input. A peer owes us one thing at a time: a command, octets of a message, room
for our replies, or in the end to hang up. `_watch` looks whether what he owes came in time. While the ports have the
word, nothing is owed; what he sends meanwhile stays in the system, but for a little.
"""

from __future__ import annotations

import asyncio
import errno
import secrets
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

from posthouse.kit import clock, log
from posthouse.model.caller import Caller
from posthouse.proto.smtp.event import (
    Auth,
    AuthResponse,
    Chunk,
    Close,
    Done,
    Event,
    MailFrom,
    RcptTo,
    Reset,
    StartTls,
)
from posthouse.proto.smtp.peer import Peer
from posthouse.proto.smtp.reply import Reply
from posthouse.proto.smtp.session import Session
from posthouse.serve.smtp.doorkeeper import Doorkeeper, origin_of, plain_address
from posthouse.serve.smtp.listener import Listener
from posthouse.serve.smtp.ports import Reception, SignIn, Transaction
from posthouse.serve.smtp.settings import Settings
from posthouse.serve.smtp.signing_in import Step, Talks
from posthouse.serve.smtp.spool import Budget, Spool

_AHEAD: Final = 65_536  # octets of input that may wait before we stop to read
_SWALLOWED: Final = 16 * 1024 * 1024  # octets that one who was refused may go on to send
_NEVER: Final = float("inf")

_SIGNED_IN: Final = Reply(235, "2.7.0", "Welcome")
_READY: Final = Reply(220, "2.0.0", "Go on with TLS")
_BROKEN: Final = Reply(451, "4.3.0", "Something went wrong here; try again later")
_FULL: Final = Reply(452, "4.3.1", "There is no room; try again later")
_SLOW: Final = Reply(421, "4.4.2", "That took too long")
_STOPPING: Final = Reply(421, "4.3.2", "This server stops; come back soon")

_log = log.get("smtp")


@dataclass(frozen=True, slots=True)
class House:
    """What all connections share."""

    reception: Reception
    sign_in: SignIn
    settings: Settings
    doorkeeper: Doorkeeper
    budget: Budget
    connections: set[Connection]


class Connection(asyncio.Protocol):
    """One peer, from his coming to his leaving."""

    def __init__(self, house: House, listener: Listener) -> None:
        self._house = house
        self._settings = house.settings
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        is_secure = listener.is_implicit or listener.needs_no_tls
        self._session = Session(listener.service, is_secure=is_secure, opened=int(clock.now()))
        self._transport: asyncio.Transport
        self._address = self._origin = ""
        self._port = 0
        self._caller: Caller | None = None
        self._talks: Talks
        self._transaction: Transaction | None = None
        self._taken = 0  # recipients
        self._spool: Spool | None = None
        self._disk_fault: Reply | None = None
        self._task: asyncio.Task[None] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._has_ended = False  # the peer sends nothing more, or is gone
        self._is_lost = False
        self._is_stopping = False
        self._is_leaving = False
        self._is_counted = False
        self._may_write = True
        self._is_reading = True
        self._received = 0
        self._due = _NEVER
        self._since = 0.0  # when the peer last got something done
        self._mark = 0  # octets that he had sent then
        self._was_receiving = False
        self._look = min(self._settings.command, self._settings.data, self._settings.linger)
        self._watcher: asyncio.TimerHandle | None = None

    # What the transport calls.

    def admit(self, name: object) -> Reply | None:
        """Let a peer in, or say why not; who was let in is `part`ed with once.

        :param name: the address of his socket.
        """
        if isinstance(name, tuple):
            self._address, self._port = plain_address(name[0]), name[1]
            if not self._listener.is_trusted:
                self._origin = origin_of(self._address)
        refusal = self._house.doorkeeper.enter(self._origin, self._loop.time())
        if refusal is None:
            self._is_counted = True
        else:
            _log.info("smtp.full", status=refusal.enhanced)
        return refusal

    def part(self) -> None:
        """Note that the peer is gone."""
        self._is_lost = self._has_ended = self._may_write = True
        if self._watcher is not None:
            self._watcher.cancel()
        if self._is_counted:
            self._is_counted = False
            self._house.doorkeeper.leave(self._origin)
        self._let_go()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to serve the peer, unless there is no room."""
        self._transport = cast(asyncio.Transport, transport)
        if not self._is_counted:
            refusal = self.admit(transport.get_extra_info("peername"))
            if refusal is not None:
                self._transport.write(refusal.encode())
                self._transport.close()
                return
        self._talks = Talks(self._house.sign_in, self._address)
        self._house.connections.add(self)
        self._task = self._loop.create_task(self._live())
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Feed the session."""
        self._received += len(data)
        if self._is_leaving:
            if self._received - self._mark > _SWALLOWED:
                self._transport.abort()
            return
        self._session.feed(data)
        self._wake()
        if self._session.waiting > _AHEAD:
            self._pause()

    def eof_received(self) -> bool:
        """Go on until what came has been answered."""
        self._has_ended = True
        self._wake()
        return not self._is_leaving and self._transport.get_extra_info("sslcontext") is None

    def connection_lost(self, exc: Exception | None) -> None:
        """Go on only with what cannot be left half done."""
        self.part()
        self._wake()

    def pause_writing(self) -> None:
        """Note that the peer does not read."""
        self._may_write = False

    def resume_writing(self) -> None:
        """Go on, since he reads."""
        self._may_write = True
        self._wake()

    # What the server calls.

    def stop(self) -> None:
        """End at the next moment at which no message is lost by it."""
        self._is_stopping = True
        if self._waiter is not None and not self._session.is_busy:
            self._session.end(_STOPPING)
            self._wake()

    def abort(self) -> None:
        """End now."""
        self._transport.abort()

    @property
    def task(self) -> asyncio.Task[None] | None:
        """What does all that is done for this peer."""
        return self._task

    # The task.

    async def _live(self) -> None:
        log.name_request(secrets.token_hex(8))
        try:
            await self._talk()
        except Exception as error:
            _log.error("smtp.fail", **log.fault(error))
            self._transport.abort()
        finally:
            self._forget_message()
            self._task = None
            self._let_go()

    async def _talk(self) -> None:
        self._session.greet()
        while True:
            event = self._session.next()
            if isinstance(event, Close):
                await self._leave(event.is_polite)
                return
            if event is not None:
                await self._heed(event)
                if not isinstance(event, Chunk):
                    self._note_progress()
                continue
            if self._has_ended:
                self._flush()
                self._transport.close()
                return
            if self._is_stopping and not self._session.is_busy:
                self._session.end(_STOPPING)
                continue
            self._flush()
            await self._wait()

    async def _heed(self, event: Event) -> None:
        match event:
            case Chunk():
                await self._keep(event.data)
            case RcptTo():
                self._session.answer(await self._recipient(event))
            case MailFrom():
                self._session.answer(await self._begin(event))
            case Done():
                self._session.settle(await self._message(event.size))
            case Reset():
                self._forget_message()
            case Auth() | AuthResponse():
                self._tell(await self._sign_in(event))
            case StartTls():
                await self._start_tls()
            case Close():
                pass

    async def _begin(self, sender: MailFrom) -> Reply:
        self._forget_message()
        try:
            begun = await self._house.reception.begin(self._peer(), self._caller, sender)
        except Exception as error:
            return _failed(error)
        if isinstance(begun, Reply):
            return begun
        self._transaction = begun
        return Reply(250, "2.1.0", "OK")

    async def _recipient(self, recipient: RcptTo) -> Reply:
        assert self._transaction is not None
        try:
            reply = await self._transaction.recipient(recipient)
        except Exception as error:
            return _failed(error)
        self._taken += reply.is_positive
        return reply

    async def _message(self, size: int) -> Sequence[Reply]:
        assert self._transaction is not None
        spool = self._spool or self._new_spool()
        replies: Sequence[Reply]
        if self._disk_fault is not None:
            replies = [self._disk_fault]
        else:
            try:
                replies = await self._transaction.message(spool)
                if len(replies) not in (1, self._taken):
                    raise ValueError("the replies are not as many as the recipients")
            except Exception as error:
                replies = [_failed(error)]
        refused = sum(not reply.is_positive for reply in replies)
        _log.info(
            "smtp.message",
            role=self._listener.service.role,
            size=size,
            recipients=self._taken,
            refused=self._taken if refused and len(replies) == 1 else refused,
            tls=self._transport.get_extra_info("cipher") is not None,
        )
        self._forget_message()
        return replies

    async def _keep(self, data: bytes) -> None:
        """Put a piece of a message to the rest; what the disk does not take is said at its end."""
        spool = self._spool = self._spool or self._new_spool()
        if spool.keeps_in_memory(len(data)):
            spool.append(data)
        elif self._disk_fault is None:
            try:
                await asyncio.to_thread(spool.write, data)
            except OSError as error:
                _log.error("smtp.spool", error=errno.errorcode.get(error.errno or 0, "?"))
                self._disk_fault = _FULL

    def _new_spool(self) -> Spool:
        return Spool(self._settings.in_memory, self._house.budget)

    def _forget_message(self) -> None:
        """Leave a message, taken or not."""
        self._transaction = None
        self._taken = 0
        self._disk_fault = None
        if self._spool is not None:
            self._spool.close()
            self._spool = None

    async def _sign_in(self, event: Auth | AuthResponse) -> Step:
        try:
            if isinstance(event, Auth):
                return await self._talks.begin(event.mechanism, event.initial)
            return await self._talks.go_on(event.data)
        except Exception as error:
            _failed(error)
            return Reply(454, "4.7.0", "Signing in does not work just now; try again later")

    def _tell(self, step: Step) -> None:
        """Tell the peer how signing in goes on."""
        if isinstance(step, bytes):
            self._session.challenge(step)
        elif isinstance(step, Reply):
            _log.info("smtp.refuse", status=step.enhanced)
            self._session.answer(step)
        else:
            self._caller = step
            self._session.answer(_SIGNED_IN)

    def _peer(self) -> Peer:
        cipher = self._transport.get_extra_info("cipher")
        return Peer(
            role=self._listener.service.role,
            address=self._address,
            port=self._port,
            hello=self._session.hello,
            extended=self._session.is_extended,
            tls="" if cipher is None else f"{cipher[1]} {cipher[0]}",
            authenticated=self._caller is not None,
        )

    # TLS.

    async def _start_tls(self) -> None:
        """Answer STARTTLS, and begin it (RFC 3207 §4)."""
        self._pause()
        self._session.answer(_READY)
        closing = self._session.next()  # if more came in clear
        if closing is not None:
            self._transport.abort()
            self.part()
            return
        self._flush()
        if await self._secure():
            self._session.secured()

    async def _secure(self) -> bool:
        """Shake hands; says whether it went well."""
        assert self._listener.tls is not None
        try:
            transport = await self._loop.start_tls(
                self._transport,
                self,
                self._listener.tls,
                server_side=True,
                ssl_handshake_timeout=self._settings.handshake,
            )
        except (OSError, ssl.SSLError) as error:
            _log.info("smtp.handshake", error=type(error).__name__)
            self._transport.abort()
            self.part()  # of a connection that is lost in the middle of this, nobody else tells us
            return False
        if transport is None:
            self.part()
            return False
        self._transport = transport
        self._is_reading = True
        return True

    # Waiting and writing.

    def _flush(self) -> None:
        output = self._session.take()
        if output and not self._is_lost:
            self._note_progress()
            self._transport.write(output)

    async def _wait(self) -> None:
        """Wait for room for our replies, and then for more input."""
        if self._may_write and not self._is_lost:
            self._resume()
        self._due = self._when_due()
        await self._sleep()
        self._due = _NEVER

    async def _sleep(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _pause(self) -> None:
        if self._is_reading and not self._is_lost:
            self._is_reading = False
            self._transport.pause_reading()

    def _resume(self) -> None:
        if not self._is_reading and not self._is_lost:
            self._is_reading = True
            self._transport.resume_reading()

    # Leaving.

    async def _leave(self, is_polite: bool) -> None:
        """Say what is to be said, and see that the peer goes, too.

        Who may be sending still gets to read our last word only if we go on to take what he sends.
        """
        self._flush()
        self._is_leaving = True
        self._note_progress()
        self._due = self._since + self._settings.linger
        if is_polite or self._has_ended:
            self._transport.close()
            return
        self._resume()
        if self._transport.can_write_eof():
            self._transport.write_eof()

    def _let_go(self) -> None:
        """Be forgotten once the peer is gone and nothing is done for him any more."""
        if self._is_lost and self._task is None:
            self._house.connections.discard(self)

    # What the peer owes.

    def _note_progress(self) -> None:
        self._since = self._loop.time()
        self._mark = self._received

    def _when_due(self) -> float:
        is_receiving = self._session.is_receiving
        if is_receiving != self._was_receiving:
            self._was_receiving = is_receiving
            self._note_progress()
        return self._since + (self._settings.data if is_receiving else self._settings.command)

    def _watch(self) -> None:
        """Look whether what is owed came in time."""
        if self._loop.time() >= self._due:
            self._time_out()
        self._watcher = self._loop.call_later(self._look, self._watch)

    def _time_out(self) -> None:
        if self._is_leaving:
            self._transport.abort()
        elif (
            self._session.is_receiving
            and self._received - self._mark >= self._settings.pace * self._settings.data
        ):
            self._note_progress()
            self._due = self._when_due()
        else:
            _log.info("smtp.slow", role=self._listener.service.role)
            self._session.end(_SLOW)
            self._wake()


def _failed(error: Exception) -> Reply:
    """Note that a port failed, and say so without saying why."""
    _log.error("smtp.fail", **log.fault(error))
    return _FULL if isinstance(error, OSError) and error.errno == errno.ENOSPC else _BROKEN
