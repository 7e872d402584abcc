"""Blobs in a folder: crashes, torn tails, several processes, full disks."""

from __future__ import annotations

import errno
import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from posthouse.blobs import BlobMissing, Collected
from posthouse.blobs.files import FileBlobs

PROGRAMS = Path(__file__).parent / "programs"
HOUR = 3600


def hash_of(data: bytes) -> bytes:
    return sha256(data).digest()


def run(program: str, *arguments: object) -> str:
    command = [sys.executable, PROGRAMS / program, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def packs_of(folder: Path) -> list[Path]:
    return sorted((folder / "packs").iterdir())


def lose_index(folder: Path) -> None:
    for path in folder.glob("index.db*"):
        path.unlink()


@pytest.fixture
def blobs(tmp_path: Path) -> Iterator[FileBlobs]:
    with closing(FileBlobs(tmp_path, pack_size=10_000)) as blobs:
        yield blobs


@pytest.mark.parametrize("seed", range(3))
def test_what_a_killed_process_acknowledged_is_there(tmp_path: Path, seed: int) -> None:
    command = [sys.executable, PROGRAMS / "putting.py", tmp_path, str(seed)]
    acknowledged: list[bytes] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        for line in child.stdout:
            acknowledged.append(bytes.fromhex(line.decode()))
            if len(acknowledged) == 40 + seed * 17:
                child.kill()
    for forgetful in (False, True):
        if forgetful:
            lose_index(tmp_path)
        with closing(FileBlobs(tmp_path)) as blobs:
            assert [True] * len(acknowledged) == [blobs.verify(hash) for hash in acknowledged]


def test_a_put_that_is_killed_at_any_step_keeps_its_promise(tmp_path: Path) -> None:
    assert int(run("killed_at.py", "put", tmp_path, 5)) > 20


def test_a_collector_that_is_killed_at_any_step_loses_nothing(tmp_path: Path) -> None:
    assert int(run("killed_at.py", "collect", tmp_path, 11)) > 20


def test_a_tail_torn_at_any_byte_is_skipped(tmp_path: Path) -> None:
    with closing(FileBlobs(tmp_path)) as blobs:
        blobs.put(b"whole", 0)
        blobs.put(b"torn", 0)
    (pack,) = packs_of(tmp_path)
    data = pack.read_bytes()
    for cut in range(1, 64 + len(b"torn") + 1):
        pack.write_bytes(data[:-cut])
        lose_index(tmp_path)
        with closing(FileBlobs(tmp_path)) as blobs:
            assert b"whole" == blobs.read(hash_of(b"whole"))
            assert blobs.size(hash_of(b"torn")) is None
            blobs.put(b"later", 0)
        lose_index(tmp_path)
        with closing(FileBlobs(tmp_path)) as blobs:
            assert b"later" == blobs.read(hash_of(b"later"))
            assert blobs.size(hash_of(b"torn")) is None
            assert [pack] == packs_of(tmp_path)


def test_a_damaged_record_does_not_hide_those_after_it(tmp_path: Path) -> None:
    items = [b"one" * 10_000, b"two" * 10_000, b"three" * 10_000]
    with closing(FileBlobs(tmp_path)) as blobs:
        blobs.put_many(items, 0)
    (pack,) = packs_of(tmp_path)
    data = bytearray(pack.read_bytes())
    for position in (data.index(b"twotwo") - 1, data.index(b"twotwo") + 500, data.index(b"twotwo") - 60):
        damaged = bytearray(data)
        damaged[position] ^= 1
        pack.write_bytes(damaged)
        lose_index(tmp_path)
        with closing(FileBlobs(tmp_path)) as blobs:
            assert [items[0], items[2]] == [blobs.read(hash_of(item)) for item in (items[0], items[2])]
            assert blobs.size(hash_of(items[1])) is None


def test_a_message_that_contains_records_cannot_pass_for_them(tmp_path: Path) -> None:
    with closing(FileBlobs(tmp_path / "theirs")) as blobs:
        blobs.put(b"planted", 0)
    (theirs,) = packs_of(tmp_path / "theirs")
    bait = theirs.read_bytes() + b"\xf5phr" * 5000
    with closing(FileBlobs(tmp_path / "ours")) as blobs:
        blobs.put(bait, 0)
    (ours,) = packs_of(tmp_path / "ours")
    ours.write_bytes(ours.read_bytes()[:-1])
    lose_index(tmp_path / "ours")
    with closing(FileBlobs(tmp_path / "ours")) as blobs:
        assert blobs.size(hash_of(b"planted")) is None
        assert bait == blobs.read(blobs.put(bait, 0))


def test_an_index_that_is_behind_catches_up(tmp_path: Path) -> None:
    with closing(FileBlobs(tmp_path)) as blobs:
        blobs.put_many([b"old", b"large" * 100_000], 0)
    old_index = (tmp_path / "index.db").read_bytes()
    with closing(FileBlobs(tmp_path)) as blobs:
        blobs.put_many([b"new", b"large" * 100_001], 0)
        blobs.put(b"old", 9 * HOUR)
    lose_index(tmp_path)
    (tmp_path / "index.db").write_bytes(old_index)
    with closing(FileBlobs(tmp_path)) as blobs:
        for data in (b"old", b"new", b"large" * 100_000, b"large" * 100_001):
            assert data == blobs.read(hash_of(data))
        assert 3 == blobs.collect(lambda hashes: set(), 8 * HOUR).marked


def test_a_damaged_index_is_reported_in_words(tmp_path: Path) -> None:
    FileBlobs(tmp_path).close()
    (tmp_path / "index.db").write_bytes(b"not a database " * 1000)
    with pytest.raises(OSError, match="remove it"):
        FileBlobs(tmp_path)


def test_a_full_disk_refuses_and_is_forgotten_when_there_is_room(tmp_path: Path) -> None:
    assert ["refused"] * 4 + ["done"] == run("filling.py", tmp_path).splitlines()
    assert [] == list((tmp_path / "new").iterdir())


def test_processes_put_and_read_at_the_same_time(tmp_path: Path) -> None:
    children = [
        subprocess.Popen(
            [sys.executable, PROGRAMS / "putting.py", tmp_path, str(seed % 2)], stdout=subprocess.PIPE
        )
        for seed in range(3)
    ]
    with closing(FileBlobs(tmp_path)) as blobs:
        for child in children:
            assert child.stdout is not None
            for _ in range(60):
                hash = bytes.fromhex(child.stdout.readline().decode())
                assert blobs.verify(hash)
    for child in children:
        child.kill()
        child.communicate()


def test_each_open_keeper_appends_to_a_pack_of_its_own_and_the_next_takes_it_over(tmp_path: Path) -> None:
    with closing(FileBlobs(tmp_path)) as one, closing(FileBlobs(tmp_path)) as two:
        one.put(b"one", 0)
        two.put(b"two", 0)
        assert 2 == len(packs_of(tmp_path))
    with closing(FileBlobs(tmp_path)) as three:
        three.put(b"three", 0)
        assert 2 == len(packs_of(tmp_path))


def test_put_many_syncs_once(blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr("posthouse.blobs.packs.sync_data", synced.append)
    blobs.put_many([b"%d" % number * 1000 for number in range(100)], 0)
    assert 1 == len(synced)


def test_what_a_failed_sync_left_is_never_taken_for_durable(
    blobs: FileBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(fd: int) -> None:
        raise OSError(5, "the disk is on fire")

    with monkeypatch.context() as patch:
        patch.setattr("posthouse.blobs.packs.sync_data", fail)
        with pytest.raises(OSError, match="on fire"):
            blobs.put(b"data", 0)
    assert blobs.size(hash_of(b"data")) is None
    with closing(FileBlobs(tmp_path)) as other:
        other.put(b"takes the pack over", 0)
        assert other.size(hash_of(b"data")) is None
    assert b"data" == blobs.read(blobs.put(b"data", 0))


def test_a_twin_appends_a_lease_only(blobs: FileBlobs, tmp_path: Path) -> None:
    blobs.put(b"twin" * 500, 0)
    (pack,) = packs_of(tmp_path)
    before = pack.stat().st_size
    blobs.put(b"twin" * 500, 5)
    assert before + 64 == pack.stat().st_size


def test_mostly_dead_packs_are_compacted_while_others_read(blobs: FileBlobs, tmp_path: Path) -> None:
    kept = [b"kept %d" % number * 10 for number in range(30)]
    for number, data in enumerate(kept):
        blobs.put_many([data, b"dropped %d" % number * 200], 0)
    before = sum(path.stat().st_size for path in packs_of(tmp_path))
    needed = {hash_of(data) for data in kept}
    with closing(FileBlobs(tmp_path)) as reader:
        assert kept == [reader.read(hash_of(data)) for data in kept]
        blobs.collect(lambda hashes: needed & set(hashes), HOUR)
        collected = blobs.collect(lambda hashes: needed & set(hashes), 3 * HOUR)
        assert kept == [reader.read(hash_of(data)) for data in kept]
    assert kept == [blobs.read(hash_of(data)) for data in kept]
    assert (30, 5) == (collected.deleted, collected.compacted)
    assert before - collected.freed == sum(path.stat().st_size for path in packs_of(tmp_path))


def test_putting_and_reading_go_on_while_packs_are_compacted(tmp_path: Path) -> None:
    """Each blob is dropped, found again by a twin put, or kept, while a collector runs without pause."""
    kept: set[bytes] = set()
    passes: list[Collected] = []
    stopped = threading.Event()

    def collect() -> None:
        with closing(FileBlobs(tmp_path, pack_size=10_000)) as collector:
            while not stopped.is_set():
                passes.append(collector.collect(lambda hashes: kept & set(hashes), len(passes) * 2 * HOUR))

    def work(seed: int) -> None:
        dice = random.Random(seed)
        with closing(FileBlobs(tmp_path, pack_size=10_000)) as blobs:
            for number in range(150):
                data = b"%d " % dice.randrange(60) * dice.randrange(1, 4) * 100
                hash = blobs.put(data, 2**40 if dice.random() < 0.3 else 0)
                if dice.random() < 0.3:
                    kept.add(blobs.put(b"kept %d %d" % (seed, number), 2**40))
                for hash in dice.sample(sorted(kept), min(5, len(kept))):
                    assert blobs.verify(hash)

    collector = threading.Thread(target=collect)
    collector.start()
    try:
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(work, range(3)))
    finally:
        stopped.set()
        collector.join()
    with closing(FileBlobs(tmp_path)) as blobs:
        assert all(map(blobs.verify, kept))
    assert sum(one.deleted for one in passes) > 0
    assert sum(one.compacted for one in passes) > 0


def test_compaction_keeps_leases_of_blobs_elsewhere(tmp_path: Path) -> None:
    large = b"large" * 100_000
    with closing(FileBlobs(tmp_path, pack_size=1)) as blobs:
        blobs.put(large, 0)
        blobs.put(b"small", 0)
        blobs.put(large, 10 * HOUR)
        blobs.put(b"small", 10 * HOUR)
        blobs.collect(lambda hashes: set(), HOUR)
    lose_index(tmp_path)
    with closing(FileBlobs(tmp_path)) as blobs:
        assert 0 == blobs.collect(lambda hashes: set(), 9 * HOUR).marked
        assert 2 == blobs.collect(lambda hashes: set(), 11 * HOUR).marked


def test_a_pack_with_a_damaged_blob_that_is_wanted_is_left_alone(tmp_path: Path) -> None:
    with closing(FileBlobs(tmp_path)) as blobs:
        blobs.put_many([b"wanted", b"dropped" * 1000], 0)
    (pack,) = packs_of(tmp_path)
    pack.write_bytes(pack.read_bytes().replace(b"wanted", b"hunted"))
    needed = {hash_of(b"wanted")}
    with closing(FileBlobs(tmp_path)) as blobs:
        assert not blobs.verify(hash_of(b"wanted"))
        for now in (HOUR, 3 * HOUR):
            assert 0 == blobs.collect(lambda hashes: needed & set(hashes), now).compacted
    assert [pack] == packs_of(tmp_path)


def test_a_large_blob_whose_file_is_lost_is_brought_again_by_a_put(blobs: FileBlobs, tmp_path: Path) -> None:
    large = b"large" * 100_000
    (path,) = (blobs.put(large, 0), *(tmp_path / "own").glob("*/*"))[1:]
    path.unlink()
    with pytest.raises(BlobMissing):
        blobs.read(hash_of(large))
    assert large == blobs.read(blobs.put(large, 0))


def test_files_that_no_row_knows_are_swept(blobs: FileBlobs, tmp_path: Path) -> None:
    orphan = tmp_path / "own" / "ab" / ("ab" * 32)
    orphan.parent.mkdir()
    orphan.write_bytes(b"orphan")
    abandoned, fresh = tmp_path / "new" / "abandoned", tmp_path / "new" / "fresh"
    for path, changed in ((abandoned, 0), (fresh, 90_000)):
        path.write_bytes(b"piece")
        os.utime(path, (changed, changed))
    assert 11 == blobs.collect(lambda hashes: set(), 100_000).freed
    assert [False, False, True] == [path.exists() for path in (orphan, abandoned, fresh)]


def test_strange_files_are_left_alone(tmp_path: Path) -> None:
    FileBlobs(tmp_path).close()
    strange = [
        tmp_path / "packs" / "notes.txt",
        tmp_path / "packs" / "x.pack",
        tmp_path / "own" / "notes.txt",
    ]
    for path in strange:
        path.write_bytes(b"strange")
    (tmp_path / "own" / "ab").mkdir()
    (tmp_path / "own" / "ab" / "notes.txt").write_bytes(b"strange")
    (tmp_path / "packs" / f"{1:016x}.pack").write_bytes(b"strange")
    with closing(FileBlobs(tmp_path)) as blobs:
        assert b"data" == blobs.read(blobs.put(b"data", HOUR))
        assert 0 == blobs.collect(lambda hashes: set(), 0).freed
    assert [True] * 3 == [path.exists() for path in strange]


def test_an_index_without_room_refuses_and_later_takes_again(blobs: FileBlobs) -> None:
    items = [b"%d" % number for number in range(1000)]
    blobs._index._writer.execute("PRAGMA max_page_count = 10")
    with pytest.raises(OSError, match="no space") as caught:
        for start in range(0, 1000, 100):
            blobs.put_many(items[start : start + 100], 0)
    assert errno.ENOSPC == caught.value.errno
    assert blobs.size(hash_of(items[-1])) is None
    blobs._index._writer.execute("PRAGMA max_page_count = 4294967294")
    assert items == [blobs.read(hash) for hash in blobs.put_many(items, 0)]


def test_one_collector_at_a_time(blobs: FileBlobs, tmp_path: Path) -> None:
    blobs.put(b"data", 0)
    inner: list[int] = []
    with closing(FileBlobs(tmp_path)) as other:

        def ask(hashes: list[bytes]) -> set[bytes]:
            inner.append(other.collect(lambda hashes: set(), HOUR).marked)
            return set()

        assert 1 == blobs.collect(ask, HOUR).marked
    assert [0] == inner


def test_only_so_many_packs_stay_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("posthouse.blobs.reading._OPEN", 3)
    items = [b"%d" % number for number in range(20)]
    with closing(FileBlobs(tmp_path, pack_size=1)) as blobs:
        hashes = [blobs.put(item, 0) for item in items]
        before = len(os.listdir("/dev/fd"))
        assert items == [blobs.read(hash) for hash in hashes]
        assert before + 3 == len(os.listdir("/dev/fd"))


@pytest.mark.parametrize("data", [b"small" * 100, b"large" * 100_000])
def test_a_twin_put_survives_a_collector_that_deletes_it_meanwhile(
    blobs: FileBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    blobs.put(data, 0)
    blobs.collect(lambda hashes: set(), HOUR)
    deleted: list[int] = []
    with closing(FileBlobs(tmp_path)) as collector:

        def collect_first(fd: int) -> None:
            if not deleted:
                deleted.append(0)
                deleted[0] = collector.collect(lambda hashes: set(), 3 * HOUR).deleted
            os.fsync(fd)

        monkeypatch.setattr("posthouse.blobs.packs.sync_data", collect_first)
        hash = blobs.put(data, 9 * HOUR)
    assert [1] == deleted
    assert data == blobs.read(hash)
