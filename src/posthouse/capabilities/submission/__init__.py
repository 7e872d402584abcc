"""Submission: Identity and EmailSubmission (RFC 8621 §1.3.2, §6, §7).

Purpose: the capability ``urn:ietf:params:jmap:submission``. This build keeps Identities and sends nothing yet:
each EmailSubmission is refused with ``forbiddenToSend``.
Contract: `SUBMISSION` is all that wiring needs; `identity.defaults` gives a new account its own Identity.
May import: mail, engine, store, model, formats, proto, kit.
"""

from posthouse.capabilities.submission import identity, outbox
from posthouse.capabilities.submission.capability import SUBMISSION

__all__ = ["SUBMISSION", "identity", "outbox"]
