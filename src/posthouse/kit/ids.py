"""Ids on the wire: a letter for the type and a number in Crockford's base32, lower case (RFC 8620 §1.2)."""

from __future__ import annotations

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]
_LONGEST = 13  # digits of 2**63 in base 32
# int() knows base 32 with other letters; whatever is none of ours becomes a letter that it refuses.
_TO_PYTHON = dict.fromkeys(map(chr, range(128)), "!") | dict(
    zip(_ALPHABET, "0123456789abcdefghijklmnopqrstuv", strict=True)
)
_TRANSLATION = str.maketrans(_TO_PYTHON)


def encode(number: int) -> str:
    """Write a number from 0 up in base32 without leading zeros; 0 is ``"0"``."""
    if number < 32:
        return _ALPHABET[number]
    text = ""
    while number >= 1024:
        text = _PAIRS[number & 1023] + text
        number >>= 10
    return (_PAIRS[number] if number >= 32 else _ALPHABET[number]) + text


def decode(text: str) -> int | None:
    """Read what `encode` wrote; anything else, also a second spelling of the same number, is None."""
    if not text or len(text) > _LONGEST or not text.isascii() or (text[0] == "0" and text != "0"):
        return None
    try:
        return int(text.translate(_TRANSLATION), 32)
    except ValueError:
        return None
