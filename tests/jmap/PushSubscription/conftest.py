"""An engine with push subscriptions over a real directory, and people who sign in to it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from ipaddress import ip_address
from pathlib import Path

import pytest

from posthouse.blobs import open_blobs
from posthouse.bus import News, Subscribed
from posthouse.capabilities.core import CORE
from posthouse.capabilities.emailpush import EMAILPUSH
from posthouse.capabilities.mail import MAIL
from posthouse.capabilities.pushstate import PUSHSTATE
from posthouse.directory.callers import Callers
from posthouse.directory.passwords import Passwords
from posthouse.directory.people import People
from posthouse.directory.signin import SignIn
from posthouse.directory.subscriptions import Subscriptions
from posthouse.directory.tokens import Tokens
from posthouse.engine.call import Tools
from posthouse.engine.dispatch import Engine
from posthouse.engine.session import Sessions
from posthouse.kit import json
from posthouse.kit.json import Json, JsonObject
from posthouse.kit.limits import Limits
from posthouse.kit.turns import Turns
from posthouse.model.caller import Caller
from posthouse.model.registry import Registry
from posthouse.model.subscription import Subscription
from posthouse.proto.jmap.request import Invocation, Request
from posthouse.serve.work.outward import Outward
from posthouse.serve.work.target import Refused
from posthouse.store.account import Store
from posthouse.store.directory import DirectoryStore
from posthouse.store.principals import PrincipalStore
from posthouse.store.subscriptions import SubscriptionStore
from wire.endpoint import Device

ADA = "ada@example.org"
URL = "https://push.example.net/device/1"
START = 1_800_000_000
PLAIN = ("urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail")
WITH_MAIL = (*PLAIN, EMAILPUSH.uri)
ALL = (*WITH_MAIL, PUSHSTATE.uri)


class Desk:
    """Ada asks; `caller` is her password's, which is the default, and `by_token` gives another credential."""

    def __init__(self, folder: Path, stack: ExitStack, *, pushes: bool = True) -> None:
        self.clock = float(START)
        self.told: list[News] = []
        registry = Registry([CORE, MAIL, EMAILPUSH, PUSHSTATE])
        store = stack.enter_context(closing(Store(folder / "rows", registry.types.values())))
        blobs = stack.enter_context(closing(open_blobs(f"file:{folder}/blobs")))
        path = folder / "directory.db"
        self.directory = stack.enter_context(closing(DirectoryStore(path)))
        self.rows = stack.enter_context(closing(SubscriptionStore(path)))
        passwords = stack.enter_context(closing(Passwords(passes=1, memory=8, threads=1)))
        self.outward = stack.enter_context(closing(Outward()))
        pool = stack.enter_context(ThreadPoolExecutor(1))
        self._runner = stack.enter_context(asyncio.Runner())
        subscriptions = Subscriptions(self.rows, self.told.extend, self._fault, now=lambda: self.clock)
        limits = Limits(max_objects_in_get=80, max_objects_in_set=70)
        tools = Tools(
            registry,
            store,
            blobs,
            limits,
            Turns(pool),
            lambda raw, encoding: raw,
            subscriptions=subscriptions if pushes else None,
        )
        self._engine = Engine(tools, Sessions(registry, limits))
        self.people = People(
            self.directory, passwords, shards=1, furnish=lambda person: None, announce=self.told.extend
        )
        self.tokens = Tokens(self.directory, self.told.extend, now=lambda: self.clock)
        callers = Callers(self.directory, PrincipalStore(self.directory))
        self.sign_in = SignIn(self.directory, passwords, callers, now=lambda: self.clock)
        self.people.add(ADA, "secret")
        self.caller = self.by_password()

    def _fault(self, url: str) -> str | None:
        try:
            self.outward.check(url)
        except Refused as refused:
            return str(refused)
        return None

    def by_password(self, name: str = ADA, password: str = "secret") -> Caller:
        """Sign in with a password."""
        caller = self._runner.run(self.sign_in.basic(name, password, str(ip_address("192.0.2.1"))))
        assert caller is not None
        return caller

    def by_token(self, expires: int | None = None) -> Caller:
        """Sign in with a new token."""
        text, _ = self.tokens.issue(ADA, expires=expires)
        caller = self._runner.run(self.sign_in.bearer(text, "192.0.2.1"))
        assert caller is not None
        return caller

    @property
    def account(self) -> str:
        return next(iter(self.caller.accounts))

    def answer(
        self, *calls: tuple[str, JsonObject], using: tuple[str, ...] = PLAIN, caller: Caller | None = None
    ) -> list[list[Json]]:
        """Make calls named ``0``, ``1`` ... and give the method responses."""
        invocations = [Invocation(name, given, str(at)) for at, (name, given) in enumerate(calls)]
        request = Request(frozenset(using), invocations, None)
        answered = self._runner.run(self._engine.answer(caller or self.caller, request))
        responses: list[list[Json]] = json.loads_strict(answered)["methodResponses"]
        return responses

    def get(
        self, using: tuple[str, ...] = PLAIN, caller: Caller | None = None, **arguments: Json
    ) -> JsonObject:
        """Call PushSubscription/get."""
        [[name, answered, _]] = self.answer(("PushSubscription/get", arguments), using=using, caller=caller)
        assert "PushSubscription/get" == name, answered
        return dict(answered)

    def set(
        self, using: tuple[str, ...] = PLAIN, caller: Caller | None = None, **arguments: Json
    ) -> JsonObject:
        """Call PushSubscription/set."""
        [[name, answered, _]] = self.answer(("PushSubscription/set", arguments), using=using, caller=caller)
        assert "PushSubscription/set" == name, answered
        return dict(answered)

    def error(self, method: str, **arguments: Json) -> JsonObject:
        """Make a call that must fail and give its error."""
        [[name, answered, _]] = self.answer((method, arguments))
        assert "error" == name, answered
        return dict(answered)

    def create(
        self, using: tuple[str, ...] = PLAIN, caller: Caller | None = None, **values: Json
    ) -> JsonObject:
        """Create a subscription and give what the server tells of it."""
        answered = self.set(using, caller, create={"a": whole(**values)})
        assert answered["notCreated"] is None, answered
        return dict(answered["created"]["a"])

    def refused(self, using: tuple[str, ...] = PLAIN, **values: Json) -> JsonObject:
        """Create a subscription that must be refused, and give its SetError."""
        answered = self.set(using, create={"a": whole(**values)})
        assert answered["created"] is None, answered
        return dict(answered["notCreated"]["a"])

    def not_updated(self, id: str, patch: JsonObject, using: tuple[str, ...] = PLAIN) -> JsonObject:
        """Make an update that must be refused, and give its SetError."""
        answered = self.set(using, update={id: patch})
        assert answered["updated"] is None, answered
        return dict(answered["notUpdated"][id])

    def update(
        self, id: str, patch: JsonObject, using: tuple[str, ...] = PLAIN, caller: Caller | None = None
    ) -> JsonObject | None:
        """Update a subscription and give what the server changed besides."""
        answered = self.set(using, caller, update={id: patch})
        assert answered["notUpdated"] is None, answered
        told: JsonObject | None = answered["updated"][id]
        return told

    def row(self) -> Subscription:
        """The only subscription there is."""
        [row] = self.rows.read()
        return row

    def verify(self) -> None:
        """Send the code of the only subscription back."""
        [id] = [one["id"] for one in self.get()["list"]]
        assert self.update(id, {"verificationCode": self.row().code}) is None

    def subscribed(self) -> int:
        """Count how often it was told that Ada's subscriptions changed."""
        return self.told.count(Subscribed(self.caller.person))


def whole(**values: Json) -> JsonObject:
    """Give the least that a create needs, and these values."""
    return {"deviceClientId": "device-1", "url": URL} | values


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with ExitStack() as stack:
        yield Desk(tmp_path, stack)


@pytest.fixture
def keys() -> dict[str, str]:
    """The keys of a new device."""
    return Device().keys
