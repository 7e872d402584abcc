"""Call: one method call on its way, with what it may use."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from posthouse.kit.json import JsonObject
from posthouse.kit.limits import Limits
from posthouse.kit.turns import Turns
from posthouse.model.caller import Access, Caller
from posthouse.model.ports import BlobSource
from posthouse.model.registry import Registry
from posthouse.model.subscription import Subscription
from posthouse.model.type import Type
from posthouse.store.account import Store
from posthouse.store.layout import Layout
from posthouse.store.subscriptions import Rows
from posthouse.store.txn import Transaction

T = TypeVar("T")


Describe: TypeAlias = Callable[[Caller, Access], JsonObject]

_NOBODY: Final = Caller(0, "", {}, "")


def _none(account: int) -> Collection[str]:
    return ()


def _undescribed(caller: Caller, access: Access) -> JsonObject:
    return {}


class Subscriptions(Protocol):
    """The push subscriptions of those who call (RFC 8620 §7.2)."""

    def now(self) -> int:
        """Give the time in Unix seconds."""
        ...

    def fault(self, url: str) -> str | None:
        """Say why nothing can be pushed to a URL; None if it can."""
        ...

    def of(self, caller: Caller) -> list[Subscription]:
        """Give those that a caller's credential made and that have not ended."""
        ...

    def change(self, caller: Caller, unit: Callable[[Rows], T]) -> T:
        """Run a unit on the rows in one transaction, in a thread that may wait, and have its effects pushed."""
        ...


class Sharing(Protocol):
    """Knows with whom the containers of an account can be shared, and hears when that was done (RFC 9670)."""

    async def known(self, access: Access, principals: Collection[int]) -> set[int]:
        """Give those Principals, by number, that something in the account can be shared with."""
        ...

    async def open(self, access: Access, principals: Collection[int]) -> None:
        """Let Principals find the account; called before they are granted anything in it."""
        ...

    async def changed(self, access: Access, principals: Collection[int]) -> None:
        """Hear that Principals see more, less or something else of the account from now on."""
        ...


class Alone:
    """A `Sharing` where there is nobody to share with."""

    async def known(self, access: Access, principals: Collection[int]) -> set[int]:
        """Know nobody."""
        return set()

    async def open(self, access: Access, principals: Collection[int]) -> None:
        """Do nothing."""

    async def changed(self, access: Access, principals: Collection[int]) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What every call of this server uses.

    pool: threads for work that would hold up the event loop. decode: undoes a part's transfer encoding.
    false_removes: read a keyword or another member of a set that is patched to false as removed, as some
    clients write it against RFC 8620 §5.3. inline: short reads may run in this thread, for it is the store's.
    subscriptions: None if nothing is pushed to URLs. describe: makes the Account object of an account as the
    session shows it to a caller. addresses: gives the keys of the addresses of an account by its number.
    """

    registry: Registry
    store: Store
    blobs: BlobSource
    limits: Limits
    pool: Turns
    decode: Callable[[bytes, str], bytes]
    false_removes: bool = False
    inline: bool = True
    subscriptions: Subscriptions | None = None
    sharing: Sharing = Alone()  # noqa: RUF009  it has no state
    describe: Describe = _undescribed
    addresses: Callable[[int], Collection[str]] = _none


@dataclass(frozen=True, slots=True)
class Reading:
    """A snapshot and the blobs; see `ports.Reading`. caller: nobody where the server reads for itself."""

    txn: Transaction
    blobs: BlobSource
    caller: Caller = _NOBODY
    describe: Describe = _undescribed

    def account(self, access: Access) -> JsonObject:
        """See `ports.Reading.account`."""
        return self.describe(self.caller, access)


@dataclass(slots=True, eq=False)
class Call:
    """One method call of one caller on one account; see `ports.Calling` and `ports.Preparing`.

    using: the URIs of the capabilities that the request uses (RFC 8620 §3.3).
    """

    tools: Tools
    caller: Caller
    access: Access
    call_id: str
    created_ids: dict[str, str]
    using: Collection[str] = ()

    @property
    def account(self) -> int:
        """The account's number."""
        return self.access.account

    @property
    def addresses(self) -> Collection[str]:
        """See `ports.Preparing.addresses`."""
        return self.tools.addresses(self.access.account)

    @property
    def blobs(self) -> BlobSource:
        """The bytes."""
        return self.tools.blobs

    @property
    def limits(self) -> Limits:
        """What one caller may ask at once."""
        return self.tools.limits

    @property
    def types(self) -> Mapping[str, Type]:
        """Every declared type by its name."""
        return self.tools.registry.types

    def layout(self, type: Type) -> Layout:
        """Give where a type's properties are stored."""
        return self.tools.store.layouts[type.name]

    def reading(self, txn: Transaction) -> Reading:
        """Give a ``compute`` hook what it may use."""
        return Reading(txn, self.tools.blobs, self.caller, self.tools.describe)

    def at(self, access: Access) -> Call:
        """Give the same call on another account of the caller."""
        return Call(self.tools, self.caller, access, self.call_id, self.created_ids, self.using)

    async def read(self, unit: Callable[[Transaction], T]) -> T:
        """See `ports.Calling.read`."""
        return await self.tools.store.read(self.access, self.caller.person, unit, inline=self.tools.inline)

    def write(self, unit: Callable[[Transaction], T]) -> Coroutine[Any, Any, T]:
        """See `ports.Calling.write`."""
        return self.tools.store.write(self.access, self.caller.person, unit)

    async def aside(self, work: Callable[[], T]) -> T:
        """See `ports.Calling.aside`."""
        return await self.tools.pool.run(self.account, work)
