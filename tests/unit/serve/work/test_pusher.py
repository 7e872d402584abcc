"""The pusher before a real HTTPS endpoint, with a real directory; accounts are a dictionary and time stands still."""

from __future__ import annotations

import asyncio
import functools
import heapq
import itertools
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from posthouse.bus import Missed, Moved, Reached, Subscribed, open_bus
from posthouse.capabilities.emailpush.arrival import Arrived
from posthouse.directory.callers import Callers
from posthouse.directory.passwords import Passwords
from posthouse.directory.people import People
from posthouse.directory.signin import SignIn
from posthouse.directory.tokens import Tokens
from posthouse.kit import ids
from posthouse.kit.json import JsonObject, loads
from posthouse.model.caller import Access, Caller
from posthouse.model.subscription import Subscription
from posthouse.proto.webpush.vapid import ServerKey, Signer
from posthouse.serve.push.hub import Hub
from posthouse.serve.work.lead import Lead
from posthouse.serve.work.outward import Outward
from posthouse.serve.work.pusher import Pusher
from posthouse.store.directory import DirectoryStore
from posthouse.store.principals import PrincipalStore
from posthouse.store.subscriptions import SubscriptionStore
from posthouse.testing import certificate
from wire.endpoint import Answer, Device, Endpoint, Received, check_vapid

START = 1_800_000_000
DAY = 86_400
ADA = "ada@example.org"
LOOPBACK = [ip_network("127.0.0.1/32")]


@dataclass(order=True)
class Call:
    """A call to come at a time."""

    when: float
    number: int
    call: Callable[[], None] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """Time that moves when it is told to; calls what is due then."""

    def __init__(self) -> None:
        self.seconds = float(START)
        self._calls: list[Call] = []
        self._numbers = itertools.count()

    def now(self) -> float:
        return self.seconds

    def at(self, when: float, call: Callable[[], None]) -> Call:
        heapq.heappush(self._calls, made := Call(when, next(self._numbers), call))
        return made

    def go_on(self, seconds: float) -> None:
        self.seconds += seconds
        while self._calls and self._calls[0].when <= self.seconds:
            due = heapq.heappop(self._calls)
            if not due.cancelled:
                due.call()

    def waits(self, seconds: float) -> bool:
        """Say whether something is to be called in so many seconds."""
        return any(call.when == self.seconds + seconds and not call.cancelled for call in self._calls)


class World:
    """A directory with Ada, an account that moves, and pushers one after the other."""

    def __init__(self, folder: Path, endpoint: Endpoint, stack: ExitStack) -> None:
        self.folder, self.endpoint = folder, endpoint
        self.clock = Clock()
        self.levels_of: dict[int, dict[str, int]] = {}
        self.arrived: dict[int, list[JsonObject]] = {}
        """New Emails by the number that each drew."""
        self.bus = stack.enter_context(closing(open_bus("local:")))
        path = folder / "directory.db"
        self.directory = stack.enter_context(closing(DirectoryStore(path)))
        self.rows = stack.enter_context(closing(SubscriptionStore(path)))
        passwords = stack.enter_context(closing(Passwords(passes=1, memory=8, threads=1)))
        announce = self.bus.publish
        self.people = People(
            self.directory, passwords, shards=1, furnish=lambda person: None, announce=announce
        )
        self.tokens = Tokens(self.directory, announce, now=self.clock.now)
        self.principals = PrincipalStore(self.directory)
        callers = Callers(self.directory, self.principals)
        self.sign_in = SignIn(self.directory, passwords, callers, now=self.clock.now)
        self.key = ServerKey.generate()
        self.person = self.people.add(ADA, "secret")
        self.account = self.person.account
        self.private = LOOPBACK
        self.pushers: list[tuple[Hub, Pusher, Outward]] = []

    async def levels(self, place: Access, person: int) -> Mapping[str, int]:
        return dict(self.levels_of.get(place.account, {}))

    async def arrivals(self, place: Access, person: int, since: int, config: JsonObject) -> Arrived:
        until = max(self.arrived, default=0)
        emails = [one for number, many in self.arrived.items() if number > since for one in many]
        return Arrived(emails, ids.encode(until), until)

    @property
    def wire(self) -> str:
        return "a" + ids.encode(self.account)

    # -- who pushes --

    def start(self) -> Pusher:
        """Let a process push, or wait for its turn to."""
        trust = ssl.create_default_context(cafile=self.endpoint.ca)
        outward = Outward(private=self.private, trust=trust)
        hub = Hub(self.bus, self, self.sign_in)
        hub.open()
        pusher = Pusher(
            store=self.rows,
            bus=self.bus,
            hub=hub,
            callers=self.sign_in,
            outward=outward,
            signer=Signer(self.key, "mailto:postmaster@example.org"),
            arrivals=self.arrivals,
            lead=Lead(self.folder / "pusher.lock"),
            timer=self.clock,
            jitter=lambda: 1.0,
        )
        pusher.open()
        self.pushers.append((hub, pusher, outward))
        return pusher

    async def stop(self) -> None:
        """End the eldest pusher in good order."""
        hub, pusher, outward = self.pushers.pop(0)
        hub.close()
        await pusher.close()
        outward.close()

    # -- what happens --

    async def caller(self, token: str | None = None) -> Caller:
        found = (
            await self.sign_in.basic(ADA, "secret", "192.0.2.1")
            if token is None
            else await self.sign_in.bearer(token, "192.0.2.1")
        )
        assert found is not None
        return found

    async def subscribe(
        self, device: Device | None = None, caller: Caller | None = None, **values: Any
    ) -> int:
        """Create a subscription as the method does, and give its number."""
        caller = caller or await self.caller()
        asked: dict[str, Any] = {"expires": START + 7 * DAY, "types": None, "email_push": None}
        new = Subscription(
            person=caller.person,
            key=caller.key,
            device="device",
            url=values.pop("url", self.endpoint.url()),
            keys=None if device is None else (device.keys["p256dh"], device.keys["auth"]),
            code=values.pop("code", "a-code-that-nobody-guesses"),
            **(asked | values),
        )
        id = self.rows.write(lambda rows: rows.add(new))
        self.bus.publish([Subscribed(self.person.id)])
        return id

    async def change(self, id: int, **values: Any) -> None:
        """Change a subscription as the method does, and wait until who pushes knows."""
        [row] = [one for one in self.rows.read() if one.id == id]
        self.rows.write(lambda rows: rows.put(replace(row, **values)))
        self.bus.publish([Subscribed(self.person.id)])
        delivery = self.pushers[0][1]._deliveries[id]
        await self.until(lambda: replace(delivery._subscription, **values) == delivery._subscription)

    async def verified(self, device: Device | None = None, **values: Any) -> int:
        """Create a subscription and send its code back."""
        id = await self.subscribe(device, **values)
        await self.next()
        await self.change(id, is_verified=True)
        return id

    def move(self, **levels: int) -> None:
        self.levels_of.setdefault(self.account, {}).update(levels)
        self.bus.publish([Moved(self.account, levels)])

    def deliver(self, number: int, *subjects: str) -> None:
        """Let Emails arrive."""
        self.arrived[number] = [{"subject": subject} for subject in subjects]
        self.move(Email=number, EmailDelivery=number)

    async def next(self) -> Received:
        return await asyncio.to_thread(self.endpoint.next)

    async def changed(self) -> Any:
        """Wait for a StateChange without encryption, and give what changed in the account."""
        content = loads((await self.next()).body)
        assert "StateChange" == content["@type"], content
        return content["changed"][self.wire]

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(60):
            while not holds():
                await asyncio.sleep(0)

    def row(self) -> Subscription:
        [row] = self.rows.read()
        return row

    def is_quiet(self) -> bool:
        """Whether nothing has come that was not waited for."""
        return self.endpoint.came.empty()


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate.make(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def endpoint(paths: tuple[Path, Path]) -> Iterator[Endpoint]:
    with closing(Endpoint(paths)) as endpoint:
        yield endpoint


def pushing(test: Callable[[World], Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test in a world in which one process pushes."""

    @functools.wraps(test)
    def run(at: None, tmp_path: Path, endpoint: Endpoint) -> None:
        async def in_world() -> None:
            with ExitStack() as stack:
                world = World(tmp_path, endpoint, stack)
                world.start()
                try:
                    await test(world)
                finally:
                    while world.pushers:
                        await world.stop()

        asyncio.run(in_world())

    del run.__wrapped__  # type: ignore[attr-defined]
    return run


@pytest.fixture
def at() -> None:
    """Stands for the world, which each test gets once its loop runs."""


# -- the first message --


@pushing
async def test_a_new_subscription_is_sent_its_code_and_nothing_else_until_it_comes_back(at: World) -> None:
    id = await at.subscribe()
    first = await at.next()
    expected = {
        "@type": "PushVerification",
        "pushSubscriptionId": "p" + ids.encode(id),
        "verificationCode": at.row().code,
    }
    assert expected == loads(first.body)
    assert "/push/device" == first.path
    assert "application/json" == first.headers["content-type"]
    assert "content-encoding" not in first.headers
    at.move(Email=5)
    at.move(Mailbox=6)
    await at.change(id, types=("Email", "Mailbox"))
    await at.change(id, is_verified=True)
    assert {"Email": "5", "Mailbox": "6"} == await at.changed()
    assert at.is_quiet()


@pushing
async def test_what_is_sent_is_encrypted_for_the_device_and_signed(at: World) -> None:
    device = Device()
    await at.verified(device)
    at.move(Email=5)
    received = await at.next()
    content = {"@type": "StateChange", "changed": {at.wire: {"Email": "5"}}}
    assert content == device.read(received)
    claims = check_vapid(received, at.key.public, at.endpoint.origin, START)
    assert "mailto:postmaster@example.org" == claims["sub"]


@pushing
async def test_the_code_is_encrypted_and_signed_as_well(at: World) -> None:
    device = Device()
    await at.subscribe(device)
    received = await at.next()
    assert "PushVerification" == device.read(received)["@type"]
    check_vapid(received, at.key.public, at.endpoint.origin, START)
    assert "3600" == received.headers["ttl"]
    assert "topic" not in received.headers


@pushing
async def test_a_verification_that_failed_is_never_sent_again(at: World) -> None:
    at.endpoint.answers.append(Answer(500))
    await at.subscribe()
    await at.next()
    await at.until(lambda: at.clock.waits(1))
    at.clock.go_on(DAY)
    at.bus.publish([Missed()])
    await at.until(lambda: at.row().course.failures)
    await at.stop()
    at.start()
    at.clock.go_on(DAY)
    assert (1, "500", None) == (
        at.row().course.failures,
        at.row().course.response,
        at.row().course.retry,
    )
    other = await at.subscribe(url=at.endpoint.url("/other"))
    assert "/other" == (await at.next()).path
    assert other and at.is_quiet()


# -- what a message says --


@pushing
async def test_only_the_types_asked_for_are_told(at: World) -> None:
    await at.verified(types=("Mailbox",))
    at.move(Email=5)
    at.move(Mailbox=6, Thread=7)
    assert {"Mailbox": "6"} == await at.changed()


@pushing
async def test_types_may_be_changed(at: World) -> None:
    id = await at.verified(types=("Mailbox",))
    at.move(Mailbox=5)
    assert {"Mailbox": "5"} == await at.changed()
    await at.until(lambda: at.clock.waits(1))
    await at.change(id, types=("Email",))
    at.move(Email=6, Mailbox=7)
    assert {"Email": "6"} == await at.changed()


@pushing
async def test_it_is_kept_for_a_week_but_not_beyond_the_end(at: World) -> None:
    id = await at.verified(expires=START + 30 * DAY)
    at.move(Email=5)
    assert str(7 * DAY) == (await at.next()).headers["ttl"]
    await at.change(id, expires=START + DAY)
    at.clock.go_on(3600)
    at.move(Email=6)
    assert str(DAY - 3600) == (await at.next()).headers["ttl"]


@pushing
async def test_a_message_replaces_those_of_the_same_types_only(at: World) -> None:
    await at.verified()
    topics = []
    for level, type in enumerate(["Email", "Mailbox", "Email"], 5):
        at.move(**{type: level})
        received = await at.next()
        assert "urgency" not in received.headers
        topics.append(received.headers["topic"])
    assert topics[0] == topics[2] != topics[1]
    assert {32} == set(map(len, topics))


@pushing
async def test_the_topics_of_two_subscriptions_are_their_own(at: World) -> None:
    await at.verified()
    await at.verified(url=at.endpoint.url("/other"), code="another code")
    at.move(Email=5)
    both = [await at.next(), await at.next()]
    assert {"/other", "/push/device"} == {one.path for one in both}
    assert 2 == len({one.headers["topic"] for one in both})


# -- when it is slow or fails --


@pushing
async def test_changes_while_a_message_is_under_way_go_out_as_one(at: World) -> None:
    await at.verified()
    gate = threading.Event()
    at.endpoint.answers.append(Answer(gate=gate))
    at.move(Email=5)
    assert {"Email": "5"} == await at.changed()
    at.move(Email=6)
    at.move(Mailbox=7)
    at.move(Email=8)
    gate.set()
    assert {"Email": "8", "Mailbox": "7"} == await at.changed()
    assert at.is_quiet()


@pushing
async def test_429_is_heeded_for_as_long_as_it_says_and_changes_are_merged(at: World) -> None:
    await at.verified()
    at.endpoint.answers.append(Answer(429, {"Retry-After": "300"}))
    at.move(Email=5)
    await at.changed()
    await at.until(lambda: at.clock.waits(300))
    at.move(Email=6, Mailbox=7)
    at.clock.go_on(299)
    assert at.is_quiet()
    at.clock.go_on(1)
    assert {"Email": "6", "Mailbox": "7"} == await at.changed()


@pushing
async def test_failures_are_tried_again_after_ever_longer_pauses(at: World) -> None:
    await at.verified()
    at.endpoint.answers.extend(Answer(500) for _ in range(4))
    at.move(Email=5)
    for pause in (5, 10, 20, 40):
        assert {"Email": "5"} == await at.changed()
        await at.until(functools.partial(at.clock.waits, pause))
        at.clock.go_on(pause)
    assert {"Email": "5"} == await at.changed()
    await at.until(lambda: at.clock.waits(1))
    await at.stop()
    assert (0, START + 75, "201") == (
        at.row().course.failures,
        at.row().course.succeeded,
        at.row().course.response,
    )


@pushing
async def test_pauses_go_on_after_a_restart(at: World) -> None:
    await at.verified()
    at.endpoint.answers.append(Answer(503, {"Retry-After": "600"}))
    at.move(Email=5)
    await at.changed()
    await at.until(lambda: at.clock.waits(600))
    await at.stop()
    assert START + 600 == at.row().course.retry
    at.start()
    await at.until(lambda: at.clock.waits(600))
    at.clock.go_on(600)
    assert {"Email": "5"} == await at.changed()


@pushing
async def test_an_endpoint_that_is_down_is_tried_until_it_is_up(at: World) -> None:
    await at.verified()
    at.endpoint.close()
    at.move(Email=5)
    await at.until(lambda: at.clock.waits(5))
    at.clock.go_on(5)
    await at.until(lambda: at.clock.waits(10))
    at.endpoint.__init__(at.endpoint.paths, at.endpoint.port)  # type: ignore[misc]
    at.clock.go_on(10)
    assert {"Email": "5"} == await at.changed()


@pushing
async def test_an_endpoint_that_does_not_answer_delays_no_other(at: World) -> None:
    gate = threading.Event()
    await at.verified(url=at.endpoint.url("/slow"))
    at.endpoint.answers.append(Answer(gate=gate))
    at.move(Email=5)
    assert "/slow" == (await at.next()).path
    await at.verified(url=at.endpoint.url("/fast"))
    at.move(Email=6)
    assert "/fast" == (await at.next()).path
    gate.set()
    assert "/slow" == (await at.next()).path


@pushing
async def test_a_redirect_is_not_followed(at: World) -> None:
    await at.verified()
    at.endpoint.answers.append(Answer(307, {"Location": at.endpoint.url("/inside")}))
    at.move(Email=5)
    await at.changed()
    await at.until(lambda: at.clock.waits(5))
    at.clock.go_on(5)
    assert "/push/device" == (await at.next()).path
    assert at.is_quiet()


@pushing
async def test_a_host_that_is_private_by_now_gets_nothing(at: World) -> None:
    await at.verified()
    await at.stop()
    at.private = []
    at.start()
    at.move(Email=5)
    await at.until(lambda: at.clock.waits(5))
    await at.stop()
    assert at.is_quiet()
    assert "the host is not a public address" == at.row().course.response


# -- the end --


@pushing
async def test_404_and_410_end_it(at: World) -> None:
    for status in (404, 410):
        await at.verified()
        at.endpoint.answers.append(Answer(status))
        at.move(Email=status)
        await at.changed()
        await at.until(lambda: not at.rows.read())
    assert at.is_quiet()


@pushing
async def test_a_verification_that_leads_nowhere_ends_it(at: World) -> None:
    at.endpoint.answers.append(Answer(404))
    await at.subscribe()
    await at.next()
    await at.until(lambda: not at.rows.read())


@pushing
async def test_an_endpoint_that_says_no_ten_times_is_given_up(at: World) -> None:
    await at.verified()
    at.endpoint.answers.extend(Answer(403) for _ in range(10))
    at.move(Email=5)
    for failed in range(1, 10):
        await at.changed()
        pause = 5 << (failed - 1)
        await at.until(functools.partial(at.clock.waits, pause))
        at.clock.go_on(pause)
    await at.changed()
    await at.until(lambda: not at.rows.read())


@pushing
async def test_an_endpoint_that_fails_for_days_is_given_up(at: World) -> None:
    await at.verified()
    at.endpoint.answers.extend(Answer(500) for _ in range(100))
    at.move(Email=5)
    await at.changed()
    await at.until(lambda: at.clock.waits(5))
    at.clock.go_on(3 * DAY - 1)
    await at.changed()
    await at.until(lambda: at.clock.waits(10))
    at.clock.go_on(10)
    await at.changed()
    await at.until(lambda: not at.rows.read())


@pushing
async def test_a_destroyed_one_is_told_nothing_more(at: World) -> None:
    id = await at.verified()
    at.endpoint.answers.append(Answer(500))
    at.move(Email=5)
    await at.changed()
    await at.until(lambda: at.clock.waits(5))
    at.rows.write(lambda rows: rows.remove([id]))
    at.bus.publish([Subscribed(at.person.id)])
    await at.verified(url=at.endpoint.url("/other"))
    at.clock.go_on(5)
    at.move(Email=6)
    assert "/other" == (await at.next()).path
    assert at.is_quiet()


@pushing
async def test_it_ends_at_its_expiry(at: World) -> None:
    await at.verified(expires=START + DAY)
    at.move(Email=5)
    await at.changed()
    at.clock.go_on(DAY)
    await at.until(lambda: not at.rows.read())
    at.move(Email=6)
    await at.verified(url=at.endpoint.url("/other"), expires=START + 2 * DAY)
    assert at.is_quiet()


@pushing
async def test_an_expiry_that_was_put_off_is_not_kept(at: World) -> None:
    id = await at.verified(expires=START + DAY)
    await at.change(id, expires=START + 3 * DAY)
    at.move(Email=5)
    await at.changed()
    at.clock.go_on(2 * DAY)
    at.move(Email=6)
    assert {"Email": "6"} == await at.changed()


@pushing
async def test_it_ends_when_its_session_expires(at: World) -> None:
    text, _ = at.tokens.issue(ADA, expires=START + DAY)
    caller = await at.caller(text)
    await at.verified(caller=caller, expires=None)
    at.move(Email=5)
    received = await at.next()
    assert str(DAY) == received.headers["ttl"]
    at.clock.go_on(DAY)
    await at.until(lambda: not at.rows.read())


@pushing
async def test_it_ends_with_its_token(at: World) -> None:
    text, token = at.tokens.issue(ADA)
    caller = await at.caller(text)
    await at.verified(caller=caller)
    at.move(Email=5)
    await at.changed()
    at.tokens.revoke(ADA, token.id)
    at.move(Email=6)
    await at.verified(url=at.endpoint.url("/other"))
    at.move(Email=7)
    assert "/other" == (await at.next()).path
    assert at.is_quiet()
    assert ["/other"] == [one.url.removeprefix(at.endpoint.origin) for one in at.rows.read()]


@pushing
async def test_it_ends_with_its_password_also_while_a_message_waits(at: World) -> None:
    await at.verified()
    at.endpoint.answers.append(Answer(429))
    at.move(Email=5)
    await at.changed()
    await at.until(lambda: at.clock.waits(120))
    at.people.set_password(ADA, "secret2")
    at.clock.go_on(120)
    assert [] == at.rows.read()
    text, _ = at.tokens.issue(ADA)
    await at.verified(caller=await at.caller(text), url=at.endpoint.url("/other"))
    assert at.is_quiet()


@pushing
async def test_one_whose_credential_ended_while_nobody_pushed_is_told_nothing(at: World) -> None:
    await at.verified()
    await at.stop()
    key = at.row().key
    at.people.set_password(ADA, "secret2")
    stale = Subscription(
        at.person.id, key, "device", at.endpoint.url("/stale"), None, "code", None, None, None
    )
    at.rows.write(lambda rows: rows.add(stale))
    at.start()
    await at.until(lambda: not at.rows.read())
    assert at.is_quiet()


# -- who pushes --


@pushing
async def test_after_a_restart_all_that_was_missed_is_told(at: World) -> None:
    await at.verified()
    await at.until(lambda: at.clock.go_on(1) or at.row().course.succeeded)
    at.move(Email=5)
    await at.changed()
    await at.until(lambda: at.clock.waits(1))
    await at.stop()
    at.move(Email=6)
    at.move(Mailbox=7)
    at.start()
    assert {"Email": "6", "Mailbox": "7"} == await at.changed()
    await at.until(lambda: at.clock.waits(1))
    await at.stop()
    at.start()
    at.move(Thread=8)
    assert {"Thread": "8"} == await at.changed()
    assert at.is_quiet()


@pushing
async def test_a_message_under_way_at_the_end_is_not_told_again(at: World) -> None:
    await at.verified()
    gate = threading.Event()
    at.endpoint.answers.append(Answer(gate=gate))
    at.move(Email=5)
    await at.changed()
    stopping = asyncio.ensure_future(at.stop())
    await asyncio.sleep(0)
    gate.set()
    await stopping
    at.start()
    at.move(Mailbox=6)
    assert {"Mailbox": "6"} == await at.changed()


@pushing
async def test_only_one_pushes_and_the_next_takes_over(at: World) -> None:
    at.start()
    await at.verified()
    await at.until(lambda: at.clock.go_on(1) or at.row().course.succeeded)
    at.move(Email=5)
    assert {"Email": "5"} == await at.changed()
    await at.until(lambda: at.clock.waits(1))
    await at.stop()
    at.move(Email=6)
    assert {"Email": "6"} == await at.changed()
    assert at.is_quiet()


@pushing
async def test_what_was_missed_on_the_bus_is_read(at: World) -> None:
    id = await at.subscribe()
    await at.next()
    at.rows.write(lambda rows: rows.put(replace(at.row(), is_verified=True)))
    at.levels_of[at.account] = {"Email": 5}
    at.bus.publish([Missed()])
    assert {"Email": "5"} == await at.changed()
    assert id == at.row().id


# -- new Emails --


@pushing
async def test_new_emails_are_sent_before_the_change_that_they_are(at: World) -> None:
    device = Device()
    wanted = {at.wire: {"filter": None, "urgency": "high", "properties": ["subject"]}}
    await at.verified(device, email_push=wanted)
    at.deliver(5, "One", "Two")
    received = await at.next()
    expected = {
        "@type": "EmailPush",
        "accountId": at.wire,
        "emails": [{"subject": "One"}, {"subject": "Two"}],
        "state": "5",
    }
    assert expected == device.read(received)
    assert "high" == received.headers["urgency"]
    assert "topic" not in received.headers
    changed = device.read(await at.next())["changed"][at.wire]
    assert {"Email": "5", "EmailDelivery": "5"} == changed


@pushing
async def test_who_wants_emails_only_is_told_of_no_change(at: World) -> None:
    device = Device()
    wanted = {at.wire: {"filter": None, "urgency": "normal", "properties": ["subject"]}}
    await at.verified(device, types=(), email_push=wanted)
    at.move(Email=4)
    at.deliver(5, "One")
    assert [{"subject": "One"}] == device.read(await at.next())["emails"]
    at.deliver(6, "Two")
    assert [{"subject": "Two"}] == device.read(await at.next())["emails"]
    assert at.is_quiet()


@pushing
async def test_emails_are_sent_once_and_after_a_failure_those_that_were_not(at: World) -> None:
    device = Device()
    wanted = {at.wire: {"filter": None, "urgency": "normal", "properties": ["subject"]}}
    await at.verified(device, types=(), email_push=wanted)
    at.endpoint.answers.extend([Answer(), Answer(500)])
    at.deliver(5, *(f"{number} {'x' * 1500}" for number in range(5)))
    sent = [device.read(await at.next())["emails"] for _ in range(2)]
    await at.until(lambda: at.clock.waits(5))
    at.deliver(6, "Last")
    at.clock.go_on(5)
    sent += [device.read(await at.next())["emails"] for _ in range(3)]
    assert sent[1] == sent[2]
    subjects = [email["subject"].split()[0] for emails in [sent[0], *sent[2:]] for email in emails]
    assert ["0", "1", "2", "3", "4", "Last"] == subjects
    assert at.is_quiet()


@pushing
async def test_after_a_restart_the_emails_that_were_missed_are_sent(at: World) -> None:
    device = Device()
    wanted = {at.wire: {"filter": None, "urgency": "normal", "properties": ["subject"]}}
    await at.verified(device, types=(), email_push=wanted)
    await at.until(lambda: at.clock.go_on(1) or at.row().course.succeeded)
    at.deliver(5, "One")
    await at.next()
    await at.until(lambda: at.clock.waits(1))
    await at.stop()
    at.deliver(6, "Two")
    at.start()
    assert [{"subject": "Two"}] == device.read(await at.next())["emails"]


@pushing
async def test_who_asks_for_emails_later_is_sent_those_that_come_then(at: World) -> None:
    device = Device()
    id = await at.verified(device, types=())
    at.deliver(5, "One")
    wanted = {at.wire: {"filter": None, "urgency": "normal", "properties": ["subject"]}}
    await at.change(id, email_push=wanted)
    await at.until(lambda: at.clock.go_on(1) or at.row().course.mailed)
    at.deliver(6, "Two")
    assert [{"subject": "Two"}] == device.read(await at.next())["emails"]


@pushing
async def test_which_emails_are_open_is_asked_whenever_they_are_sent(at: World) -> None:
    group = at.people.enroll("team@example.org", "group", None)
    theirs, device = "a" + ids.encode(group.account), Device()
    config = {"filter": None, "urgency": "normal", "properties": ["subject"]}
    await at.verified(device, types=(), email_push={theirs: config})
    at.principals.join(group.id, [at.person.id])
    at.bus.publish([Reached(at.person.id)])
    [delivery] = at.pushers[0][1]._deliveries.values()
    await at.until(lambda: delivery._watch is not None and theirs in delivery._watch.accounts)
    at.arrived[5] = [{"subject": "One"}]
    at.levels_of[group.account] = {"EmailDelivery": 5}
    at.bus.publish([Moved(group.account, {"EmailDelivery": 5})])
    assert [{"subject": "One"}] == device.read(await at.next())["emails"]


@pushing
async def test_a_fault_of_our_own_delays_what_was_to_be_told_and_loses_nothing(at: World) -> None:
    await at.verified()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Signer, "authorization", unusable)
        at.move(Email=5)
        await at.until(lambda: at.clock.waits(60))
    at.clock.go_on(60)
    assert {"Email": "5"} == await at.changed()


@pushing
async def test_a_code_that_could_not_be_noted_is_sent_later(at: World) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SubscriptionStore, "note", full)
        await at.subscribe()
        await at.until(lambda: at.clock.waits(60))
        assert at.is_quiet()
    at.clock.go_on(60)
    assert at.row().code == loads((await at.next()).body)["verificationCode"]


@pushing
async def test_emails_that_could_not_be_read_are_sent_later(at: World) -> None:
    device = Device()
    wanted = {at.wire: {"filter": None, "urgency": "normal", "properties": ["subject"]}}
    await at.verified(device, types=(), email_push=wanted)
    delivery = next(iter(at.pushers[0][1]._deliveries.values()))
    means = delivery._means
    delivery._means = replace(means, arrivals=unreadable)
    at.deliver(5, "One")
    await at.until(lambda: at.clock.waits(60))
    delivery._means = means
    at.clock.go_on(60)
    assert [{"subject": "One"}] == device.read(await at.next())["emails"]


def unusable(signer: Signer, origin: str, now: int) -> str:
    raise OSError("the key is gone")


def full(store: SubscriptionStore, courses: object) -> None:
    raise OSError(28, "no space left")


async def unreadable(place: Access, person: int, since: int, config: JsonObject) -> Arrived:
    raise OSError("the disk is gone")
