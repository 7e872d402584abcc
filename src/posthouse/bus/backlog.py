"""Backlog: the news that one peer has not been able to take yet."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Final

from posthouse.bus.port import Missed, Moved, News, Reached, SignedOut, Subscribed

MOST: Final = 1000
"""How many accounts and people are remembered for one peer."""

_MISSED: Final = "missed"


class Backlog:
    """News in order, merged so that they stay few; true while there are any.

    News of an account are merged into the first of it that waits. More than `MOST` become one `Missed`, which
    takes in all that follows: whoever looks at the truth when he hears it sees that too.
    """

    __slots__ = ("_news",)

    def __init__(self) -> None:
        self._news: dict[Hashable, News] = {}

    def __bool__(self) -> bool:
        return bool(self._news)

    def add(self, news: Iterable[News]) -> None:
        """Put news at the end, or into what waits."""
        for item in news:
            if _MISSED in self._news:
                return
            match item:
                case Moved(account, levels):
                    before = self._news.get(account)
                    if isinstance(before, Moved):
                        newer = {
                            type: max(level, before.levels.get(type, level)) for type, level in levels.items()
                        }
                        item = Moved(account, {**before.levels, **newer})
                    self._news[account] = item
                case SignedOut(person, token):
                    self._news[person, token] = item
                case Subscribed(person):
                    self._news["subscribed", person] = item
                case Reached(person):
                    self._news["reached", person] = item
                case Missed():
                    self._news = {_MISSED: item}
            if len(self._news) > MOST:
                self._news = {_MISSED: Missed()}

    def take(self) -> list[News]:
        """Give what waits, and forget it."""
        taken = list(self._news.values())
        self._news.clear()
        return taken
