"""Full text: what a user's search asks for, whether a text has it, and where (RFC 8621 §4.4.1, §5).

A search is a list of terms that must all be found. A term is a word, or several words that follow each other:
text in single or double quotes, or a word with punctuation or of a script without spaces, which `words` cuts
in several. A star at its end makes the last word a prefix. The same terms serve the index
(`match_expression`), a text at hand (`matches`) and the snippets (`mark`, `snippet`); all agree, because all
compare the words that `words` gives them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import islice
from typing import NamedTuple

from posthouse.store import words

LONGEST_QUERY = 1000
"""How many characters the text of a search may have."""

MOST_TERMS = 50
"""How many different terms one search may have."""

MOST_WORDS = 256
"""How many words the terms of one search may have together."""

_MOST_HITS = 1000  # of one term in one text that are marked

# Within quotes RFC 8621 §4.4.1 has \' \" and \\ escaped. A quote within a word is an apostrophe or an inch
# and neither opens nor closes; one that is never closed is punctuation.
_PHRASE = re.compile(
    r"""
    (?<![\w\\]) (?P<quote>["'])
    (?P<phrase> (?: \\. | (?!(?P=quote))[^\\] | (?P=quote)(?=\w) )*+ )
    (?P=quote)
    (?P<star>\*?)
    """,
    re.VERBOSE | re.DOTALL,
)


class TooComplex(ValueError):
    """The search is longer, or has more terms or words, than this server looks for."""


@dataclass(frozen=True, slots=True)
class Term:
    """Words, normalised, that must follow each other; of the last one only the beginning if ``prefix``."""

    words: tuple[str, ...]
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """The terms of one search, none twice; all must be found, so with none of them everything matches."""

    terms: tuple[Term, ...]


def parse(text: str) -> Query:
    """Read the text of a search (RFC 8621 §4.4.1).

    White space divides terms; quoted text is one. What holds no searchable character (``&``, ``--``, ``""``)
    asks for nothing and is left out: ``salt & pepper`` has two terms, ``&`` none.

    Raises `TooComplex` if the text has more than `LONGEST_QUERY` characters, more than `MOST_TERMS` terms or
    more than `MOST_WORDS` words.
    """
    if len(text) > LONGEST_QUERY:
        raise TooComplex(f"a search has at most {LONGEST_QUERY} characters")
    terms = tuple(dict.fromkeys(term for term in _terms(text) if term.words))
    if len(terms) > MOST_TERMS:
        raise TooComplex(f"a search has at most {MOST_TERMS} terms")
    if sum(len(term.words) for term in terms) > MOST_WORDS:
        raise TooComplex(f"a search has at most {MOST_WORDS} words")
    return Query(terms)


def _terms(text: str) -> Iterator[Term]:
    """Cut the text of a search in terms; one that holds nothing searchable has no words."""
    read = 0
    for match in _PHRASE.finditer(text):
        yield from _loose_terms(text[read : match.start()])
        # Backslashes need no care: what they escape separates words as they do.
        yield Term(tuple(words.split(match["phrase"])), bool(match["star"]))
        read = match.end()
    yield from _loose_terms(text[read:])


def _loose_terms(text: str) -> Iterator[Term]:
    for term in text.split():
        yield Term(tuple(words.split(term)), term.endswith("*"))


def match_expression(query: Query, columns: Sequence[str]) -> str | None:
    """Write a query as an FTS5 MATCH expression over some columns; each term may be found in any of them.

    None if the query has no terms: then every row matches, which FTS5 cannot say.
    """
    if not query.terms:
        return None
    # Words hold no quotes (`words.index_text` made them spaces), so nothing can end the string early.
    terms = " AND ".join(f'"{" ".join(term.words)}"{"*" if term.prefix else ""}' for term in query.terms)
    names = " ".join('"' + column.replace('"', '""') + '"' for column in columns)
    return f"{{{names}}} : ({terms})"


def matches(query: Query, *texts: str) -> bool:
    """Whether each term of a query is found in one of the texts, as the index would find it."""
    hays = [hay(words.split(text)) for text in texts]
    return all(any(needle(term) in one for one in hays) for term in query.terms)


def hay(found: Sequence[str]) -> str:
    """Words with one space before, between and after them, in which to look for a `needle`."""
    return f" {' '.join(found)} "


def needle(term: Term) -> str:
    """What a `hay` holds if and only if its words have the term."""
    return f" {' '.join(term.words)}{'' if term.prefix else ' '}"


class _Hit(NamedTuple):
    """Where a text has a term: offsets into the text, and which of the terms it is."""

    start: int
    end: int
    term: Term


def _hits(queries: Sequence[Query], text: str) -> list[_Hit]:
    """Find the terms of all queries in a text, ordered by their start.

    Looks for no more terms than one search may have, and for each of them no more than 1,000 times.
    """
    within = hay(words.split(text))
    runs: list[tuple[int, int]] = []
    terms: list[Term] = []
    wanted = dict.fromkeys(term for query in queries for term in query.terms)
    for term in islice(wanted, MOST_TERMS):
        for first in islice(_occurrences(needle(term), within), _MOST_HITS):
            runs.append((first, first + len(term.words)))
            terms.append(term)
    if not runs:
        return []
    places = zip(words.locate(text, runs), terms, strict=True)
    return sorted((_Hit(start, end, term) for (start, end), term in places), key=lambda hit: hit.start)


def _occurrences(needle: str, hay: str) -> Iterator[int]:
    """Which words of the hay begin an occurrence of the needle."""
    counted = word = 0
    at = hay.find(needle)
    while at >= 0:
        word += hay.count(" ", counted, at)
        counted = at
        yield word
        at = hay.find(needle, at + 1)


def _merge(hits: Sequence[_Hit]) -> list[tuple[int, int]]:
    """The stretches of text that hits cover, in order, those that touch made one."""
    spans: list[tuple[int, int]] = []
    for hit in hits:
        if spans and hit.start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], hit.end))
        else:
            spans.append((hit.start, hit.end))
    return spans


def _render(text: str, start: int, end: int, spans: Sequence[tuple[int, int]]) -> str:
    """Write a stretch of text as HTML with the spans, which lie within it, marked."""
    pieces = []
    for marked_start, marked_end in spans:
        pieces.append(escape(text[start:marked_start], quote=False))
        pieces.append(f"<mark>{escape(text[marked_start:marked_end], quote=False)}</mark>")
        start = marked_end
    pieces.append(escape(text[start:end], quote=False))
    return "".join(pieces)


def mark(queries: Sequence[Query], text: str) -> str | None:
    """The whole text as HTML with what matched any term in ``<mark>``; None if nothing did (RFC 8621 §5).

    The text keeps its case, its diacritics and its white space. Marked are the first `MOST_TERMS` terms, and
    of each the first 1,000.
    """
    spans = _merge(_hits(queries, text))
    return _render(text, 0, len(text), spans) if spans else None


_TAGS = len("<mark></mark>")


def snippet(queries: Sequence[Query], text: str, max_octets: int = 255) -> str | None:
    """The passage of a text with most of the terms, as HTML with marks; None if none matched (RFC 8621 §5).

    At most ``max_octets`` of UTF-8, which are at least 32. It begins and ends between words or at a mark. If
    not even the match fits (a long phrase, a prefix of a very long word), the passage is its beginning.
    """
    hits = _hits(queries, text)
    if not hits:
        return None
    spans = _merge(hits)
    best = _densest(hits, _reach(text, max_octets))
    index = next(index for index, (_, end) in enumerate(spans) if best.start < end)
    start, end = spans[index]
    room = max_octets - _cost(text, start, end) - _TAGS
    if room < 0:
        cut = _fit(text, start, end, max_octets - _TAGS)
        return _render(text, start, cut, [(start, cut)])
    stop, shown = _forward(text, spans[index:], room - min(room // 4, start))
    room = max_octets - _cost(text, start, stop) - _TAGS * len(shown)
    begin = _backward(text, spans[index - 1][1] if index else 0, start, room)
    return _render(text, begin, stop, shown)


def _reach(text: str, max_octets: int) -> int:
    """About how many characters of this text a passage may hold beside its marks."""
    octets = len(text.encode("utf-8", "surrogatepass"))
    return max(1, max_octets * 2 // 3 * len(text) // octets)


def _densest(hits: Sequence[_Hit], reach: int) -> _Hit:
    """The first hit of the stretch of that many characters with most different terms, then most hits."""
    within: Counter[Term] = Counter()
    best, best_score = hits[0], (0, 0)
    ahead = 0
    for number, hit in enumerate(hits):
        while ahead < len(hits) and hits[ahead].start < hit.start + reach:
            within[hits[ahead].term] += 1
            ahead += 1
        score = (len(within), ahead - number)
        if score > best_score:
            best, best_score = hit, score
        within[hit.term] -= 1
        if not within[hit.term]:
            del within[hit.term]
    return best


def _forward(text: str, spans: Sequence[tuple[int, int]], room: int) -> tuple[int, list[tuple[int, int]]]:
    """Go on behind the first span as far as the octets reach: where to stop, and the spans before that."""
    shown = [spans[0]]
    stop = spans[0][1]
    limit = len(text)
    for start, end in spans[1:]:
        cost = _cost(text, stop, end) + _TAGS
        if cost > room:
            limit = start  # this far without a mark, but none is left half
            break
        room -= cost
        shown.append((start, end))
        stop = end
    cut = _fit(text, stop, limit, room)
    while cut > stop and not words.may_cut(text, cut):
        cut -= 1
    return stop + len(text[stop:cut].rstrip()), shown


def _backward(text: str, floor: int, start: int, room: int) -> int:
    """Go back from a span as far as the octets reach, but not before the floor: where to begin."""
    begin = start
    while begin > floor and (cost := _cost_of_one(text[begin - 1])) <= room:
        begin -= 1
        room -= cost
    while begin < start and (text[begin].isspace() or not words.may_cut(text, begin)):
        begin += 1
    return begin


def _cost(text: str, start: int, end: int) -> int:
    """How many octets of HTML a stretch of text takes."""
    return len(escape(text[start:end], quote=False).encode("utf-8", "surrogatepass"))


def _fit(text: str, start: int, end: int, room: int) -> int:
    """How far a stretch of text, from its start, takes no more octets than there is room for."""
    while start < end and (cost := _cost_of_one(text[start])) <= room:
        start += 1
        room -= cost
    return start


_ENTITIES = {character: len(escape(character)) for character in "&<>"}


def _cost_of_one(character: str) -> int:
    """`_cost` of one character, without the way through strings and octets."""
    if character < "\x80":
        return _ENTITIES.get(character, 1)
    return 2 if character < "\u0800" else 3 if character < "\U00010000" else 4
