"""Peer: a client in a process of its own that does, line by line, what a test asks of it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

PROGRAMS = Path(__file__).resolve().parent / "programs"


class PeerFailed(Exception):
    """The client reported a failure; `error` is what it got, an error object of JMAP or its own."""

    def __init__(self, error: Any) -> None:
        super().__init__(str(error))
        self.error = error


class Peer:
    """A client program, run from ``with`` on till its end."""

    def __init__(self, command: list[str | Path], environment: dict[str, str]) -> None:
        self._command = command
        self._environment = environment

    def __enter__(self) -> Peer:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            self._command, stdin=pipe, stdout=pipe, text=True, cwd=PROGRAMS, env=self._environment
        )
        return self

    def __exit__(
        self, type: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def do(self, deed: str, /, **values: Any) -> Any:
        """Let the client do one thing and give what it got. Raises `PeerFailed`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": deed, "with": values}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "fails" in answer:
            raise PeerFailed(answer["fails"])
        return answer["gives"]
