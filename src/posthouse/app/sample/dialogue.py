"""Conversations of the sample mailbox, read from ``dialogues.txt``.

That file has, for each conversation, a line ``== MAILBOX | SUBJECT`` and then its turns: a line ``-- WHO``
and the words. ``robin`` is the owner of the mailbox, ``noor`` the friend; the others are in
`posthouse.app.sample.person`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from posthouse.app.sources.item import Path

_TURN = re.compile(r"^-- (\w+)\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A subject, the mailbox in which the received messages lie, and the turns: who, and the words."""

    mailbox: Path
    subject: str
    turns: tuple[tuple[str, str], ...]


@cache
def dialogues() -> tuple[Dialogue, ...]:
    """Return the conversations, without the quotes of what was said before."""
    text = (files("posthouse.app.sample") / "dialogues.txt").read_text("utf-8")
    return tuple(_dialogue(block) for block in f"\n{text}".split("\n== ")[1:])


def _dialogue(block: str) -> Dialogue:
    head, _, talk = block.partition("\n")
    mailbox, _, subject = head.partition(" | ")
    fields = _TURN.split(talk)[1:]
    turns = zip(fields[::2], (words.strip() for words in fields[1::2]), strict=True)
    return Dialogue(tuple(mailbox.split("/")), subject, tuple(turns))
