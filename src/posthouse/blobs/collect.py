"""The collector: frees blobs that nobody refers to, and packs that are mostly dead.

Mark and wait: a blob found unreferenced and unleased is marked; an hour later (RFC 8620 §6) references and
leases are looked at again, under the index's lock, and it is deleted if it is still marked. Any put removes
the mark under the same lock. It may be interrupted anywhere: a file without a row is swept in a later pass,
and a row without its file makes the next put bring the bytes again.

A pack whose dead share is over a half is copied: its live blobs and unexpired leases go to a new pack, which
is synced; one durable transaction moves the rows; then the old pack is removed. A crash in between leaves
two copies, of which one is found dead in a later pass. Readers that find the old pack gone look up again.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from posthouse.blobs.folder import Folder
from posthouse.blobs.index import OWN_FILE, Index, Row, Writing
from posthouse.blobs.packs import BLOB, LEASE, PACK_HEADER_SIZE, RECORD_SIZE, Pack
from posthouse.blobs.port import Collected

_WAIT = 3600  # seconds between mark and deletion, RFC 8620 §6
_ABANDONED = 86400  # seconds since the last byte of a file that never got a place
_BATCH = 500
_COPIED = 1 << 22

_IsReferenced = Callable[[list[bytes]], set[bytes]]


def collect(folder: Folder, index: Index, is_referenced: _IsReferenced, now: int) -> Collected:
    """Make one pass; see `Blobs.collect`."""
    with folder.locked("collector", wait=False) as held:
        if not held:
            return Collected()
        marked, deleted, freed, live = _sweep(folder, index, is_referenced, now)
        freed += _sweep_files(folder, index, now)
        compacted = 0
        for pack_id in folder.pack_ids():
            given = _compact(folder, index, pack_id, live[pack_id], now)
            compacted += given is not None
            freed += given or 0
        return Collected(marked, deleted, compacted, freed)


def _sweep(
    folder: Folder, index: Index, is_referenced: _IsReferenced, now: int
) -> tuple[int, int, int, Counter[int]]:
    """Mark and delete; return how many of each, the bytes of files freed, and the live bytes of each pack."""
    marked = deleted = freed = 0
    live: Counter[int] = Counter()
    after = b""
    while rows := index.walk(after, _BATCH):
        after = rows[-1].hash
        needed = is_referenced([row.hash for row in rows]) | {row.hash for row in rows if row.until > now}
        fresh = [row.hash for row in rows if row.hash not in needed and row.marked is None]
        again = [row.hash for row in rows if row.hash in needed and row.marked is not None]
        ripe = [
            row.hash
            for row in rows
            if row.hash not in needed and row.marked is not None and row.marked + _WAIT < now
        ]
        gone: set[bytes] = set()
        if fresh or again or ripe:
            with index.writing() as writing:
                writing.mark(fresh, now)
                writing.mark(again, None)
                for row in _still_unneeded(ripe, is_referenced, now, writing):
                    gone.add(row.hash)
                    freed += _delete(folder, row, writing)
        for row in rows:
            if row.hash not in gone:
                live[row.pack] += RECORD_SIZE + row.length
        marked += len(fresh)
        deleted += len(gone)
    return marked, deleted, freed, live


def _still_unneeded(ripe: list[bytes], is_referenced: _IsReferenced, now: int, writing: Writing) -> list[Row]:
    needed = is_referenced(ripe) if ripe else set()
    rows = [row for hash in ripe if hash not in needed and (row := writing.row(hash)) is not None]
    return [row for row in rows if row.until <= now and row.marked is not None]


def _delete(folder: Folder, row: Row, writing: Writing) -> int:
    writing.delete(row.hash)
    if row.pack != OWN_FILE:
        return 0  # the space comes back when the pack is compacted
    folder.file(row.hash).unlink(missing_ok=True)
    return row.length


def _sweep_files(folder: Folder, index: Index, now: int) -> int:
    """Remove files that have a place but no row, and files that never got a place; return their bytes."""
    freed = 0
    for hash, path in list(folder.files()):
        if index.find(hash) is None:
            with index.writing() as writing:
                if writing.row(hash) is None:
                    freed += _remove(path)
    for name in os.listdir(folder.new):
        path = folder.new / name
        try:
            abandoned = path.stat().st_mtime + _ABANDONED < now
        except FileNotFoundError:
            continue
        if abandoned:
            freed += _remove(path)
    return freed


def _remove(path: Path) -> int:
    try:
        size = path.stat().st_size
        path.unlink()
    except FileNotFoundError:
        return 0
    return size


def _compact(folder: Folder, index: Index, pack_id: int, live: int, now: int) -> int | None:
    """Rewrite a pack that is mostly dead and that nobody writes to; return the bytes freed, else None."""
    old = Pack.lock(folder, pack_id)
    if old is None:
        return None
    try:
        if (old.end - PACK_HEADER_SIZE - live) * 2 <= old.end - PACK_HEADER_SIZE:
            return None
        new = Pack.create(folder)
        try:
            moved = _copy(index, old, new, now)
            if len(moved) != index.count(old.id):
                # A damaged blob is still wanted: leave the pack to whoever repairs it.
                folder.pack(new.id).unlink()
                return None
            new.sync()
            with index.writing(durable=True) as writing:
                for hash, offset in moved.items():
                    writing.move(hash, old.id, new.id, offset)
                writing.know(new.id, new.end)
                writing.forget(old.id)
            folder.pack(old.id).unlink()
            return old.end - new.end
        finally:
            new.close()
    finally:
        old.close()


def _copy(index: Index, old: Pack, new: Pack, now: int) -> dict[bytes, int]:
    """Copy live blobs, and unexpired leases for blobs elsewhere; return where the blobs now begin."""
    moved: dict[bytes, int] = {}
    leases: set[bytes] = set()
    parts: list[bytes] = []
    pending = 0
    for record in old.scan(0):
        place = index.find(record.hash)
        if place is None:
            continue
        if place.pack != old.id:
            if place.until > now and record.hash not in leases:
                leases.add(record.hash)
                parts.append(new.record(LEASE, record.hash, 0, place.until))
                pending += RECORD_SIZE
        elif record.kind == BLOB and record.offset == place.offset:
            parts += new.record(BLOB, record.hash, record.length, place.until), old.bytes_of(record)
            moved[record.hash] = new.end + pending + RECORD_SIZE
            pending += RECORD_SIZE + record.length
        if pending > _COPIED:
            new.append(b"".join(parts))
            parts, pending = [], 0
    new.append(b"".join(parts))
    return moved
