"""Events: what a session tells who drives it.

`MailFrom`, `RcptTo`, `StartTls`, `Auth`, `AuthResponse` and `Done` are questions: the session goes on once it was
told what to answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from posthouse.proto.smtp.address import Address


@dataclass(frozen=True, slots=True)
class MailFrom:
    """A transaction begins; answered by `Session.answer` (RFC 5321 §4.1.1.2).

    :param address: the reverse-path; None if it is null.
    :param size: octets that the message will have, as declared (RFC 1870 §6); None if not.
    :param body: whether the content is 7 or 8 bits wide (RFC 6152).
    :param smtputf8: whether envelope or header need UTF-8 (RFC 6531 §3.4).
    :param ret: what a bounce shall hold (RFC 3461 §4.3); None if nothing was asked for.
    :param envid: the envelope id, decoded (RFC 3461 §4.4).
    :param auth: who submitted it, as the peer says, decoded, ``<>`` if he does not know (RFC 4954 §5).
    :param hold_for: seconds to hold the message (RFC 4865 §2).
    :param hold_until: Unix second until which to hold it; at most one of both is given.
    """

    address: Address | None
    size: int | None = None
    body: Literal["7BIT", "8BITMIME"] = "7BIT"
    smtputf8: bool = False
    ret: Literal["FULL", "HDRS"] | None = None
    envid: str | None = None
    auth: str | None = None
    hold_for: int | None = None
    hold_until: int | None = None


@dataclass(frozen=True, slots=True)
class RcptTo:
    """A further recipient; answered by `Session.answer` (RFC 5321 §4.1.1.3).

    :param address: the forward-path.
    :param notify: upon what to send a DSN, ``NEVER`` alone or of ``SUCCESS``, ``FAILURE``, ``DELAY``; None if not
        said (RFC 3461 §4.1).
    :param orcpt: the type and the decoded address of the original recipient, ``rfc822;ada@example.org``
        (RFC 3461 §4.2).
    """

    address: Address
    notify: frozenset[str] | None = None
    orcpt: str | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of the message, as it is without dots doubled; no question."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Done:
    """The message is complete; answered by `Session.settle`."""

    size: int


@dataclass(frozen=True, slots=True)
class Reset:
    """The transaction is given up, with what came of its message; no question."""


@dataclass(frozen=True, slots=True)
class StartTls:
    """The peer asks for TLS; answered by `Session.answer`, then `Session.secured` (RFC 3207)."""


@dataclass(frozen=True, slots=True)
class Auth:
    """The peer signs in by a mechanism that is offered; answered by `challenge` or `answer` (RFC 4954 §4).

    :param initial: the initial response, None if there was none.
    """

    mechanism: str
    initial: bytes | None


@dataclass(frozen=True, slots=True)
class AuthResponse:
    """What the peer says to the last challenge; answered as `Auth` is."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """The session is over: send what is to be sent, and hang up.

    :param is_polite: the peer asked for it, so he sends nothing more.
    """

    is_polite: bool


Event = MailFrom | RcptTo | Chunk | Done | Reset | StartTls | Auth | AuthResponse | Close
"""All of them."""
