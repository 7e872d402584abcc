"""What commands say, on a terminal and elsewhere."""

from __future__ import annotations

import sys

import pytest

from posthouse.app import terminal


def test_a_card_is_plain_text_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.card("Title", [("URL", "http://x/"), ("Session", "y")])
    assert "Title\n\n  URL      http://x/\n  Session  y\n\n" == capsys.readouterr().out


def test_progress_is_lines_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([0.0, 1.0, 10.0, 11.0, 4000.0])
    monkeypatch.setattr(terminal.time, "monotonic", lambda: next(times))
    with terminal.progress("Importing", 1000) as progress:
        progress.at(50, 5)
        progress.at(100, 10)
        progress.say("skipped it")
        progress.at(150, 20)
        progress.at(500, 4000)
    shown = capsys.readouterr()
    assert "skipped it\n" == shown.out
    lines = [
        "Importing: 10%, 10 messages, 1/s, 1 min 30 s left",
        "Importing: 50%, 4,000 messages, 1/s, 1 h 6 min left",
    ]
    assert lines == shown.err.splitlines()


def test_progress_is_a_bar_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with terminal.progress("Importing", 1000) as progress:
        progress.at(1000, 1234)
        progress.say("skipped it")
    shown = capsys.readouterr()
    assert "skipped it\n" == shown.out
    assert "Importing" in shown.err
    assert "100%" in shown.err
    assert "1,234 messages" in shown.err
