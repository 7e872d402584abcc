"""What commands say: with colour and a moving bar on a terminal, as plain lines everywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Protocol

_BETWEEN_LINES: Final = 5.0  # seconds


def line(text: str) -> None:
    """Write a line to standard output, at once."""
    print(text, flush=True)


def card(title: str, rows: Sequence[tuple[str, str]]) -> None:
    """Write a title with names and values below it."""
    bold, dim, plain = ("\x1b[1m", "\x1b[2m", "\x1b[0m") if sys.stdout.isatty() else ("", "", "")
    width = max(len(name) for name, _ in rows)
    line(f"{bold}{title}{plain}\n")
    for name, value in rows:
        line(f"  {dim}{name:{width}}{plain}  {value}")
    line("")


class Progress(Protocol):
    """Shows on standard error how far something is, as long as it is open."""

    def __enter__(self) -> Progress:
        """Begin to show."""

    def __exit__(
        self, type: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Show no more."""

    def at(self, done: int, count: int) -> None:
        """Show that ``done`` of the total are passed, and ``count`` messages."""

    def say(self, text: str) -> None:
        """Write a line to standard output that does not disturb."""


def progress(what: str, total: int) -> Progress:
    """Make a progress of something that takes ``total`` bytes: a bar on a terminal, else now and then a line."""
    return _Bar(what, total) if sys.stderr.isatty() else _Lines(what, total)


class _Lines:
    def __init__(self, what: str, total: int) -> None:
        self._what = what
        self._total = max(total, 1)
        self._start = self._last = time.monotonic()

    def __enter__(self) -> _Lines:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def at(self, done: int, count: int) -> None:
        now = time.monotonic()
        if now - self._last < _BETWEEN_LINES:
            return
        self._last = now
        passed = now - self._start
        left = _duration(passed * (self._total - done) / done) if done else "unknown time"
        text = f"{self._what}: {done / self._total:.0%}, {count:,} messages, {count / passed:,.0f}/s, {left} left"
        print(text, file=sys.stderr, flush=True)

    def say(self, text: str) -> None:
        line(text)


class _Bar:
    def __init__(self, what: str, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[count]:,} messages, {task.fields[rate]:,.0f}/s,"),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=Console(stderr=True),
            redirect_stdout=False,  # it would go to standard error
        )
        self._task = self._progress.add_task(what, total=max(total, 1), count=0, rate=0.0)
        self._start = time.monotonic()

    def __enter__(self) -> _Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def at(self, done: int, count: int) -> None:
        rate = count / max(time.monotonic() - self._start, 0.001)
        self._progress.update(self._task, completed=done, count=count, rate=rate)

    def say(self, text: str) -> None:
        if sys.stdout.isatty():
            self._progress.console.print(text, markup=False, highlight=False)
        else:
            line(text)


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return (
        f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    )
