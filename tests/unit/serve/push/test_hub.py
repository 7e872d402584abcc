"""The hub on a real bus; accounts and credentials are a dictionary and a set."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from posthouse.bus import Missed, Moved, Reached, SignedOut, open_bus
from posthouse.kit import ids
from posthouse.kit.json import JsonObject
from posthouse.model import news
from posthouse.model.caller import Access, Caller
from posthouse.model.news import work
from posthouse.serve.push import position
from posthouse.serve.push.hub import Hub
from posthouse.serve.push.watch import End, Watch


class World:
    """What the hub asks: how far accounts are, and whose credentials hold."""

    def __init__(self) -> None:
        self.bus = open_bus("local:")
        self.accounts: dict[int, dict[str, int]] = {}
        self.seen: dict[tuple[int, int], dict[str, int]] = {}
        self.unreadable: set[int] = set()
        self.gone: set[object] = set()
        self.callers: dict[int, Caller] = {}
        self.hub = Hub(self.bus, self, self)

    async def levels(self, place: Access, person: int) -> Mapping[str, int]:
        await asyncio.sleep(0)  # as a read in the slow lane would
        if place.account in self.unreadable:
            raise OSError("the disk is gone")
        if place.through is not None:
            return dict(self.seen.get((place.account, person), {}))
        return dict(self.accounts.get(place.account, {}))

    def stands(self, caller: Caller) -> bool:
        return caller.key not in self.gone

    def is_current(self, caller: Caller) -> bool:
        return self.callers.get(caller.person, caller).reach == caller.reach

    async def current(self, caller: Caller) -> Caller | None:
        return self.callers.get(caller.person)

    def move(self, account: int, **levels: int) -> None:
        self.accounts.setdefault(account, {}).update(levels)
        self.bus.publish([Moved(account, levels)])

    async def watch(
        self, caller: Caller, types: list[str] | None = None, since: dict[str, int] | None = None
    ) -> Listener:
        listener = Listener(self.hub)
        listener.watch = await self.hub.watch(caller, types, listener.woken.set, since)
        return listener


class Listener:
    """A connection that takes what it is told."""

    watch: Watch

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.woken = asyncio.Event()

    async def told(self) -> JsonObject:
        """Wait for the next thing to be told and give what changed."""
        async with asyncio.timeout(10):
            while True:
                await self.woken.wait()
                self.woken.clear()
                change = self.watch.take()
                self.hub.taken(self.watch)
                if change is not None:
                    assert "StateChange" == change["@type"]
                    changed: JsonObject = change["changed"]
                    return changed

    async def ended(self) -> End | None:
        async with asyncio.timeout(10):
            await self.woken.wait()
        return self.watch.ended


def caller(person: int = 1, *accounts: int, key: object = "k") -> Caller:
    held = [Access(account, 0, f"account {account}") for account in accounts or (person,)]
    return Caller(person, f"user{person}", {access.wire: access for access in held}, key)


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    made = World()
    made.hub.open()
    yield made
    made.hub.close()
    made.bus.close()


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def run(test: object) -> object:
    """Make a test of a coroutine function."""

    def runner() -> None:
        asyncio.run(test())  # type: ignore[operator]

    runner.__name__ = test.__name__  # type: ignore[attr-defined]
    runner.__doc__ = test.__doc__
    return runner


@run
async def test_a_change_is_told_with_the_states_that_get_would_give() -> None:
    async with world() as at:
        listener = await at.watch(caller(1))
        at.move(1, Email=1234, Mailbox=1235)
        assert {"a1": {"Email": ids.encode(1234), "Mailbox": ids.encode(1235)}} == await listener.told()


@run
async def test_only_ones_own_accounts_and_the_types_asked_for_are_told() -> None:
    async with world() as at:
        listener = await at.watch(caller(1, 1, 3), ["Mailbox"])
        at.move(2, Mailbox=9)
        at.move(1, Email=9)
        at.move(3, Email=4, Mailbox=5)
        assert {"a3": {"Mailbox": "5"}} == await listener.told()


@run
async def test_work_for_the_server_itself_is_told_to_nobody() -> None:
    async with world() as at:
        listener = await at.watch(caller(1))
        at.bus.publish([Moved(1, {work("relay"): 5})])
        at.bus.publish([Moved(1, {work("relay"): 6, "Email": 7})])
        assert {"a1": {"Email": "7"}} == await listener.told()


@run
async def test_what_follows_soon_is_merged_with_the_newest_state_of_each_type() -> None:
    async with world() as at:
        listener = await at.watch(caller(1))
        at.move(1, Email=1)
        assert {"a1": {"Email": "1"}} == await listener.told()
        for number in range(2, 10):
            at.move(1, Email=number)
        at.move(1, Thread=10)
        assert {"a1": {"Email": "9", "Thread": "a"}} == await listener.told()


@run
async def test_changes_that_come_out_of_order_never_turn_a_state_back() -> None:
    async with world() as at:
        listener = await at.watch(caller(1))
        at.move(1, Email=7)
        at.move(1, Email=5)
        assert {"a1": {"Email": "7"}} == await listener.told()


@run
async def test_who_begins_anew_is_told_nothing_of_before() -> None:
    async with world() as at:
        at.move(1, Email=5)
        listener = await at.watch(caller(1))
        assert "a1.5" == listener.watch.position
        at.move(1, Mailbox=6)
        assert {"a1": {"Mailbox": "6"}} == await listener.told()
        assert "a1.6" == listener.watch.position


@run
async def test_from_a_position_on_everything_missed_is_told() -> None:
    async with world() as at:
        at.move(1, Email=5, Mailbox=3)
        at.move(2, Email=8)
        listener = await at.watch(caller(1, 1, 2), since=position.read("a1.4-a2.8"))
        assert {"a1": {"Email": "5"}} == await listener.told()


@run
async def test_an_account_that_the_position_does_not_name_or_that_went_back_is_told_whole() -> None:
    async with world() as at:
        at.move(1, Email=5, Mailbox=3)
        at.move(2, Email=8)
        listener = await at.watch(caller(1, 1, 2), since=position.read("a1.9"))
        assert {"a1": {"Email": "5", "Mailbox": "3"}, "a2": {"Email": "8"}} == await listener.told()


@run
async def test_news_that_were_missed_are_read_in_the_store() -> None:
    async with world() as at:
        listener = await at.watch(caller(1))
        at.accounts[1] = {"Email": 12}
        at.bus.publish([Missed()])
        assert {"a1": {"Email": "c"}} == await listener.told()


@run
async def test_a_credential_that_ends_ends_its_watches_and_no_others() -> None:
    async with world() as at:
        ending = await at.watch(caller(1, key="old"))
        other = await at.watch(caller(1, key="new"))
        at.gone.add("old")
        at.bus.publish([SignedOut(1, None)])
        assert End.SIGNED_OUT == await ending.ended()
        at.move(1, Email=1)
        assert {"a1": {"Email": "1"}} == await other.told()
        assert None is ending.watch.take()


@run
async def test_a_sign_out_that_was_missed_is_found_out() -> None:
    async with world() as at:
        listener = await at.watch(caller(1))
        at.gone.add("k")
        at.bus.publish([Missed()])
        assert End.SIGNED_OUT == await listener.ended()


@run
async def test_a_watch_whose_credential_ended_meanwhile_never_lives() -> None:
    async with world() as at:
        at.gone.add("k")
        listener = await at.watch(caller(1))
        assert End.SIGNED_OUT == await listener.ended()


@run
async def test_the_end_of_the_server_ends_all_watches_and_those_that_come_late() -> None:
    async with world() as at:
        listener = await at.watch(caller(1))
        at.hub.close()
        assert End.GOING_AWAY == await listener.ended()
        late = await at.watch(caller(1))
        assert End.GOING_AWAY == await late.ended()


@run
async def test_who_left_is_told_nothing_and_leaves_nothing_behind() -> None:
    async with world() as at:
        listener = await at.watch(caller(1, 1, 2))
        at.hub.leave(listener.watch)
        at.hub.leave(listener.watch)
        at.move(1, Email=1)
        await turns()
        assert not listener.woken.is_set()
        assert not at.hub._by_account
        assert not at.hub._by_person


@run
async def test_a_store_that_cannot_be_read_lets_nobody_watch_and_keeps_nothing() -> None:
    async with world() as at:

        async def broken(place: Access, person: int) -> Mapping[str, int]:
            raise OSError("the disk is gone")

        at.levels = broken  # type: ignore[method-assign]
        with pytest.raises(OSError, match="gone"):
            await at.watch(caller(1))
        assert not at.hub._by_account


@run
async def test_what_was_heard_and_not_yet_taken_outlives_a_look_at_the_store() -> None:
    async with world() as at:
        listener = await at.watch(caller(1))
        at.move(1, Email=1)
        at.bus.publish([Missed()])
        await turns()
        assert {"a1": {"Email": "1"}} == await listener.told()


@run
async def test_what_was_missed_is_told_though_something_newer_was_heard() -> None:
    async with world() as at:
        listener = await at.watch(caller(1))
        at.accounts[1] = {"Email": 11}  # by a process that died before it could say so
        at.move(1, Mailbox=12)
        assert {"a1": {"Mailbox": "c"}} == await listener.told()
        at.bus.publish([Missed()])
        assert "b" == (await listener.told())["a1"]["Email"]


@run
async def test_a_position_is_never_ahead_of_what_was_told() -> None:
    async with world() as at:
        at.move(1, Email=5, Mailbox=3)
        listener = await at.watch(caller(1, 1, 2), since=position.read("a1.4"))
        assert "a1.4-a2.0" == listener.watch.position
        await listener.told()
        at.move(1, Email=6)
        await turns()
        assert {"a1": 5, "a2": 0} == position.read(listener.watch.position)
        await listener.told()
        assert {"a1": 6, "a2": 0} == position.read(listener.watch.position)


@run
async def test_a_store_that_fails_for_a_moment_is_looked_at_again() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("posthouse.serve.push.hub.AGAIN", 0.0)
        await _fail_for_a_moment()


async def _fail_for_a_moment() -> None:
    async with world() as at:
        listener = await at.watch(caller(1))
        other = await at.watch(caller(2, key="other"))
        faults = [OSError("the disk is slow"), OSError("the disk is slow")]
        levels, stands = at.levels, at.stands

        async def broken_levels(place: Access, person: int) -> Mapping[str, int]:
            if place.account == 1 and faults:
                raise faults.pop()
            return await levels(place, person)

        at.levels = broken_levels  # type: ignore[method-assign]
        at.accounts[1] = at.accounts[2] = {"Email": 7}
        at.bus.publish([Missed()])
        assert {"a2": {"Email": "7"}} == await other.told()
        assert {"a1": {"Email": "7"}} == await listener.told()

        faults = [OSError("the disk is slow")]
        listener.woken.clear()

        def broken_stands(caller: Caller) -> bool:
            if faults:
                raise faults.pop()
            return stands(caller)

        at.stands = broken_stands  # type: ignore[method-assign]
        at.gone.add("k")
        at.bus.publish([SignedOut(1, None), Moved(2, {"Email": 8})])
        assert {"a2": {"Email": "8"}} == await other.told()
        assert End.SIGNED_OUT == await listener.ended()


@run
async def test_who_cannot_be_judged_may_not_watch_and_leaves_nothing_behind() -> None:
    async with world() as at:

        def broken(caller: Caller) -> bool:
            raise OSError("the disk is gone")

        at.stands = broken  # type: ignore[method-assign]
        with pytest.raises(OSError, match="gone"):
            await at.watch(caller(1))
        assert not at.hub._by_account
        assert not at.hub._by_person


def guest(person: int, *accesses: Access, key: object = "k") -> Caller:
    """Somebody with an account of his own and others that he visits."""
    own = Access(person, 0, f"account {person}")
    return Caller(person, f"user{person}", {access.wire: access for access in (own, *accesses)}, key)


def visited(account: int, *principals: int, is_listed: bool = True) -> Access:
    through = frozenset(principals)
    return Access(account, 0, "shared", is_personal=False, through=through, is_listed=is_listed)


@run
async def test_a_visitor_is_told_what_he_sees_and_not_what_else_moves() -> None:
    async with world() as at:
        at.seen[1, 2] = {"Mailbox": 10}
        listener = await at.watch(guest(2, visited(1, 2)))
        at.move(1, Email=11)  # in a Mailbox that nobody else sees
        at.move(1, Email=12, **{news.VISIBLE: 12})  # in one that others see
        at.seen[1, 2] = {"Mailbox": 13, "Email": 13}
        at.move(1, Email=13, **{news.VISIBLE: 13})
        # His states look different from those of the owner.
        assert {"a1": {"Mailbox": "ud", "Email": "ud"}} == await listener.told()


@run
async def test_two_connections_of_a_visitor_are_both_told() -> None:
    async with world() as at:
        at.seen[1, 2] = {"Mailbox": 10}
        one, two = [await at.watch(guest(2, visited(1, 2))) for _ in range(2)]
        at.seen[1, 2] = {"Mailbox": 11}
        at.move(1, Mailbox=11, **{news.VISIBLE: 11})
        expected = {"a1": {"Mailbox": "ub"}}
        assert [expected, expected] == [await one.told(), await two.told()]


@run
async def test_of_an_account_that_the_session_does_not_show_nothing_is_told() -> None:
    async with world() as at:
        listener = await at.watch(guest(2, visited(1, 2, is_listed=False)))
        at.seen[1, 2] = {"Mailbox": 11}
        at.move(1, Mailbox=11, **{news.VISIBLE: 11})
        at.move(2, Email=5)
        assert {"a2": {"Email": "5"}} == await listener.told()


@run
async def test_what_is_newly_open_to_a_person_is_told_whole_on_connections_that_are_open() -> None:
    async with world() as at:
        listener = await at.watch(guest(2))
        at.seen[1, 2] = {"Mailbox": 7}
        at.callers[2] = guest(2, visited(1, 2))
        at.bus.publish([Reached(2)])
        assert {"a1": {"Mailbox": "u7"}} == await listener.told()
        at.seen[1, 2] = {"Mailbox": 8}
        at.move(1, Mailbox=8, **{news.VISIBLE: 8})
        assert {"a1": {"Mailbox": "u8"}} == await listener.told()


@run
async def test_what_was_opened_to_a_person_before_he_was_heard_of_is_told_too() -> None:
    """He may have signed in before it was, and be watched after it was told."""
    async with world() as at:
        at.seen[1, 2] = {"Mailbox": 7}
        at.callers[2] = replace(guest(2, visited(1, 2)), reach=1)
        listener = await at.watch(guest(2))
        assert {"a1": {"Mailbox": "u7"}} == await listener.told()


@run
async def test_what_is_open_no_more_is_told_no_more() -> None:
    async with world() as at:
        at.seen[1, 2] = {"Mailbox": 7}
        listener = await at.watch(guest(2, visited(1, 2)))
        at.callers[2] = guest(2)
        at.bus.publish([Reached(2)])
        await turns()
        at.seen[1, 2] = {"Mailbox": 8}
        at.move(1, Mailbox=8, **{news.VISIBLE: 8})
        at.move(2, Email=5)
        assert {"a2": {"Email": "5"}} == await listener.told()


@run
async def test_one_who_leaves_while_he_is_looked_at_is_forgotten() -> None:
    async with world() as at:
        at.seen[1, 2] = {"Mailbox": 7}
        listener = await at.watch(guest(2, visited(1, 2)))
        at.callers[2] = guest(2, visited(1, 2), visited(3, 2))
        at.bus.publish([Reached(2)])
        await asyncio.sleep(0)
        at.hub.leave(listener.watch)
        await turns()
        assert not at.hub._by_account and not at.hub._by_person


@run
async def test_one_who_leaves_while_accounts_are_opened_to_him_is_forgotten() -> None:
    async with world() as at:
        listener = await at.watch(guest(2))
        at.callers[2] = guest(2, *[visited(account, 2) for account in range(3, 9)])
        at.bus.publish([Reached(2)])
        while not at.hub._by_account.keys() & {*range(3, 9)}:
            await asyncio.sleep(0)
        at.hub.leave(listener.watch)
        await turns()
        assert not at.hub._by_account and not at.hub._by_person


@run
async def test_accounts_behind_one_that_can_not_be_read_are_looked_at_again() -> None:
    async with world() as at:
        listener = await at.watch(guest(2))
        at.seen[3, 2] = {"Mailbox": 7}
        at.callers[2] = guest(2, visited(1, 2), visited(3, 2))
        at.unreadable.add(1)
        at.bus.publish([Reached(2)])
        await turns()
        at.unreadable.clear()
        at.bus.publish([Missed()])
        assert {"a3": {"Mailbox": "u7"}} == await listener.told()


@run
async def test_what_no_visitor_sees_is_not_even_looked_at_for_them() -> None:
    async with world() as at:
        listener = await at.watch(guest(2, visited(1, 2)))
        at.seen[1, 2] = {"Mailbox": 9}  # which is read when something is said to be visible, and not before
        at.move(1, Email=9)
        at.move(1, Email=10, **{news.visible_to(3): 10})
        at.move(2, Email=5)
        assert {"a2": {"Email": "5"}} == await listener.told()
        at.move(1, Email=11, **{news.visible_to(2): 11})
        assert {"a1": {"Mailbox": "u9"}} == await listener.told()
