"""Ids and numbers as JMAP bounds them (RFC 8620 §1.2, §1.3)."""

from __future__ import annotations

import re

MAX_INT = 2**53 - 1
"""The largest Int and UnsignedInt (RFC 8620 §1.3)."""

MIN_INT = -MAX_INT
"""The smallest Int (RFC 8620 §1.3)."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")


def is_id(text: str) -> bool:
    """Tell whether a string is a valid Id: 1 to 255 letters, digits, ``-`` or ``_`` (RFC 8620 §1.2)."""
    return _ID.fullmatch(text) is not None
