"""Hall: an engine over the Principals of one domain in this process, asked by one person of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from bakery.kitchen import Kitchen, OpenStore
from posthouse.capabilities.principals import OWNER, PRINCIPALS, upkeep
from posthouse.capabilities.principals.principal import principal
from posthouse.capabilities.principals.upkeep import Entry
from posthouse.kit.json import JsonObject
from posthouse.model.caller import Access, Caller, wire_principal
from posthouse.store.account import Place
from posthouse.store.txn import Transaction

T = TypeVar("T")

ANNA, BOB, CARL, COUNCIL, ROOM = 7, 8, 9, 20, 30
TOWN = Access(1, 0, "town.example", is_personal=False, kinds=frozenset((principal.name,)))
ANNAS = Access(2, 0, "anna@town.example", owner=ANNA)
BOBS = Access(3, 0, "bob@town.example", owner=BOB)
COUNCILS = Access(4, 1, "council@town.example", owner=COUNCIL)

ENTRIES: Mapping[int, Entry] = {
    ANNA: Entry("individual", "Anna Ås", "anna@town.example", ANNAS.account),
    BOB: Entry("individual", "Bob", "bob@town.example", BOBS.account),
    CARL: Entry("individual", "Carl", "carl@town.example", 5),
    COUNCIL: Entry("group", "Council", "council@town.example", COUNCILS.account),
    ROOM: Entry("location", "Room 4B", None, 0),
}
MEMBERS: Mapping[int, Collection[int]] = {COUNCIL: (ANNA, CARL)}


def visited(access: Access, *through: int, **more: object) -> Access:
    """Give an account as a visitor has it, who is some Principals."""
    told = {"is_personal": False, "through": frozenset(through)} | more
    return Access(access.account, access.shard, access.name, owner=access.owner, **told)  # type: ignore[arg-type]


def caller(person: int, *groups: int, also: Iterable[Access] = ()) -> Caller:
    """Give a person of the domain, who visits the account of the Principals."""
    own = [access for access in (ANNAS, BOBS) if access.owner == person]
    town = visited(TOWN, person, kinds=TOWN.kinds)
    accounts = {access.wire: access for access in (*own, town, *also)}
    principals = frozenset((person, *groups))
    return Caller(
        person, f"{person}@town.example", accounts, person, principals=principals, home=TOWN.account
    )


class Circle:
    """The domain's people and its group; see `notifier.Circle`."""

    def home_of(self, principal: int) -> Place | None:
        """Give the account of the Principals."""
        return TOWN if principal in ENTRIES else None

    def people_of(self, principals: Iterable[int]) -> set[int]:
        """Give who they are."""
        known = [principal for principal in principals if principal in ENTRIES]
        return {person for principal in known for person in MEMBERS.get(principal, (principal,))}


class Hall(Kitchen):
    """The account ``a1`` of a domain's Principals, visited by Anna, who is in the council."""

    def __init__(self, open_store: OpenStore, folder: Path) -> None:
        super().__init__(open_store, folder, PRINCIPALS, OWNER)
        self.caller = caller(ANNA, COUNCIL)
        self.write_town(lambda txn: upkeep.reconcile(txn, ENTRIES))

    def responses(self, *calls: tuple[str, JsonObject]) -> list[list[object]]:
        """Send calls as the person of the hall; see `Kitchen.responses`."""
        named = [(name, {"accountId": TOWN.wire} | given, str(at)) for at, (name, given) in enumerate(calls)]
        answered: list[list[object]] = self.answer(*named, caller=self.caller)["methodResponses"]
        return answered

    def write_town(self, unit: Callable[[Transaction], T]) -> T:
        """Run a unit that changes the account of the Principals, as the server does."""
        return self.run(self.store.write(TOWN, 0, unit))


def wire(number: int) -> str:
    """Write a Principal's Id."""
    return wire_principal(number)
