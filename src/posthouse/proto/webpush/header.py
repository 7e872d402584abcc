"""How long, how urgently and in whose place a push service keeps a message (RFC 8030 §5)."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

Urgency: TypeAlias = Literal["very-low", "low", "normal", "high"]

_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}")


def fields(*, ttl: int, urgency: Urgency = "normal", topic: str | None = None) -> dict[str, str]:
    """Write the header fields of a request to a push service.

    It keeps a message up to `ttl` seconds (RFC 8030 §5.2); a later one of the same `topic` takes the place of
    one that still waits (RFC 8030 §5.4). Raises ValueError for less than no time, and for a topic that is not
    1 to 32 characters of base64url.
    """
    if ttl < 0:
        raise ValueError("a message cannot be kept for less than no time")
    written = {"TTL": str(ttl)}
    if urgency != "normal":  # which the absence of the field means (RFC 8030 §5.3)
        written["Urgency"] = urgency
    if topic is not None:
        if _TOPIC.fullmatch(topic) is None:
            raise ValueError("a topic has 1 to 32 characters of base64url")
        written["Topic"] = topic
    return written
