"""Groups: who may be in one, who hears of it, and what stays behind."""

from __future__ import annotations

import pytest

from posthouse.bus import Reached, SignedOut
from posthouse.directory.error import DirectoryError
from posthouse.directory.groups import TYPES, Groups
from posthouse.directory.people import People
from posthouse.directory.sharing import Sharing
from posthouse.directory.tokens import Tokens
from posthouse.store.directory import DirectoryStore
from posthouse.store.principals import PrincipalStore

ADA, BOB, EVE = "ada@example.org", "bob@example.org", "eve@example.org"
TEAM = "team@example.org"


@pytest.mark.parametrize("type", TYPES)
def test_a_group_has_an_account_and_an_address_and_is_no_person(
    people: People, groups: Groups, type: str
) -> None:
    person = people.add(ADA, "secret")
    group = groups.add("Team@Example.org", type)
    assert ("Team@example.org", type) == (group.login, group.type)
    assert group.account not in (0, person.account)
    assert group == groups.find("team@EXAMPLE.org")
    assert [group] == groups.list()
    assert [person] == people.list()


def test_nobody_signs_in_as_a_group(
    people: People, groups: Groups, tokens: Tokens, store: DirectoryStore
) -> None:
    group = groups.add(TEAM)
    for refused in (
        lambda: people.set_password(TEAM, "secret"),
        lambda: people.remove(TEAM),
        lambda: tokens.issue(TEAM),
    ):
        with pytest.raises(DirectoryError):
            refused()
    assert store.person_by_key(TEAM) is None
    assert store.person_by_id(group.id) is None


def test_a_name_is_a_person_s_or_a_group_s(people: People, groups: Groups) -> None:
    people.add(ADA, None)
    groups.add(TEAM)
    with pytest.raises(DirectoryError, match="exists already: it is a group"):
        people.add(TEAM, None)
    for taken in (ADA, TEAM):
        with pytest.raises(DirectoryError, match="exists already"):
            groups.add(taken)
    with pytest.raises(DirectoryError, match=f"there is no group {ADA}: posthouse group list shows"):
        groups.find(ADA)
    assert (people.find(ADA), groups.find(TEAM)) == (people.holder(ADA), people.holder(TEAM))


def test_people_join_and_leave(people: People, groups: Groups, principals: PrincipalStore) -> None:
    ada, bob = people.add(ADA, None), people.add(BOB, None)
    team = groups.add(TEAM)
    for _ in range(2):
        groups.join(TEAM, [BOB, ADA, BOB])
        assert [ada, bob] == groups.members(TEAM)
    assert [team] == principals.groups_of(ada.id)
    for _ in range(2):
        groups.leave(TEAM, [ADA])
        assert [bob] == groups.members(TEAM)
    assert [] == principals.groups_of(ada.id)


def test_all_join_or_none(people: People, groups: Groups) -> None:
    people.add(ADA, None)
    people.add("zoe@elsewhere.example", None)
    groups.add(TEAM)
    groups.add("other@example.org")
    for member, problem in (
        ("zoe@elsewhere.example", "is of another domain than team@example.org"),
        ("other@example.org", "is a group: only people can be in a group"),
        (TEAM, "is a group"),
        (BOB, "there is no account"),
        ("nobody", "is not an email address"),
    ):
        with pytest.raises(DirectoryError, match=problem):
            groups.join(TEAM, [ADA, member])
        assert [] == groups.members(TEAM)


def test_who_joins_or_leaves_is_told_and_not_signed_out(
    people: People, groups: Groups, store: DirectoryStore, told: list[SignedOut | Reached]
) -> None:
    ada, bob = people.add(ADA, None), people.add(BOB, None)
    groups.add(TEAM)
    before = store.changed_since(0).newest
    groups.join(TEAM, [ADA])
    changes = store.changed_since(before)
    assert (frozenset(), frozenset([ada.id])) == (changes.credentials, changes.reach)
    groups.leave(TEAM, [ADA, BOB])
    assert frozenset([ada.id, bob.id]) == store.changed_since(changes.newest).reach
    assert [Reached(ada.id), Reached(ada.id), Reached(bob.id)] == told


def test_accounts_that_share_with_a_group_hear_who_joins_and_leaves(
    people: People, groups: Groups, sharing: Sharing, heard: list[tuple[object, ...]]
) -> None:
    ada, bob, eve = (people.add(name, None) for name in (ADA, BOB, EVE))
    team = groups.add(TEAM)
    sharing.open(eve.account, [team.id, bob.id])
    heard.clear()
    groups.join(TEAM, [ADA, BOB])
    groups.join(TEAM, [ADA])  # as after one that was interrupted
    groups.leave(TEAM, [BOB])
    expected = [("touch", [EVE], people) for people in ([ada.id, bob.id], [ada.id], [bob.id])]
    assert expected == heard


def test_a_group_that_goes_leaves_its_members_and_nothing_else(
    people: People,
    groups: Groups,
    sharing: Sharing,
    principals: PrincipalStore,
    store: DirectoryStore,
    told: list[SignedOut | Reached],
    heard: list[tuple[object, ...]],
) -> None:
    ada, bob, eve = (people.add(name, None) for name in (ADA, BOB, EVE))
    team = groups.add(TEAM)
    groups.join(TEAM, [ADA])
    sharing.open(eve.account, [team.id])
    sharing.open(team.account, [bob.id])
    before = store.changed_since(0).newest
    told.clear()
    heard.clear()
    assert team == groups.remove(TEAM)
    assert [] == groups.list() == principals.groups_of(ada.id)
    assert [ada, bob, eve] == people.list()
    assert frozenset([ada.id, bob.id]) == store.changed_since(before).reach
    assert {SignedOut(team.id, None), Reached(ada.id), Reached(bob.id)} == set(told)
    assert [("touch", [EVE], [ada.id]), ("withdraw", TEAM, [EVE])] == heard
    assert [] == sharing.shared_with([team.id, bob.id])
    assert (0, 0) == store.file.row("SELECT (SELECT count(*) FROM member), (SELECT count(*) FROM shared)")
    assert team.id != groups.add(TEAM).id


def test_a_person_who_goes_leaves_his_groups_and_what_was_shared(
    people: People,
    groups: Groups,
    sharing: Sharing,
    store: DirectoryStore,
    told: list[SignedOut | Reached],
    heard: list[tuple[object, ...]],
) -> None:
    ada, bob, eve = (people.add(name, None) for name in (ADA, BOB, EVE))
    team = groups.add(TEAM)
    groups.join(TEAM, [ADA, BOB])
    sharing.open(ada.account, [team.id, eve.id])
    sharing.open(eve.account, [ada.id])
    before = store.changed_since(0).newest
    told.clear()
    heard.clear()
    people.remove(ADA)
    assert [bob] == groups.members(TEAM)
    assert (1, 0) == store.file.row("SELECT (SELECT count(*) FROM member), (SELECT count(*) FROM shared)")
    assert [] == sharing.shared_with([team.id, eve.id])
    changes = store.changed_since(before)
    assert ({ada.id}, {bob.id, eve.id}) == (set(changes.credentials), set(changes.reach) - {ada.id})
    assert [("withdraw", ADA, [EVE])] == heard
    assert {SignedOut(ada.id, None), Reached(bob.id), Reached(eve.id)} == set(told) - {Reached(ada.id)}


def test_a_new_principal_is_published_before_he_is_open(
    people: People, groups: Groups, heard: list[tuple[object, ...]]
) -> None:
    people.add(ADA, None)
    groups.add(TEAM)
    assert [("publish", ADA), ("publish", TEAM)] == heard
