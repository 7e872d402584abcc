"""The Session object: what this server can do, and which accounts are open to the caller (RFC 8620 §2)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from posthouse.engine.filter import COLLATIONS
from posthouse.kit.json import JsonObject, dumps
from posthouse.kit.limits import Limits
from posthouse.model.caller import Access, Caller, wire_account
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


@dataclass(slots=True)
class _Known:
    """What was found out about a caller.

    accounts: the ``accountCapabilities`` of each, by its number. state: of his session, once it was asked for.
    """

    caller: Caller
    accounts: dict[int, JsonObject]
    state: str = ""


class Sessions:
    """Writes Session objects; the same caller's is the same in every process and after a restart.

    core_primary: also name a primary account for the core capability, which RFC 8620 §2 advises against but
    some clients can't do without.
    """

    def __init__(self, registry: Registry, limits: Limits, *, core_primary: bool = False) -> None:
        self._registry = registry
        self._limits = limits
        capabilities = registry.capabilities
        self._server = {
            uri: capability.server(limits) for uri, capability in capabilities.items() if capability.server
        }
        self._located = {uri: capability.at for uri, capability in capabilities.items() if capability.at}
        self._accountless = {uri for uri, one in capabilities.items() if one.per_account is None}
        self._also_primary = ["urn:ietf:params:jmap:core"] if core_primary else []
        self._known: dict[int, _Known] = {}

    def supports(self, uri: str, caller: Caller, access: Access) -> bool:
        """Say whether a capability's methods work in an account as the caller has it."""
        return uri in self._accountless or uri in self._of(caller).accounts[access.account]

    def describe(self, caller: Caller, access: Access) -> JsonObject:
        """Make the Account object of an account that is open to the caller (RFC 8620 §2)."""
        return {
            "name": access.name,
            "isPersonal": access.is_personal,
            "isReadOnly": access.is_read_only,
            "accountCapabilities": self._of(caller).accounts[access.account],
        }

    def _of(self, caller: Caller) -> _Known:
        # A caller is remembered between his requests, so he is known by himself and not by all that he may see.
        known = self._known.get(id(caller))
        if known is not None and known.caller is caller:
            return known
        if len(self._known) > 10_000:
            self._known.clear()
        capabilities = self._registry.capabilities.items()
        accounts: dict[int, JsonObject] = {}
        for access in caller.accounts.values():
            described = {uri: one.in_account(self._limits, caller, access) for uri, one in capabilities}
            accounts[access.account] = {uri: value for uri, value in described.items() if value is not None}
        found = self._known[id(caller)] = _Known(caller, accounts)
        return found

    def _shown(self, caller: Caller) -> JsonObject:
        return {
            "capabilities": self._server,
            "accounts": {
                wire: self.describe(caller, access)
                for wire, access in caller.accounts.items()
                if access.is_listed
            },
            "primaryAccounts": self._primary(caller),
            "username": caller.username,
        }

    def _primary(self, caller: Caller) -> dict[str, str]:
        """Choose for each capability the caller's own account, or that of his domain."""
        accounts = self._of(caller).accounts
        own = next((access.account for access in caller.accounts.values() if access.is_personal), None)
        primary: dict[str, str] = {}
        for uri in self._server:
            for account in (own, caller.home):
                if account is not None and uri in accounts.get(account, ()):
                    primary.setdefault(uri, wire_account(account))
        return primary if own is None else primary | dict.fromkeys(self._also_primary, wire_account(own))

    def state(self, caller: Caller) -> str:
        """Give the session's state: a hash of what it shows, but for URLs, which are the same to the client."""
        known = self._of(caller)
        if not known.state:
            known.state = hashlib.sha256(dumps(self._shown(caller))).hexdigest()[:16]
        return known.state

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
