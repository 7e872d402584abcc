"""The Session object: what this server can do, and which accounts are open to the caller (RFC 8620 §2)."""

from __future__ import annotations

import hashlib
from typing import Final

from posthouse.engine.filter import COLLATIONS
from posthouse.kit.json import JsonObject, dumps
from posthouse.kit.limits import Limits
from posthouse.model.caller import Caller
from posthouse.model.registry import Registry

API: Final = "/jmap/api/"
UPLOAD: Final = "/jmap/upload/"
DOWNLOAD: Final = "/jmap/download/"
EVENT_SOURCE: Final = "/jmap/eventsource/"
WEBSOCKET: Final = "/jmap/ws/"


def core(limits: Limits) -> JsonObject:
    """Describe the core capability (RFC 8620 §2)."""
    return {
        "maxSizeUpload": limits.max_size_upload,
        "maxConcurrentUpload": limits.max_concurrent_upload,
        "maxSizeRequest": limits.max_size_request,
        "maxConcurrentRequests": limits.max_concurrent_requests,
        "maxCallsInRequest": limits.max_calls_in_request,
        "maxObjectsInGet": limits.max_objects_in_get,
        "maxObjectsInSet": limits.max_objects_in_set,
        "collationAlgorithms": list(COLLATIONS),
    }


class Sessions:
    """Writes Session objects; the same caller's is the same in every process and after a restart.

    core_primary: also name a primary account for the core capability, which RFC 8620 §2 advises against but
    some clients can't do without.
    """

    def __init__(self, registry: Registry, limits: Limits, *, core_primary: bool = False) -> None:
        self._server = {uri: capability.server(limits) for uri, capability in registry.capabilities.items()}
        self._located = {
            uri: capability.at
            for uri, capability in registry.capabilities.items()
            if capability.at is not None
        }
        self._account = {
            uri: capability.per_account(limits)
            for uri, capability in registry.capabilities.items()
            if capability.per_account is not None
        }
        self._primary = [*self._account, *(["urn:ietf:params:jmap:core"] if core_primary else [])]
        self._states: dict[int, tuple[Caller, str]] = {}

    def _shown(self, caller: Caller) -> JsonObject:
        own = next((wire for wire, access in caller.accounts.items() if access.is_personal), None)
        return {
            "capabilities": self._server,
            "accounts": {
                wire: {
                    "name": access.name,
                    "isPersonal": access.is_personal,
                    "isReadOnly": access.is_read_only,
                    "accountCapabilities": self._account,
                }
                for wire, access in caller.accounts.items()
            },
            "primaryAccounts": {} if own is None else {uri: own for uri in self._primary},
            "username": caller.username,
        }

    def state(self, caller: Caller) -> str:
        """Give the session's state: a hash of what it shows, but for URLs, which are the same to the client."""
        # A caller is remembered between his requests, so he is known by himself and not by all that he may see.
        known = self._states.get(id(caller))
        if known is not None and known[0] is caller:
            return known[1]
        if len(self._states) > 10_000:
            self._states.clear()
        state = hashlib.sha256(dumps(self._shown(caller))).hexdigest()[:16]
        self._states[id(caller)] = caller, state
        return state

    def session(self, caller: Caller, base_url: str) -> bytes:
        """Write the Session object; base_url has no slash at its end."""
        located = {uri: self._server[uri] | at(base_url) for uri, at in self._located.items()}
        return dumps(
            self._shown(caller)
            | {
                "capabilities": self._server | located,
                "apiUrl": base_url + API,
                "downloadUrl": f"{base_url}{DOWNLOAD}{{accountId}}/{{blobId}}/{{name}}?type={{type}}",
                "uploadUrl": f"{base_url}{UPLOAD}{{accountId}}/",
                "eventSourceUrl": base_url
                + EVENT_SOURCE
                + "?types={types}&closeafter={closeafter}&ping={ping}",
                "state": self.state(caller),
            }
        )
