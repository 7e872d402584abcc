"""Wording: which texts a Principal may be called and described by (RFC 9670 §5, §6.1).

Others see them when they choose with whom to share, so nothing in them may be unseen, or turn what stands
beside it around. What looks alike can't be told apart here: the log says who called himself what he did not.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from posthouse.kit.json import Json
from posthouse.model.kind import Column, fold

LONGEST_NAME: Final = 255
"""Octets of UTF-8 that a name may have, in Unicode form C."""
LONGEST_DESCRIPTION: Final = 4000
"""Octets of UTF-8 that a description may have, in Unicode form C."""

_UNSEEN: Final = frozenset(("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"))
"""Controls, marks of format and direction, and what is no character; FreeformClass has none of them."""
_JOINERS: Final = "\u200c\u200d"  # Persian, Indic scripts and emoji can't be written without them
_FILLERS: Final = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"  # letters and marks that show nothing
_SHOWING: Final = "LNPS"  # what is seen by itself; marks only change what is before them
_LINES: Final = "\t\n"


def is_name(text: str) -> bool:
    """Say whether a text may be a name: it has something to see, and nothing unseen."""
    return (
        len(text) <= LONGEST_NAME
        and len(name(text).encode()) <= LONGEST_NAME
        and any(unicodedata.category(letter)[0] in _SHOWING for letter in name(text))
    )


def name(text: str) -> str:
    """Write a name as it is kept: in Unicode form C, each space a plain one, none at an end or beside another."""
    if not _is_seen(text, ""):
        return ""  # what can't be kept is not written
    return " ".join(unicodedata.normalize("NFC", text).split())


def is_description(text: str) -> bool:
    """Say whether a text may be a description, which may have lines."""
    return (
        len(text) <= LONGEST_DESCRIPTION
        and _is_seen(text, _LINES)
        and len(description(text).encode()) <= LONGEST_DESCRIPTION
    )


def description(text: str) -> str:
    """Write a description as it is kept: in Unicode form C."""
    return unicodedata.normalize("NFC", text)


def column(text: Json) -> Column:
    """Fold a whole description for searching in it."""
    return fold(text)


def _is_seen(text: str, also: str) -> bool:
    return _PLAIN.fullmatch(text) is not None or all(
        letter in also or letter in _JOINERS or not _is_unseen(letter) for letter in text
    )


def _is_unseen(letter: str) -> bool:
    return letter in _FILLERS or unicodedata.category(letter) in _UNSEEN


_PLAIN: Final = re.compile(r"[ -~]*")
