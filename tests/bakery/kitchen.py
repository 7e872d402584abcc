"""Kitchen: an engine over the bakery's types in this process, asked with plain JSON."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Collection, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from bakery import BAKERY, cake, order, recipe, shelf
from posthouse.blobs import open_blobs
from posthouse.engine.call import Tools
from posthouse.engine.dispatch import Engine
from posthouse.engine.session import Sessions, core
from posthouse.kit import json
from posthouse.kit.json import Json, JsonObject
from posthouse.kit.limits import Limits
from posthouse.kit.turns import Turns
from posthouse.model import blobid
from posthouse.model.caller import Access, Caller
from posthouse.model.capability import Capability
from posthouse.model.registry import Registry
from posthouse.proto.jmap.request import Invocation, Request
from posthouse.store.account import Store
from posthouse.store.txn import Transaction

T = TypeVar("T")
OpenStore = Callable[..., Store]
"""Takes what `Store` takes."""

STORES: dict[str, OpenStore] = {"sqlite": Store}
"""How to open each store that there is; every suite over a store runs on all of them."""

TYPES = (shelf, order, cake, recipe)
CORE = Capability("urn:ietf:params:jmap:core", server=core, per_account=None)

HOME, OTHER, LOCKED = (
    Access(account=1, shard=0, name="home"),
    Access(account=2, shard=0, name="other", is_personal=False),
    Access(account=3, shard=1, name="locked", is_personal=False, is_read_only=True),
)
BAKER = Caller(7, "baker@bakery.example", {at.wire: at for at in (HOME, OTHER, LOCKED)}, "baker")


class Refused(Exception):
    """A method call was answered with an error, which `error` holds."""

    def __init__(self, error: JsonObject) -> None:
        super().__init__(error)
        self.error = error


class Kitchen:
    """An engine with an empty store; accounts ``a1``, ``a2`` and, for reading only, ``a3``."""

    def __init__(
        self,
        open_store: OpenStore,
        folder: Path,
        *capabilities: Capability,
        limits: Limits | None = None,
        lenient_using: bool = False,
        false_removes: bool = False,
        addresses: Collection[str] = (),
    ) -> None:
        registry = Registry([CORE, BAKERY, *capabilities])
        self.using = frozenset(registry.capabilities)
        self.store = open_store(folder / "rows", registry.types.values())
        self._pool = ThreadPoolExecutor(max_workers=1)
        limits = limits or Limits()
        blobs = open_blobs(f"file:{folder}/blobs")
        self._blobs = blobs
        sessions = Sessions(registry, limits)
        tools = Tools(
            registry,
            self.store,
            blobs,
            limits,
            Turns(self._pool),
            lambda raw, encoding: raw,
            false_removes,
            describe=sessions.describe,
            addresses=lambda account: addresses,
        )
        self.engine = Engine(tools, sessions, lenient_using=lenient_using)
        self._runner = asyncio.Runner()

    def close(self) -> None:
        """Close the store and end the threads."""
        self.store.close()
        self._blobs.close()
        self._pool.shutdown()
        self._runner.close()

    # -- asking --

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for a coroutine in the kitchen's event loop."""
        return self._runner.run(work)

    def answer(
        self,
        *calls: tuple[str, JsonObject, str],
        using: Iterable[str] | None = None,
        created_ids: dict[str, str] | None = None,
        caller: Caller = BAKER,
    ) -> JsonObject:
        """Send a request of several calls as they are, and give the whole Response object."""
        invocations = [Invocation(name, arguments, call_id) for name, arguments, call_id in calls]
        chosen = self.using if using is None else frozenset(using)
        answered = self.run(self.engine.answer(caller, Request(chosen, invocations, created_ids)))
        response: JsonObject = json.loads_strict(answered)
        return response

    def responses(self, *calls: tuple[str, JsonObject]) -> list[list[Json]]:
        """Send calls named ``0``, ``1`` ... for account ``a1``, and give the method responses."""
        named = [(name, {"accountId": "a1"} | given, str(at)) for at, (name, given) in enumerate(calls)]
        answered: list[list[Json]] = self.answer(*named)["methodResponses"]
        return answered

    def ask(self, method: str, /, **arguments: Json) -> JsonObject:
        """Make one call, on account ``a1`` unless told otherwise; raises `Refused` for an error."""
        name, answered, _ = self.responses((method, arguments))[0]
        if name == "error":
            raise Refused(answered)
        assert method == name
        result: JsonObject = answered
        return result

    def refusal(self, method: str, /, **arguments: Json) -> JsonObject:
        """Make one call that must fail, and give its error."""
        try:
            answered = self.ask(method, **arguments)
        except Refused as refused:
            return refused.error
        raise AssertionError(f"{method} should have failed, but answered {answered}")

    def upload(self, data: bytes) -> str:
        """Keep bytes as a blob that the caller may read."""
        until = 2**40
        self._blobs.put(data, until)
        digest = hashlib.sha256(data).digest()
        self.write(lambda txn: txn.note_upload(digest, until))
        return blobid.encode(digest)

    def one(self, type: str, id: str, *properties: str, **arguments: Json) -> JsonObject:
        """Get one object, some of its properties or the default ones."""
        asked = {"properties": list(properties)} if properties else {}
        [found] = self.ask(f"{type}/get", ids=[id], **asked, **arguments)["list"]
        return dict(found)

    def refused(self, method: str, act: str, values: Json) -> JsonObject:
        """Make one change that must fail and give its SetError."""
        answered = self.ask(method, **{act: values})
        [error] = answered[
            {"create": "notCreated", "update": "notUpdated", "emails": "notCreated"}[act]
        ].values()
        return dict(error)

    def bytes_of(self, blob: str) -> bytes:
        """Read a whole blob."""
        named = blobid.decode(blob)
        assert named is not None and named.range is None
        return self._blobs.read(named.digest)

    # -- baking --

    def shelves(self, *names: str, **values: Json) -> list[str]:
        """Make shelves and give their ids."""
        created = self._create("Shelf", [{"name": name} | values for name in names])
        return [made["id"] for made in created]

    def cakes(self, *many: JsonObject, **values: Json) -> list[str]:
        """Make cakes, what is not said being the same for all, and give their ids."""
        plain = {"name": "bun", "bakedAt": "2024-01-01T00:00:00Z"}
        return [made["id"] for made in self._create("Cake", [plain | values | one for one in many])]

    def _create(self, type: str, objects: list[JsonObject]) -> list[JsonObject]:
        create = {f"k{at}": values for at, values in enumerate(objects)}
        answered = self.ask(f"{type}/set", create=create)
        assert answered["notCreated"] is None, answered["notCreated"]
        return [answered["created"][key] for key in create]

    def state(self, type: str = "Cake") -> str:
        """Give a type's state."""
        state: str = self.ask(f"{type}/get", ids=[])["state"]
        return state

    def found(self, type: str = "Cake", **arguments: Json) -> list[str]:
        """Give the ids that a query finds."""
        ids: list[str] = self.ask(f"{type}/query", **arguments)["ids"]
        return ids

    def read(self, unit: Callable[[Transaction], T], at: Access = HOME) -> T:
        """Run a unit on a snapshot."""
        return self.run(self.store.read(at, BAKER.person, unit))

    def write(self, unit: Callable[[Transaction], T], at: Access = HOME) -> T:
        """Run a unit that writes."""
        return self.run(self.store.write(at, BAKER.person, unit))
