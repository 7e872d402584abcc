"""Keywords (RFC 8621 §4.1.1) as mbox headers and Maildir names write them, in both directions."""

from __future__ import annotations

import re
from collections.abc import Iterable

MAILDIR = {"D": "$draft", "F": "$flagged", "P": "$forwarded", "R": "$answered", "S": "$seen"}
MAILDIR_DELETED = "T"
STATUS = {"R": "$seen"}
X_STATUS = {"A": "$answered", "F": "$flagged", "T": "$draft"}
X_STATUS_DELETED = "D"

_MOZILLA_BITS = {0x0001: "$seen", 0x0002: "$answered", 0x0004: "$flagged", 0x1000: "$forwarded"}
_MOZILLA_EXPUNGED = 0x0008
_MOZILLA_NAMES = {"junk": "$junk", "nonjunk": "$notjunk", "notjunk": "$notjunk"}

# 1 to 255 printable ASCII characters but for these eight (RFC 8621 §4.1.1).
_KEYWORD = re.compile(r'[^\x00-\x20\x7f-\U0010ffff(){\]%*"\\]{1,255}')
_HIDDEN = {"$recent", "$deleted"}


def valid(names: Iterable[str]) -> frozenset[str]:
    """Keep what may be a keyword, in lower case; what JMAP hides or forbids is dropped."""
    lowered = (name.lower() for name in names)
    return frozenset(name for name in lowered if _KEYWORD.fullmatch(name) and name not in _HIDDEN)


def from_letters(letters: str, table: dict[str, str]) -> frozenset[str]:
    """Read flag letters by a table such as `MAILDIR`; unknown letters mean nothing."""
    return frozenset(table[letter] for letter in letters if letter in table)


def to_letters(keywords: frozenset[str], table: dict[str, str]) -> str:
    """Write those keywords that the table knows as letters, in the table's order."""
    return "".join(letter for letter, keyword in table.items() if keyword in keywords)


def from_mozilla_status(text: str) -> tuple[frozenset[str], bool]:
    """Read ``X-Mozilla-Status``, four hexadecimal digits: the keywords, and whether it was expunged."""
    try:
        bits = int(text, 16)
    except ValueError:
        return frozenset(), False
    return frozenset(k for bit, k in _MOZILLA_BITS.items() if bits & bit), bool(bits & _MOZILLA_EXPUNGED)


def from_mozilla_keys(text: str) -> frozenset[str]:
    """Read ``X-Mozilla-Keys``: Thunderbird's tags by their internal names, and its junk marks."""
    return valid(_MOZILLA_NAMES.get(name.lower(), name) for name in text.split())
