"""The capability ``urn:ietf:params:jmap:submission`` itself (RFC 8621 §1.3.2)."""

from __future__ import annotations

from typing import Final

from posthouse.capabilities.submission.envelope import LONGEST_DELAY
from posthouse.capabilities.submission.identity import identity
from posthouse.capabilities.submission.outbox import LARGEST, submission
from posthouse.kit.json import JsonObject
from posthouse.kit.limits import Limits
from posthouse.model.caller import Access, Caller
from posthouse.model.capability import Capability


def _per_account(limits: Limits, caller: Caller, access: Access) -> JsonObject:
    return {
        "maxDelayedSend": LONGEST_DELAY,
        "submissionExtensions": {
            "FUTURERELEASE": [],
            "DSN": [],
            "SIZE": [str(LARGEST)],
            "8BITMIME": [],
            "SMTPUTF8": [],
        },
    }


SUBMISSION: Final = Capability(
    "urn:ietf:params:jmap:submission", types=[identity, submission], per_account=_per_account
)
