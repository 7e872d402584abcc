"""Courier: one message to one domain, by SMTP (RFC 5321).

Theory of operation. Hosts are asked in turn until one lets us begin; what it then says counts, whether yes or no. Each
recipient is answered: by the reply to his RCPT TO, or if that was taken, by the reply to the message. A connection that
breaks before a reply says nothing: then the message is tried again later, and may arrive twice, which no client of SMTP
can avoid (RFC 1047).
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from aiosmtplib import SMTP, SMTPException, SMTPResponse, SMTPResponseException, SMTPServerDisconnected

from posthouse.capabilities.submission import address
from posthouse.capabilities.submission.letter import Letter, Recipient
from posthouse.delivery import outgoing
from posthouse.delivery.progress import Answer
from posthouse.kit import log
from posthouse.proto.smtp.reply import Reply
from posthouse.serve.work.route import Hop, Route, Unroutable

NO_8BIT: Final = Reply(554, "5.6.3", "the host takes no 8-bit text, in which this message is written")
NO_UTF8: Final = Reply(553, "5.6.7", "the host takes no address in other scripts")
TOO_LARGE: Final = Reply(552, "5.3.4", "the host takes no message as large as this")

_GO_ON: Final = 354
_STATUS: Final = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s|\Z)", re.ASCII)
_XTEXT: Final = re.compile(r"[^!-*,-<>-~]")

_log = log.get("relay")


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that a host has for each step (RFC 5321 §4.5.3.2), and for all of a message."""

    connect: float = 60.0
    command: float = 300.0
    data: float = 600.0
    whole: float = 1800.0


class Login(NamedTuple):
    """With what we sign in at the smart host."""

    username: str
    password: str


@dataclass(frozen=True, slots=True)
class Manner:
    """How we speak to hosts.

    name: our own, as we greet. login: None: we don't sign in. trust: which certificates are good; None: any, as
    where TLS is a courtesy (RFC 7435). implicit: TLS from the first byte on, and no STARTTLS.
    """

    name: str
    login: Login | None = None
    trust: ssl.SSLContext | None = None
    implicit: bool = False
    patience: Patience = field(default_factory=Patience)


class _Passing(Exception):
    """A host did not let us begin, so that the next one is asked."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.text)
        self.reply = reply


class _NoTls(Exception):
    """TLS could not be had."""


class Courier:
    """Takes messages to the hosts that a route leads to."""

    def __init__(self, route: Route, manner: Manner) -> None:
        self._route = route
        self._manner = manner
        self._trust = manner.trust or _anyone()

    def destination(self, domain: str) -> str:
        """Name where mail for a domain goes to; what is the same can be taken there together."""
        return self._route.destination(domain)

    async def take(
        self, destination: str, letter: Letter, recipients: Sequence[Recipient], message: bytes
    ) -> list[Answer]:
        """Take a message to some of its recipients; gives the answer for each, in their order.

        message: as it is to be sent.
        """
        try:
            hops = await self._route.hops(destination)
        except Unroutable as fault:
            return [Answer(fault.reply)] * len(recipients)
        last = Answer(Reply(451, "4.4.1", "no host can be reached"))
        for hop in hops:
            try:
                async with asyncio.timeout(self._manner.patience.whole):
                    return await self._by(hop, letter, recipients, message)
            except _Passing as passing:
                last = Answer(passing.reply, hop.name)
            except TimeoutError:  # It may have the message, so that no other one must get it now.
                last = Answer(Reply(451, "4.4.2", "the host took too long"), hop.name)
                break
        return [last] * len(recipients)

    async def _by(
        self, hop: Hop, letter: Letter, recipients: Sequence[Recipient], message: bytes
    ) -> list[Answer]:
        client = await self._connected(hop)
        try:
            return await _Talk(client, hop, self._manner.patience).send(letter, recipients, message)
        finally:
            client.close()

    async def _connected(self, hop: Hop) -> SMTP:
        """Connect to a host, with TLS if it can. Raises `_Passing`."""
        try:
            return await self._greeted(hop, with_tls=True)
        except _NoTls as fault:
            if self._manner.trust is not None:
                raise _Passing(Reply(454, "4.7.5", f"TLS with the host fails: {fault}")) from fault
            _log.info("relay.no_tls", host=hop.name)
        return await self._greeted(hop, with_tls=False)

    async def _greeted(self, hop: Hop, *, with_tls: bool) -> SMTP:
        """Connect and greet. Raises `_Passing`, and `_NoTls`."""
        manner = self._manner
        client = SMTP(
            hostname=hop.address,
            port=hop.port,
            local_hostname=manner.name,
            use_tls=manner.implicit,
            start_tls=False,
            tls_context=self._trust,
            timeout=manner.patience.command,
        )
        try:
            await client.connect(timeout=manner.patience.connect)
            await _hello(client)
            if with_tls and not manner.implicit:
                await self._encrypted(client, hop)
            if manner.login is not None:
                await client.login(*manner.login)
        except BaseException as error:
            client.close()
            match error:
                case SMTPResponseException():
                    raise _Passing(_before_mail(_reply(error.code, error.message))) from error
                case SMTPException() | OSError() | ValueError():
                    raise _Passing(Reply(451, "4.4.1", f"the host cannot be talked to: {error}")) from error
            raise
        return client

    async def _encrypted(self, client: SMTP, hop: Hop) -> None:
        """Go on with TLS if the host offers it, or if it has to. Raises `_NoTls`."""
        if not client.supports_extension("starttls"):
            if self._manner.trust is None:
                return
            raise _NoTls("it is not offered")
        try:
            await client.starttls(
                tls_context=self._trust, server_hostname=hop.name, timeout=self._manner.patience.connect
            )
            await _hello(client)
        except (SMTPException, OSError, ValueError) as error:
            raise _NoTls(str(error)) from error


class _Talk:
    """One message over one connection."""

    def __init__(self, client: SMTP, hop: Hop, patience: Patience) -> None:
        self._client = client
        self._hop = hop
        self._patience = patience

    async def send(self, letter: Letter, recipients: Sequence[Recipient], message: bytes) -> list[Answer]:
        """Send the message; a connection that breaks leaves what was not answered for later."""
        needs_utf8 = not all(
            address.is_ascii(one) for one in (letter.mail_from, *(r.email for r in recipients))
        )
        refusal = self._unfit(message, needs_utf8)
        if refusal is not None:
            return [self._answer(refusal)] * len(recipients)
        answers: dict[int, Answer] = {}
        try:
            await self._send(letter, recipients, message, needs_utf8, answers)
        except (SMTPException, OSError, ValueError) as error:
            reply = Reply(451, "4.4.2", f"the host broke off: {error}")
            if isinstance(error, SMTPResponseException):
                reply = _reply(error.code, error.message)
            for at in range(len(recipients)):
                answers.setdefault(at, self._answer(reply))
        return [answers[at] for at in range(len(recipients))]

    async def _send(
        self,
        letter: Letter,
        recipients: Sequence[Recipient],
        message: bytes,
        needs_utf8: bool,
        answers: dict[int, Answer],
    ) -> None:
        begun = await self._command(
            "MAIL", f"FROM:<{_path(letter.mail_from)}>", *self._of_mail(letter, message, needs_utf8)
        )
        if not begun.is_positive:
            answers |= dict.fromkeys(range(len(recipients)), self._answer(begun))
            return
        taken: list[int] = []
        for at, one in enumerate(recipients):
            reply = await self._command("RCPT", f"TO:<{_path(one.email)}>", *self._of_rcpt(one))
            if reply.is_positive:
                taken.append(at)
            else:
                answers[at] = self._answer(reply)
        if taken:
            done = self._answer(await self._data(message), notifies=self._has("dsn"))
            answers |= dict.fromkeys(taken, done)
        await self._part()

    async def _part(self) -> None:
        """Say goodbye; all that matters has been said."""
        try:
            await self._client.quit(timeout=5)
        except (SMTPException, OSError):
            return

    async def _data(self, message: bytes) -> Reply:
        begun = await self._client.execute_command(b"DATA", timeout=self._patience.command)
        if begun.code != _GO_ON:
            reply = _reply(begun.code, begun.message)
            # A yes before the message was sent takes nothing on.
            return (
                reply if not reply.is_positive else Reply(451, "4.5.0", f"the host said {begun.code} to DATA")
            )
        protocol = self._client.protocol
        if protocol is None:
            raise SMTPServerDisconnected("Connection lost")
        # The library's own way makes lines canonical first, which they are, and that takes long.
        protocol.write(_with_dots(message))
        done = await protocol.read_response(timeout=self._patience.data)
        return _reply(done.code, done.message)

    async def _command(self, verb: str, *words: str) -> Reply:
        said: SMTPResponse = await self._client.execute_command(
            verb.encode(), *[word.encode() for word in words], timeout=self._patience.command
        )
        return _reply(said.code, said.message)

    def _unfit(self, message: bytes, needs_utf8: bool) -> Reply | None:
        """Say why the host can't take such a message at all."""
        if needs_utf8 and not self._has("smtputf8"):
            return NO_UTF8
        if not self._has("8bitmime") and not outgoing.is_ascii(message):
            return NO_8BIT
        most = self._client.esmtp_extensions.get("size", "")
        if most.isascii() and most.isdecimal() and 0 < int(most[:20]) < len(message):
            return TOO_LARGE
        return None

    def _of_mail(self, letter: Letter, message: bytes, needs_utf8: bool) -> list[str]:
        words = [f"SIZE={len(message)}"] if self._has("size") else []
        if self._has("8bitmime") and not outgoing.is_ascii(message):
            words.append("BODY=8BITMIME")
        if self._has("smtputf8") and (needs_utf8 or not outgoing.is_ascii(outgoing.header_of(message))):
            words.append("SMTPUTF8")
        if self._has("dsn"):
            words += [f"RET={letter.ret}"] if letter.ret else []
            words += [f"ENVID={_xtext(letter.envid)}"] if letter.envid else []
        return words

    def _of_rcpt(self, one: Recipient) -> list[str]:
        if not self._has("dsn"):
            return []
        words = [] if one.notify is None else [f"NOTIFY={','.join(one.notify)}"]
        if one.original is not None and one.original.isascii():
            kind, _, text = one.original.partition(";")
            words.append(f"ORCPT={kind};{_xtext(text)}")
        return words

    def _has(self, extension: str) -> bool:
        return self._client.supports_extension(extension)

    def _answer(self, reply: Reply, *, notifies: bool = False) -> Answer:
        return Answer(reply, self._hop.name, notifies=notifies and reply.is_positive)


def _anyone() -> ssl.SSLContext:
    """Make what takes any certificate: better than none, where nobody says which ones are good (RFC 7435)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _hello(client: SMTP) -> None:
    """Greet a host, the old way if it knows no other (RFC 5321 §3.2)."""
    try:
        await client.ehlo()
    except SMTPResponseException as refused:
        if not 500 <= refused.code < 600:
            raise
        await client.helo()


def _with_dots(message: bytes) -> bytes:
    """Write a message for DATA, with the line that ends it (RFC 5321 §4.5.2)."""
    stuffed = message.replace(b"\r\n.", b"\r\n..")
    return (b"." if message.startswith(b".") else b"") + stuffed + b".\r\n"


def _path(text: str) -> str:
    return address.on_the_wire(text)


def _xtext(text: str) -> str:
    """Encode the value of a parameter (RFC 3461 §4)."""
    return _XTEXT.sub(lambda found: f"+{ord(found[0]):02X}", text)


def _before_mail(reply: Reply) -> Reply:
    """Give the reply of a host that refused to talk: to others it may, or tomorrow, so it does not last."""
    if reply.is_positive or reply.is_temporary:
        return reply
    status = f"4{reply.enhanced[1:]}" if reply.enhanced else ""
    return Reply(reply.code - 100, status, f"(was {reply.code}) {reply.text}")


def _reply(code: int, text: str) -> Reply:
    """Read what a host said; what is no reply is none that lasts."""
    if not 200 <= code < 600:
        return Reply(451, "4.5.0", f"the host said what is no reply: {code} {text}")
    lines = text.splitlines()
    found = _STATUS.match(lines[0]) if lines else None
    status = found[1] if found else ""
    said = " ".join(line.removeprefix(status).strip() for line in lines)
    if code < 400:
        code, status = (code, status) if code in (250, 251, 252) else (451, "4.5.0")
    return Reply(code, status, said.encode("utf-8", "replace").decode())
