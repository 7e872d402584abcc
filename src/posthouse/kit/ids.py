"""Ids on the wire: a letter for the type and a number in Crockford's base32, lower case (RFC 8620 §1.2)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]
_LONGEST = 13  # digits of 2**63 in base 32
# int() knows base 32 with other letters; whatever is none of ours becomes a letter that it refuses.
_TO_PYTHON = dict.fromkeys(map(chr, range(128)), "!") | dict(
    zip(_ALPHABET, "0123456789abcdefghijklmnopqrstuv", strict=True)
)
_TRANSLATION = str.maketrans(_TO_PYTHON)
_TRANSLATION_OF_MANY = _TRANSLATION | {ord(" "): " "}


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


def encode_all(prefix: str, numbers: Sequence[int]) -> list[str]:
    """Write many numbers as `encode` does, each behind the prefix."""
    heads = _heads(prefix)
    try:
        return [heads[number >> 10] + _PAIRS[number & 1023] for number in numbers]
    except KeyError:
        return [prefix + encode(number) for number in numbers]


def decode_all(prefix: str, texts: Sequence[str], largest: int) -> list[int | None]:
    """Read many texts as `decode` does, each behind the prefix, a letter.

    One without it is None, as is what lies outside 1 to `largest`, which has seven digits or more.
    """
    joined = " ".join(texts)
    # All are looked at together: lists of ids that we gave out before are by far the commonest.
    if _are_plain(prefix).fullmatch(joined) and joined.count(" ") == len(texts) - 1:
        digits = joined[1:].replace(" " + prefix, " ").translate(_TRANSLATION_OF_MANY)
        return [int(number, 32) for number in digits.split(" ")]
    numbers = [decode(text[1:]) if text[:1] == prefix else None for text in texts]
    return [number if number is not None and 0 < number <= largest else None for number in numbers]


@cache
def _heads(prefix: str) -> dict[int, str]:
    """Give what numbers of three and four digits begin with; there are none for others."""
    return {number: prefix + pair.lstrip("0") for number, pair in enumerate(_PAIRS) if number}


@cache
def _are_plain(prefix: str) -> re.Pattern[str]:
    """Match ids of one to six digits, 0 not among them, with one space between them."""
    digit = "[0-9a-hjkmnp-tv-z]"
    one = f"{prefix}(?!0){digit}{{1,6}}"
    return re.compile(f"{one}(?: {one})*+")
