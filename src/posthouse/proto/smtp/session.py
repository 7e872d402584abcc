"""Session: one conversation with a client of SMTP, LMTP or submission (RFC 5321 §3, RFC 2033, RFC 6409).

Theory of operation. `feed` takes bytes, `next` gives the next event, `take` what is to be sent. An event that is a
question stops the session until it is answered; what the peer has pipelined meanwhile waits in a buffer, which who
drives it bounds by reading no more (RFC 2920). All else the session answers by itself: syntax, order, limits.

The state says what the next octets are: a *command*; a *response* inside AUTH; *data* up to the dot; a *chunk* of
BDAT, whose octets are counted, or one whose octets only pass (*skip*) because it was refused; nothing before TLS
(*tls*); nothing any more (*closed*).
"""

from __future__ import annotations

import binascii
import re
from collections import deque
from collections.abc import Sequence
from typing import Final, Literal

from posthouse.proto.smtp import address, parameter
from posthouse.proto.smtp.content import BareLineBreak
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
from posthouse.proto.smtp.reply import Reply, combine
from posthouse.proto.smtp.service import Service
from posthouse.proto.smtp.transaction import SPILL, TOO_BIG, Transaction

_HELLO: Final = re.compile(r"[!-~]{1,255}")
_BDAT: Final = re.compile(r"([0-9]{1,20})(?: +(LAST))?", re.IGNORECASE)
_AUTH: Final = re.compile(r"([A-Za-z0-9_-]{1,20})(?: +(\S+))?")
_OTHER_PROTOCOLS: Final = frozenset({"GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT"})
"""What a browser begins with that was led to this port: it must not get as far as a command in its body."""

_OK: Final = Reply(250, "2.0.0", "OK")
_BARE: Final = "Lines end with CR LF, and neither stands alone"
_ORDER: Final = "The order of commands is wrong"


class Session:
    """The server's side of one connection.

    :param is_secure: the connection has TLS from its start, or needs none.
    :param opened: the Unix second at which the connection was made.

    :ivar hello: the name that the peer gave, empty before.
    :ivar is_extended: he gave it with EHLO or LHLO.
    :ivar is_authenticated: he signed in.
    """

    def __init__(self, service: Service, *, is_secure: bool = False, opened: int = 0) -> None:
        self.hello = ""
        self.is_extended = False
        self.is_authenticated = False
        self._service = service
        self._limits = service.limits
        self._is_lmtp = service.role == "lmtp"
        self._is_secure = is_secure
        self._opened = opened
        self._input = bytearray()
        self._searched = 0  # octets of the input that hold no line break
        self._is_overlong = False
        self._output: list[bytes] = []
        self._events: deque[Event] = deque()
        self._asked: Event | None = None
        self._state: Literal["command", "response", "data", "chunk", "skip", "tls", "closed"] = "command"
        self._errors = 0
        self._idle = 0
        self._transaction: Transaction | None = None
        self._left = 0  # octets of the chunk that comes in
        self._is_last = False  # no chunk of the message follows it
        self._skip_reply = _OK
        self._commands = {
            "LHLO" if self._is_lmtp else "EHLO": self._extended_hello,
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "BDAT": self._bdat,
            "RSET": self._rset,
            "NOOP": self._noop,
            "QUIT": self._quit,
            "VRFY": self._vrfy,
            "EXPN": self._expn,
            "HELP": self._help,
            "STARTTLS": self._starttls,
            "AUTH": self._auth,
        }
        if not self._is_lmtp:
            self._commands["HELO"] = self._plain_hello

    # What who drives it calls.

    @property
    def is_receiving(self) -> bool:
        """Whether a message comes in: DATA was answered, or a chunk began and the last one has not ended."""
        is_open = self._transaction is not None and self._transaction.has_chunks
        return is_open or self._state in ("data", "chunk", "skip")

    @property
    def is_busy(self) -> bool:
        """Whether a transaction has begun that is neither finished nor given up."""
        return self._transaction is not None

    @property
    def waiting(self) -> int:
        """Octets that were fed and not yet read."""
        return len(self._input)

    def greet(self) -> None:
        """Say who is here, once, at the start (RFC 5321 §4.2)."""
        protocol = "LMTP" if self._is_lmtp else "ESMTP"
        self._write(Reply(220, "", f"{self._service.hostname} {protocol} Posthouse"))

    @property
    def is_over(self) -> bool:
        """Whether nothing is read any more."""
        return self._state == "closed"

    def feed(self, data: bytes) -> None:
        """Take bytes from the peer; without effect once the session is over."""
        if self._state == "tls":
            self._hang_up()
        elif self._state != "closed":
            self._input += data

    def next(self) -> Event | None:
        """Give the next event; None: an answer, or more input, is needed first."""
        while not self._events:
            if self._asked is not None or not self._advance():
                return None
        return self._events.popleft()

    def take(self) -> bytes:
        """Give what is to be sent, once."""
        output = b"".join(self._output)
        self._output.clear()
        return output

    def answer(self, reply: Reply) -> None:
        """Answer a `MailFrom`, `RcptTo`, `StartTls`, `Auth` or `AuthResponse`.

        A positive reply grants what was asked; to `StartTls` it is followed by `secured`.
        """
        asked, self._asked = self._asked, None
        if self._state == "closed":
            return
        if isinstance(asked, StartTls) and reply.is_positive:
            if (
                self._input
            ):  # sent in clear, perhaps by a third: nothing of it may be read as if it came under TLS
                self._hang_up()
                return
            self._state = "tls"
        elif isinstance(asked, MailFrom) and reply.is_positive:
            self._transaction = Transaction(asked, self._limits)
        elif isinstance(asked, RcptTo) and self._transaction is not None:
            if reply.is_positive:
                self._transaction.recipients += 1
            else:
                self._transaction.refused += 1
                if self._is_lmtp:  # our own MTA is no stranger who tries names
                    self._write(reply)
                    return
        elif isinstance(asked, Auth | AuthResponse) and reply.is_positive:
            self.is_authenticated = True
        self._say(reply)

    def challenge(self, data: bytes) -> None:
        """Answer an `Auth` or `AuthResponse` by asking for another response (RFC 4954 §4)."""
        self._asked = None
        if self._state != "closed":
            self._state = "response"
            self._output.append(b"334 " + binascii.b2a_base64(data, newline=False) + b"\r\n")

    def settle(self, replies: Sequence[Reply]) -> None:
        """Answer `Done`: what became of the message for each recipient, in the order they were accepted.

        LMTP says it of each (RFC 2033 §4.2), SMTP in one reply: see `combine`. One reply alone stands for all.
        """
        self._asked = None
        if self._state == "closed":
            return
        self._idle = 0
        self._finish(replies)

    def secured(self) -> None:
        """TLS is there: forget all that was said before it (RFC 3207 §4.2)."""
        if self._state == "tls":
            self._state = "command"
            self._is_secure = True
            self.hello = ""
            self.is_extended = False

    def end(self, reply: Reply) -> None:
        """Say a last word and close."""
        if self._state != "closed":
            self._write(reply)
            self._hang_up()

    # How it reads.

    def _advance(self) -> bool:
        """Read one thing of the input; say whether there was enough of it."""
        if self._state in ("command", "response"):
            line = self._line()
            if line is None:
                return False
            if line:
                self._heed(line)
            return True
        ends_chunk = self._state in ("chunk", "skip") and not self._left
        if not self._input and not ends_chunk:
            return False
        try:
            if ends_chunk:
                self._end_chunk()
            else:
                self._read_content()
        except BareLineBreak:
            self._refuse_message(Reply(554, "5.6.0", _BARE))
            self._hang_up()
        return True

    def _line(self) -> bytes | None:
        """Take a line from the input; None if none is complete, empty if it was refused."""
        end = self._input.find(b"\n", self._searched)
        if end < 0:
            if len(self._input) > self._limits.line:
                self._is_overlong = True
                del self._input[:-1]
            self._searched = len(self._input)
            return None
        line = bytes(self._input[: end + 1])
        del self._input[: end + 1]
        self._searched = 0
        is_overlong = self._is_overlong or len(line) > self._limits.line
        self._is_overlong = False
        if not line.endswith(b"\r\n") or (not is_overlong and line.count(b"\r") > 1):
            self.end(Reply(521, "5.5.2", _BARE))
        elif is_overlong:
            self._state = "command"
            self._say(Reply(500, "5.5.2", "The line is too long"))
        else:
            return line
        return b""

    def _heed(self, line: bytes) -> None:
        if self._state == "response":
            self._respond(line[:-2])
            return
        try:
            text = line[:-2].decode()
        except UnicodeDecodeError:
            self._say(Reply(500, "5.5.2", "A command is ASCII or UTF-8"))
            return
        verb, _, rest = text.partition(" ")
        verb = verb.upper()
        command = self._commands.get(verb)
        if command is not None:
            command(rest.rstrip(" \t"))
        elif verb in _OTHER_PROTOCOLS:
            self.end(Reply(521, "5.5.1", "This is a mail server"))
        else:
            self._say(Reply(500, "5.5.1", "The command is unknown"))

    def _read_content(self) -> None:
        """Read octets of a message. Raises `BareLineBreak`."""
        data = bytes(self._input if self._state == "data" else self._input[: self._left])
        del self._input[: len(data)]
        transaction = self._transaction
        if self._state == "skip" or transaction is None:
            self._left -= len(data)
            return
        rest: bytes | None = None
        if self._state == "data":
            content, rest = transaction.dotted.take(data)
        else:
            self._left -= len(data)
            content = transaction.counted.take(data)
        if transaction.add(content):
            self._events.append(Chunk(content))
        if rest is not None:
            self._input += rest
            self._state = "command"
            self._complete(transaction)
        elif transaction.is_hopeless:
            self._refuse_message(TOO_BIG)
            self._hang_up()

    def _end_chunk(self) -> None:
        """End a chunk whose octets are all there (RFC 3030 §2). Raises `BareLineBreak`."""
        was_skipped, self._state = self._state == "skip", "command"
        transaction = self._transaction
        if was_skipped or transaction is None:
            self._say(self._skip_reply)
        elif self._is_last:
            transaction.counted.end()
            self._complete(transaction)
        elif transaction.fault is not None:
            self._give_up()
            self._say(transaction.fault)
        else:
            self._write(Reply(250, "2.0.0", "The chunk is taken"))

    def _complete(self, transaction: Transaction) -> None:
        """Ask what becomes of the message, unless it broke a limit."""
        if transaction.fault is not None:
            self._refuse_message(transaction.fault)
        else:
            self._ask(Done(transaction.size))

    def _refuse_message(self, reply: Reply) -> None:
        """Refuse it for each recipient."""
        self._errors += 1
        self._events.append(Reset())
        self._finish([reply])

    def _finish(self, replies: Sequence[Reply]) -> None:
        """End the transaction by saying what became of it."""
        if self._is_lmtp and self._transaction is not None:
            for number in range(self._transaction.recipients):
                self._write(replies[number] if len(replies) > 1 else replies[0])
        else:
            self._write(combine(replies))
        self._transaction = None

    # Commands.

    def _extended_hello(self, rest: str) -> None:
        if self._hail(rest):
            self.is_extended = True
            keywords = self._service.keywords(self._is_secure, self._opened)
            self._write(Reply(250, "", "\n".join([f"{self._service.hostname} at your service", *keywords])))

    def _plain_hello(self, rest: str) -> None:
        if self._hail(rest):
            self.is_extended = False
            self._write(Reply(250, "", self._service.hostname))

    def _hail(self, rest: str) -> bool:
        """Take the name of a peer, and give up what he was about (RFC 5321 §4.1.4)."""
        if not _HELLO.fullmatch(rest.strip(" ")):
            self._say(Reply(501, "5.5.4", "Say who you are: a host name or an address in brackets"))
            return False
        self._idled()
        if self._state == "closed":
            return False
        self._give_up()
        self.hello = rest.strip(" ")
        return True

    def _mail(self, rest: str) -> None:
        if not self.hello:
            self._say(Reply(503, "5.5.1", "Say hello first"))
            return
        if self._service.role == "submission" and not self.is_authenticated:
            said = "Sign in first" if self._is_secure else "STARTTLS and sign in first"
            self._say(Reply(530, "5.7.0", said))
            return
        if self._transaction is not None:
            self._say(Reply(503, "5.5.1", _ORDER))
            return
        hold = (self._service.max_hold, self._opened + self._service.max_hold)
        known = self._service.mail_parameters(self.is_extended)
        try:
            path, after = address.read_reverse_path(_behind(rest, "FROM:"))
            sender = parameter.mail_from(path, after, known, hold)
        except (address.PathError, parameter.ParameterError) as error:
            self._say(_reply_to(error, "5.1.7"))
            return
        if path is not None and path.needs_utf8 and not sender.smtputf8:
            self._say(Reply(553, "5.6.7", "SMTPUTF8 is needed for this address"))
        elif sender.size is not None and sender.size > self._limits.size:
            self._say(TOO_BIG)
        else:
            self._ask(sender)

    def _rcpt(self, rest: str) -> None:
        transaction = self._transaction
        if transaction is None or transaction.has_chunks:
            self._say(Reply(503, "5.5.1", _ORDER))
            return
        try:
            path, after = address.read_forward_path(_behind(rest, "TO:"))
            recipient = parameter.rcpt_to(path, after, self._service.rcpt_parameters(self.is_extended))
        except (address.PathError, parameter.ParameterError) as error:
            transaction.refused += 1
            self._say(_reply_to(error, "5.1.3"))
            return
        if path.needs_utf8 and not transaction.sender.smtputf8:
            transaction.refused += 1
            self._say(Reply(553, "5.6.7", "SMTPUTF8 is needed for this address"))
        elif transaction.recipients >= self._limits.recipients:
            self._say(Reply(452, "4.5.3", "So many recipients take several messages"))
        else:
            self._ask(recipient)

    def _data(self, rest: str) -> None:
        refusal = self._no_content()
        if rest:
            self._say(Reply(501, "5.5.4", "DATA stands alone"))
        elif refusal is not None:
            self._say(refusal)
        elif self._transaction is not None and self._transaction.has_chunks:
            self._say(Reply(503, "5.5.1", "BDAT has begun, go on with it"))
        else:
            self._state = "data"
            self._write(Reply(354, "", "Go on, and end with a dot alone on a line"))

    def _bdat(self, rest: str) -> None:
        """Begin a chunk; its octets follow whether or not they can be taken."""
        found = _BDAT.fullmatch(rest.strip(" "))
        if found is None:
            self.end(Reply(501, "5.5.4", "BDAT needs a length"))
            return
        self._left = int(found[1])
        self._is_last = found[2] is not None
        refusal = self._no_content()
        if self._left > 2 * self._limits.size + SPILL:
            self.end(refusal or TOO_BIG)
        elif refusal is not None:
            self._skip_reply = refusal
            self._state = "skip"
        elif self._transaction is not None:
            self._transaction.expect(self._left)
            self._transaction.has_chunks = True
            self._state = "chunk"

    def _no_content(self) -> Reply | None:
        """Refuse a message that has nowhere to go (RFC 5321 §4.1.1.4, RFC 2033 §4.2)."""
        transaction = self._transaction
        if transaction is not None and transaction.recipients:
            return None
        if transaction is not None and transaction.refused and not self._is_lmtp:
            return Reply(554, "5.5.1", "No recipient was accepted")
        return Reply(503, "5.5.1", _ORDER)

    def _rset(self, rest: str) -> None:
        if rest:
            self._say(Reply(501, "5.5.4", "RSET stands alone"))
            return
        self._give_up()
        self._say_idly(_OK)

    def _noop(self, rest: str) -> None:
        self._say_idly(_OK)

    def _quit(self, rest: str) -> None:
        if rest:
            self._say(Reply(501, "5.5.4", "QUIT stands alone"))
        else:
            self._write(Reply(221, "2.0.0", "Goodbye"))
            self._hang_up(is_polite=True)

    def _vrfy(self, rest: str) -> None:
        """Tell nobody who is here (RFC 5321 §3.5.3, §7.3)."""
        if rest:
            self._say_idly(Reply(252, "2.5.0", "Send a message to find out"))
        else:
            self._say(Reply(501, "5.5.4", "VRFY needs a name"))

    def _expn(self, rest: str) -> None:
        self._say(Reply(502, "5.5.1", "Lists are not shown"))

    def _help(self, rest: str) -> None:
        self._say_idly(Reply(214, "2.0.0", "See RFC 5321"))

    def _starttls(self, rest: str) -> None:
        if rest:
            self._say(Reply(501, "5.5.4", "STARTTLS stands alone"))
        elif not self._service.can_start_tls:
            self._say(Reply(502, "5.5.1", "There is no TLS here"))
        elif self._is_secure:
            self._say(Reply(503, "5.5.1", "TLS is there"))
        else:
            self._give_up()
            self._ask(StartTls())

    def _auth(self, rest: str) -> None:
        found = _AUTH.fullmatch(rest)
        if not self._service.mechanisms:
            self._say(Reply(502, "5.5.1", "Nobody signs in here"))
        elif not self.is_extended or self.is_authenticated or self._transaction is not None:
            self._say(Reply(503, "5.5.1", _ORDER))
        elif not self._is_secure:
            self._say(Reply(538, "5.7.11", "STARTTLS first"))
        elif found is None:
            self._say(Reply(501, "5.5.4", "AUTH needs a mechanism"))
        elif found[1].upper() not in self._service.mechanisms:
            self._say(Reply(504, "5.5.4", "The mechanism is not offered"))
        else:
            self._sign_in(found[1].upper(), found[2])

    def _sign_in(self, mechanism: str, initial: str | None) -> None:
        self._idled()
        if initial is None:
            self._ask(Auth(mechanism, None))
            return
        decoded = b"" if initial == "=" else _decoded(initial.encode())
        if decoded is None:
            self._say(Reply(501, "5.5.2", "This is no base64"))
        else:
            self._ask(Auth(mechanism, decoded))

    def _respond(self, line: bytes) -> None:
        self._state = "command"
        data = None if line == b"*" else _decoded(line)
        if line == b"*":
            self._say(Reply(501, "5.7.0", "Signing in is called off"))
        elif data is None:
            self._say(Reply(501, "5.5.2", "This is no base64"))
        else:
            self._ask(AuthResponse(data))

    # Small steps.

    def _ask(self, question: Event) -> None:
        if self._state != "closed":
            self._asked = question
            self._events.append(question)

    def _write(self, reply: Reply) -> None:
        self._output.append(reply.encode())

    def _say(self, reply: Reply) -> None:
        """Write a reply; one refusal too many ends the session."""
        self._write(reply)
        if reply.code >= 500:
            self._errors += 1
            if self._errors > self._limits.errors:
                self.end(Reply(421, "4.7.0", "Too many commands were refused"))

    def _say_idly(self, reply: Reply) -> None:
        self._write(reply)
        self._idled()

    def _idled(self) -> None:
        """Count a command that brings no message further; one too many ends the session."""
        self._idle += 1
        if self._idle > self._limits.idle:
            self.end(Reply(421, "4.7.0", "Too many commands, and no message"))

    def _give_up(self) -> None:
        """Leave the transaction, if there is one."""
        if self._transaction is not None:
            self._events.append(Reset())
            self._transaction = None

    def _hang_up(self, is_polite: bool = False) -> None:
        self._state = "closed"
        self._asked = None
        self._input.clear()
        self._give_up()
        self._events.append(Close(is_polite))


def _behind(rest: str, word: str) -> str:
    """Give what follows ``FROM:`` or ``TO:``; a space behind the colon is common and harmless.

    Raises `PathError`.
    """
    rest = rest.lstrip(" ")
    if rest[: len(word)].upper() != word:
        raise address.PathError(f"{word}<address> is needed")
    return rest[len(word) :].lstrip(" ")


def _reply_to(error: address.PathError | parameter.ParameterError, status: str) -> Reply:
    return error.reply if isinstance(error, parameter.ParameterError) else Reply(501, status, str(error))


def _decoded(text: bytes) -> bytes | None:
    """Decode base64; None for what is none."""
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        return None
