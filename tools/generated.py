"""Generated pages: written by a tool, or with `--check` only compared with what it would write."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def keep(page: Path, text: str, tool: str) -> int:
    """Write a page, or with `--check` on the command line say whether it is what the tool would write."""
    if "--check" not in sys.argv[1:]:
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text)
        return 0
    if page.exists() and page.read_text() == text:
        return 0
    print(f"{page.relative_to(ROOT)} is not up to date: run python tools/{tool}", file=sys.stderr)
    return 1
