"""Email push: what a new message is, inside the push itself (draft-ietf-jmap-emailpush-03).

Purpose: the capability ``urn:ietf:params:jmap:emailpush``, which adds the property ``emailPush`` to a
PushSubscription.
Contract: `EMAILPUSH` is all that wiring needs. `config` is what a client may ask for; `arrival` finds the new
Emails that fit, and writes them into EmailPush objects that a push service takes.
May import: engine, model, proto, kit.
"""

from posthouse.capabilities.emailpush.config import EMAILPUSH

__all__ = ["EMAILPUSH"]
