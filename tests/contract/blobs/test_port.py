"""What every keeper of blobs promises."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from posthouse.blobs import BlobMissing, Blobs, open_blobs

HOUR = 3600
SMALL = b"small blob " * 100
LARGE = bytes(range(256)) * 1500
SIZES = pytest.mark.parametrize("data", [b"", b"x", SMALL, bytes(256 * 1024 - 1), bytes(256 * 1024), LARGE])


def nothing_is_needed(hashes: list[bytes]) -> set[bytes]:
    return set()


def everything_is_needed(hashes: list[bytes]) -> set[bytes]:
    return set(hashes)


@SIZES
def test_put_returns_the_sha256_and_read_returns_the_bytes(blobs: Blobs, data: bytes) -> None:
    hash = blobs.put(data, 0)
    assert sha256(data).digest() == hash
    assert data == blobs.read(hash)
    assert len(data) == blobs.size(hash)
    assert blobs.verify(hash)


@SIZES
def test_another_process_reads_what_was_put(
    blobs: Blobs, open_again: Callable[[], Blobs], data: bytes
) -> None:
    other = open_again()
    assert data == other.read(blobs.put(data, 0))
    assert data == open_again().read(other.put(data, 0))


def test_an_unknown_hash_is_missing(blobs: Blobs) -> None:
    assert blobs.size(bytes(32)) is None
    with pytest.raises(BlobMissing):
        blobs.read(bytes(32))
    with pytest.raises(BlobMissing):
        blobs.verify(bytes(32))


@pytest.mark.parametrize("data", [SMALL, LARGE])
@pytest.mark.parametrize(
    ("offset", "length"), [(0, 5), (7, 10), (7, None), (1090, 20), (10**6, 5), (10**6, None), (3, 0)]
)
def test_read_of_a_range_is_a_slice(blobs: Blobs, data: bytes, offset: int, length: int | None) -> None:
    hash = blobs.put(data, 0)
    expected = data[offset:] if length is None else data[offset : offset + length]
    assert expected == blobs.read(hash, offset, length)


@pytest.mark.parametrize("arguments", [(-1, None), (0, -1)])
def test_a_negative_range_is_refused(blobs: Blobs, arguments: tuple[int, int | None]) -> None:
    hash = blobs.put(SMALL, 0)
    with pytest.raises(ValueError, match="negative"):
        blobs.read(hash, *arguments)


def test_put_many_answers_in_order_and_takes_twins_and_both_sizes(blobs: Blobs) -> None:
    items = [b"a", LARGE, b"b", b"a", b"", LARGE]
    assert [sha256(item).digest() for item in items] == blobs.put_many(items, 0)
    assert items == [blobs.read(sha256(item).digest()) for item in items]
    assert [] == blobs.put_many([], 0)


@pytest.mark.parametrize("data", [b"", SMALL, LARGE])
@pytest.mark.parametrize("step", [1000, 100_000, 10**6])
def test_a_writer_makes_the_same_blob_as_put(blobs: Blobs, data: bytes, step: int) -> None:
    writer = blobs.writer()
    for start in range(0, len(data), step):
        writer.write(data[start : start + step])
    assert (sha256(data).digest(), len(data)) == writer.finish(0)
    assert data == blobs.read(sha256(data).digest())


@pytest.mark.parametrize("data", [SMALL, LARGE])
def test_an_aborted_writer_leaves_nothing(blobs: Blobs, data: bytes) -> None:
    writer = blobs.writer()
    writer.write(data)
    writer.abort()
    assert blobs.size(sha256(data).digest()) is None


@pytest.mark.parametrize("data", [SMALL, LARGE])
def test_an_unneeded_blob_goes_an_hour_after_it_was_marked(blobs: Blobs, data: bytes) -> None:
    hash = blobs.put(data, 1000)
    assert 1 == blobs.collect(nothing_is_needed, 1000).marked
    assert 0 == blobs.collect(nothing_is_needed, 1000 + HOUR).deleted
    assert data == blobs.read(hash)
    assert 1 == blobs.collect(nothing_is_needed, 1001 + HOUR).deleted
    assert blobs.size(hash) is None
    assert hash == blobs.put(data, 0)
    assert data == blobs.read(hash)


@pytest.mark.parametrize("data", [SMALL, LARGE])
def test_a_lease_protects_until_it_ends(blobs: Blobs, data: bytes) -> None:
    hash = blobs.put(data, 10 * HOUR)
    for now in range(0, 10 * HOUR, HOUR):
        assert 0 == blobs.collect(nothing_is_needed, now).marked
    assert 1 == blobs.collect(nothing_is_needed, 10 * HOUR).marked
    assert 1 == blobs.collect(nothing_is_needed, 12 * HOUR).deleted
    assert blobs.size(hash) is None


@pytest.mark.parametrize("data", [SMALL, LARGE])
def test_a_twin_put_renews_the_lease_and_removes_the_mark(blobs: Blobs, data: bytes) -> None:
    hash = blobs.put(data, 0)
    assert 1 == blobs.collect(nothing_is_needed, HOUR).marked
    blobs.put(data, 5 * HOUR)
    assert 0 == blobs.collect(nothing_is_needed, 4 * HOUR).deleted
    assert 1 == blobs.collect(nothing_is_needed, 6 * HOUR).marked
    assert data == blobs.read(hash)


def test_an_older_lease_never_shortens_a_longer_one(blobs: Blobs) -> None:
    blobs.put(SMALL, 9 * HOUR)
    blobs.put(SMALL, 1)
    assert 0 == blobs.collect(nothing_is_needed, 8 * HOUR).marked


def test_a_reference_protects_and_removes_the_mark(blobs: Blobs) -> None:
    hash = blobs.put(SMALL, 0)
    assert 1 == blobs.collect(nothing_is_needed, HOUR).marked
    assert 0 == blobs.collect(everything_is_needed, 3 * HOUR).deleted
    assert 1 == blobs.collect(nothing_is_needed, 4 * HOUR).marked
    assert SMALL == blobs.read(hash)


def test_a_reference_made_just_before_deletion_is_seen(blobs: Blobs) -> None:
    """The collector asks again under the lock."""
    hash = blobs.put(SMALL, 0)
    blobs.collect(nothing_is_needed, HOUR)
    answers = iter([set(), {hash}])
    assert 0 == blobs.collect(lambda hashes: next(answers), 3 * HOUR).deleted
    assert SMALL == blobs.read(hash)


def test_threads_share_one_keeper(blobs: Blobs) -> None:
    items = [b"%d" % (number % 300) * (1 + number % 50) for number in range(600)]
    with ThreadPoolExecutor(8) as pool:
        hashes = list(pool.map(lambda item: blobs.put(item, 0), items))
        assert items == list(pool.map(blobs.read, hashes))


@pytest.mark.parametrize("url", ["s3:bucket", "postgres://host/db", "file:", "file:/", "file://host/x"])
def test_an_address_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"use file:"):
        open_blobs(url)


@pytest.mark.parametrize("form", ["{}", "file:{}", "file://{}", "file://localhost{}"])
def test_a_folder_can_be_written_in_several_ways(tmp_path: Path, form: str) -> None:
    with closing(open_blobs(form.format(tmp_path / "deep" / "blobs"))) as blobs:
        assert b"data" == blobs.read(blobs.put(b"data", 0))
    assert (tmp_path / "deep" / "blobs" / "index.db").exists()
