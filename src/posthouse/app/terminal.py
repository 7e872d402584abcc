"""What commands say: with some colour on a terminal, as plain lines everywhere else."""

from __future__ import annotations

import sys
from collections.abc import Sequence


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
