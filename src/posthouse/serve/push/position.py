"""Position: how far a client has been told of each account's changes, as a text that he keeps for us.

It is the event id of an EventSource and the ``pushState`` of a WebSocket (RFC 8620 §7.3, RFC 8887 §4.3.5.1).
All types of an account draw their numbers from one counter (DESIGN D4), so one number for each account tells
what came after.

    a1f.3k2-a20.9    up to number 3k2 of account a1f and number 9 of account a20
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from posthouse.kit import ids

LONGEST: Final = 20_000
"""Characters of a position that is read: a thousand accounts."""


def write(position: Mapping[str, int]) -> str:
    """Write a position, which maps accounts' wire ids to numbers."""
    return "-".join(f"{account}.{ids.encode(number)}" for account, number in position.items())


def read(text: str) -> dict[str, int] | None:
    """Read what `write` wrote; None for anything else."""
    if len(text) > LONGEST:
        return None
    position: dict[str, int] = {}
    for part in text.split("-") if text else ():
        account, dot, digits = part.partition(".")
        number = ids.decode(digits)
        if not dot or not account or number is None:
            return None
        position[account] = number
    return position
