"""Received: what is put before a message on its way in, and what is taken out of it (RFC 5321 §4.4)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import formatdate
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from posthouse.proto.mailauth.letter import Letter
from posthouse.proto.mailauth.results import without_claims

MOST_HOPS: Final = 50
"""A message that has come through more hosts goes round in circles (RFC 5321 §6.3)."""

_BLANK_LINE: Final = re.compile(rb"\n\r?\n")
_RETURN_PATH: Final = re.compile(rb"^return-path[ \t]*+:[^\n]*+(?:\n[ \t][^\n]*+)*+(?:\n|\Z)", re.I | re.M)
_DELIVERED_TO: Final = re.compile(rb"^delivered-to[ \t]*+:([^\n]*+)", re.I | re.M)
_HOPS: Final = re.compile(rb"^received[ \t]*+:", re.I | re.M)
_NAME: Final = re.compile(r"[A-Za-z0-9\u0080-\U0010ffff](?:[A-Za-z0-9._\u0080-\U0010ffff-]{0,253})")
_LITERAL: Final = re.compile(r"\[[A-Za-z0-9.:-]{1,60}\]")
_VISIBLE: Final = re.compile(r"[^\x00-\x1f\x7f]{1,1000}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """How a message came.

    :ivar mail_from: the reverse-path without brackets; empty for the null one.
    :ivar helo: what the peer called itself.
    :ivar peer: its address; None for a Unix socket.
    :ivar protocol: as it stands in Received, for one ``ESMTPS`` (RFC 3848, RFC 6531 §4.3).
    :ivar is_trusted: an MTA of ours hands it over, which has done what is to be done at the border.
    """

    mail_from: str
    helo: str
    peer: IPv4Address | IPv6Address | None
    protocol: str
    is_trusted: bool = False


class Header:
    """The header of a message that arrives.

    :ivar hops: how many hosts it has come through.
    """

    def __init__(self, data: bytes) -> None:
        if data[:2] == b"\r\n" or data[:1] == b"\n":
            end = 0
        else:
            blank = _BLANK_LINE.search(data)
            end = len(data) if blank is None else blank.start() + 1
        self._data = data
        self._end = end
        self._block = data[:end]
        # Most fields are looked for in vain, and this finds that out at once.
        self._lower = b"\n" + self._block.lower()
        self.hops: int = len(_HOPS.findall(self._block)) if b"\nreceived" in self._lower else 0

    def delivered_to(self) -> frozenset[str]:
        """Give the addresses that it was delivered to before, in lower case (RFC 9228 §3)."""
        if b"\ndelivered-to" not in self._lower:
            return frozenset()
        found = _DELIVERED_TO.findall(self._block)
        return frozenset(value.decode("utf-8", "replace").strip(" \t\r<>").lower() for value in found)

    def without_forged(self, authserv_id: str | None) -> bytes:
        """Give the message without what only we may say of it, ready to have fields put before it.

        That is the fields Return-Path, and ``Authentication-Results`` in our name (RFC 8601 §5).

        :param authserv_id: our name; None leaves the latter alone.
        """
        block = self._block
        if authserv_id is not None and b"\nauthentication-results" in self._lower:
            block = without_claims(Letter(self._block), authserv_id)
        if b"\nreturn-path" in self._lower:
            block = _RETURN_PATH.sub(b"", block)
        if block[:1] in (b" ", b"\t"):
            block = b"\r\n" + block  # else it would go on with the last field that is put before it
        return self._data if block is self._block else block + self._data[self._end :]


def trace(
    envelope: Envelope, host: str, id: str, recipients: Sequence[str], now: float, results: bytes = b""
) -> bytes:
    """Write the fields that are put before a message.

    :param host: our name. id: by which it is found in the log.
    :param recipients: the address it is for; several are not told, as those among them who were to stay unseen
        must (RFC 5321 §7.2).
    :param now: Unix seconds.
    :param results: the field ``Authentication-Results``, with its line break; empty if nothing was verified.
    """
    only = recipients[0] if len(recipients) == 1 and _VISIBLE.fullmatch(recipients[0]) else None
    path = envelope.mail_from if _VISIBLE.fullmatch(envelope.mail_from) else ""
    lines = [f"Return-Path: <{path}>\r\n"]
    if only is not None:
        lines.append(f"Delivered-To: {only}\r\n")
    lines.append(results.decode("utf-8", "replace"))
    lines.append(
        f"Received: from {_origin(envelope)}\r\n\tby {host} with {envelope.protocol} id {id}"
        + (f"\r\n\tfor <{only}>" if only is not None else "")
        + f";\r\n\t{_date(now)}\r\n"
    )
    return "".join(lines).encode("utf-8", "replace")


def received(envelope: Envelope, host: str, now: float) -> str:
    """Write the value of the field Received for a message that is sent on; see `trace`."""
    return f"from {_origin(envelope)}\r\n\tby {host} with {envelope.protocol};\r\n\t{_date(now)}"


def _origin(envelope: Envelope) -> str:
    """Write the clause From: what the peer said, and by what address it came (RFC 5321 §4.4)."""
    literal = None if envelope.peer is None else _literal(envelope.peer)
    said = envelope.helo if _NAME.fullmatch(envelope.helo) or _LITERAL.fullmatch(envelope.helo) else None
    if literal is None:
        return said or "localhost"
    return f"{said or literal} ({literal})"


def _date(now: float) -> str:
    # The library writes -0000, which says that the local zone is not known (RFC 5322 §3.3).
    return formatdate(now).replace("-0000", "+0000")


def _literal(peer: IPv4Address | IPv6Address) -> str:
    """Write an address literal (RFC 5321 §4.1.3)."""
    if isinstance(peer, IPv6Address):
        return f"[{peer.ipv4_mapped}]" if peer.ipv4_mapped is not None else f"[IPv6:{peer}]"
    return f"[{peer}]"
