"""VAPID: the key by which push services know this server (RFC 9749).

Purpose: the capability ``urn:ietf:params:jmap:webpush-vapid``, which tells clients the public half of the key.
Contract: `capability` is all that wiring needs; the key is the same in all processes and after a restart, for
clients give it to their push service when they subscribe there.
May import: model, kit.
"""

from __future__ import annotations

from typing import Final

from posthouse.model.capability import Capability

URI: Final = "urn:ietf:params:jmap:webpush-vapid"


def capability(application_server_key: str) -> Capability:
    """Make the capability of a server with this public key: its point, uncompressed, in base64url (RFC 9749 §3)."""
    return Capability(
        URI, server=lambda limits: {"applicationServerKey": application_server_key}, per_account=None
    )
