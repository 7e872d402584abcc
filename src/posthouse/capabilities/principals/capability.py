"""The capabilities ``urn:ietf:params:jmap:principals`` and its ``:owner`` (RFC 9670 §1.5)."""

from __future__ import annotations

from typing import Final

from posthouse.capabilities.principals.principal import principal
from posthouse.capabilities.principals.sharenotification import share_notification
from posthouse.kit.json import JsonObject
from posthouse.kit.limits import Limits
from posthouse.model.caller import Access, Caller, wire_account
from posthouse.model.capability import Capability


def _own(limits: Limits, caller: Caller, access: Access) -> JsonObject | None:
    """Name the caller's own Principal where the Principals are (RFC 9670 §1.5.1)."""
    if access.kinds is None or principal.name not in access.kinds:
        return None
    return {"currentUserPrincipalId": principal.wire(caller.person)}


def _owner(limits: Limits, caller: Caller, access: Access) -> JsonObject | None:
    """Name the Principal whose account it is (RFC 9670 §1.5.2)."""
    if not access.owner or not caller.home:
        return None
    return {
        "accountIdForPrincipal": wire_account(caller.home),
        "principalId": principal.wire(access.owner),
    }


PRINCIPALS: Final = Capability(
    "urn:ietf:params:jmap:principals", types=[principal, share_notification], per_account=_own
)

OWNER: Final = Capability("urn:ietf:params:jmap:principals:owner", server=None, per_account=_owner)
"""A key of accounts only: the session does not name it among what the server can do."""
