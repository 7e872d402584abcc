"""SearchSnippet: what of an Email a search matched, marked for a reader (RFC 8621 §5)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from posthouse.model.condition import Condition, Leaf, Neither, Test
from posthouse.store import fulltext

MAX_PREVIEW = 255
"""Octets of a preview at most (RFC 8621 §5)."""

_MOST_SEARCHES = 64  # of one filter that are marked


@dataclass(frozen=True, slots=True)
class Wanted:
    """The searches of a filter whose words are to be marked in a subject and in a body."""

    subject: tuple[fulltext.Query, ...]
    body: tuple[fulltext.Query, ...]


@dataclass(frozen=True, slots=True)
class Snippet:
    """HTML with what matched in ``<mark>``; None where nothing did (RFC 8621 §5)."""

    subject: str | None
    preview: str | None


def wanted(where: Condition | None) -> Wanted:
    """Collect what a filter looks for in subjects and bodies.

    What a NOT excludes is not looked for; what a NOT within a NOT lets in, is. Of each column the first 64
    different searches count.

    Raises `fulltext.TooComplex` for a search that Email/query refuses as well.
    """
    texts: dict[str, dict[str, None]] = {"subject": {}, "body": {}}
    waiting = [(where, True)] if where is not None else []
    while waiting:
        part, included = waiting.pop()
        if not isinstance(part, Leaf):
            inner = included != isinstance(part, Neither)
            waiting.extend((child, inner) for child in reversed(part.parts))
        elif included and part.filter.test is Test.SEARCH:
            for column in texts.keys() & set(part.filter.on):
                texts[column][part.value] = None
    return Wanted(_parsed(texts["subject"]), _parsed(texts["body"]))


def _parsed(texts: Iterable[str]) -> tuple[fulltext.Query, ...]:
    return tuple(fulltext.parse(text) for text in islice(texts, _MOST_SEARCHES))


def snippet(wanted: Wanted, subject: str, bodies: Iterable[str]) -> Snippet:
    """Mark what was wanted in the subject, and in a passage of the first body that has any of it.

    ``bodies`` are the texts that a reader may see, HTML already turned into plain text, in their order; only
    as many are taken as are needed, so they may be made one by one.
    """
    marked = fulltext.mark(wanted.subject, subject)
    if not any(query.terms for query in wanted.body):
        return Snippet(marked, None)
    passages = (fulltext.snippet(wanted.body, body, MAX_PREVIEW) for body in bodies)
    return Snippet(marked, next((passage for passage in passages if passage is not None), None))
