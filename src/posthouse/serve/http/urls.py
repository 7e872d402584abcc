"""Where each resource is; those that the Session object names are defined with it (RFC 8620 §2, §2.2)."""

from __future__ import annotations

from posthouse.engine.session import API, DOWNLOAD, EVENT_SOURCE, UPLOAD, WEBSOCKET

__all__ = [
    "API",
    "COOKIE",
    "DOWNLOAD",
    "EVENT_SOURCE",
    "SESSION",
    "TICKET",
    "UPLOAD",
    "WEBSOCKET",
    "WELL_KNOWN",
]

WELL_KNOWN = "/.well-known/jmap"
SESSION = "/jmap/session"
TICKET = "/jmap/ticket/"
COOKIE = "/jmap/cookie/"
