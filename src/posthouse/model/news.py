"""News: the names under which processes tell each other what moved in an account, beside those of types.

They begin with a sign that no type begins with, and no client hears of them.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

VISIBLE: Final = "@"
"""Something moved that visitors may see; which of them do, only the account can say."""


def visible_to(person: int) -> str:
    """Name that something moved which one visitor may see, and no other."""
    return f"{VISIBLE}{person}"


def work(kind: str) -> str:
    """Name that there is work of a kind to be done."""
    return f"#{kind}"


def is_type(name: str) -> bool:
    """Say whether a name is that of a type, and not one of these."""
    return name[:1] not in (VISIBLE, "#")


def audience(names: Collection[str]) -> Collection[int] | None:
    """Give the visitors who may see something of what moved, by their numbers; None: any of them may."""
    if VISIBLE in names:
        return None
    return {int(name[1:]) for name in names if name.startswith(VISIBLE)}
