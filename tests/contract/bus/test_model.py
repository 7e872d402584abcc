"""Random lives of processes on one bus against the truth that they announce."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from posthouse.bus import Moved, News, sockets
from posthouse.bus.frame import encode
from posthouse.bus.seat import Seat
from posthouse.bus.sockets import SocketBus
from wire.lines import break_all

TYPES: Final = ["Email", "Mailbox", "Thread"]
MOST: Final = 5  # processes at once
WHO = st.integers(0, MOST - 1)
WHAT = st.tuples(st.integers(1, 4), st.sampled_from(TYPES))  # an account and a type

Truth = dict[tuple[int, str], int]


class Survivor:
    """A process that keeps up: what it knows of the truth, by news or by a look at it."""

    def __init__(self, folder: Path, truth: Truth, changed: threading.Condition) -> None:
        self._truth = truth
        self._changed = changed
        self.bus = SocketBus(folder)
        with changed:
            self.bus.listen(self.hear)
            self.known = dict(truth)

    def hear(self, news: Sequence[News]) -> None:
        with self._changed:
            for item in news:
                if isinstance(item, Moved):
                    for type, level in item.levels.items():
                        what = item.account, type
                        self.known[what] = max(level, self.known.get(what, 0))
                else:
                    self.known = dict(self._truth)
            self._changed.notify_all()


class Mortal:
    """A process that can be killed: it has a seat, sends what a bus sends, and never says goodbye."""

    def __init__(self, folder: Path) -> None:
        self._seat = Seat(folder)
        self._lines = list(self._seat.met.values())

    def publish(self, news: Sequence[News]) -> None:
        self._accept()
        for line in self._lines:
            with suppress(BrokenPipeError):  # it has left
                line.send(encode(news))

    def _accept(self) -> None:
        while True:
            try:
                self._lines.append(self._seat.listening.accept()[0])
            except BlockingIOError:
                return

    def die(self) -> None:
        self._accept()
        for line in self._lines:
            line.close()
        self._seat.listening.close()  # and its name stays, as that of a killed one does


class Lives(RuleBasedStateMachine):
    """Levels only rise, in the truth first and on the bus afterwards, as a commit and its announcement do."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.changed = threading.Condition()
        self.truth: Truth = {}
        self.survivors: list[Survivor] = []
        self.mortals: list[Mortal] = []

    def commit(self, what: list[tuple[int, str]]) -> list[News]:
        with self.changed:
            for one in what:
                self.truth[one] = self.truth.get(one, 0) + 1
            return [Moved(account, {type: self.truth[account, type]}) for account, type in what]

    @rule()
    @precondition(lambda self: len(self.survivors) < MOST)
    def join(self) -> None:
        self.survivors.append(Survivor(self.folder, self.truth, self.changed))

    @rule(who=WHO, what=st.lists(WHAT, max_size=4))
    @precondition(lambda self: self.survivors)
    def publish(self, who: int, what: list[tuple[int, str]]) -> None:
        self.survivors[who % len(self.survivors)].bus.publish(self.commit(what))

    @rule(who=WHO)
    @precondition(lambda self: self.survivors)
    def leave(self, who: int) -> None:
        self.survivors.pop(who % len(self.survivors)).bus.close()

    @rule()
    @precondition(lambda self: not self.mortals)  # who would not come back
    def break_off(self) -> None:
        break_all(self.folder)

    @rule()
    @precondition(lambda self: len(self.mortals) < MOST)
    def be_born(self) -> None:
        self.mortals.append(Mortal(self.folder))

    @rule(who=WHO, what=st.lists(WHAT, max_size=4))
    @precondition(lambda self: self.mortals)
    def publish_mortally(self, who: int, what: list[tuple[int, str]]) -> None:
        mortal = self.mortals[who % len(self.mortals)]
        mortal.publish(self.commit(what))

    @rule(who=WHO, what=st.lists(WHAT, max_size=4))
    @precondition(lambda self: self.mortals)
    def die_before_publishing(self, who: int, what: list[tuple[int, str]]) -> None:
        mortal = self.mortals.pop(who % len(self.mortals))
        self.commit(what)
        mortal.die()

    @rule()
    def agree(self) -> None:
        with self.changed:
            assert self.changed.wait_for(
                lambda: all(one.known == self.truth for one in self.survivors), 30
            ), (self.truth, [one.known for one in self.survivors])

    def teardown(self) -> None:
        try:
            self.agree()
        finally:
            for survivor in self.survivors:
                survivor.bus.close()
            for mortal in self.mortals:
                mortal.die()
            shutil.rmtree(self.folder)


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "PAUSE", 0.02)


TestLives = Lives.TestCase
TestLives.settings = settings(
    max_examples=40,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
