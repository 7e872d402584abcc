"""Replies: what the sender of a message is told (RFC 5321 §4.2, RFC 3463)."""

from __future__ import annotations

from typing import Final

from posthouse.proto.smtp.reply import Reply

__all__ = [
    "ACCEPTED",
    "DELIVERED",
    "FULL",
    "LOOP",
    "MALFORMED",
    "NOT_OURS",
    "NOT_YOURS",
    "NO_RELAY",
    "QUEUED",
    "SIGN_IN_AGAIN",
    "TROUBLE",
    "UNKNOWN",
    "Reply",
]

ACCEPTED: Final = Reply(250, "2.1.5", "This address is known")
DELIVERED: Final = Reply(250, "2.0.0", "Delivered")
UNKNOWN: Final = Reply(550, "5.1.1", "Nobody here has this address")
NOT_OURS: Final = Reply(550, "5.7.1", "Relaying denied: this domain is not ours")
MALFORMED: Final = Reply(553, "5.1.3", "This is not an email address")
NO_RELAY: Final = Reply(550, "5.7.1", "This host may not hand over mail here")
LOOP: Final = Reply(554, "5.4.6", "This message goes round in circles")
NOT_YOURS: Final = Reply(550, "5.7.1", "This address is not yours to send from")
QUEUED: Final = Reply(250, "2.0.0", "It is on its way")
SIGN_IN_AGAIN: Final = Reply(530, "5.7.0", "What you signed in with is good no more")
FULL: Final = Reply(452, "4.3.1", "There is no space left; try again later")
TROUBLE: Final = Reply(451, "4.3.0", "It can't be delivered now; try again later")
