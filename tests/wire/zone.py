"""Answers for checks that ask the DNS, without any DNS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from posthouse.proto.mailauth.dns import FAILED, NOTHING, Answer, Check, Question, Status

Found = TypeVar("Found")
Records = Mapping[tuple[str, str], Sequence[str] | Answer]
"""Values by lower-case name and type, or an answer as it is."""

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"


def drive(check: Check[Found], records: Records, asked: list[Question] | None = None) -> Found:
    """Answer what a check asks till it is done; note its questions in `asked`."""
    try:
        question = next(check)
        while True:
            if asked is not None:
                asked.append(question)
            found = records.get((question.name.lower(), question.kind), NOTHING)
            question = check.send(found if isinstance(found, Answer) else Answer(Status.FOUND, tuple(found)))
    except StopIteration as done:
        return done.value


def keys_of(text: str) -> dict[tuple[str, str], list[str]]:
    """Read lines of a name and the text of its TXT record."""
    pairs = (line.split(None, 1) for line in text.splitlines() if line.strip())
    return {(name.lower(), "TXT"): [record] for name, record in pairs}


def vector(path: Path) -> tuple[dict[tuple[str, str], list[str]], bytes]:
    """Read a vector of the shared corpus: keys, an empty line, a message."""
    keys, _, message = path.read_bytes().partition(b"\n\n")
    return keys_of(keys.decode()), message


__all__ = ["CORPUS", "FAILED", "Records", "drive", "keys_of", "vector"]
