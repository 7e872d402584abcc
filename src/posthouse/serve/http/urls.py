"""Where each resource is; the Session object names the same places (RFC 8620 §2, §2.2)."""

from __future__ import annotations

WELL_KNOWN = "/.well-known/jmap"
SESSION = "/jmap/session"
API = "/jmap/api/"
UPLOAD = "/jmap/upload/"
DOWNLOAD = "/jmap/download/"
EVENT_SOURCE = "/jmap/eventsource/"
