"""Those who write declarations have them checked by their type checkers: each public name says its type."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PYRIGHT = Path(__file__).resolve().parents[2] / "clients" / "node_modules" / ".bin" / "pyright"


@pytest.mark.peer("pyright")
@pytest.mark.parametrize(
    "module", ["posthouse.model", "posthouse.testing", "posthouse.proto.jmap.errors", "posthouse.kit.json"]
)
def test_each_public_name_has_a_declared_type(tmp_path: Path, module: str) -> None:
    pyright = [str(PYRIGHT), "--ignoreexternal", "--verifytypes", module]
    path = (
        f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # it asks python what is installed
    )
    done = subprocess.run(
        pyright, cwd=tmp_path, env=os.environ | {"PATH": path}, capture_output=True, text=True, timeout=100
    )
    assert "Type completeness score: 100%" in done.stdout, done.stdout
