"""The capability ``urn:ietf:params:jmap:mail`` itself (RFC 8621 §1.3.1)."""

from __future__ import annotations

from typing import Final

from posthouse.capabilities.mail.crowd import MOST_MAILBOXES
from posthouse.capabilities.mail.draft import MOST_ATTACHED
from posthouse.capabilities.mail.email import email
from posthouse.capabilities.mail.mailbox import DEEPEST, LONGEST_NAME, SHARING, mailbox
from posthouse.capabilities.mail.thread import thread
from posthouse.kit.json import JsonObject
from posthouse.kit.limits import Limits
from posthouse.model.caller import Access, Caller
from posthouse.model.capability import Capability


def _per_account(limits: Limits, caller: Caller, access: Access) -> JsonObject:
    return {
        "maxMailboxesPerEmail": MOST_MAILBOXES,
        "maxMailboxDepth": DEEPEST,
        "maxSizeMailboxName": LONGEST_NAME,
        "maxSizeAttachmentsPerEmail": MOST_ATTACHED,
        "emailQuerySortOptions": list(email.sorts),
        "mayCreateTopLevelMailbox": access.through is None,
    }


MAIL: Final = Capability(
    "urn:ietf:params:jmap:mail", types=[mailbox, thread, email], per_account=_per_account
)


def _shared(limits: Limits, caller: Caller, access: Access) -> JsonObject | None:
    return {} if access.kinds is None or mailbox.name in access.kinds else None


MAIL_SHARE: Final = Capability(SHARING, per_account=_shared)
"""Mailboxes have ``shareWith`` for who uses it (draft-ietf-jmap-mail-sharing-00, section 1.2.1)."""
