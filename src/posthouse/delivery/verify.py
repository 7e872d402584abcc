"""Is a message from whom it says? SPF, DKIM, DMARC and ARC are asked at once, within one patience."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from mmap import mmap
from random import randrange
from typing import Final, TypeVar

from posthouse.delivery.resolver import Resolver
from posthouse.formats import mime
from posthouse.proto.mailauth import arc, dkim, dmarc, domain, spf
from posthouse.proto.mailauth.dns import FAILED, Answer, Check, Question
from posthouse.proto.mailauth.letter import Letter
from posthouse.proto.mailauth.results import Results

_LARGE: Final = 256 * 1024
"""Octets of a message that is read in a thread, as the event loop must not wait for it."""
_MAX_FROM: Final = 16 * 1024
_Found = TypeVar("_Found")


class Verifier:
    """Finds out who stands for messages.

    :param resolver: whom to ask.
    :param name: our own host name, which domains may put into their explanations.
    :param patience: seconds for one message; what is not known by then is a temporary error.
    :param draw: gives numbers from 0 to 99, which decide whom a policy for a share of the mail meets.
    """

    def __init__(
        self,
        resolver: Resolver,
        name: str,
        *,
        patience: float = 20.0,
        draw: Callable[[], int] = lambda: randrange(100),
    ) -> None:
        self._resolver = resolver
        self._name = name
        self._patience = patience
        self._draw = draw
        domain.organizational(name)  # reads the list of public suffixes, which takes a while

    async def verify(
        self, message: bytes | mmap, peer: spf.Address | None, helo: str, mail_from: str
    ) -> Results:
        """Find out what SPF, DKIM, DMARC and ARC say; never raises, and ends when patience does.

        :param message: as it came, before anything was put in front or taken away.
        :param peer: address of the host that sent it; None if it is one of ours, of which SPF knows nothing.
        :param helo: what it gave as its name.
        :param mail_from: the address of MAIL FROM, without brackets; empty for the null reverse-path.
        """
        now = int(time.time())
        until = asyncio.get_running_loop().time() + self._patience
        if len(message) > _LARGE:
            letter = await asyncio.to_thread(_read, message)
        else:
            letter = Letter(message)
        author = dmarc.author(_author_domains(letter))
        (by_mail_from, by_helo), signatures, chain, found = await asyncio.gather(
            self._sender(peer, helo, mail_from, now, until),
            asyncio.gather(*(self._run(check, until) for check in dkim.check_all(letter, now))),
            self._run(arc.check(letter), until),
            self._policy(author, until),
        )
        return Results(
            sender=mail_from,
            mail_from=by_mail_from,
            helo=by_helo,
            signatures=tuple(signatures),
            author=dmarc.judge(found, by_mail_from, signatures, self._draw()),
            chain=chain,
        )

    async def _sender(
        self, peer: spf.Address | None, helo: str, mail_from: str, now: int, until: float
    ) -> tuple[spf.Verdict, spf.Verdict | None]:
        """Ask SPF about MAIL FROM, and about HELO where that is another identity (RFC 7208 §2.3, §2.4)."""
        asked = mail_from.rpartition("@")[2] if mail_from else helo
        if peer is None:
            return spf.Verdict("none", asked), None
        check = partial(spf.check, peer, helo=helo, receiver=self._name, now=now)
        postmaster = f"postmaster@{helo}"
        if not mail_from:
            return await self._run(check(helo, postmaster), until), None
        return await asyncio.gather(
            self._run(check(asked, mail_from), until), self._run(check(helo, postmaster), until)
        )

    async def _policy(self, author: str | None, until: float) -> dmarc.Found | None:
        return None if author is None else await self._run(dmarc.discover(author), until)

    async def _run(self, check: Check[_Found], until: float) -> _Found:
        """Ask what a check asks till it is done."""
        try:
            question = next(check)
            while True:
                question = check.send(await self._answer(question, until))
        except StopIteration as done:
            found: _Found = done.value
            return found

    async def _answer(self, question: Question, until: float) -> Answer:
        try:
            async with asyncio.timeout_at(until):
                return await self._resolver.answer(question)
        except TimeoutError:
            return FAILED


def _read(message: bytes | mmap) -> Letter:
    letter = Letter(message)
    dkim.hash_bodies(letter)
    return letter


def _author_domains(letter: Letter) -> list[list[str]]:
    """List the domains in each field From, as those see them whom the message is shown to."""
    return [
        [_domain(address["email"]) for address in mime.as_addresses(field.value.decode("utf-8", "replace"))]
        if len(field.value) <= _MAX_FROM
        else []
        for field in letter.named("from")[:2]  # more than one is one too many
    ]


def _domain(email: str) -> str:
    """Return what follows the @; nothing if there is none."""
    _, at, name = email.rpartition("@")
    return name if at else ""
