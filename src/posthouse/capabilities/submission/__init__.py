"""Submission: Identity and EmailSubmission (RFC 8621 §1.3.2, §6, §7).

Purpose: the capability ``urn:ietf:params:jmap:submission``. An EmailSubmission is written together with a
job of the kind `letter.KIND`; who sends what the job says, and records how that went by `outbox.record`, is above.
Contract: `SUBMISSION` is all that wiring needs; `identity.defaults` gives a new account its own Identity.
May import: mail, engine, store, model, formats, proto, kit.
"""

from posthouse.capabilities.submission import identity, letter, outbox
from posthouse.capabilities.submission.capability import SUBMISSION

__all__ = ["SUBMISSION", "identity", "letter", "outbox"]
