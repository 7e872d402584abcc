"""Service: what one listener offers to those who come (RFC 5321 §4.1.1.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from posthouse.proto.smtp.limits import Limits
from posthouse.proto.smtp.peer import Role

_DEFAULT: Final = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What is offered.

    hostname: how this server calls itself. can_start_tls: whether a connection in clear may become one of TLS.
    mechanisms: of SASL, in upper case, offered where the connection is secure; none: AUTH is unknown. max_hold: seconds
    for which submission may hold a message; 0: FUTURERELEASE is not offered.
    """

    role: Role
    hostname: str
    limits: Limits = _DEFAULT
    can_start_tls: bool = False
    mechanisms: tuple[str, ...] = ()
    max_hold: int = 0

    def keywords(self, is_secure: bool, opened: int) -> Iterator[str]:
        """Give the lines of an answer to EHLO or LHLO behind the first.

        :param opened: the Unix second at which the connection was made, from which `max_hold` counts.
        """
        yield from ("PIPELINING", f"SIZE {self.limits.size}", "8BITMIME", "SMTPUTF8", "CHUNKING", "DSN")
        yield from ("ENHANCEDSTATUSCODES", f"LIMITS RCPTMAX={self.limits.recipients}")
        if self.can_start_tls and not is_secure:
            yield "STARTTLS"
        if self.mechanisms and is_secure:
            yield f"AUTH {' '.join(self.mechanisms)}"
        if self.may_hold:
            latest = datetime.fromtimestamp(opened + self.max_hold, UTC)
            yield f"FUTURERELEASE {self.max_hold} {latest:%Y-%m-%dT%H:%M:%SZ}"

    @property
    def may_hold(self) -> bool:
        """Whether a message may come with the wish to be held, which only submission takes (RFC 4865 §4.2)."""
        return self.role == "submission" and self.max_hold > 0

    def mail_parameters(self, is_extended: bool) -> frozenset[str]:
        """Name the parameters that MAIL may have."""
        if not is_extended:
            return frozenset()
        names = {"SIZE", "BODY", "SMTPUTF8", "RET", "ENVID"}
        if self.mechanisms:
            names.add("AUTH")
        if self.may_hold:
            names |= {"HOLDFOR", "HOLDUNTIL"}
        return frozenset(names)

    def rcpt_parameters(self, is_extended: bool) -> frozenset[str]:
        """Name the parameters that RCPT may have."""
        return frozenset({"NOTIFY", "ORCPT"}) if is_extended else frozenset()
