"""Watch: what one connection or subscription has not been told yet."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from enum import Enum

from posthouse.kit.json import JsonObject
from posthouse.model.caller import Access, Caller
from posthouse.serve.push import position


class End(Enum):
    """Why a watch ended."""

    SIGNED_OUT = "the credential is good no more"
    GOING_AWAY = "the server stops"


def listed(caller: Caller) -> dict[str, Access]:
    """Give the accounts whose changes a caller is told of (RFC 9670 §1.4)."""
    return {wire: access for wire, access in caller.accounts.items() if access.is_listed}


class Watch:
    """Gathers the changes that its caller may see, until they are taken; belongs to one event loop.

    types: the names of the types to be told of; None: all. wake: called once something is there to be taken,
    and again only after it was; also when the watch ends, and perhaps once more after it was left. It must not
    block or raise. accounts: those of which it is told, which are the ones that the session shows, by wire id.
    ended: why nothing more will come, or None. reached: the newest number of each account that
    was heard of.
    """

    __slots__ = (
        "_before",
        "_known",
        "_pending",
        "accounts",
        "caller",
        "due",
        "ended",
        "reached",
        "told",
        "types",
        "wake",
    )

    def __init__(self, caller: Caller, types: Collection[str] | None, wake: Callable[[], None]) -> None:
        self.caller = caller
        self.accounts = listed(caller)
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
        # How far the accounts with something pending have been told; -1 for one that is to be told whole.
        self._before: dict[str, int] = {}

    def add(self, account: str, levels: Mapping[str, int]) -> bool:
        """Note that types of an account have reached these numbers; say whether there is something to tell."""
        known = self._known.get(account, -1)
        news = {type: level for type, level in levels.items() if level > known}
        if news:
            before = self.reached.get(account, -1)
            self.reached[account] = max(before, *news.values())
            self._await(account, news, before)
        return bool(self._pending)

    def catch_up(self, account: str, levels: Mapping[str, int]) -> bool:
        """Note what an account is at now, since news may have been missed; say whether there is something to tell.

        All that moved since the account was last read is told, some of it perhaps again: news of several
        processes may come in another order than their numbers, so one that was heard vouches for none below it.
        """
        is_news = self.add(account, levels)
        self._known[account] = max(levels.values(), default=0)
        return is_news

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
        self._before.pop(account, None)
        self.reached[account] = max(newest, *heard.values(), self.reached.get(account, 0))
        self._await(account, heard, after)
        self._await(account, {type: level for type, level in levels.items() if level > after}, after)
        return bool(self._pending)

    def _await(self, account: str, levels: Mapping[str, int], before: int) -> None:
        for type, level in levels.items():
            if self.types is None or type in self.types:
                self._before.setdefault(account, before)
                pending = self._pending.setdefault(account, {})
                pending[type] = max(pending.get(type, 0), level)

    def renew(self, caller: Caller) -> tuple[list[Access], list[Access]]:
        """Be the caller's as he is now; gives the accounts that are not open to him as before, and the new ones."""
        before, self.caller, self.accounts = self.accounts, caller, listed(caller)
        gone = [access for wire, access in before.items() if self.accounts.get(wire) != access]
        for access in gone:
            for known in (self.reached, self._known, self._pending, self._before):
                known.pop(access.wire, None)
        return gone, [access for wire, access in self.accounts.items() if before.get(wire) != access]

    def taken(self) -> dict[str, int]:
        """Give how far the client has been told once he has all that was taken; what waits is beyond that."""
        told = self.reached | self._before
        return {account: number for account, number in told.items() if number >= 0}

    @property
    def position(self) -> str:
        """What `taken` gives, as a text."""
        return position.write(self.taken())

    def take(self) -> JsonObject | None:
        """Give a StateChange object with all that is to be told, or None if nothing is (RFC 8620 §7.1)."""
        if not self._pending:
            return None
        changed = {
            account: {type: self.accounts[account].state(level) for type, level in levels.items()}
            for account, levels in self._pending.items()
        }
        self._pending = {}
        self._before = {}
        return {"@type": "StateChange", "changed": changed}
