"""Crowds: in how many Mailboxes one Email may be, and with how many keywords (RFC 8621 §4.6).

Counts are kept for each keyword in each Mailbox, so what an Email costs is the product of the two.
"""

from __future__ import annotations

from typing import Final

from posthouse.kit.json import JsonObject
from posthouse.proto.jmap.errors import SetError

MOST_MAILBOXES: Final = 100
"""So many Mailboxes an Email may be in."""
MOST_KEYWORDS: Final = 256
"""So many keywords an Email may have, if it is in few Mailboxes."""

_MOST_COUNTED: Final = 2000


def check(new: JsonObject, old: JsonObject | None = None) -> None:
    """Refuse more Mailboxes or keywords than an Email may have, but for what it had before.

    new, old: hold ``mailboxIds`` and ``keywords``.
    Raises SetError ``tooManyMailboxes`` or ``tooManyKeywords``.
    """
    mailboxes, keywords = len(new["mailboxIds"]), len(new["keywords"])
    if old is not None and mailboxes <= len(old["mailboxIds"]) and keywords <= len(old["keywords"]):
        return
    if mailboxes > MOST_MAILBOXES:
        raise SetError("tooManyMailboxes", f"an Email is in at most {MOST_MAILBOXES}")
    if keywords > MOST_KEYWORDS:
        raise SetError("tooManyKeywords", f"an Email has at most {MOST_KEYWORDS}")
    if mailboxes * keywords > _MOST_COUNTED:
        raise SetError("tooManyKeywords", "these are too many for an Email in so many Mailboxes")
