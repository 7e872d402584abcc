"""Which words of a filter are marked, and where (RFC 8621 §5)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from posthouse.capabilities.mail.snippet import Snippet, Wanted, snippet, wanted
from posthouse.model.condition import Both, Condition, Either, Leaf, Neither, equals, search
from posthouse.store import fulltext

TEXT = search("text", "from_ to_ cc bcc subject body")
SUBJECT = search("subject", "subject")
BODY = search("body", "body")
FROM = search("from", "from_")


def queries(*texts: str) -> tuple[fulltext.Query, ...]:
    return tuple(map(fulltext.parse, texts))


@pytest.mark.parametrize(
    ("where", "subject", "body"),
    [
        (None, (), ()),
        (Leaf(TEXT, "a"), ("a",), ("a",)),
        (Leaf(SUBJECT, "a"), ("a",), ()),
        (Leaf(BODY, "a"), (), ("a",)),
        (Leaf(FROM, "a"), (), ()),
        (Leaf(equals("hasAttachment"), True), (), ()),
        (Both((Leaf(SUBJECT, "a"), Either((Leaf(BODY, "b"), Leaf(TEXT, "c"))))), ("a", "c"), ("b", "c")),
        (Both((Leaf(TEXT, "a"), Neither((Leaf(TEXT, "b"),)))), ("a",), ("a",)),
        (Neither((Both((Leaf(TEXT, "a"), Neither((Leaf(TEXT, "b"),)))),)), ("b",), ("b",)),
        (Both((Leaf(TEXT, "a"), Leaf(TEXT, "a"))), ("a",), ("a",)),
    ],
)
def test_a_filter_looks_for_what_it_does_not_exclude(
    where: Condition | None, subject: tuple[str, ...], body: tuple[str, ...]
) -> None:
    assert Wanted(queries(*subject), queries(*body)) == wanted(where)


def test_a_deep_and_wide_filter_is_bounded() -> None:
    where: Condition = Both(tuple(Leaf(TEXT, f"x{number}") for number in range(1000)))
    for _ in range(5000):
        where = Both((where,))
    assert queries(*(f"x{number}" for number in range(64))) == wanted(where).body


def test_a_search_that_the_query_refuses_is_refused() -> None:
    with pytest.raises(fulltext.TooComplex):
        wanted(Leaf(TEXT, "x" * 2000))


def test_subject_and_body_are_marked() -> None:
    found = snippet(wanted(Leaf(TEXT, "lunch")), "Lunch & more", ["Shall we have lunch?"])
    assert Snippet("<mark>Lunch</mark> &amp; more", "Shall we have <mark>lunch</mark>?") == found


def test_what_did_not_match_is_null() -> None:
    assert Snippet(None, None) == snippet(wanted(Leaf(TEXT, "lunch")), "Dinner", ["Dinner"])
    assert Snippet(None, None) == snippet(wanted(None), "Dinner", ["Dinner"])


def test_the_first_body_that_matches_is_shown_and_no_further_one_is_made() -> None:
    def bodies() -> Iterator[str]:
        yield "nothing"
        yield "lunch one"
        raise AssertionError("not needed")

    assert "<mark>lunch</mark> one" == snippet(wanted(Leaf(BODY, "lunch")), "", bodies()).preview


def test_no_body_is_made_when_nothing_is_looked_for_in_it() -> None:
    for where in (Leaf(SUBJECT, "lunch"), Leaf(TEXT, "!?")):
        bodies: Iterator[str] = map(pytest.fail, ["a body was made"])
        assert Snippet(None, None) == snippet(wanted(where), "x", bodies)
