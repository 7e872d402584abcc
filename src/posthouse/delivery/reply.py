"""Reply: what the sender of a message is told (RFC 5321 §4.2, RFC 2034)."""

from __future__ import annotations

from typing import NamedTuple


class Reply(NamedTuple):
    """A reply code, an enhanced status code such as ``5.1.1`` (RFC 3463), and a text of one line of ASCII."""

    code: int
    status: str
    text: str

    @property
    def is_positive(self) -> bool:
        """Whether it takes on what was asked."""
        return self.code < 400

    @property
    def is_lasting(self) -> bool:
        """Whether it refuses for good: to try again is of no use."""
        return self.code >= 500


ACCEPTED = Reply(250, "2.1.5", "this address is known")
DELIVERED = Reply(250, "2.0.0", "delivered")
UNKNOWN = Reply(550, "5.1.1", "nobody here has this address")
NOT_OURS = Reply(550, "5.7.1", "relaying denied: this domain is not ours")
MALFORMED = Reply(553, "5.1.3", "this is not an email address")
LOOP = Reply(554, "5.4.6", "this message goes round in circles")
FULL = Reply(452, "4.3.1", "there is no space left, try again later")
TROUBLE = Reply(451, "4.3.0", "it cannot be delivered now, try again later")
