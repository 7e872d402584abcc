"""The preview: the opening words of a message (RFC 8621 §4.1.4)."""

from __future__ import annotations

import re
from mmap import mmap

from posthouse.formats.mime.body import body
from posthouse.formats.mime.message import Message
from posthouse.formats.mime.plaintext import plain_text

MAX_PREVIEW = 256
"""A preview MUST NOT have more characters (RFC 8621 §4.1.4)."""

_LOOKED_AT = 20_000
_WORDS = MAX_PREVIEW // 2 + 1  # so many fill it, for each takes two characters at least
_ENOUGH = 8 * MAX_PREVIEW  # newsletters pad their opening words with hundreds of invisible signs
# Format and control characters that show nothing; joiners are kept inside words, where they shape them.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]+"
)
_LOOSE_JOINER = re.compile("[\u200c\u200d]+(?=\\s|\\Z)|(?<=\\s)[\u200c\u200d]+")


def preview(data: bytes | mmap | memoryview, message: Message) -> str:
    """Return the opening words of a message in at most 256 characters.

    They come from the first text that is not blank, plain text before HTML. Quoted lines and the signature
    are left out unless there is nothing else; white space and invisible characters are collapsed.
    """
    for part in body(message).text:
        if part.type.startswith("text/"):
            text = plain_text(data, message, part)[:_LOOKED_AT]
            opening = _opening(text, skips_quotes=part.type == "text/plain") or _opening(
                text, skips_quotes=False
            )
            if opening:
                return opening
    return ""


def _opening(text: str, skips_quotes: bool) -> str:
    lines: list[str] = []
    length = 0
    for line in text.split("\n"):
        stripped = line.strip()
        if skips_quotes and stripped[:1] == ">":
            continue
        if skips_quotes and stripped == "--":
            break
        if stripped:
            lines.append(stripped)
            length += len(stripped)
            if length > _ENOUGH:
                break
    opening = " ".join(lines)[: 2 * _ENOUGH]
    head = _first_words(opening)
    if not (head.isascii() and head.isprintable()):
        head = _first_words(_LOOSE_JOINER.sub(" ", _INVISIBLE.sub("", opening)))
    return head.rstrip()


def _first_words(text: str) -> str:
    """Write as many words as a preview shows; there are hundreds behind them."""
    return " ".join(text.split(None, _WORDS)[:_WORDS])[:MAX_PREVIEW]
