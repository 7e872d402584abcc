"""Address lists, right and wrong ones (RFC 5322 §3.4, RFC 8621 §4.1.2.3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.formats.mime import as_addresses, as_grouped_addresses
from posthouse.formats.mime.address import _Reader, _simple

RFC_EXAMPLE = (
    '   "  James Smythe" <james@example.com>, Friends:\r\n'
    "  jane@example.com, =?UTF-8?Q?John_Sm=C3=AEth?=\r\n  <john@example.com>;"
)


def test_example_of_the_standard() -> None:
    james = {"name": "James Smythe", "email": "james@example.com"}
    jane = {"name": None, "email": "jane@example.com"}
    john = {"name": "John Smîth", "email": "john@example.com"}
    assert [james, jane, john] == as_addresses(RFC_EXAMPLE)
    assert [
        {"name": None, "addresses": [james]},
        {"name": "Friends", "addresses": [jane, john]},
    ] == as_grouped_addresses(RFC_EXAMPLE)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("a@b", [(None, "a@b")]),
        (" a@b , c@d,", [(None, "a@b"), (None, "c@d")]),
        ("Joe Q. Public <j@p>", [("Joe Q. Public", "j@p")]),
        ("Joe  Q.\r\n Public<j@p>", [("Joe Q. Public", "j@p")]),
        ('"Public, Joe" <j@p>', [("Public, Joe", "j@p")]),
        ('" a  \\"b\\" \\\\ " <j@p>', [('a  "b" \\', "j@p")]),
        ('"" <j@p>', [(None, "j@p")]),
        ('Joe "the man" Public <j@p>', [("Joe the man Public", "j@p")]),
        ("j@p (Joe (the) Public)", [("Joe (the) Public", "j@p")]),
        ("j@p (=?utf-8?q?J=C3=B6e?=)", [("Jöe", "j@p")]),
        ("Joe <j@p> (other)", [("Joe", "j@p")]),
        ("Joe (c) <j(c)@(c)p>", [("Joe", "j@p")]),
        ("<@a,@b:j@p>", [(None, "j@p")]),
        ("Joe <@a:j@p>, k@p", [("Joe", "j@p"), (None, "k@p")]),
        ('"joe public"@p', [(None, '"joe public"@p')]),
        ("j@[127.0.0.1]", [(None, "j@[127.0.0.1]")]),
        ("<j@[IPv6:::1]>", [(None, "j@[IPv6:::1]")]),
        ("j . k @ p . q", [(None, "j.k@p.q")]),
        ("Jürgen <jürgen@bücher.example>", [("Jürgen", "jürgen@bücher.example")]),
        ("Ju\u0308rgen <j@p>", [("Jürgen", "j@p")]),
        ("=?utf-8?q?J=C3=BC?= =?utf-8?q?rgen?= B <j@p>", [("Jürgen B", "j@p")]),
        ("=?utf-8?q?J=C3=BC?=<j@p>", [("Jü", "j@p")]),
        ("=?utf-8?q?a=2C_b=3Cc=40d=3E?= <j@p>", [("a, b<c@d>", "j@p")]),
        # No encoded-word stands in a quoted string (RFC 2047 §5).
        ('"=?utf-8?q?J=C3=BC?=" <j@p>', [("=?utf-8?q?J=C3=BC?=", "j@p")]),
        # Drafts and the malformed.
        ("", []),
        (" ,;, ", []),
        ("<>", []),
        ("Joe <>", [("Joe", "")]),
        ("Joe", [(None, "Joe")]),
        ("Joe Public", [(None, "Joe Public")]),
        ("Joe j@p", [("Joe", "j@p")]),
        ("Joe <j@p", [("Joe", "j@p")]),
        ("Joe j@p>", [("Joe", "j@p")]),
        ('"Joe <j@p>, k@p', [("Joe", "j@p"), (None, "k@p")]),
        ("Joe (open <j@p>", [("Joe (open", "j@p")]),
        ("a@b; c@d", [(None, "a@b"), (None, "c@d")]),
        ("a@b c@d", [(None, "a@b c@d")]),
        ("Joe <j@p> <k@p>", [("Joe", "k@p")]),
        ("a@b\0\x07", [(None, "a@b")]),
    ],
)
def test_addresses(raw: str, expected: list[tuple[str | None, str]]) -> None:
    assert expected == [(one["name"], one["email"]) for one in as_addresses(raw)]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Friends: x@y, Z <z@z>;, q@q", [("Friends", ["x@y", "z@z"]), (None, ["q@q"])]),
        ("a@a, b@b, G:; c@c", [(None, ["a@a", "b@b"]), ("G", []), (None, ["c@c"])]),
        ("undisclosed-recipients:;", [("undisclosed-recipients", [])]),
        ('"My, group": a@a;', [("My, group", ["a@a"])]),
        ("=?utf-8?q?Gr=C3=BC=C3=9Fe?=: a@a;", [("Grüße", ["a@a"])]),
        ("A: a@a, B: b@b; c@c;", [("A", ["a@a"]), ("B", ["b@b"]), (None, ["c@c"])]),
        ("A: a@a", [("A", ["a@a"])]),
        (": a@a;", [("", ["a@a"])]),
        ("", []),
    ],
)
def test_groups(raw: str, expected: list[tuple[str | None, list[str]]]) -> None:
    found = as_grouped_addresses(raw)
    assert expected == [(group["name"], [one["email"] for one in group["addresses"]]) for group in found]


@given(
    st.lists(
        st.sampled_from(
            [
                "a",
                "b c",
                "@",
                "x@y",
                "<",
                ">",
                '"',
                "q r",
                ",",
                " ",
                "\r\n ",
                ".",
                "=?utf-8?q?=C3=A4?=",
                "ä",
                "\0",
            ]
        ),
        max_size=12,
    ).map("".join)
)
def test_short_way_for_common_lists_answers_as_the_long_one(raw: str) -> None:
    short = _simple(raw)
    if short is not None:
        assert short == [
            one for group in _Reader(raw.replace("\r\n", "")).read() for one in group["addresses"]
        ]


@pytest.mark.parametrize(
    "piece", ["(", '"', '\\"', "<", ">", "a@b,", "(a)", "a:", ";", "[", "<@a,", '""', "(\\"]
)
def test_long_lists_take_linear_time(piece: str) -> None:
    """100 kB of each; a quadratic reader runs into the time limit of the suite."""
    as_addresses(piece * (100_000 // len(piece)))
