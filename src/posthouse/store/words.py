"""Words: how text is normalised and cut, the same for what is indexed and what is searched.

All of it happens here, so that every database finds the same: `index_text` gives words with spaces between
them, and the database's tokenizer (`TOKENIZER`) only splits. Each character is folded on its own, without
regard to its neighbours, which makes the work linear and lets `locate` map words back to the places where
they stood.

The rules:

- Compatibility forms are resolved (NFKC: ligatures, full and half width), case is folded, diacritics are
  dropped, and letters that Unicode does not decompose follow their plain look (``ø`` → ``o``, ``ß`` →
  ``ss``, Turkish i without a dot → ``i``).
- Arabic loses harakat and tatweel; the forms of alef, yeh, kaf, heh and ta marbuta are one each. Hebrew
  loses its points. Decimal digits of any script become ASCII digits.
- Scripts that are written without spaces (Han, Kana, Thai, Lao, Khmer, Myanmar and kin), and Hangul, whose
  particles cling to the noun, make one word of each character: any substring of them is a phrase.
- Symbols of category So, emoji among them, are words of their own; skin tones and variation selectors go.
- All else separates: ``bob@example.org`` is three words, ``don't`` two, ``e-mail`` two, ``snake_case`` two.
  Whoever searches for such a term gets the phrase of its words, so the other spellings of the same
  punctuation are found, and the parts are found alone; ``dont`` does not find ``don't``.
- Format characters (soft hyphen, joiners, direction marks) vanish; a zero-width space separates.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate, compress, count

TOKENIZER = "ascii"
"""The FTS5 tokenizer that splits at nothing but what `index_text` made a space."""

LONGEST_TEXT = 1 << 20
"""How many characters of one text are looked at; what follows is neither indexed nor searched."""

_ALONE = re.compile(
    "[\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f"  # Myanmar
    "\u1100-\u115f\u3131-\u318e\ua960-\ua97f\uac00-\ud7a3"  # Hangul
    "\u1780-\u17ff\u1980-\u19df\u1a20-\u1aaf\u1b00-\u1b7f\ua980-\ua9df"  # Khmer, Tai, Balinese, Javanese
    "\u2e80-\u2eff\u3005-\u3007\u3021-\u3029\u3041-\u3096\u309d-\u312f\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\ua4cf\ufa0e-\ufa29\U00016fe0-\U00018dff\U0001aff0-\U0001b2ff\U00020000-\U0003ffff]"
)  # Han, Kana, Bopomofo, Yi, Tangut, Nushu

# Kana with a voicing mark of its own, and Hangul written in single letters: composed before the folding.
# A composed pair folds to the length of its first character and the others to nothing, as alone (`_fold`).
_JOINING = re.compile("[\u1161-\u11c2\u3099\u309a\uff9e\uff9f]")
_JOINED = re.compile(
    "[\u3046-\u30fd\uff66-\uff9d][\u3099\u309a\uff9e\uff9f]"
    "|[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?"
    "|[\uac00-\ud7a3][\u11a8-\u11c2]"
)
_SWALLOWED = re.compile("[\u1160-\u11ff\u3099\u309a\uff9e\uff9f]")

_PLAIN = {
    **dict(zip("øłđðħŧıȷŋƒɓɗɠƙƥƭʋȥ", "olddhtijnfbdgkptvz", strict=True)),
    **{"æ": "ae", "œ": "oe", "þ": "th", "ĸ": "k"},
    **dict(zip("ٱىیےکہھەة", "ايييكهههه", strict=True)),
    "\u0640": "",  # tatweel stretches a word and means nothing
    **dict.fromkeys("\u02b9\u02ba\u02bb\u02bc\u02bd\u02be\u02bf", " "),  # letters that are apostrophes
}
_SEPARATING = frozenset("\u200b\u2122\u2120")  # zero-width space; signs that would cling as "tm" and "sm"

_MOST_REMEMBERED = 20_000


class _Table(dict[str, str]):
    """What each character becomes, worked out when it is first met.

    Hostile text may hold every character there is: with 20,000 remembered, all are forgotten.
    """

    def __missing__(self, character: str) -> str:
        if len(self) >= _MOST_REMEMBERED:
            self.clear()
        folded = self[character] = _fold(character)
        return folded


def _fold(character: str) -> str:
    """What one character becomes wherever it stands."""
    if character in _SEPARATING:
        return " "
    if _SWALLOWED.match(character):
        return ""
    if "\u3131" <= character <= "\u318e":  # Hangul letters written alone, which NFKC makes joining ones
        return f" {character} "
    resolved = unicodedata.normalize("NFKC", character).casefold()
    letters = _SWALLOWED.sub("", unicodedata.normalize("NFKC", resolved))
    return "".join(map(_fold_resolved, letters))


def _fold_resolved(character: str) -> str:
    """Fold a character that is its own compatibility form and has no case."""
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    category = unicodedata.category(character)
    if category[0] in "LMN" and _ALONE.match(character):
        return "" if _is_diacritic(character) else f" {character} "
    if category in ("So", "Cn", "Co"):
        return f" {character} "
    if category == "Cf":
        return ""
    if category[0] not in "LMN":
        return " "
    letters = unicodedata.normalize("NFKD", character)
    return "".join(_PLAIN.get(letter, letter) for letter in letters if not _is_diacritic(letter))


def _is_diacritic(character: str) -> bool:
    """Whether a mark may be left out of a word without making it another one.

    Combining classes 1 (overlay), 7 (nukta), 10 to 36 (points of Hebrew, Arabic, Syriac) and from 200 up
    (above, below, attached); not the vowels and viramas of the scripts of India and Tibet.
    """
    mark = unicodedata.combining(character)
    if mark:
        return mark in (1, 7) or 10 <= mark <= 36 or mark >= 200
    return unicodedata.category(character) == "Me" or "\ufe00" <= character <= "\ufe0f"


_ASCII = bytes(range(128))
_ASCII_FOLDED = bytes(code if chr(code).isalnum() else 32 for code in _ASCII.lower())
_OCTETS_FOLDED = _ASCII_FOLDED + bytes(range(128, 256))  # UTF-8 beyond ASCII stays as it is
_ASCII_TABLE = _ASCII_FOLDED.decode()
_FOLDED = _Table()

_FEW = 24  # up to so many kinds of characters beyond ASCII, replacing each is faster than folding all singly


def index_text(text: str) -> str:
    """Normalise text for indexing: its words, with one space or more between them.

    Looks at the first `LONGEST_TEXT` characters; the result is at most 18 times as long (an Arabic
    ligature), usually as long as the text, and holds neither control characters nor surrogates.
    """
    text = text[:LONGEST_TEXT]
    if text.isascii():
        return text.translate(_ASCII_TABLE)
    beyond = _beyond_ascii(text)
    if len(beyond) > len(text) // 4 or len(kinds := set(beyond)) > _FEW or _JOINING.search(beyond):
        return _fold_all(text)
    octets = text.encode("utf-8", "surrogatepass").translate(_OCTETS_FOLDED)
    folded = octets.decode("utf-8", "surrogatepass")
    for kind in kinds:
        folded = folded.replace(kind, _FOLDED[kind])
    return folded


def _beyond_ascii(text: str) -> str:
    """The characters of a text that are not ASCII."""
    octets = text.encode("utf-8", "surrogatepass").translate(None, _ASCII)
    return octets.decode("utf-8", "surrogatepass")


def _fold_all(text: str) -> str:
    """Fold a text character by character; `locate` counts on the lengths."""
    if _JOINING.search(text):
        text = _JOINED.sub(lambda joined: unicodedata.normalize("NFKC", joined[0]), text)
    return "".join(map(_FOLDED.__getitem__, text))


def split(text: str) -> list[str]:
    """The words of a text, normalised, in their order."""
    return index_text(text).split()


def locate(text: str, runs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Where runs of words stand in the text itself.

    ``runs`` are pairs of indices into ``split(text)``: the first word and the one after the last; none is
    empty. The answer has a pair of offsets into ``text`` for each. Marks that belong to the last character
    are within.
    """
    text = text[:LONGEST_TEXT]
    in_step = all(len(_FOLDED[kind]) == 1 for kind in set(_beyond_ascii(text)))
    pieces = (index_text(text) if in_step else _fold_all(text)).split(" ")
    numbers = list(compress(count(), pieces))  # of the pieces that are words; the others are empty
    lengths = list(accumulate(map(len, pieces)))  # of the pieces so far; each but the first follows a space
    places = []
    for first, last in ((numbers[first], numbers[end - 1]) for first, end in runs):
        places.append((lengths[first] + first - len(pieces[first]), lengths[last] + last))
    if in_step:
        return places
    starts = list(accumulate(map(len, map(_FOLDED.__getitem__, text)), initial=0))
    # Several characters may share one start: all but the last of them fold to nothing.
    return [
        (bisect_right(starts, start) - 1, bisect_right(starts, starts[bisect_right(starts, end - 1)]) - 1)
        for start, end in places
    ]


def may_cut(text: str, at: int) -> bool:
    """Whether a text may be cut at an offset without cutting through what a reader takes for a word."""
    if at in (0, len(text)) or text[at - 1].isspace() or text[at].isspace():
        return True
    if unicodedata.category(text[at])[0] == "M" or _SWALLOWED.match(text[at]):
        return False
    return bool(_ALONE.match(text[at - 1]) or _ALONE.match(text[at]))
