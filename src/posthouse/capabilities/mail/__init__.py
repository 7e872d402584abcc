"""Mail: Mailbox, Thread, Email and SearchSnippet (RFC 8621 §1.3.1).

Purpose: the capability ``urn:ietf:params:jmap:mail``, and the way by which any message enters an account.
Contract: `MAIL` and `MAIL_SHARE` are all that wiring needs. `ingest.digest` and `ingest.file` make Emails of
messages for whoever has some; `birth.defaults` gives a new account its Mailboxes. Counts and Threads are kept by
`upkeep` in the transaction that changes Emails, never by a caller.
May import: engine, store, model, formats, proto, kit.
"""

from posthouse.capabilities.mail import (
    birth,
    import_,
    ingest,
    parse,
    read,
    removal,
    searchsnippet,
    upkeep,
    write,
)
from posthouse.capabilities.mail.capability import MAIL, MAIL_SHARE

__all__ = [
    "MAIL",
    "MAIL_SHARE",
    "birth",
    "import_",
    "ingest",
    "parse",
    "read",
    "removal",
    "searchsnippet",
    "upkeep",
    "write",
]
