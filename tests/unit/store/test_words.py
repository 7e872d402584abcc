# ruff: noqa: RUF001 (letters of many scripts are the subject here)
"""How text becomes words, for the index and for whoever searches it (RFC 8621 §4.4.1)."""

from __future__ import annotations

import unicodedata

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.store import words

TEXTS = st.text(
    st.sampled_from("aZ09 -_'@.éÉßİıǅø\u0301\0\t\u2028\ud800") | st.characters(), max_size=60
) | st.text(
    st.sampled_from("がか\u3099ｶﾞ각\u1100\u1161\u11a8ㅠไทยน้ำက္က漢㍿كِتابـ\u200c\u200b👍🏽\ufe0f½ﬁ x"),
    max_size=60,
)


@pytest.fixture(scope="module")
def folds() -> dict[int, str]:
    """What each character becomes; from U+20000 on there is nothing new but tags and private use."""
    return {code: words._fold(chr(code)) for code in (*range(0x20000), *range(0xE0000, 0xE0200), 0x10FFFD)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The QUICK fox.", "the quick fox"),
        ("bob@example.org", "bob example org"),
        ("don't e-mail snake_case", "don t e mail snake case"),
        ("don’t e‐mail", "don t e mail"),
        ("Ångström CAFÉ cafe\u0301 naïve", "angstrom cafe cafe naive"),
        ("Ørsted Łódź Đà þing straße STRASSE Æon œuvre", "orsted lodz da thing strasse strasse aeon oeuvre"),
        ("İstanbul ISPARTA ılık", "istanbul isparta ilik"),
        ("Ὀδυσσεύς ΟΔΥΣΣΕΥΣ", "οδυσσευσ οδυσσευσ"),
        ("Ёлка ёлка", "елка елка"),
        ("Ｔｏｋｙｏ１２ ﬁn ①", "tokyo12 fin 1"),
        ("كِتَابٌ الســلام", "كتاب السلام"),
        ("أإآٱا مدرسة على ی ک", "ااااا مدرسه علي ي ك"),
        ("٣٤ ۳۴ ३४ ๓๔", "34 34 34 34"),
        ("שָׁלוֹם", "שלום"),
        ("می\u200cخواهم so\u00adft", "ميخواهم soft"),
        ("東京Tower都", "東 京 tower 都"),
        ("ｶﾞｷﾞ ガギ カ\u3099", "ガ ギ ガ ギ ガ"),
        ("학교에서 \u1112\u1161\u11a8", "학 교 에 서 학"),
        ("ㅠㅠ ㅋ", "ㅠ ㅠ ㅋ"),
        ("น้ำ น\u0e49\u0e4dา", "น ้ ํ า น ้ ํ า"),
        ("ភាសា", "ភ ា ស ា"),
        ("क़िताब क्या", "किताब क्या"),
        ("ok👍🏽 ❤️ 👩\u200d💻", "ok 👍 ❤ 👩 💻"),
        ("Posthouse™ €5 C++", "posthouse 5 c"),
        ("a\0b\ud800c\u200bd\u00a0e", "a b c d e"),
        ("", ""),
    ],
)
def test_text_becomes_these_words(text: str, expected: str) -> None:
    assert expected.split(" ") == (words.split(text) or [""])


def test_every_character_folds_to_what_folds_to_itself(folds: dict[int, str]) -> None:
    """So that searching for what the index holds finds it, and replacing in any order is the same."""
    again = {code: "".join(map(words._fold, once)).split() for code, once in folds.items()}
    assert [] == [hex(code) for code, once in folds.items() if once.split() != again[code]]


def test_no_character_folds_to_something_long_or_unclean(folds: dict[int, str]) -> None:
    assert 18 >= max(map(len, folds.values()))
    assert set() == {
        character
        for character in set().union(*folds.values())
        if character != " " and (character.isspace() or unicodedata.category(character) in ("Cc", "Cs"))
    }


def test_ascii_folds_alike_in_each_way(folds: dict[int, str]) -> None:
    assert words._ASCII_TABLE == "".join(folds[code] for code in range(128))


def test_what_is_remembered_is_bounded() -> None:
    every = "".join(map(chr, range(0x10000)))
    assert len(words.split(every)) > 40_000
    assert len(words._FOLDED) <= words._MOST_REMEMBERED


@given(TEXTS)
def test_few_and_many_kinds_of_characters_give_the_same_words(text: str) -> None:
    """`index_text` has three ways; the last of them is the plain one."""
    for padded in (text, text + " plain" * len(text)):
        assert words._fold_all(padded).split() == words.split(padded)


@given(TEXTS)
def test_the_database_splits_as_we_do(text: str) -> None:
    with apsw.Connection(":memory:") as db:
        db.execute(
            "create virtual table t using fts5"
            f"(subject, content='', contentless_delete=1, tokenize='{words.TOKENIZER}')"
        )
        db.execute("create virtual table v using fts5vocab(t, instance)")
        db.execute("insert into t(rowid, subject) values (1, ?)", (words.index_text(text),))
        rows = db.execute("select term from v order by offset").fetchall()
    assert words.split(text) == [term for (term,) in rows]


@given(TEXTS)
def test_each_word_is_found_where_it_stands(text: str) -> None:
    found = words.split(text)
    places = words.locate(text, [(index, index + 1) for index in range(len(found))])
    for word, (start, end) in zip(found, places, strict=True):
        assert word in words.split(text[start:end])


def test_a_place_keeps_the_marks_of_its_last_character() -> None:
    text = "un cafe\u0301 noir"
    assert [(3, 8)] == words.locate(text, [(1, 2)])
    assert [(3, 13)] == words.locate(text, [(1, 3)])


def test_what_follows_the_longest_text_is_not_looked_at() -> None:
    text = "é" + "x" * (words.LONGEST_TEXT - 2) + " late"
    assert ["e" + "x" * (words.LONGEST_TEXT - 2)] == words.split(text)
    assert [(0, words.LONGEST_TEXT - 1)] == words.locate(text, [(0, 1)])
