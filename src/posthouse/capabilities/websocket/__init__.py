"""WebSocket: where a JMAP conversation over one connection begins (RFC 8887 §3).

Purpose: the capability ``urn:ietf:params:jmap:websocket``, which tells clients the address.
Contract: `WEBSOCKET` is all that wiring needs. It brings no types and no methods: what is said there is what is
said over HTTP.
May import: engine, model, kit.
"""

from __future__ import annotations

from posthouse.engine.session import WEBSOCKET as PATH
from posthouse.kit.json import JsonObject
from posthouse.model.capability import Capability

__all__ = ["WEBSOCKET"]


def _at(base_url: str) -> JsonObject:
    return {"url": "ws" + base_url.removeprefix("http") + PATH}  # ws as http, wss as https


WEBSOCKET = Capability(
    "urn:ietf:params:jmap:websocket", server=lambda limits: {"supportsPush": True}, at=_at, per_account=None
)
