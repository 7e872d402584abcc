"""What only sockets in a folder can meet: dead and foreign ones, long paths, peers that break off."""

from __future__ import annotations

import os
import resource
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import pytest

from posthouse.bus import Missed, Moved, SignedOut, sockets
from posthouse.bus.backlog import MOST
from posthouse.bus.frame import GOODBYE, LONGEST, Reader, encode
from posthouse.bus.seat import Seat
from posthouse.bus.sockets import SocketBus

from .conftest import Ear

LAST = SignedOut(99, 99)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "bus"


@pytest.fixture
def join(folder: Path) -> Iterator[Callable[[], SocketBus]]:
    with ExitStack() as stack:
        yield lambda: stack.enter_context(closing(SocketBus(folder)))


@pytest.fixture
def seat(folder: Path) -> Iterator[Callable[[], Seat]]:
    """Takes seats without a bus behind them: peers that do what the test says."""
    with ExitStack() as stack:

        def take() -> Seat:
            taken = Seat(folder)
            stack.callback(taken.leave)
            for one in taken.met.values():
                one.settimeout(30)
            return taken

        yield take


def names(folder: Path) -> set[str]:
    return set(os.listdir(folder))


def test_the_folder_is_private_and_empty_again_at_the_end(folder: Path) -> None:
    folder.mkdir(mode=0o755)
    buses = [SocketBus(folder), SocketBus(folder)]
    assert 0o700 == stat.S_IMODE(folder.stat().st_mode)
    assert 2 == len(names(folder))
    for bus in buses:
        bus.close()
    assert set() == names(folder)


def test_dead_sockets_are_removed_and_nothing_else(folder: Path, join: Callable[[], SocketBus]) -> None:
    first = join()
    alive = names(folder)
    for name in ("dead.sock", "dead too.sock"):
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(f"{folder}/{name}")
    (folder / "note.txt").write_text("of somebody else")
    ear = Ear(join())
    assert 3 == len(names(folder))
    assert alive | {"note.txt"} < names(folder)
    first.publish([LAST])
    assert [LAST] == ear.until(LAST)


@pytest.mark.parametrize("length", [60, 78, 79, 80, 81, 82, 100, 108, 200, 1500])
def test_paths_of_any_length_work(tmp_path: Path, length: int) -> None:
    base = f"{tmp_path}/"
    while len(base) + 101 < length:
        base += "d" * 100 + "/"
    folder = Path(base + "b" * max(length - len(base), 1))
    before = {name for name in os.listdir("/tmp") if name.startswith("posthouse-")}
    with closing(SocketBus(folder)) as bus, closing(SocketBus(folder)) as other:
        ear = Ear(other)
        bus.publish([LAST])
        assert [LAST] == ear.until(LAST)
        assert 2 == len(names(folder))
    assert set() == names(folder)
    assert before >= {name for name in os.listdir("/tmp") if name.startswith("posthouse-")}


def test_a_relative_path_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(SocketBus(Path("x" * 120))) as bus:
        monkeypatch.chdir("/")
        with closing(SocketBus(tmp_path / ("x" * 120))) as other:
            ear = Ear(bus)
            other.publish([LAST])
            ear.until(LAST)
    assert set() == names(tmp_path / ("x" * 120))


def test_a_place_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        SocketBus(tmp_path / "file")


def test_two_processes_have_one_connection(join: Callable[[], SocketBus]) -> None:
    buses = [join() for _ in range(4)]
    ear = Ear(buses[0])
    for number, bus in enumerate(buses):
        bus.publish([SignedOut(number, 1)])
    for bus in buses:
        bus.publish([LAST])
    heard = ear.wait(lambda heard: heard.count(LAST) == 4)
    assert 8 == len(heard)


def test_a_goodbye_is_no_loss_and_a_broken_stream_is(
    folder: Path, join: Callable[[], SocketBus], seat: Callable[[], Seat]
) -> None:
    bus = join()
    ear = Ear(bus)
    [name] = names(folder)
    polite = seat().met[name]
    polite.sendall(encode([SignedOut(1, 1)]) + GOODBYE)
    ear.until(SignedOut(1, 1))
    assert b"" == polite.recv(1)
    dying = seat().met[name]
    dying.sendall(encode([SignedOut(2, 2)]) + encode([LAST])[:-1])
    dying.close()
    assert [SignedOut(1, 1), SignedOut(2, 2), Missed()] == ear.until(Missed())


def test_a_bus_that_closes_says_goodbye_to_all_even_those_it_never_saw(
    folder: Path, join: Callable[[], SocketBus], seat: Callable[[], Seat]
) -> None:
    bus = join()
    [name] = names(folder)
    taken = [seat() for _ in range(20)]
    bus.publish([LAST])
    taken += [seat() for _ in range(20)]
    bus.close()
    for one in taken:
        reader, said = Reader(), []
        while data := one.met[name].recv(1000):
            said += reader.read(data)
        assert reader.is_over
        assert said == ([LAST] if one in taken[:20] else [])


def test_who_made_a_connection_makes_it_again_when_it_breaks(
    join: Callable[[], SocketBus], seat: Callable[[], Seat], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "PAUSE", 0.0)
    taken = seat()
    taken.listening.settimeout(30)
    bus = join()
    ear = Ear(bus)
    first, _ = taken.listening.accept()
    first.close()
    again, _ = taken.listening.accept()
    with again:
        ear.wait(lambda heard: len(heard) == 2)
        bus.publish([SignedOut(1, 1)])
        reader, said = Reader(), []
        while SignedOut(1, 1) not in said:
            said += reader.read(again.recv(1000))
        assert [Missed(), SignedOut(1, 1)] == said
        again.sendall(encode([LAST]))
        assert [Missed(), Missed(), SignedOut(1, 1), LAST] == ear.until(LAST)


@pytest.mark.skipif(
    sys.platform != "linux", reason="other systems don't tell a full queue from a dead socket"
)
def test_who_cannot_go_back_at_once_does_so_later(
    join: Callable[[], SocketBus],
    seat: Callable[[], Seat],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sockets, "PAUSE", 0.0)
    taken = seat()
    [name] = names(folder)
    ear = Ear(join())
    other = join()
    first, _ = taken.listening.accept()
    second, _ = taken.listening.accept()
    taken.listening.listen(0)
    with socket.socket(socket.AF_UNIX) as queue_filler, second:
        queue_filler.connect(f"{folder}/{name}")
        first.close()
        ear.until(Missed())
        other.publish([LAST])
        assert [Missed(), LAST] == ear.until(LAST)  # before which it has tried
        taken.listening.accept()[0].close()
        ear.wait(lambda heard: heard == [Missed(), LAST, Missed()])


def test_who_broke_off_for_ever_is_not_gone_back_to(
    join: Callable[[], SocketBus], seat: Callable[[], Seat], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "PAUSE", 0.0)
    taken = seat()
    ear = Ear(join())
    other = join()
    taken.listening.close()
    assert [Missed()] == ear.until(Missed())
    other.publish([LAST])
    assert [Missed(), LAST] == ear.until(LAST)


@pytest.mark.parametrize("rubbish", [b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\1x", b"\xff" * 100_000])
def test_rubbish_ends_that_connection_only(
    folder: Path, join: Callable[[], SocketBus], seat: Callable[[], Seat], rubbish: bytes
) -> None:
    bus = join()
    [name] = names(folder)
    other = join()
    ear = Ear(bus)
    stranger = seat().met[name]
    try:
        stranger.sendall(rubbish)
        while stranger.recv(1000):
            pass
    except ConnectionError:
        pass  # what was not read is thrown back
    assert [Missed()] == ear.until(Missed())
    other.publish([LAST])
    assert [Missed(), LAST] == ear.until(LAST)


def test_a_reader_that_stops_gets_merged_news(
    join: Callable[[], SocketBus], seat: Callable[[], Seat]
) -> None:
    bus = join()
    [slow] = seat().met.values()
    for number in range(20_000):
        bus.publish([Moved(number % 10, {"Email": number})])
    bus.publish([LAST])
    reader, said = Reader(), []
    while LAST not in said:
        said += reader.read(slow.recv(100_000))
    assert len(said) < 10_000
    newest = {item.account: item.levels["Email"] for item in said if isinstance(item, Moved)}
    assert {account: 19_990 + account for account in range(10)} == newest
    bus.publish([SignedOut(1, 1)])
    assert [SignedOut(1, 1)] == reader.read(slow.recv(100_000))


def test_a_reader_that_stops_for_too_much_gets_missed_once(
    join: Callable[[], SocketBus], seat: Callable[[], Seat]
) -> None:
    bus = join()
    [slow] = seat().met.values()
    for number in range(20_000):
        bus.publish([Moved(number % (2 * MOST), {"Email": number})])
    reader, said = Reader(), []
    while Missed() not in said:
        said += reader.read(slow.recv(100_000))
    bus.publish([LAST])
    while LAST not in said:
        said += reader.read(slow.recv(100_000))
    assert 1 == said.count(Missed())


def test_large_publications_reach_a_slow_reader_whole(
    join: Callable[[], SocketBus], seat: Callable[[], Seat]
) -> None:
    bus = join()
    [slow] = seat().met.values()
    large = [Moved(1, {"x" * (LONGEST // 2): number}) for number in range(4)]
    for item in large:
        bus.publish([item])
    reader, said = Reader(), []
    while not said or said[-1] != large[-1]:
        said += reader.read(slow.recv(1000))


def test_a_closing_bus_leaves_a_slow_reader_without_goodbye(
    join: Callable[[], SocketBus], seat: Callable[[], Seat]
) -> None:
    bus = join()
    [slow] = seat().met.values()
    for number in range(20_000):
        bus.publish([SignedOut(number % 10, 1)])
    bus.close()
    reader = Reader()
    while data := slow.recv(100_000):
        reader.read(data)
    assert not reader.is_over


@pytest.mark.skipif(
    sys.platform != "linux", reason="other systems don't tell a full queue from a dead socket"
)
def test_a_process_that_takes_nobody_is_an_error_and_not_forgotten(
    folder: Path, seat: Callable[[], Seat]
) -> None:
    stopped = seat()
    stopped.listening.listen(0)
    seat()
    before = names(folder)
    with pytest.raises(BlockingIOError, match="does not answer"):
        SocketBus(folder)
    assert before == names(folder)


def test_who_came_when_no_descriptor_was_free_is_let_in_later_and_knows_that_he_missed_something(
    join: Callable[[], SocketBus], folder: Path
) -> None:
    bus = join()
    [name] = names(folder)
    other = join()
    ear = Ear(bus)
    with socket.socket(socket.AF_UNIX) as late:
        late.settimeout(30)
        with no_free_descriptor():
            late.connect(f"{folder}/{name}")
            for number in (1, 2):  # heard the second, the bus has tried to let him in after the first
                other.publish([SignedOut(1, number)])
                ear.until(SignedOut(1, number))
            bus.publish([SignedOut(2, 2)])
        bus.publish([SignedOut(3, 3)])
        reader, said = Reader(), []
        while SignedOut(3, 3) not in said:
            said += reader.read(late.recv(1000))
        assert [Missed(), SignedOut(3, 3)] == said
        with socket.socket(socket.AF_UNIX) as later:
            later.connect(f"{folder}/{name}")
            later.sendall(encode([LAST]) + GOODBYE)
            ear.until(LAST)
        late.sendall(GOODBYE)


@contextmanager
def no_free_descriptor() -> Iterator[None]:
    """Let this process open no more files than it has open."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root can become somebody else")
def test_another_user_is_not_let_in(
    join: Callable[[], SocketBus], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = join()
    ear = Ear(bus)
    [name] = names(folder)
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.settimeout(30)
        with become_nobody(), pytest.raises(PermissionError):
            stranger.connect(name)
        folder.chmod(0o777)  # as it never is
        with become_nobody(), suppress(BrokenPipeError):
            stranger.connect(name)
            stranger.sendall(encode([LAST]))
        bus.publish([SignedOut(1, 1)])
        with suppress(ConnectionResetError):
            assert b"" == stranger.recv(1000)
    assert [SignedOut(1, 1)] == ear.heard


@contextmanager
def become_nobody() -> Iterator[None]:
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
