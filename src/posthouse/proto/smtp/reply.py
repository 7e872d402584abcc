"""Reply: what a command is answered with (RFC 5321 §4.2, RFC 2034)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

_LONGEST: Final = 480  # characters of a line; with the codes and CRLF at most 512 octets, RFC 5321 §4.5.3.1.5
_UNPRINTABLE: Final = re.compile(r"[^ -~]")


class Reply(NamedTuple):
    """A code of three digits, an enhanced status code such as ``5.1.1`` or nothing, and text for people.

    A line break in the text begins a further line; what is not printable ASCII is replaced.
    """

    code: int
    enhanced: str
    text: str

    @property
    def is_positive(self) -> bool:
        """Whether what was asked for is done, or may go on."""
        return self.code < 400

    @property
    def is_temporary(self) -> bool:
        """Whether the same may be asked again later."""
        return 400 <= self.code < 500

    def encode(self) -> bytes:
        """Write it as it is sent, each line with the enhanced code (RFC 2034 §4)."""
        return _encoded(self)


@lru_cache(maxsize=512)  # most are said again and again
def _encoded(reply: Reply) -> bytes:
    status = f"{reply.enhanced} " if reply.enhanced else ""
    lines = [_UNPRINTABLE.sub("?", line)[:_LONGEST] for line in reply.text.split("\n")]
    written = [f"{reply.code}-{status}{line}\r\n" for line in lines[:-1]]
    return "".join([*written, f"{reply.code} {status}{lines[-1]}\r\n"]).encode()


def combine(replies: Iterable[Reply]) -> Reply:
    """Make of what each recipient's message met the one reply that SMTP has room for (RFC 5321 §4.2.5).

    A positive reply takes on the message for all of them, so one is given only if each reply is positive. Otherwise
    the first temporary refusal goes before the first permanent one: the peer sends the message once more, which may
    reach somebody twice, where the other way somebody might never hear of it.

    :param replies: one at least.
    """
    every = list(replies)
    temporary = (reply for reply in every if reply.is_temporary)
    permanent = (reply for reply in every if not reply.is_positive)
    return next(temporary, None) or next(permanent, None) or every[0]
