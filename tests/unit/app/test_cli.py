"""The command line in this process: help, version, and what misuse looks like."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from posthouse import __version__
from posthouse.app import cli

COMMANDS = [
    (),
    ("demo",),
    ("serve",),
    ("account",),
    ("account", "add"),
    ("account", "list"),
    ("account", "remove"),
    ("account", "password"),
    ("account", "token"),
    ("group",),
    ("group", "add"),
    ("group", "list"),
    ("group", "remove"),
    ("group", "join"),
    ("group", "leave"),
    ("alias",),
    ("alias", "add"),
    ("alias", "list"),
    ("alias", "remove"),
    ("domain",),
    ("domain", "list"),
    ("domain", "catch-all"),
    ("queue",),
    ("queue", "list"),
    ("queue", "show"),
    ("queue", "retry"),
    ("queue", "hold"),
    ("queue", "cancel"),
    ("import",),
    ("export",),
]


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    """Run a command and give its exit code."""
    monkeypatch.setattr(sys, "argv", ["posthouse", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code


def test_version_is_name_and_version(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == run(monkeypatch, "--version")
    assert f"posthouse {__version__}\n" == capsys.readouterr().out


def test_there_are_just_these_commands() -> None:
    found = [()]
    for name, command in cli.posthouse.commands.items():
        found.append((name,))
        if isinstance(command, click.Group):
            found += [(name, inner) for inner in command.commands]
    assert sorted(COMMANDS) == sorted(found)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_each_command_has_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    assert 0 == run(monkeypatch, *command, "--help")
    shown = capsys.readouterr()
    assert shown.out.startswith(f"Usage: {' '.join(('posthouse', *command))} ")
    assert "" == shown.err


@pytest.mark.parametrize(
    "command",
    [
        command
        for command in COMMANDS
        if command not in ((), ("account",), ("group",), ("alias",), ("domain",), ("queue",))
    ],
)
def test_each_command_takes_the_common_options(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    run(monkeypatch, *command, "--help")
    shown = capsys.readouterr().out
    for option in ("--config FILE", "--data DIR", "--store URL", "--blobs URL"):
        assert option in shown


def test_misuse_ends_with_2_and_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == run(monkeypatch, "account", "add", "--colour")
    shown = capsys.readouterr()
    assert "" == shown.out
    assert (
        "posthouse account add: No such option '--colour'. See posthouse account add --help.\n" == shown.err
    )


def test_no_command_shows_the_help_and_ends_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == run(monkeypatch)
    assert "Usage: posthouse [OPTIONS] COMMAND" in capsys.readouterr().err


def test_a_failure_ends_with_1_and_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.touch()
    assert 1 == run(monkeypatch, "account", "list", "--data", str(file))
    shown = capsys.readouterr()
    assert "" == shown.out
    assert f"posthouse: {file}: File exists\n" == shown.err


def test_help_loads_neither_the_server_nor_the_store() -> None:
    program = "import sys, posthouse.app.cli; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    for module in ("uvicorn", "apsw", "rich", "structlog", "argon2", "posthouse.engine", "posthouse.store"):
        assert module not in loaded.split()
