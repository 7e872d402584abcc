"""Jobs: what was put waits, is claimed by one at a time, and is lost by no crash."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import pytest

from bakery.kitchen import HOME, LOCKED, OTHER, STORES, TYPES
from posthouse.bus import Moved
from posthouse.model.caller import Access
from posthouse.model.job import NEVER, Job
from posthouse.model.news import work
from posthouse.store.jobs import Claim
from posthouse.store.txn import Transaction

from .conftest import Open, Pantry
from .test_txn import DIGEST

T = TypeVar("T")
TESTS = Path(__file__).parents[2]
VISITED = Access(HOME.account, HOME.shard, "home", through=frozenset({8}))


def put(due: int, about: int = 0, **payload: int) -> Callable[[Transaction], int]:
    return lambda txn: txn.put_job("bake", due, payload, about)


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def claim(pantry: Pantry, now: int = 100, until: int = 200, limit: int = 10) -> list[Claim]:
    return run(pantry.store.claim("bake", now, until, limit))


def jobs(pantry: Pantry, at: Access = HOME, about: int | None = None) -> list[Job]:
    return pantry.read(lambda txn: txn.jobs("bake", about), at)


def test_a_job_is_as_it_was_put(pantry: Pantry) -> None:
    first, second = pantry.write(put(5, 7, x=1)), pantry.write(put(4, 8))
    assert [Job(first, HOME.account, "bake", 7, 5, 0, 0, {"x": 1})] == jobs(pantry, about=7)
    assert [first, second] == [job.id for job in jobs(pantry)]
    assert 2 == pantry.read(lambda txn: txn.count_jobs("bake"))
    assert [] == pantry.read(lambda txn: txn.jobs("brew"))
    assert [] == jobs(pantry, OTHER)


def test_a_job_of_a_unit_that_fails_was_never_there(pantry: Pantry) -> None:
    def fail(txn: Transaction) -> None:
        txn.put_job("bake", 1, {})
        raise ValueError

    with pytest.raises(ValueError):
        pantry.write(fail)
    assert [] == claim(pantry)


def test_the_longest_due_are_claimed_first_and_what_is_not_due_waits(pantry: Pantry) -> None:
    for due in (30, 10, 101, 20, NEVER):
        pantry.write(put(due))
    assert 10 == run(pantry.store.next_due("bake"))
    assert [10, 20] == [claimed.job.payload["was"] for claimed in claim_told(pantry, 2)]
    assert [30] == [claimed.job.payload["was"] for claimed in claim_told(pantry, 2)]
    assert [] == claim(pantry)
    assert 101 == run(pantry.store.next_due("bake"))
    assert None is run(pantry.store.next_due("brew"))


def claim_told(pantry: Pantry, limit: int) -> list[Claim]:
    """Claim jobs that tell when they were due."""

    def tell(txn: Transaction) -> None:
        for job in txn.jobs("bake"):
            if "was" not in job.payload and not job.lease:
                txn.put_off(job, job.due, {"was": job.due})

    pantry.write(tell)
    return claim(pantry, limit=limit)


def test_jobs_of_all_accounts_and_shards_are_claimed_with_their_places(pantry: Pantry) -> None:
    for at in (HOME, OTHER, LOCKED):
        pantry.write(put(5), at)
    found = {(place.account, place.shard): job.account for place, job in claim(pantry)}
    assert {(at.account, at.shard): at.account for at in (HOME, OTHER, LOCKED)} == found


def test_a_claimed_job_is_nobodys_else_until_its_lease_ends(pantry: Pantry) -> None:
    id = pantry.write(put(5))
    [(_, mine)] = claim(pantry, now=100, until=200)
    assert (id, 200, 1) == (mine.id, mine.lease, mine.tries)
    assert [] == claim(pantry, now=199)
    [(_, again)] = claim(pantry, now=200, until=300)
    assert (id, 300, 2) == (again.id, again.lease, again.tries)


def test_who_comes_back_after_another_has_claimed_changes_nothing(pantry: Pantry) -> None:
    pantry.write(put(5))
    [(_, late)] = claim(pantry, now=100, until=200)
    [(_, mine)] = claim(pantry, now=200, until=300)
    assert not pantry.write(lambda txn: txn.put_off(late, 1, {"x": 1}))
    assert not pantry.write(lambda txn: txn.note_job(late, {"x": 1}))
    assert not pantry.write(lambda txn: txn.drop_job(late))
    run(pantry.store.renew([Claim(HOME, late)], 900))
    assert [mine] == jobs(pantry)
    assert pantry.write(lambda txn: txn.drop_job(mine))
    assert [] == jobs(pantry)


def test_what_was_learned_is_kept_and_the_job_is_due_again(pantry: Pantry) -> None:
    pantry.write(put(5))
    [(_, mine)] = claim(pantry)
    assert pantry.write(lambda txn: txn.note_job(mine, {"x": 1}))
    assert ({"x": 1}, 200) == (jobs(pantry)[0].payload, jobs(pantry)[0].lease)
    assert pantry.write(lambda txn: txn.put_off(mine, 150, {"x": 2}))
    assert [mine._replace(due=150, lease=0, payload={"x": 2})] == jobs(pantry)
    assert [] == claim(pantry, now=149)
    assert 2 == claim(pantry, now=150)[0].job.tries


def test_a_lease_can_be_made_longer(pantry: Pantry) -> None:
    pantry.write(put(5))
    mine = claim(pantry, until=200)
    run(pantry.store.renew(mine, 300))
    assert [] == claim(pantry, now=299)
    assert pantry.write(lambda txn: txn.drop_job(mine[0].job))


def test_a_job_that_was_put_off_is_not_fetched_back_by_a_late_renewal(pantry: Pantry) -> None:
    pantry.write(put(5))
    mine = claim(pantry, until=200)
    pantry.write(lambda txn: txn.put_off(mine[0].job, 150, {}))
    run(pantry.store.renew(mine, 300))
    assert (150, 0) == (jobs(pantry)[0].due, jobs(pantry)[0].lease)


def test_what_somebody_had_who_is_gone_is_due_at_once(pantry: Pantry) -> None:
    pantry.write(put(5))
    pantry.write(put(500))
    [(_, late)] = claim(pantry, now=100, until=200)
    run(pantry.store.release("bake", 110))
    [(_, mine)] = claim(pantry, now=110, until=210)
    assert (late.id, 2) == (mine.id, mine.tries)
    assert not pantry.write(lambda txn: txn.drop_job(late))
    run(pantry.store.release("brew", 110))
    assert [] == claim(pantry, now=200)


def test_blobs_stay_as_long_as_the_job(pantry: Pantry) -> None:
    def may_read(txn: Transaction) -> bool:
        return txn.may_read_blob(DIGEST, 0)

    pantry.write(lambda txn: txn.put_job("bake", 5, {}, keeps=[DIGEST]))
    [(_, mine)] = claim(pantry)
    assert pantry.read(may_read)
    assert not pantry.read(may_read, at=VISITED, person=8)
    pantry.write(lambda txn: txn.drop_job(mine))
    assert not pantry.read(may_read)


def test_an_erased_account_has_no_jobs_and_what_comes_late_makes_none(pantry: Pantry) -> None:
    for at in (HOME, OTHER):
        pantry.write(put(5), at)
    mine = next(one for one in claim(pantry) if one.place.account == HOME.account).job
    pantry.erase(HOME)
    assert not pantry.write(lambda txn: txn.note_job(mine, {}))
    assert not pantry.write(lambda txn: txn.put_off(mine, 1, {}))
    assert not pantry.write(lambda txn: txn.drop_job(mine))
    run(pantry.store.renew([Claim(HOME, mine)], 900))
    assert ([], 1) == (jobs(pantry), len(jobs(pantry, OTHER)))


def test_a_visitor_sees_no_jobs_and_who_reads_changes_none(pantry: Pantry) -> None:
    pantry.write(put(5))
    [job] = jobs(pantry)
    assert [] == pantry.read(lambda txn: txn.jobs("bake"), at=VISITED, person=8)
    assert 0 == pantry.read(lambda txn: txn.count_jobs("bake"), at=VISITED, person=8)
    for at in (HOME, VISITED):
        for change in (
            lambda txn: txn.put_job("bake", 1, {}),
            lambda txn: txn.put_off(job, 1, {}),
            lambda txn: txn.note_job(job, {}),
            lambda txn: txn.drop_job(job),
        ):
            with pytest.raises(RuntimeError):
                pantry.read(change, at=at)


@pytest.fixture
def told() -> list[Sequence[Moved]]:
    """What the store announced, a list for each commit."""
    return []


@pytest.fixture
def telling(kind: str, folder: Path, told: list[Sequence[Moved]]) -> Iterator[Pantry]:
    """A store that tells what moved."""
    with closing(Pantry(STORES[kind](folder, TYPES, told.append))) as pantry:
        yield pantry


def test_who_works_is_told_of_jobs_that_are_put_or_put_off_and_clients_are_not(
    telling: Pantry, told: list[Sequence[Moved]]
) -> None:
    telling.write(put(5))
    telling.write(lambda txn: txn.put_off(txn.jobs("bake")[0], 1, {}))
    assert [{work("bake")}] * 2 == [set(moved.levels) for commit in told for moved in commit]
    assert {} == telling.read(lambda txn: txn.levels())
    told.clear()
    [(_, mine)] = claim(telling)
    telling.write(lambda txn: txn.drop_job(mine))
    assert [] == [moved for commit in told for moved in commit]


def start(kind: str, folder: Path, lease: int) -> subprocess.Popen[str]:
    program = Path(__file__).with_name("programs") / "claiming.py"
    arguments = [sys.executable, str(program), str(TESTS), kind, str(folder), str(lease)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


def test_two_processes_that_claim_at_once_never_have_the_same_job(
    kind: str, folder: Path, open_again: Open
) -> None:
    pantry = open_again()
    ids = pantry.write(lambda txn: [txn.put_job("bake", 1, {}) for _ in range(300)])
    with start(kind, folder, 1000) as one, start(kind, folder, 1000) as other:
        assert one.stdout is not None and other.stdout is not None
        first, second = ([int(line) for line in each.stdout if line != "ready\n"] for each in (one, other))
    assert ids == sorted(first + second)
    assert [] == jobs(pantry)


def test_a_kill_between_claim_and_end_loses_nothing(kind: str, folder: Path, open_again: Open) -> None:
    pantry = open_again()
    ids = pantry.write(lambda txn: [txn.put_job("bake", 1, {}) for _ in range(300)])
    done: list[int] = []
    now = 100
    for life in range(3):
        with start(kind, folder, now) as program:
            assert program.stdout is not None
            lines = list(islice(program.stdout, 8 + 9 * life))
            program.kill()
            lines += program.stdout.readlines()
        done += [int(line) for line in lines if line.endswith("\n") and line != "ready\n"]
        now += 1000
    assert len(done) == len(set(done))
    left = [job.id for job in jobs(pantry)]
    assert not set(left) & set(done)
    # One may be done whose line was not written, as each process was killed once; none is lost.
    assert len(ids) - 3 * 10 <= len(left) + len(done) <= len(ids)
    again = run(pantry.store.claim("bake", NEVER - 1, NEVER, 1000))
    assert left == sorted(claimed.job.id for claimed in again)
