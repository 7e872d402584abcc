"""Recovery: what a folder of blobs needs when a process opens it or takes a pack over.

A pack may be ahead of the index: its writer died between sync and commit, the power went with the index's
last commits, or there is no index any more. Its records from the offset that the index knows are read again.
Packs under another process's lock are that process's business.
"""

from __future__ import annotations

import os

from posthouse.blobs.folder import Folder
from posthouse.blobs.index import OWN_FILE, Index, Place, Writing
from posthouse.blobs.packs import BLOB, Pack


def recover(folder: Folder, index: Index) -> None:
    """Bring the index up to what lies in the folder; one process at a time, others wait."""
    with folder.locked("lock", wait=True), index.writing() as writing:
        known = writing.known()
        there = set(folder.pack_ids())
        for pack in known.keys() - there:
            writing.forget(pack)
        leases: dict[bytes, int] = {}
        for pack in there:
            _catch_up(folder, pack, known.get(pack, 0), writing, leases)
        if not known:
            for hash, _ in folder.files():
                _add_file(folder, hash, 0, writing)
        _renew(folder, leases, writing)


def take_over(folder: Folder, pack: Pack, writing: Writing) -> None:
    """Bring the index up to one pack that was just locked; what its last holder appended becomes durable."""
    leases: dict[bytes, int] = {}
    _learn(pack, writing.known().get(pack.id, 0), writing, leases)
    _renew(folder, leases, writing)


def _catch_up(folder: Folder, pack_id: int, known: int, writing: Writing, leases: dict[bytes, int]) -> None:
    if known and os.stat(folder.pack(pack_id)).st_size <= known:
        return
    pack = Pack.lock(folder, pack_id)
    if pack is not None:
        try:
            _learn(pack, known, writing, leases)
        finally:
            pack.close()


def _learn(pack: Pack, known: int, writing: Writing, leases: dict[bytes, int]) -> None:
    # Another put may rest on what is entered here, so it has to be durable first.
    pack.sync()
    for record in pack.scan(known):
        if record.kind == BLOB:
            writing.add(record.hash, Place(pack.id, record.offset, record.length, record.until))
        else:
            leases[record.hash] = max(record.until, leases.get(record.hash, 0))
    writing.know(pack.id, pack.end)


def _renew(folder: Folder, leases: dict[bytes, int], writing: Writing) -> None:
    for hash, until in leases.items():
        if not writing.lease(hash, until):
            _add_file(folder, hash, until, writing)


def _add_file(folder: Folder, hash: bytes, until: int, writing: Writing) -> None:
    path = folder.file(hash)
    try:
        length = path.stat().st_size
    except FileNotFoundError:
        return  # its writer died before the file had its name, or the blob was collected
    folder.sync_place(path)
    writing.add(hash, Place(OWN_FILE, 0, length, until))
