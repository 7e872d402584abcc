"""Village: one server in this process with two domains, asked as any of their people."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from bakery.kitchen import OpenStore
from posthouse.app.wiring import CAPABILITIES
from posthouse.blobs import open_blobs
from posthouse.capabilities.contacts import birth as contacts_birth
from posthouse.capabilities.mail import birth as mail_birth
from posthouse.capabilities.principals import upkeep
from posthouse.capabilities.principals.upkeep import Entry
from posthouse.capabilities.submission import identity
from posthouse.capabilities.vacation import response
from posthouse.engine.blob import BlobDoor, BlobUnknown
from posthouse.engine.call import Tools
from posthouse.engine.dispatch import Engine
from posthouse.engine.session import Sessions
from posthouse.formats.mime import decode_bytes
from posthouse.kit import json
from posthouse.kit.json import JsonObject
from posthouse.kit.limits import Limits
from posthouse.kit.turns import Turns
from posthouse.model.caller import Access, Caller, wire_principal
from posthouse.model.registry import Registry
from posthouse.proto.jmap.request import Invocation, Request
from posthouse.store.txn import Transaction
from village.eyes import RIGHTS

T = TypeVar("T")

ANNA, BOB, CARL, COUNCIL, DORA = 7, 8, 9, 20, 40
NAMES = {ANNA: "anna", BOB: "bob", CARL: "carl", COUNCIL: "council", DORA: "dora"}
DOMAIN = {ANNA: "a.example", BOB: "a.example", CARL: "a.example", COUNCIL: "a.example", DORA: "b.example"}
ACCOUNTS = {ANNA: 2, BOB: 3, CARL: 4, COUNCIL: 5, DORA: 6}
HOMES = {"a.example": 1, "b.example": 7}
SHARDS = 2


def wire(owner: int) -> str:
    """The Id of the account of a person or group."""
    return f"a{ACCOUNTS[owner]}"


def home(person: int) -> str:
    """The Id of the account with the Principals of a person's domain."""
    return f"a{HOMES[DOMAIN[person]]}"


class Neighbours:
    """Those of the owner's domain, but for himself, are whom a container can be shared with; see `call.Sharing`."""

    async def known(self, access: Access, principals: Collection[int]) -> set[int]:
        return {
            one
            for one in principals
            if access.owner and DOMAIN.get(one) == DOMAIN[access.owner] and one != access.owner
        }

    async def open(self, access: Access, principals: Collection[int]) -> None:
        pass

    async def changed(self, access: Access, principals: Collection[int]) -> None:
        pass


class Village:
    """People with an account each, a group of the first domain, and a stranger in the second one."""

    def __init__(self, open_store: OpenStore, folder: Path) -> None:
        self.registry = Registry(CAPABILITIES)
        self.store = open_store(folder / "rows", self.registry.types.values())
        self._blobs = open_blobs(f"file:{folder}/blobs")
        self._pool = ThreadPoolExecutor(max_workers=1)
        limits = Limits()
        sessions = Sessions(self.registry, limits)
        tools = Tools(
            self.registry,
            self.store,
            self._blobs,
            limits,
            Turns(self._pool),
            decode_bytes,
            sharing=Neighbours(),
            describe=sessions.describe,
        )
        self.engine = Engine(tools, sessions)
        self._door = BlobDoor(tools, self._blobs)
        self._runner = asyncio.Runner()
        self.members = {ANNA, CARL}
        for domain, account in HOMES.items():
            place = Access(account, account % SHARDS, domain)
            self.run(self.store.write(place, 0, lambda txn, domain=domain: _settle(txn, domain)))
        for owner in NAMES:
            self.run(
                self.store.write(self.access(owner, owner), 0, lambda txn, owner=owner: _furnish(txn, owner))
            )

    def close(self) -> None:
        """Close the store and end the threads."""
        self.store.close()
        self._blobs.close()
        self._pool.shutdown()
        self._runner.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for a coroutine in the village's event loop."""
        return self._runner.run(work)

    # -- who --

    def principals(self, person: int) -> frozenset[int]:
        """As whom a person comes."""
        return frozenset({person, COUNCIL} if person in self.members else {person})

    def access(self, person: int, owner: int) -> Access:
        """An account as a person of the same domain has it."""
        account = ACCOUNTS[owner]
        through = None if owner in self.principals(person) else self.principals(person)
        return Access(
            account,
            account % SHARDS,
            f"{NAMES[owner]}@{DOMAIN[owner]}",
            is_personal=person == owner,
            owner=owner,
            through=through,
            subscribed=through is None,
        )

    def caller(self, person: int) -> Caller:
        """A person with all that could be open to him."""
        own = [self.access(person, owner) for owner in NAMES if DOMAIN[owner] == DOMAIN[person]]
        number = HOMES[DOMAIN[person]]
        kinds = frozenset(("Principal",))
        place = Access(
            number, number % SHARDS, DOMAIN[person], False, through=frozenset((person,)), kinds=kinds
        )
        accounts = {one.wire: one for one in (*own, place)}
        return Caller(
            person, NAMES[person], accounts, person, principals=self.principals(person), home=number
        )

    def join(self, person: int, is_member: bool) -> None:
        """Let a person join the group, or leave it."""
        (self.members.add if is_member else self.members.discard)(person)
        for owner in NAMES:
            if DOMAIN[owner] == DOMAIN[COUNCIL]:
                self.run(self.store.write(self.access(owner, owner), 0, lambda txn: txn.touch(person)))

    # -- asking --

    def answer(
        self, person: int, *calls: tuple[str, JsonObject], created_ids: dict[str, str] | None = None
    ) -> JsonObject:
        """Send calls named ``0``, ``1`` ... and give the whole Response object."""
        invocations = [Invocation(name, arguments, str(at)) for at, (name, arguments) in enumerate(calls)]
        request = Request(frozenset(self.registry.capabilities), invocations, created_ids)
        response: JsonObject = json.loads_strict(self.run(self.engine.answer(self.caller(person), request)))
        return response

    def session(self, person: int) -> JsonObject:
        """Give a person's Session object."""
        session: JsonObject = json.loads_strict(self.engine.session(self.caller(person), "http://v.example"))
        return session

    def ask(self, person: int, method: str, account: str, /, **arguments: Any) -> JsonObject:
        """Make one call that must succeed."""
        name, answered, _ = self.answer(person, (method, {"accountId": account} | arguments))[
            "methodResponses"
        ][0]
        assert method == name, answered
        result: JsonObject = answered
        return result

    def set(self, person: int, type: str, account: str, /, **arguments: Any) -> JsonObject:
        """Make one /set of which nothing may be refused."""
        answered = self.ask(person, f"{type}/set", account, **arguments)
        refused = {name: answered[name] for name in ("notCreated", "notUpdated", "notDestroyed")}
        assert not any(refused.values()), refused
        return answered

    def share(self, owner: int, type: str, id: str, who: int, *rights: str) -> None:
        """Let an owner grant just these rights on a container."""
        told = {name: name in rights for name in RIGHTS[type]}
        self.set(owner, type, wire(owner), update={id: {"shareWith": {wire_principal(who): told}}})

    def made(self, person: int, type: str, account: str, /, **values: Any) -> str:
        """Make one object and give its id."""
        id: str = self.set(person, type, account, create={"k": values})["created"]["k"]["id"]
        return id

    def mailed(self, person: int, account: str, *boxes: str, **values: Any) -> str:
        """Make an Email in some Mailboxes and give its id."""
        return self.made(person, "Email", account, mailboxIds=dict.fromkeys(boxes, True), **values)

    def refused(self, person: int, method: str, account: str, /, **arguments: Any) -> JsonObject:
        """Make one change that must be refused, and give its SetError."""
        answered = self.ask(person, method, account, **arguments)
        acts = ("notCreated", "notUpdated", "notDestroyed")
        [error] = [error for act in acts for error in (answered.get(act) or {}).values()]
        refusal: JsonObject = error
        return refusal

    def upload(self, person: int, account: str, data: bytes) -> str:
        """Upload bytes and give the blob's id."""
        answered = self.run(self._door.upload(self.caller(person), account, "text/plain", _pieces(data)))
        blob: str = answered["blobId"]
        return blob

    def download(self, person: int, account: str, blob: str) -> bytes | None:
        """Read a blob, or give None if it is not there for this person."""
        return self.run(self._download(person, account, blob))

    async def _download(self, person: int, account: str, blob: str) -> bytes | None:
        try:
            found = await self._door.open(self.caller(person), account, blob)
        except BlobUnknown:
            return None
        return await found.read(0, found.size)

    def bytes_of(self, digest: bytes) -> bytes:
        """Give a whole blob, whoever may read it."""
        return self._blobs.read(digest)

    def levels(self, person: int, owner: int) -> Mapping[str, int]:
        """What a push connection of a person looks at."""
        return self.run(self.store.levels(self.access(person, owner), person))

    def read(self, owner: int, unit: Callable[[Transaction], T]) -> T:
        """Run a unit on a snapshot that hides nothing."""
        return self.run(self.store.read(self.access(owner, owner), owner, unit))


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    yield data


def _settle(txn: Transaction, domain: str) -> None:
    entries = {
        one: Entry("group" if one == COUNCIL else "individual", name, f"{name}@{domain}", ACCOUNTS[one])
        for one, name in NAMES.items()
        if DOMAIN[one] == domain
    }
    upkeep.reconcile(txn, entries)


def _furnish(txn: Transaction, owner: int) -> None:
    mail_birth.defaults(txn)
    contacts_birth.defaults(txn)
    identity.defaults(txn, f"{NAMES[owner]}@{DOMAIN[owner]}")
    response.defaults(txn)
