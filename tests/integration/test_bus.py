"""The bus between real processes, which are stopped and killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from posthouse.bus import Bus, Missed, Moved, News, SignedOut, open_bus
from posthouse.bus.backlog import MOST
from wire.lines import break_all

PROGRAM = Path(__file__).parent / "programs" / "on_the_bus.py"
PUBLICATIONS = 100_000


class Process:
    """A process on the bus."""

    def __init__(self, folder: Path) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, str(PROGRAM), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            bufsize=1,
        )

    def say(self, person: int, token: int) -> None:
        """Let it publish a sign-out."""
        assert self.popen.stdin is not None
        self.popen.stdin.write(f"{person} {token}\n")

    def until(self, last: str) -> list[str]:
        """Give the lines that it prints up to this one."""
        assert self.popen.stdout is not None
        lines: list[str] = []
        while last not in lines:
            line = self.popen.stdout.readline()
            assert line, lines[-10:]
            lines.append(line.rstrip("\n"))
        return lines

    def end(self) -> list[str]:
        """Let it end in good order, and give what else it printed."""
        said, _ = self.popen.communicate(timeout=60)
        return str(said).splitlines()

    def stop(self) -> None:
        """Send SIGSTOP and wait until it has stopped."""
        self.popen.send_signal(signal.SIGSTOP)
        os.waitpid(self.popen.pid, os.WUNTRACED)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "bus"


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[[int], list[Process]]]:
    """Starts so many processes at once and waits until each has joined."""
    with ExitStack() as stack:

        def together(count: int) -> list[Process]:
            processes = [Process(folder) for _ in range(count)]
            for one in processes:
                stack.enter_context(one.popen)
                stack.callback(one.popen.kill)
            for one in processes:
                one.until("open")
            return processes

        yield together


@pytest.fixture
def bus(folder: Path) -> Iterator[Bus]:
    with closing(open_bus(str(folder))) as bus:
        yield bus


def test_processes_that_start_at_once_all_hear_each_other(start: Callable[[int], list[Process]]) -> None:
    processes = start(8)
    for number, one in enumerate(processes):
        one.say(number, 0)
    everything = {f"signed out {number} 0" for number in range(8)}
    for one in processes:
        heard: list[str] = []
        while not everything <= set(heard):
            heard += one.until(min(everything - set(heard)))
        assert 8 == len(heard)  # each once: any two have one connection
    for one in processes:
        assert [] == one.end()


def test_who_loses_a_killed_process_hears_missed_once_and_the_next_one_tidies_up(
    start: Callable[[int], list[Process]], folder: Path
) -> None:
    first, victim, last = start(3)
    victim.say(1, 1)
    for one in (first, last):
        one.until("signed out 1 1")
    victim.popen.kill()
    for one in (first, last):
        assert ["missed"] == one.until("missed")
    assert 3 == len(os.listdir(folder))
    [fourth] = start(1)
    assert 3 == len(os.listdir(folder))
    fourth.say(2, 2)
    for one in (first, last):
        assert ["signed out 2 2"] == one.until("signed out 2 2")
    assert ["signed out 2 2"] == fourth.end()
    assert [] == first.end()
    assert [] == last.end()
    assert [] == os.listdir(folder)


def test_a_short_command_is_heard_and_leaves_no_doubt(
    bus: Bus, start: Callable[[int], list[Process]]
) -> None:
    heard: list[News] = []
    is_complete = threading.Event()

    def hear(news: Sequence[News]) -> None:
        heard.extend(news)
        if SignedOut(5, 5) in news:
            is_complete.set()

    bus.listen(hear)
    for number in range(1, 6):
        [command] = start(1)
        command.say(number, number)
        command.end()
    assert is_complete.wait(60)
    assert [SignedOut(number, number) for number in range(1, 6)] == heard


@pytest.mark.parametrize("who_came_first", ["we", "they"])
def test_two_whose_connection_breaks_find_each_other_again(
    folder: Path, start: Callable[[int], list[Process]], who_came_first: str
) -> None:
    """Both hear `Missed` when it breaks, and once more when they have each other again."""
    heard: list[News] = []
    changed = threading.Condition()

    def hear(news: Sequence[News]) -> None:
        with changed:
            heard.extend(news)
            changed.notify_all()

    other = start(1) if who_came_first == "they" else []
    with closing(open_bus(str(folder))) as bus:
        bus.listen(hear)
        [process] = other or start(1)
        for number in range(2):
            assert 1 == break_all(folder)
            for _ in range(2):
                assert ["missed"] == process.until("missed")
            with changed:
                assert changed.wait_for(lambda: heard == [Missed(), Missed()], 30)
                heard.clear()
            process.say(1, number)
            with changed:
                assert changed.wait_for(lambda number=number: heard == [SignedOut(1, number)], 30)
            assert [f"signed out 1 {number}"] == process.until(f"signed out 1 {number}")  # its own
            bus.publish([SignedOut(2, number)])
            heard.clear()
            assert [f"signed out 2 {number}"] == process.until(f"signed out 2 {number}")


@pytest.mark.parametrize("accounts", [10, 2 * MOST])
def test_a_stopped_reader_costs_the_publisher_nothing(
    bus: Bus, start: Callable[[int], list[Process]], accounts: int
) -> None:
    """That this test goes on while the reader is stopped shows that the publisher does not wait."""
    stopped, awake = start(2)
    stopped.stop()
    tracemalloc.start()
    try:
        for number in range(PUBLICATIONS):
            bus.publish([Moved(number % accounts, {"Email": number})])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000
    stopped.popen.send_signal(signal.SIGCONT)
    newest = {account: PUBLICATIONS - accounts + account for account in range(accounts)}
    for one in (stopped, awake):
        known: dict[int, int] = {}
        while known != newest:
            assert one.popen.stdout is not None
            match one.popen.stdout.readline().split():
                case ["moved", account, level]:
                    known[int(account)] = max(int(level), known.get(int(account), 0))
                case ["missed"]:
                    assert accounts > MOST
                    known = dict(newest)
                case other:
                    raise AssertionError(other)
    if accounts <= MOST:
        bus.publish([SignedOut(9, 9)])
        for one in (stopped, awake):
            one.until("signed out 9 9")
