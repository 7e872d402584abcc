"""What one caller may ask of the server at once; the session announces it (RFC 8620 §2)."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits that are announced in the core capability, and those of what has no place there.

    Sizes are in bytes. The defaults are at or above the minimum that RFC 8620 §2 suggests. max_event_sources,
    max_web_sockets: how many of them one credential may have in each process.
    """

    max_size_upload: int = 100_000_000
    max_concurrent_upload: int = 8
    max_size_request: int = 10_000_000
    max_concurrent_requests: int = 16
    max_calls_in_request: int = 64
    max_objects_in_get: int = 1000
    max_objects_in_set: int = 1000
    max_event_sources: int = 100
    max_web_sockets: int = 100
