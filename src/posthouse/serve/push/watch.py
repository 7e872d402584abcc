"""Watch: what one connection or subscription has not been told yet."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from enum import Enum

from posthouse.kit import ids
from posthouse.kit.json import JsonObject
from posthouse.model.caller import Caller
from posthouse.serve.push import position


class End(Enum):
    """Why a watch ended."""

    SIGNED_OUT = "the credential is good no more"
    GOING_AWAY = "the server stops"


class Watch:
    """Gathers the changes that its caller may see, until they are taken; belongs to one event loop.

    types: the names of the types to be told of; None: all. wake: called once something is there to be taken,
    and again only after it was; also when the watch ends, and perhaps once more after it was left. It must not
    block or raise. ended: why nothing more will come, or None. reached: the newest number of each account that
    was heard of.
    """

    __slots__ = ("_known", "_pending", "caller", "due", "ended", "reached", "told", "types", "wake")

    def __init__(self, caller: Caller, types: Collection[str] | None, wake: Callable[[], None]) -> None:
        self.caller = caller
        self.types = None if types is None else frozenset(types)
        self.wake = wake
        self.ended: End | None = None
        self.due = False
        """The hub's: a call of ``wake`` is on its way, or was made and nothing taken since."""
        self.told = 0.0
        """The hub's: when something was last taken, in the loop's seconds."""
        self.reached: dict[str, int] = {}
        # Up to where an account was read in the store; news of it that come late are no news.
        self._known: dict[str, int] = {}
        self._pending: dict[str, dict[str, int]] = {}

    def add(self, account: str, levels: Mapping[str, int]) -> bool:
        """Note that types of an account have reached these numbers; say whether there is something to tell."""
        known = self._known.get(account, -1)
        news = {type: level for type, level in levels.items() if level > known}
        if news:
            self.reached[account] = max(self.reached.get(account, 0), *news.values())
            self._await(account, news)
        return bool(self._pending)

    def start(self, account: str, levels: Mapping[str, int], since: Mapping[str, int] | None) -> bool:
        """Begin from what an account is at now; say whether there is something to tell.

        since: the position up to which the client has been told; what came after is told again. None: he
        knows all. An account that it does not name is new to him; one that was further then than now is not
        the same any more: all of either is told.
        """
        newest = max(levels.values(), default=0)
        after = newest if since is None else since.get(account, -1)
        if after > newest:
            after = -1
        self._known[account] = newest
        # What was heard while the levels were read is told only if it is news to the client.
        heard = {type: level for type, level in self._pending.pop(account, {}).items() if level > after}
        self.reached[account] = max(newest, *heard.values(), self.reached.get(account, 0))
        self._await(account, heard)
        self._await(account, {type: level for type, level in levels.items() if level > after})
        return bool(self._pending)

    def _await(self, account: str, levels: Mapping[str, int]) -> None:
        for type, level in levels.items():
            if self.types is None or type in self.types:
                pending = self._pending.setdefault(account, {})
                pending[type] = max(pending.get(type, 0), level)

    @property
    def position(self) -> str:
        """How far the client has been told once he has all that was taken."""
        return position.write(self.reached)

    def take(self) -> JsonObject | None:
        """Give a StateChange object with all that is to be told, or None if nothing is (RFC 8620 §7.1)."""
        if not self._pending:
            return None
        changed = {
            account: {type: ids.encode(level) for type, level in levels.items()}
            for account, levels in self._pending.items()
        }
        self._pending = {}
        return {"@type": "StateChange", "changed": changed}
