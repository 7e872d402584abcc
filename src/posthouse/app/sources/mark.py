"""What our own export adds to files so that our own import gives back exactly what was exported.

An mbox can hold neither a message without a final line end nor every mailbox name as a file name, and a
Maildir has flags for 26 keywords only. So each message of our mbox starts with a few header fields, the last
of which is `FIELD`, and each folder of our Maildir has a file named `FOLDER_FILE`. Other programs ignore
both.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from posthouse.app.sources.folder import is_name
from posthouse.app.sources.item import Path

FIELD = "X-Posthouse-Export"
FOLDER_FILE = "posthouse-folder"

_LATEST = 1 << 40  # Unix seconds
_DEEPEST = 64

# The block must consist of just these fields, so that nobody's own header is ever cut off.
_BLOCK = re.compile(
    rb"(?:(?:Status|X-Status|X-Keywords): [^\r\n]*\r?\n){0,3}X-Posthouse-Export: (\{[^\r\n]*\})\r?\n"
)


@dataclass(frozen=True, slots=True)
class Mark:
    """The facts of one message in our own mbox: size in bytes, Unix seconds received, mailbox."""

    size: int
    received_at: int | None
    mailbox: Path


@dataclass(slots=True)
class FolderMark:
    """The facts of one folder of our own Maildir.

    ``keywords`` holds, by message name without flags, those that had no letter.
    """

    mailbox: Path | None = None
    keywords: dict[str, tuple[str, ...]] = field(default_factory=dict)


def write_mark(mark: Mark) -> str:
    """Write the value of `FIELD`, in ASCII and on one line."""
    return json.dumps({"size": mark.size, "receivedAt": mark.received_at, "mailbox": mark.mailbox})


def read_mark(message: bytes) -> tuple[Mark, int] | None:
    """Read the block at the start of a message in our mbox: the mark and the length of the block."""
    match = _BLOCK.match(message)
    facts = _object(match[1]) if match else None
    if match is None or facts is None:
        return None
    size, received_at, mailbox = facts.get("size"), facts.get("receivedAt"), _mailbox(facts.get("mailbox"))
    if not isinstance(size, int) or size < 0 or mailbox is None:
        return None
    if received_at is not None and not (isinstance(received_at, int) and abs(received_at) < _LATEST):
        return None
    return Mark(size, received_at, mailbox), match.end()


def write_folder_line(facts: Mapping[str, object]) -> bytes:
    """Write one line of `FOLDER_FILE`: ``mailbox``, or ``message`` and ``keywords``."""
    return json.dumps(facts).encode() + b"\n"


def read_folder_file(data: bytes) -> FolderMark:
    """Read `FOLDER_FILE`; lines that are not ours are ignored."""
    folder = FolderMark()
    for line in data.splitlines():
        facts = _object(line) or {}
        folder.mailbox = _mailbox(facts.get("mailbox")) or folder.mailbox
        keywords = _texts(facts.get("keywords"))
        if keywords is not None and isinstance(message := facts.get("message"), str):
            folder.keywords[message] = keywords
    return folder


def _object(text: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _texts(value: object) -> tuple[str, ...] | None:
    if isinstance(value, list) and value and all(isinstance(name, str) for name in value):
        return tuple(value)
    return None


def _mailbox(value: object) -> Path | None:
    """Read a path if it can be one of a mailbox; the file may be a stranger's."""
    names = _texts(value)
    return names if names and len(names) <= _DEEPEST and all(map(is_name, names)) else None
