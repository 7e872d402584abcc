"""Sharing: what the engine and the sign-in have to know of grants, composed of the rooms that know (DESIGN D6)."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

from posthouse.capabilities.principals.notifier import Notifier
from posthouse.directory import sharing
from posthouse.kit import log
from posthouse.model.caller import Access
from posthouse.model.type import Type
from posthouse.store.account import Store
from posthouse.store.txn import Transaction

_log = log.get("sharing")

_FEW: Final = 50
"""So many people are told before the answer to whoever shared; more are told behind it."""

_PATIENCE: Final = 1.0
"""Seconds that the answer waits for them, for very many may have to be told first of what others share."""


class Sharing:
    """Looks into accounts for their visitors, and tells those of whom something was granted or taken.

    It is the engine's `call.Sharing`, and gives sign-in its `callers.Look`.
    """

    def __init__(
        self, circle: sharing.Sharing, notifier: Notifier, store: Store, types: Mapping[str, Type]
    ) -> None:
        self._circle = circle
        self._notifier = notifier
        self._store = store
        self._types = types
        self._teller = ThreadPoolExecutor(1, thread_name_prefix="teller")

    async def known(self, access: Access, principals: Collection[int]) -> set[int]:
        """See `call.Sharing.known`."""
        return self._circle.known(access.account, principals)

    async def open(self, access: Access, principals: Collection[int]) -> None:
        """See `call.Sharing.open`."""
        if principals:
            await asyncio.to_thread(self._circle.open, access.account, principals)

    async def changed(self, access: Access, principals: Collection[int]) -> None:
        """See `call.Sharing.changed`: callers are made anew, and people get their ShareNotifications.

        What fails here, or is cut off, undoes no grant: who may do what is asked of the grants alone, and what was
        not told is told with the next change or at the next start.
        """
        try:
            reached = await asyncio.to_thread(self._circle.changed, principals)
        except OSError as error:
            _log.error("sharing.changed", account=access.account, **log.fault(error))
            return
        # In a thread of its own, for the event loop of this request may end with it.
        telling = self._teller.submit(lambda: asyncio.run(self._tell(access.account)))
        if reached <= _FEW:
            await asyncio.wait([asyncio.wrap_future(telling)], timeout=_PATIENCE)

    async def _tell(self, account: int) -> None:
        try:
            place = self._circle.place_of(account)
            if place is not None:
                await self._notifier.tell(place)
        except Exception as error:  # Nobody waits for it who could be told.
            _log.error("sharing.tell", account=account, **log.fault(error))

    async def tell_all(self) -> None:
        """Do what `changed` does for the grants of a process that ended before it had told of them."""
        for account, principals in self._store.untold().items():
            self._circle.changed(principals)  # other processes may remember them as they were before
            place = self._circle.place_of(account)
            if place is not None:
                await self._notifier.tell(place)

    def close(self) -> None:
        """Finish with whom is being told; the rest waits for the next start."""
        self._teller.shutdown(cancel_futures=True)

    async def look(self, person: int, accounts: Sequence[Access]) -> Sequence[Access]:
        """Give those accounts in which something is granted to a visitor, with what it is.

        One that can't be read now is left out, so that it does not hide the others.
        """
        found = await asyncio.gather(*[self._look_into(person, access) for access in accounts])
        return [access for access in found if access is not None]

    async def _look_into(self, person: int, access: Access) -> Access | None:
        try:
            kinds, is_listed = await self._store.read(access, person, self._kinds)
        except OSError as error:
            _log.error("sharing.look", account=access.account, **log.fault(error))
            return None
        return replace(access, kinds=kinds, is_listed=is_listed) if kinds else None

    def _kinds(self, txn: Transaction) -> tuple[frozenset[str], bool]:
        """Give the types of which a visitor sees something, and whether he is subscribed to any of it."""
        grants = txn.grants()
        kinds = {
            type.name for type in self._types.values() if type.name in grants or self._opens(type, grants)
        }
        return frozenset(kinds), any(self._subscribes(txn, name, ids) for name, ids in grants.items())

    def _opens(self, type: Type, grants: Mapping[str, Mapping[int, int]]) -> bool:
        """Say whether a right that is held in some container opens a type that is in none."""
        if type.granted_by is None:
            return False
        for name, held in grants.items():
            rights = self._types[name].rights
            if rights is not None and type.granted_by in rights.names:
                bit = rights.bit(type.granted_by)
                if any(bits & bit for bits in held.values()):
                    return True
        return False

    def _subscribes(self, txn: Transaction, name: str, ids: Collection[int]) -> bool:
        own = txn.overlays(self._types[name], ["isSubscribed"])
        return any(own.get(id, {}).get("isSubscribed", txn.subscribed) for id in ids)
