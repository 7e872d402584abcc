"""Content: the octets of a message as DATA and BDAT carry them (RFC 5321 §4.5.2, RFC 3030 §2).

Both refuse a CR or LF that stands alone (RFC 5321 §2.3.8). Servers that take such for the end of a line let a sender
hide a second message, under any name, in the first: where `\\n.\\r\\n` or its like ends the data for one server and
not for the other. Here only ``CRLF.CRLF`` does.
"""

from __future__ import annotations

from typing import Final, NamedTuple

_END: Final = b"\r\n.\r\n"
_STARTS: Final = (b"\r\n.\r", b"\r\n.", b"\r\n", b"\r")  # of _END, the longest first


class BareLineBreak(Exception):
    """A CR or LF stands alone."""


class Piece(NamedTuple):
    """What came out: content, and what follows the end, None while there is none."""

    content: bytes
    rest: bytes | None


class Dotted:
    """The content of one DATA: ends with a dot alone on a line; other dots at the start of a line are doubled.

    What may be the beginning of the end, four octets at most, is held back until more is known. Before the first
    line there is a line break that is no content, so that it is like every other line.
    """

    __slots__ = ("_held", "_is_first")

    def __init__(self) -> None:
        self._held = b"\r\n"
        self._is_first = True

    def take(self, data: bytes) -> Piece:
        """Read on; raises `BareLineBreak`. Nothing may be taken after the end or that."""
        data = self._held + data
        end = data.find(_END)
        if end >= 0:
            block, rest = data[: end + 2], data[end + len(_END) :]
        else:
            held = next((len(start) for start in _STARTS if data.endswith(start)), 0)
            cut = len(data) - held
            block, self._held, rest = data[:cut], data[cut:], None
        _check(block)
        if b"\r\n." in block:
            block = block.replace(b"\r\n.", b"\r\n")
        if self._is_first and block:
            self._is_first = False
            block = block[2:]
        return Piece(block, rest)


class Counted:
    """The content of the chunks of one message, whose lengths are told ahead."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = b""

    def take(self, data: bytes) -> bytes:
        """Read on; raises `BareLineBreak`."""
        data = self._held + data
        self._held = b""
        if data.endswith(b"\r"):
            data, self._held = data[:-1], b"\r"
        _check(data)
        return data

    def end(self) -> None:
        """There is no more; raises `BareLineBreak`."""
        if self._held:
            raise BareLineBreak


def _check(block: bytes) -> None:
    """Raise `BareLineBreak` unless each CR is followed by LF, and each LF follows CR."""
    pairs = block.count(b"\r\n")
    if block.count(b"\n") != pairs or block.count(b"\r") != pairs:
        raise BareLineBreak
