"""Foo/changes (RFC 8620 §5.2)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bakery.kitchen import Kitchen
from posthouse.kit.json import Json, JsonObject


@pytest.fixture
def top(kitchen: Kitchen) -> str:
    return kitchen.shelves("top")[0]


@pytest.fixture
def cakes(kitchen: Kitchen, top: str) -> list[str]:
    """Four cakes."""
    return kitchen.cakes({}, {}, {}, {}, shelfIds={top: True})


def destroy(kitchen: Kitchen, *ids: str) -> None:
    assert list(ids) == kitchen.ask("Cake/set", destroy=list(ids))["destroyed"]


def touch(kitchen: Kitchen, id: str, price: int) -> None:
    assert {id: None} == kitchen.ask("Cake/set", update={id: {"price": price}})["updated"]


def told(answer: JsonObject) -> tuple[list[Json], list[Json], list[Json]]:
    return answer["created"], answer["updated"], answer["destroyed"]


def pages(kitchen: Kitchen, since: str, most: int) -> Iterator[JsonObject]:
    """Follow a change list to its end."""
    while True:
        page = kitchen.ask("Cake/changes", sinceState=since, maxChanges=most)
        assert since == page["oldState"]
        yield page
        since = page["newState"]
        if not page["hasMoreChanges"]:
            return


def test_nothing_changed_since_the_current_state(kitchen: Kitchen, cakes: list[str]) -> None:
    now = kitchen.state()
    assert {
        "accountId": "a1",
        "oldState": now,
        "newState": now,
        "hasMoreChanges": False,
        "created": [],
        "updated": [],
        "destroyed": [],
    } == kitchen.ask("Cake/changes", sinceState=now)


def test_an_empty_type_has_a_state_from_which_changes_are_told(kitchen: Kitchen) -> None:
    since = kitchen.state()
    [top] = kitchen.shelves("top")
    ids = kitchen.cakes({}, {}, shelfIds={top: True})
    assert (ids, [], []) == told(kitchen.ask("Cake/changes", sinceState=since))


def test_created_updated_and_destroyed_stand_in_their_lists(
    kitchen: Kitchen, top: str, cakes: list[str]
) -> None:
    since = kitchen.state()
    touch(kitchen, cakes[0], 5)
    destroy(kitchen, cakes[1])
    [new] = kitchen.cakes({}, shelfIds={top: True})
    answer = kitchen.ask("Cake/changes", sinceState=since)
    assert ([new], [cakes[0]], [cakes[1]]) == told(answer)
    assert (kitchen.state(), False) == (answer["newState"], answer["hasMoreChanges"])


def test_created_and_then_updated_is_only_created(kitchen: Kitchen, top: str, cakes: list[str]) -> None:
    since = kitchen.state()
    [new] = kitchen.cakes({}, shelfIds={top: True})
    touch(kitchen, new, 5)
    assert ([new], [], []) == told(kitchen.ask("Cake/changes", sinceState=since))


def test_updated_and_then_destroyed_is_only_destroyed(kitchen: Kitchen, cakes: list[str]) -> None:
    since = kitchen.state()
    touch(kitchen, cakes[0], 5)
    destroy(kitchen, cakes[0])
    assert ([], [], [cakes[0]]) == told(kitchen.ask("Cake/changes", sinceState=since))


def test_created_and_then_destroyed_leaves_nothing(kitchen: Kitchen, top: str, cakes: list[str]) -> None:
    since = kitchen.state()
    destroy(kitchen, *kitchen.cakes({}, {}, shelfIds={top: True}))
    answer = kitchen.ask("Cake/changes", sinceState=since)
    assert ([], [], []) == told(answer)
    assert since != answer["newState"]
    assert kitchen.state() == answer["newState"]


def test_changed_twice_stands_once(kitchen: Kitchen, cakes: list[str]) -> None:
    since = kitchen.state()
    touch(kitchen, cakes[0], 5)
    touch(kitchen, cakes[0], 6)
    assert ([], [cakes[0]], []) == told(kitchen.ask("Cake/changes", sinceState=since))


@pytest.mark.parametrize("most", range(1, 9))
def test_any_size_of_page_leads_from_the_old_objects_to_the_new_ones(
    kitchen: Kitchen, top: str, cakes: list[str], most: int
) -> None:
    """No page tells more than asked for, nor "updated" or "destroyed" for what the client never saw."""
    since = kitchen.state()
    known = set(cakes)
    new = kitchen.cakes({}, {}, {}, shelfIds={top: True})
    touch(kitchen, cakes[2], 1)
    touch(kitchen, new[0], 1)
    destroy(kitchen, cakes[0])
    touch(kitchen, new[1], 1)
    touch(kitchen, cakes[1], 1)
    changed = set()
    for page in pages(kitchen, since, most):
        created, updated, destroyed = map(set, told(page))
        assert 0 < len(created) + len(updated) + len(destroyed) <= most
        assert not created & known
        assert updated | destroyed <= known
        changed |= updated
        known = known - destroyed | created
    assert {*cakes[1:], *new} == known
    assert {cakes[1], cakes[2]} <= changed
    assert kitchen.state() == page["newState"]


def test_a_page_that_ends_exactly_at_the_last_change_has_no_more(kitchen: Kitchen, cakes: list[str]) -> None:
    assert [4] == [len(page["created"]) for page in pages(kitchen, "0", 4)]
    assert [3, 1] == [len(page["created"]) for page in pages(kitchen, "0", 3)]


def test_a_change_between_two_pages_is_told_later(kitchen: Kitchen, cakes: list[str]) -> None:
    first = kitchen.ask("Cake/changes", sinceState="0", maxChanges=2)
    assert (cakes[:2], [], []) == told(first)
    touch(kitchen, cakes[0], 7)
    touch(kitchen, cakes[3], 7)
    second = kitchen.ask("Cake/changes", sinceState=first["newState"])
    assert (cakes[2:], [cakes[0]], []) == told(second)


def test_the_state_of_each_page_can_be_asked_from_again(kitchen: Kitchen, cakes: list[str]) -> None:
    first, *_ = pages(kitchen, "0", 1)
    assert cakes[1:] == kitchen.ask("Cake/changes", sinceState=first["newState"])["created"]


@pytest.mark.parametrize("state", ["", "x!", "-1", "00", "u", "zzzzzzzzzzzzz", "1" * 400, "ä"])
def test_a_state_that_was_never_given_out_is_refused(kitchen: Kitchen, cakes: list[str], state: str) -> None:
    assert "cannotCalculateChanges" == kitchen.refusal("Cake/changes", sinceState=state)["type"]


def test_a_state_of_the_future_is_refused(kitchen: Kitchen, top: str, cakes: list[str]) -> None:
    other = kitchen.state("Shelf")
    touch(kitchen, cakes[0], 5)
    kitchen.shelves("later")
    now = kitchen.state("Shelf")
    assert other != now
    assert "cannotCalculateChanges" == kitchen.refusal("Cake/changes", sinceState=now)["type"]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"sinceState": None},
        {"sinceState": 0},
        {"sinceState": "0", "maxChanges": 0},
        {"sinceState": "0", "maxChanges": -1},
        {"sinceState": "0", "maxChanges": 1.5},
        {"sinceState": "0", "maxChanges": "1"},
        {"sinceState": "0", "maxChanges": 2**53},
        {"sinceState": "0", "maxChanges": True},
    ],
)
def test_arguments_of_a_wrong_kind_are_invalid(kitchen: Kitchen, arguments: JsonObject) -> None:
    assert "invalidArguments" == kitchen.refusal("Cake/changes", **arguments)["type"]


def test_more_than_the_server_tells_at_once_is_no_error(kitchen: Kitchen, cakes: list[str]) -> None:
    answer = kitchen.ask("Cake/changes", sinceState="0", maxChanges=2**53 - 1)
    assert (cakes, [], []) == told(answer)


def test_only_counters_changed_is_said(kitchen: Kitchen, top: str) -> None:
    """RFC 8621 §2.2."""
    since = kitchen.state("Shelf")
    kitchen.cakes({}, shelfIds={top: True})
    answer = kitchen.ask("Shelf/changes", sinceState=since)
    assert ([], [top], []) == told(answer)
    assert ["totalCakes"] == answer["updatedProperties"]


def test_more_than_counters_changed_is_said(kitchen: Kitchen, top: str) -> None:
    since = kitchen.state("Shelf")
    kitchen.cakes({}, shelfIds={top: True})
    kitchen.ask("Shelf/set", update={top: {"name": "first"}})
    assert kitchen.ask("Shelf/changes", sinceState=since)["updatedProperties"] is None


def test_a_counter_that_moved_after_another_change_does_not_hide_that_change(
    kitchen: Kitchen, top: str
) -> None:
    since = kitchen.state("Shelf")
    kitchen.ask("Shelf/set", update={top: {"name": "first"}})
    between = kitchen.state("Shelf")
    kitchen.cakes({}, shelfIds={top: True})
    assert kitchen.ask("Shelf/changes", sinceState=since)["updatedProperties"] is None
    assert ["totalCakes"] == kitchen.ask("Shelf/changes", sinceState=between)["updatedProperties"]


def test_nothing_changed_names_no_properties(kitchen: Kitchen, top: str) -> None:
    now = kitchen.state("Shelf")
    assert kitchen.ask("Shelf/changes", sinceState=now)["updatedProperties"] is None


def test_a_type_without_counters_says_nothing_of_properties(kitchen: Kitchen) -> None:
    assert "updatedProperties" not in kitchen.ask("Cake/changes", sinceState="0")


def test_another_account_has_changes_of_its_own(kitchen: Kitchen, cakes: list[str]) -> None:
    assert ([], [], []) == told(kitchen.ask("Cake/changes", accountId="a2", sinceState="0"))
