"""The port: what processes tell each other, and what carries it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias


@dataclass(frozen=True, slots=True)
class Moved:
    """A commit moved an account.

    account: its number. levels: the newest number of each type that moved, by the type's name.
    """

    account: int
    levels: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SignedOut:
    """Credentials of a person are good no more.

    token: the number of the one token meant; None: look at all his credentials again.
    """

    person: int
    token: int | None


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The push subscriptions of a person are not what they were."""

    person: int


@dataclass(frozen=True, slots=True)
class Reached:
    """Other accounts are open to a person than before, or other parts of them."""

    person: int


@dataclass(frozen=True, slots=True)
class Missed:
    """Something may have been missed: look at the truth, which is the store, again."""


News: TypeAlias = Moved | SignedOut | Subscribed | Reached | Missed
Listener: TypeAlias = Callable[[Sequence[News]], None]


class Bus(Protocol):
    """Tells news to every process on the same bus; each method may be called from any thread.

    Whoever listens before a publication begins hears it at least once, or hears `Missed` after it. News of one
    publisher come in the order in which he published them; where a reader is slow, those of one account may
    come as one, with the newest level of each type, in the place of the first.
    """

    def publish(self, news: Sequence[News]) -> None:
        """Tell news: to the listeners of this process at once, in the calling thread, and to all others.

        Never waits for a reader and never raises; does nothing after `close`.
        """

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call this with all news from now on, those published here too; gives the function that ends it.

        It is called from any thread, also from several at once. It must not block; what it raises is logged.
        It may be called once more while it is being ended.
        """

    def close(self) -> None:
        """Leave in good order, so that nobody else has to look again; news that have not gone are `Missed`."""
