"""Do one act again and again, each time in a child that kills itself at the next call into C.

After each death the folder is opened and must hold what it promised. Prints the number of deaths.
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from posthouse.blobs.files import FileBlobs

ROOT = Path(sys.argv[2])
KEPT = [b"kept %d " % number * 50 for number in range(4)] + [b"kept" * 80_000]
DROPPED = [b"dropped %d " % number * 300 for number in range(8)] + [b"dropped" * 50_000]
FRESH = [b"fresh", KEPT[0], b"fresh" * 60_000, KEPT[4]]
NEEDED = {sha256(data).digest() for data in KEPT}


def prepare(folder: Path) -> None:
    blobs = FileBlobs(folder, pack_size=5000)
    for kept, dropped in zip(KEPT, DROPPED, strict=False):
        blobs.put_many([kept, dropped], 0)
    blobs.put_many(DROPPED, 0)
    collect(blobs, 1)
    blobs.close()


def collect(blobs: FileBlobs, now: int) -> None:
    blobs.collect(lambda hashes: NEEDED & set(hashes), now)


def act_put(folder: Path) -> None:
    blobs = FileBlobs(folder, pack_size=5000)
    blobs.put_many(FRESH, 10**6)
    (folder / "acknowledged").touch()
    blobs.close()


def act_collect(folder: Path) -> None:
    blobs = FileBlobs(folder, pack_size=5000)
    collect(blobs, 10_000)
    blobs.close()


def run_until_killed(act: Callable[[Path], None], folder: Path, at: int) -> bool:
    """Return whether the child was killed, not done."""
    child = os.fork()
    if not child:
        gc.disable()
        calls = 0

        def count(frame: object, event: str, argument: object) -> None:
            nonlocal calls
            calls += event == "c_call"
            if calls > at:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.setprofile(count)
        act(folder)
        sys.setprofile(None)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL), status
    return status != 0


def check(folder: Path, *, lose_index: bool) -> None:
    if lose_index:
        for path in folder.glob("index.db*"):
            path.unlink()
    promised = KEPT + (FRESH if (folder / "acknowledged").exists() else [])
    blobs = FileBlobs(folder, pack_size=5000)
    for data in promised:
        assert data == blobs.read(sha256(data).digest())
        assert blobs.verify(sha256(data).digest())
    for data in FRESH + DROPPED:
        assert data == blobs.read(blobs.put(data, 0))
    for now in (10**7, 10**7 + 4000, 10**7 + 8000):
        collect(blobs, now)
    assert {data for data in KEPT + FRESH + DROPPED if blobs.size(sha256(data).digest()) is not None} == set(
        KEPT
    )
    blobs.close()
    blobs = FileBlobs(folder, pack_size=5000)
    for data in KEPT:
        assert data == blobs.read(sha256(data).digest())
    blobs.close()


act = {"put": act_put, "collect": act_collect}[sys.argv[1]]
prepare(ROOT / "start")
deaths = 0
while True:
    shutil.rmtree(ROOT / "run", ignore_errors=True)
    shutil.copytree(ROOT / "start", ROOT / "run")
    killed = run_until_killed(act, ROOT / "run", deaths * int(sys.argv[3]))
    check(ROOT / "run", lose_index=bool(deaths % 2))
    if not killed:
        break
    deaths += 1
print(deaths)
