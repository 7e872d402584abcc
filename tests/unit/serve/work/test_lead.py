"""One leads, and the next one follows."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from posthouse.serve.work.lead import Lead

HOLDER = """
import sys, threading
from pathlib import Path
from posthouse.serve.work.lead import Lead
taken = threading.Event()
Lead(Path(sys.argv[1])).take(taken.set)
taken.wait()
print("taken", flush=True)
sys.stdin.read()
"""
PATIENCE = 60


def test_the_next_one_has_it_when_the_first_lets_go(tmp_path: Path) -> None:
    first, second = Lead(tmp_path / "lock"), Lead(tmp_path / "lock")
    one, two = threading.Event(), threading.Event()
    first.take(one.set)
    assert one.wait(PATIENCE)
    second.take(two.set)
    assert not two.is_set()
    first.close()
    assert two.wait(PATIENCE)
    second.close()


def test_who_waits_no_more_does_not_hold_it(tmp_path: Path) -> None:
    leads = [Lead(tmp_path / "lock") for _ in range(3)]
    taken = [threading.Event() for _ in leads]
    leads[0].take(taken[0].set)
    assert taken[0].wait(PATIENCE)
    leads[1].take(taken[1].set)
    leads[1].close()
    leads[0].close()
    leads[2].take(taken[2].set)
    assert taken[2].wait(PATIENCE)
    assert not taken[1].is_set()
    leads[2].close()


def test_a_killed_process_leaves_it_to_the_next(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path / "lock"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert b"taken\n" == holder.stdout.readline()
        mine = Lead(tmp_path / "lock")
        taken = threading.Event()
        mine.take(taken.set)
        assert not taken.is_set()
        holder.kill()
        assert taken.wait(PATIENCE)
        mine.close()
