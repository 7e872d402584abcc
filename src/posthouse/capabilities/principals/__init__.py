"""Principals: who there is in a domain, and who is told of what is shared with him (RFC 9670).

Purpose: the capability ``urn:ietf:params:jmap:principals``: Principal and ShareNotification, which lie in an
account of their own for each domain.
Contract: `PRINCIPALS` and `OWNER` are what wiring needs. `upkeep` lets the Principals follow the directory, and
`notifier` tells people of changed grants, by `notice`; both write into the domain's account.
May import: engine, store, model, formats, proto, kit.
"""

from posthouse.capabilities.principals import notice, upkeep
from posthouse.capabilities.principals.capability import OWNER, PRINCIPALS

__all__ = ["OWNER", "PRINCIPALS", "notice", "upkeep"]
