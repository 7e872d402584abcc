"""Transaction: a sender, his recipients, and how much of the message has come (RFC 5321 §3.3)."""

from __future__ import annotations

from typing import Final

from posthouse.proto.smtp.content import Counted, Dotted
from posthouse.proto.smtp.event import MailFrom
from posthouse.proto.smtp.limits import Limits
from posthouse.proto.smtp.reply import Reply

SPILL: Final = 1_048_576
"""Octets above twice the largest message that are read away before a session ends."""

TOO_BIG: Final = Reply(552, "5.3.4", "The message is larger than this server takes")
_HEADER_TOO_BIG: Final = Reply(552, "5.3.4", "The header of the message is larger than this server takes")


class Transaction:
    """What a MAIL began.

    :ivar recipients: how many were accepted.
    :ivar refused: how many were not.
    :ivar has_chunks: the message comes by BDAT.
    :ivar size: octets of the message so far.
    :ivar fault: why the message is refused; None while it is not.
    """

    def __init__(self, sender: MailFrom, limits: Limits) -> None:
        self.sender = sender
        self.recipients = 0
        self.refused = 0
        self.has_chunks = False
        self.size = 0
        self.fault: Reply | None = None
        self.dotted = Dotted()
        self.counted = Counted()
        self._limits = limits
        self._is_in_header = True
        self._tail = b""

    @property
    def is_hopeless(self) -> bool:
        """Whether so much came that it is not worth to wait for the end of the message."""
        return self.size > 2 * self._limits.size + SPILL

    def expect(self, octets: int) -> None:
        """Refuse the message if it becomes too large with what is announced."""
        if self.size + octets > self._limits.size:
            self.fault = self.fault or TOO_BIG

    def add(self, content: bytes) -> bool:
        """Count content; says whether it is to be kept."""
        self.expect(len(content))
        self.size += len(content)
        if self._is_in_header:
            self._look_for_body(content)
        return self.fault is None and bool(content)

    def _look_for_body(self, content: bytes) -> None:
        """Bound the header, which ends before an empty line."""
        seen = self._tail + content
        end = seen.find(b"\r\n\r\n")
        if len(seen) == self.size and seen.startswith(b"\r\n"):
            end = 0  # there is none
        length = self.size if end < 0 else self.size - len(seen) + end
        if length > self._limits.header:
            self.fault = self.fault or _HEADER_TOO_BIG
        self._is_in_header = end < 0
        self._tail = seen[-3:]
