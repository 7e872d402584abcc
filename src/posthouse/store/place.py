"""Place: where an account lies, and how much of it is open."""

from __future__ import annotations

from typing import Protocol


class Place(Protocol):
    """Where an account lies, and how much of it is open to whoever asks for it."""

    @property
    def account(self) -> int:
        """The account's number."""
        ...

    @property
    def shard(self) -> int:
        """The number of the shard that holds it."""
        ...

    @property
    def through(self) -> frozenset[int] | None:
        """The Principals as whom it is visited; None: all of it is open."""
        ...

    @property
    def subscribed(self) -> bool:
        """What each person's own value of a property is until that person gives one."""
        ...
