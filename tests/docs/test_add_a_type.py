"""The page for those who add a type: its package is built, installed, used and checked as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from wire import package

PAGE = package.ROOT / "docs" / "howto" / "add-a-type.md"
BAKERY = package.BAKERY / "src"

BLOCKS = re.findall(r'^```\w+ title="([^"]+)"\n(.*?)^```$', PAGE.read_text(), re.DOTALL | re.MULTILINE)
"""The files of the page and their pieces, in their order."""


@pytest.fixture
def reminders(tmp_path: Path) -> Path:
    """The folder that a reader of the page has in the end."""
    pieces: dict[str, list[str]] = {}
    for name, text in BLOCKS:
        if "/" not in name:
            pieces.setdefault(name, []).append(text)
    folder = tmp_path / "posthouse-reminders"
    folder.mkdir()
    for name, texts in pieces.items():
        (folder / name).write_text("\n\n".join(texts))
    return folder


def test_each_piece_of_code_is_one_of_a_file() -> None:
    shown = len(re.findall(r"^```(?:python|toml)", PAGE.read_text(), re.MULTILINE))
    assert shown == len(BLOCKS)


def test_the_package_can_be_built_and_its_tests_pass(reminders: Path, tmp_path: Path) -> None:
    package.install(reminders, tmp_path / "site")
    pytest_ = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null"]
    done = subprocess.run(
        [*pytest_, str(reminders / "test_reminders.py")],
        cwd=tmp_path,
        env=package.seeing(tmp_path / "site"),
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert 0 == done.returncode, done.stdout
    assert "4 passed" in done.stdout


def test_the_package_passes_strict_types(reminders: Path) -> None:
    mypy = [sys.executable, "-m", "mypy", "--strict", "--config-file", "/dev/null", "--cache-dir", "cache"]
    done = subprocess.run(
        [*mypy, "reminders.py"],
        cwd=reminders,
        env=package.plain(),
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert 0 == done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(("name", "text"), [block for block in BLOCKS if "/" in block[0]])
def test_what_is_quoted_from_the_bakery_stands_there(name: str, text: str) -> None:
    assert text in (BAKERY / name).read_text()
