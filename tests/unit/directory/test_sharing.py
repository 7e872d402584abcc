"""What those who grant have to know: who there is in a domain, where, and who hears of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from posthouse.bus import Reached, SignedOut
from posthouse.directory.groups import Groups
from posthouse.directory.people import People
from posthouse.directory.place import place_of, place_of_home
from posthouse.directory.sharing import Sharing
from posthouse.store.directory import DirectoryStore
from posthouse.store.principals import PrincipalStore

ADA, BOB, EVE = "ada@example.org", "bob@example.org", "eve@example.org"
TEAM = "team@example.org"
ZOE = "zoe@elsewhere.example"


def test_something_is_granted_to_others_of_the_domain_alone(
    people: People, groups: Groups, sharing: Sharing, store: DirectoryStore
) -> None:
    ada, bob, gone, zoe = (people.add(name, None) for name in (ADA, BOB, EVE, ZOE))
    team = groups.add(TEAM)
    people.remove(EVE)
    half = store.add_person("new@example.org", "new@example.org", "example.org", None, shards=1, now=0)
    assert half is not None
    everyone = [ada.id, bob.id, gone.id, zoe.id, team.id, half.id, 0, -1, 2**62]
    assert {bob.id, team.id} == sharing.known(ada.account, everyone)
    assert {ada.id, bob.id} == sharing.known(team.account, everyone)
    home = sharing.home_of(ada.id)
    assert home is not None
    assert set() == sharing.known(gone.account, everyone) == sharing.known(home.account, everyone)
    assert set() == sharing.known(ada.account, [])


def test_a_pointer_is_written_once(people: People, sharing: Sharing, path: Path) -> None:
    ada, bob, eve = (people.add(name, None) for name in (ADA, BOB, EVE))
    sharing.open(ada.account, [bob.id])
    other = DirectoryStore(path)
    version = other.version()
    sharing.open(ada.account, [bob.id])
    sharing.open(ada.account, [])
    assert version == other.version()
    sharing.open(ada.account, [bob.id, eve.id])
    assert version != other.version()
    other.close()
    assert [place_of(ada)] == sharing.shared_with([bob.id]) == sharing.shared_with([bob.id, eve.id])


def test_what_changed_for_a_group_is_told_to_each_in_it(
    people: People, groups: Groups, sharing: Sharing, store: DirectoryStore, told: list[SignedOut | Reached]
) -> None:
    ada, bob, eve = (people.add(name, None) for name in (ADA, BOB, EVE))
    team = groups.add(TEAM)
    groups.join(TEAM, [ADA, BOB])
    told.clear()
    before = store.changed_since(0).newest
    assert {ada.id, bob.id, eve.id} == sharing.people_of([team.id, bob.id, eve.id, 5])
    sharing.changed([team.id, bob.id, eve.id])
    assert {Reached(ada.id), Reached(bob.id), Reached(eve.id)} == set(told)
    assert 3 == len(told)
    changes = store.changed_since(before)
    assert (set(), {ada.id, bob.id, eve.id}) == (set(changes.credentials), set(changes.reach))


def test_each_domain_has_an_account_for_its_principals(
    people: People, groups: Groups, sharing: Sharing
) -> None:
    ada, bob, zoe = (people.add(name, None) for name in (ADA, BOB, ZOE))
    team = groups.add(TEAM)
    here, there = sharing.home_of(ada.id), sharing.home_of(zoe.id)
    assert here is not None and there is not None
    assert sharing.home_of(bob.id) == sharing.home_of(team.id) == here != there
    assert ("example.org", "elsewhere.example") == (here.name, there.name)
    assert sharing.home_of(1) is None
    assert [there, here] == [place_of_home(home) for home in sharing.homes()]
    assert [[zoe], [ada, bob, team]] == [sharing.principals(home.domain) for home in sharing.homes()]


def test_an_account_is_found_by_its_number_and_a_principal_by_his(people: People, sharing: Sharing) -> None:
    ada = people.add(ADA, None)
    assert place_of(ada) == sharing.place_of(ada.account)
    assert (ADA, ADA) == sharing.entity(ada.id)
    people.remove(ADA)
    assert sharing.place_of(ada.account) is None
    assert sharing.entity(ada.id) is None


def test_no_statement_reads_a_whole_table(principals: PrincipalStore, store: DirectoryStore) -> None:
    asked: list[tuple[str, Any]] = []
    reader = store.file._reader

    def note(cursor: object, sql: str, parameters: Any) -> bool:
        asked.append((sql, parameters))
        return True

    reader.exec_trace = note
    principals.owners([1, 2])
    principals.groups_of(1)
    principals.members(1)
    principals.people_of([1])
    principals.home_of(1)
    principals.known(1, [2])
    principals.of_domain(1)
    principals.point(1, [])
    store.changed_since(0)
    reader.exec_trace = None
    assert 9 == len(asked)
    for sql, parameters in asked:
        steps = [str(step[3]) for step in reader.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)]
        scans = {step.split()[1] for step in steps if step.startswith("SCAN")}
        assert scans <= {"carray", "meta"}, (sql, steps)
