"""How tests run here: hypothesis without chance or haste, and no test without the program it talks to.

Hypothesis takes the same examples each time, and judges no time on a busy machine. A test marked ``peer`` skips
where the program it names is missing, and fails there if CI is set.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "posthouse", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("posthouse")

CLIENTS = Path(__file__).parent / "clients"
CORPUS = Path(__file__).parent / "corpora" / ".data" / "spam-assassin.tgz"
PEERS: Mapping[str, Callable[[], bool]] = {
    "jmapc": lambda: (CLIENTS / ".venv" / "bin" / "python").exists(),
    "jmaplib": lambda: any(CLIENTS.glob(".venv/lib/python*/site-packages/jmaplib-*")),
    "spam-assassin": CORPUS.exists,
    "swaks": lambda: shutil.which("swaks") is not None,
    "postfix": lambda: (
        Path("/usr/sbin/postfix").exists() and os.geteuid() == 0
    ),  # which it must be started as
    "chromium": lambda: shutil.which("chromium") is not None,
    "opendkim": lambda: shutil.which("opendkim", path="/usr/sbin:/usr/bin") is not None,
    "pyright": lambda: shutil.which("node") is not None and (CLIENTS / "node_modules" / "pyright").exists(),
    "jmap-jam": lambda: shutil.which("node") is not None and (CLIENTS / "node_modules" / "jmap-jam").exists(),
}


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("peer"):
        [name] = mark.args
        if PEERS[name]():
            continue
        if os.environ.get("CI") == "true":
            pytest.fail(f"{name} is missing: .ci/run and tools/clients install it", pytrace=False)
        pytest.skip(f"{name} is missing: .ci/run and tools/clients install it")
