# ruff: noqa: RUF001 (letters of many scripts are the subject here)
"""What a search asks for, and that index, text and snippets agree on it (RFC 8621 §4.4.1, §5)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape, unescape
from html.parser import HTMLParser

import apsw
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from posthouse.store import fulltext, words
from posthouse.store.fulltext import Query, Term

COLUMNS = ("from_", "to_", "cc", "bcc", "subject", "body")

# Few letters, so that queries are found; of several scripts, and everything that could break out of quotes.
PIECES = st.sampled_from(
    [
        *"aBÉß1½東京ガ한ㅠกبﷲ👍 -_@.'\"\\*&<>(){}:^+\n\0\u200c\u00ad\u3000\ud800",
        *("ab", "ss", "e\u0301", "カ\u3099", "ｶﾞ", "東京", "น้ำ", "คำ", "بِ"),
        *("AND", "OR", "NOT", "NEAR", "body:"),
    ]
)
TEXTS = st.lists(PIECES, max_size=40).map("".join)
SEARCHES = st.lists(PIECES, min_size=1, max_size=6).map("".join)


@pytest.fixture(scope="module")
def index() -> Iterator[apsw.Connection]:
    with apsw.Connection(":memory:") as db:
        db.execute(
            f"create virtual table t using fts5({', '.join(COLUMNS)}, "
            f"content='', contentless_delete=1, tokenize='{words.TOKENIZER}')"
        )
        yield db


def found(db: apsw.Connection, texts: dict[str, str], search: str, columns: Sequence[str]) -> bool:
    """Whether FTS5 finds a search in one row with these texts; the row is deleted again."""
    row = [words.index_text(texts.get(column, "")) for column in COLUMNS]
    db.execute("insert into t(rowid, from_, to_, cc, bcc, subject, body) values (1, ?, ?, ?, ?, ?, ?)", row)
    expression = fulltext.match_expression(fulltext.parse(search), columns)
    rows = db.execute("select rowid from t where t match ?", (expression,)).fetchall()
    db.execute("delete from t where rowid = 1")
    assert [] == db.execute("select rowid from t where t match ?", (expression,)).fetchall()
    return bool(rows)


def term(*found: str, prefix: bool = False) -> Term:
    return Term(found, prefix)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("salt pepper", [term("salt"), term("pepper")]),
        ('"salt and pepper" soup', [term("salt", "and", "pepper"), term("soup")]),
        ("'salt and pepper'", [term("salt", "and", "pepper")]),
        (r'"say \"yes\" to it"', [term("say", "yes", "to", "it")]),
        (r"'it\'s on' x", [term("it", "s", "on"), term("x")]),
        (r'"back\\slash" y', [term("back", "slash"), term("y")]),
        ("'don't panic' y'all", [term("don", "t", "panic"), term("y", "all")]),
        ("don't won't", [term("don", "t"), term("won", "t")]),
        ('"never closed', [term("never"), term("closed")]),
        ('צה"ל "א ב"', [term("צה", "ל"), term("א", "ב")]),
        ('from:"John Doe","Jane Roe"', [term("from"), term("john", "doe"), term("jane", "roe")]),
        ("pri*", [term("pri", prefix=True)]),
        ('"new yo"* ma*n', [term("new", "yo", prefix=True), term("ma", "n")]),
        ('"pri*"', [term("pri")]),
        ("東京*", [term("東", "京", prefix=True)]),
        ("東京\u3000大阪", [term("東", "京"), term("大", "阪")]),
        ("bob@example.org", [term("bob", "example", "org")]),
        ("Salt SALT sält", [term("salt")]),
        ("salt & pepper", [term("salt"), term("pepper")]),
        ("\"\" '' * & -- \ud800", []),
        ("", []),
    ],
)
def test_a_search_has_these_terms(text: str, terms: list[Term]) -> None:
    assert Query(tuple(terms)) == fulltext.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "x" * (fulltext.LONGEST_QUERY + 1),
        " ".join(f"x{number}" for number in range(fulltext.MOST_TERMS + 1)),
        "東" * (fulltext.MOST_WORDS + 1),
    ],
)
def test_a_search_that_is_too_complex_is_refused(text: str) -> None:
    with pytest.raises(fulltext.TooComplex):
        fulltext.parse(text)


@pytest.mark.parametrize(
    "search",
    [
        " ".join(f"x{number}*" for number in range(fulltext.MOST_TERMS)),
        "東" * fulltext.MOST_WORDS,
        '"' * (fulltext.LONGEST_QUERY - 1) + "x",
        "'x\\" * (fulltext.MOST_WORDS - 1) + "y'",
        "x" * fulltext.LONGEST_QUERY,
    ],
)
def test_the_largest_searches_are_answered(index: apsw.Connection, search: str) -> None:
    text = search.replace("*", "yz ")
    assert fulltext.matches(fulltext.parse(search), text)
    assert found(index, {"body": text}, search, COLUMNS)


@pytest.mark.parametrize(
    ("text", "search", "expected"),
    [
        ("Bob <bob@example.org>", "bob", True),
        ("Bob <bob@example.org>", "example", True),
        ("Bob <bob@example.org>", "example.org", True),
        ("Bob <bob@example.org>", "BOB@EXAMPLE.ORG", True),
        ("Bob <bob@example.org>", "bob@org", False),
        ("Bob <bob@example.org>", "exam", False),
        ("Bob <bob@example.org>", "exam*", True),
        ("the price is right", "price is", True),
        ("the price is right", "is price", True),
        ("the price is right", '"is price"', False),
        ("the price is right", '"price is ri"*', True),
        ("the price is right", '"pri is"', False),
        ("Zoë naïve Łódź", "zoe NAIVE lodz", True),
        ("我住在東京都。", "東京", True),
        ("我住在東京都。", "京東", False),
        ("我住在東京都。", "住 都", True),
        ("ฉันรักภาษาไทย", "ภาษา", True),
        ("학교에서 만나요", "학교", True),
        ("كِتَابُ الْعَرَبِيَّةِ", "كتاب", True),
        ("a_b don’t", "a_b don't", True),
        ("a_b don’t", "dont", False),
        ("cheers 👍🏽", "👍", True),
        ("any text", "!?", True),
    ],
)
def test_a_text_has_what_is_searched_for(
    index: apsw.Connection, text: str, search: str, expected: bool
) -> None:
    query = fulltext.parse(search)
    assert expected == fulltext.matches(query, text)
    if query.terms:
        assert expected == found(index, {"body": text}, search, COLUMNS)


def test_each_term_may_be_in_another_column_but_only_in_those_named(index: apsw.Connection) -> None:
    texts = {"from_": "Alice", "subject": "lunch", "body": "noon"}
    assert found(index, texts, "alice noon", COLUMNS)
    assert found(index, texts, "alice lunch", ("from_", "subject"))
    assert not found(index, texts, "alice noon", ("from_", "subject"))
    assert not found(index, texts, '"alice lunch"', COLUMNS)
    assert fulltext.matches(fulltext.parse("alice noon"), *texts.values())
    assert not fulltext.matches(fulltext.parse('"alice lunch"'), *texts.values())


def test_a_search_without_terms_has_no_expression() -> None:
    assert fulltext.match_expression(fulltext.parse("!!"), COLUMNS) is None


@given(TEXTS, TEXTS, SEARCHES)
def test_the_index_and_the_text_at_hand_agree(
    index: apsw.Connection, subject: str, body: str, search: str
) -> None:
    query = fulltext.parse(search)
    assume(query.terms)
    texts = {"subject": subject, "body": body}
    assert fulltext.matches(query, subject, body) == found(index, texts, search, COLUMNS)
    assert fulltext.matches(query, body) == found(index, texts, search, ["body"])


@given(TEXTS, st.text(max_size=20), TEXTS)
def test_any_piece_of_a_text_between_words_is_found_as_a_phrase(before: str, piece: str, after: str) -> None:
    query = fulltext.parse('"' + re.sub(r"""(["'\\])""", r"\\\1", piece) + '"')
    assert fulltext.matches(query, f"{before} {piece} {after}")


@given(st.text("東京都がガ々ー한국ㅠไทยน้ำลາວកម្ពុမြန်", min_size=1, max_size=20), st.data())
def test_any_part_of_a_text_without_spaces_is_found(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    assert fulltext.matches(fulltext.parse(text[start:end]), text)
    assert fulltext.matches(fulltext.parse(text[start:end] + "*"), text)


@pytest.mark.parametrize(
    ("searches", "text", "expected"),
    [
        (["price"], "The Price <is> R&D", "The <mark>Price</mark> &lt;is&gt; R&amp;D"),
        (["zoe cafe"], "Zoë's cafe\u0301!", "<mark>Zoë</mark>'s <mark>cafe\u0301</mark>!"),
        (["pri*"], "private prize apri", "<mark>private</mark> <mark>prize</mark> apri"),
        (['"a b"', '"b c"'], "a b c d", "<mark>a b c</mark> d"),
        (["東 京"], "於東京都", "於<mark>東京</mark>都"),
        (["東東"], "東東東 東", "<mark>東東東 東</mark>"),
        (["r&d"], "our R&D", "our <mark>R&amp;D</mark>"),
        (["bob@example.org"], "<bob@example.org>", "&lt;<mark>bob@example.org</mark>&gt;"),
        (["ガ"], "ｶﾞｶ", "<mark>ｶﾞ</mark>ｶ"),
        (["found", "missing"], "found", "<mark>found</mark>"),
        (["missing"], "found", None),
        ([""], "found", None),
        ([], "found", None),
        (["x"], "", None),
    ],
)
def test_what_matched_is_marked(searches: list[str], text: str, expected: str | None) -> None:
    assert expected == fulltext.mark([fulltext.parse(search) for search in searches], text)


def test_only_so_many_terms_are_marked() -> None:
    searches = [f"x{number}" for number in range(fulltext.MOST_TERMS + 1)]
    html = fulltext.mark([fulltext.parse(search) for search in searches], " ".join(searches))
    assert html is not None
    assert html.endswith(f"<mark>{searches[-2]}</mark> {searches[-1]}")


class Reader(HTMLParser):
    """Reads a snippet as a browser would: its text, and what is marked."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.marked: list[str] = []
        self.open = False
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert (tag, attrs, self.open) == ("mark", [], False)
        self.open = True
        self.marked.append("")

    def handle_endtag(self, tag: str) -> None:
        assert (tag, self.open) == ("mark", True)
        self.open = False

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.open:
            self.marked[-1] += data


@given(TEXTS, SEARCHES, SEARCHES)
def test_a_marked_text_is_the_text_with_just_the_matches_marked(text: str, first: str, second: str) -> None:
    queries = [fulltext.parse(first), fulltext.parse(second)]
    terms = [term for query in queries for term in query.terms]
    html = fulltext.mark(queries, text)
    assert (html is not None) == any(fulltext.matches(Query((term,)), text) for term in terms)
    if html is not None:
        assert text == unescape(re.sub("</?mark>", "", html))
        for marked in Reader(html.replace("\0", " ")).marked:
            assert any(fulltext.matches(Query((term,)), marked) for term in terms)


@given(st.lists(TEXTS, max_size=30).map(" ".join), SEARCHES, SEARCHES, st.integers(64, 255))
def test_a_snippet_is_a_small_passage_with_matches(text: str, first: str, second: str, octets: int) -> None:
    queries = [fulltext.parse(first), fulltext.parse(second)]
    terms = [term for query in queries for term in query.terms]
    html = fulltext.snippet(queries, text, octets)
    assert (html is not None) == any(fulltext.matches(Query((term,)), text) for term in terms)
    if html is not None:
        assert len(html.encode("utf-8", "surrogatepass")) <= octets
        assert unescape(re.sub("</?mark>", "", html)) in text
        marked = Reader(html.replace("\0", " ")).marked
        assert marked
        for piece in marked:
            cut = (
                html == f"<mark>{escape(piece, quote=False)}</mark>"
            )  # a match that fills the passage may have been longer
            assert cut or any(fulltext.matches(Query((term,)), piece) for term in terms)


def test_a_snippet_shows_the_densest_passage_with_something_before_it() -> None:
    filler = "Lorem ipsum dolor sit amet. " * 40
    text = f"{filler}apples alone. {filler}We sell apples & pears here. {filler}"
    html = fulltext.snippet([fulltext.parse("pears apples")], text)
    assert html is not None
    assert "sell <mark>apples</mark> &amp; <mark>pears</mark> here." in html
    assert 200 < len(html.encode()) <= 255
    read = Reader(html).text
    assert f" {read} " in text
    assert 20 < read.index("apples") < 100


@pytest.mark.parametrize("distance", range(56, 80))
def test_what_is_shown_of_a_match_is_marked_also_at_the_edge(distance: int) -> None:
    query = fulltext.parse("hit")
    html = fulltext.snippet([query], "hit " + "ab " * distance + "hit " + "cd " * 100)
    assert html is not None
    assert fulltext.mark([query], Reader(html).text) == html


def test_of_passages_that_are_alike_the_first_is_shown() -> None:
    html = fulltext.snippet([fulltext.parse("hit")], "first hit " + "x " * 500 + "last hit")
    assert html is not None
    assert html.startswith("first <mark>hit</mark> x")


def test_a_snippet_of_a_script_without_spaces_is_filled_to_the_end() -> None:
    text = "我们在这里" * 100 + "東京" + "我们在这里" * 100
    html = fulltext.snippet([fulltext.parse("東京")], text)
    assert html is not None
    assert 250 < len(html.encode()) <= 255
    assert "里<mark>東京</mark>我" in html


def test_a_snippet_of_a_short_text_is_all_of_it() -> None:
    assert "so <mark>good</mark> a day" == fulltext.snippet([fulltext.parse("good")], "  so good a day\n")


def test_a_match_that_does_not_fit_is_cut_and_marked_still() -> None:
    html = fulltext.snippet([fulltext.parse('"y z"')], "a y" + "&" * 1000 + "z here")
    assert "<mark>y" + "&amp;" * 48 + "</mark>" == html


def test_words_that_would_be_cut_are_left_out() -> None:
    url = "https://" + "x" * 300
    assert "<mark>see</mark>" == fulltext.snippet([fulltext.parse("see")], f"{url} see {url}")


@pytest.mark.parametrize(
    ("search", "text"),
    [
        ("a", "a " * 500_000),
        ('"' + "a " * 200 + '"', "a " * 500_000),
        ('"' + "a " * 200 + 'b"', "a " * 500_000),
        ("a*", "a" * 1_000_000),
        ("é", "é\u0301" * 500_000),
        ("\u1100", "\u1100" * 1_000_000),
        ("東京", "東" * 1_000_000),
        ("x", "&" * 500_000 + " x " + " " * 500_000),
    ],
)
def test_a_megabyte_of_anything_is_answered(search: str, text: str) -> None:
    """Nothing is quadratic: these would take hours, not the part of a second they do."""
    queries = [fulltext.parse(search)]
    html = fulltext.snippet(queries, text)
    assert (html is not None) == fulltext.matches(queries[0], text)
    assert len((html or "").encode()) <= 255
