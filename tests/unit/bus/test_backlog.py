"""What waits for a slow reader is merged and stays small."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from posthouse.bus.backlog import MOST, Backlog
from posthouse.bus.port import Missed, Moved, News, Reached, SignedOut, Subscribed


def kept(*news: News) -> list[News]:
    backlog = Backlog()
    backlog.add(news)
    return backlog.take()


def test_different_news_stay_in_order() -> None:
    news: list[News] = [Moved(2, {"Email": 1}), SignedOut(2, 1), SignedOut(2, None), Moved(1, {"Email": 1})]
    assert news == kept(*news)


def test_an_account_is_told_once_with_its_newest_levels_in_the_first_place() -> None:
    assert [Moved(1, {"Email": 3, "Mailbox": 9, "Thread": 4}), SignedOut(1, 1)] == kept(
        Moved(1, {"Email": 2, "Mailbox": 9}),
        SignedOut(1, 1),
        Moved(1, {"Email": 3, "Thread": 4}),
        Moved(1, {"Mailbox": 5}),
        SignedOut(1, 1),
    )


def test_a_change_of_a_person_is_told_once_and_beside_his_other_news() -> None:
    assert [Subscribed(1), SignedOut(1, None), Subscribed(2), Reached(1)] == kept(
        Subscribed(1), SignedOut(1, None), Subscribed(2), Subscribed(1), Reached(1), Reached(1)
    )


def test_missed_takes_in_all_before_and_after() -> None:
    assert [Missed()] == kept(Moved(1, {"Email": 1}), Missed(), SignedOut(1, 1), Missed())


def test_as_many_as_are_remembered_are_kept_and_one_more_becomes_missed() -> None:
    most = [Moved(account, {"Email": 1}) for account in range(MOST)]
    assert most == kept(*most)
    assert most == kept(*most, *most)
    assert [Missed()] == kept(*most, SignedOut(1, 1))
    assert [Missed()] == kept(*most, SignedOut(1, 1), SignedOut(1, 2))


def test_what_was_taken_is_gone() -> None:
    backlog = Backlog()
    assert not backlog
    backlog.add([Missed()])
    assert backlog
    assert [Missed()] == backlog.take()
    assert not backlog
    backlog.add([SignedOut(1, 1)])
    assert [SignedOut(1, 1)] == backlog.take()


@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from("EMT"), st.integers(0, 9))))
def test_no_level_is_lost(moves: list[tuple[int, str, int]]) -> None:
    newest: dict[tuple[int, str], int] = {}
    for account, type, level in moves:
        newest[account, type] = max(level, newest.get((account, type), 0))
    told = kept(*(Moved(account, {type: level}) for account, type, level in moves))
    accounts = list(dict.fromkeys(account for account, _, _ in moves))
    assert accounts == [item.account for item in told if isinstance(item, Moved)]
    assert newest == {
        (item.account, type): level
        for item in told
        if isinstance(item, Moved)
        for type, level in item.levels.items()
    }
