"""Packages of strangers, put where only the processes that a test starts see them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BAKERY = ROOT / "examples" / "posthouse-bakery"


def install(source: Path, target: Path) -> None:
    """Build a package and install it into a folder, without a network."""
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", *offline, "--target", str(target), str(source)]
    done = subprocess.run(pip, capture_output=True, text=True, timeout=100, env=plain())
    assert 0 == done.returncode, done.stderr


def fake(target: Path, name: str, points: dict[str, str], code: str = "") -> None:
    """Put into a folder what looks installed: a module of this name, and its entry points."""
    module = name.replace("-", "_")
    (target / f"{module}.py").write_text(code)
    info = target / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [f"{point} = {value}\n" for point, value in points.items()]
    (info / "entry_points.txt").write_text("[posthouse.capabilities]\n" + "".join(lines))


def plain() -> dict[str, str]:
    """Give an environment in which nothing of ours is set."""
    ours = ("POSTHOUSE_", "PYTEST_", "PIP_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def seeing(target: Path) -> dict[str, str]:
    """Give the environment of a process that finds what is installed in a folder."""
    return plain() | {"PYTHONPATH": str(target)}
