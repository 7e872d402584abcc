"""HTML to text: the quick way of documents with nothing but tags, and the way of all others, say the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from posthouse.formats import mime

_PIECES = st.sampled_from(
    (
        *(
            "<p>",
            "</P>",
            "<td class='a' id=\"b\">",
            '<a title="it\'s">',
            "<a title='\">",
            '<a x="',
            '">',
            "<br/>",
        ),
        *("<style>", "</style >", "<SVG>", "</svg>", "<!doctype html>", "<!-- p -->", "<!--", "-->", "<?x>"),
        *("<", ">", "<3>", "<>", "</", "word", " ", "\n", "é", "&amp;"),
    )
)


@given(st.lists(_PIECES, max_size=30).map("".join))
def test_a_sign_before_the_document_changes_nothing_behind_it(html: str) -> None:
    assert ">" + mime.html_text(html) == mime.html_text(">" + html)


@given(st.lists(st.sampled_from(("<style>", "</style>", "<svg>", "</svg>", "<b>", "a", "c")), max_size=20))
def test_what_is_not_shown_ends_at_its_own_tag(pieces: list[str]) -> None:
    shown, hidden_by = "", ""
    for piece in pieces:
        if not hidden_by and piece in ("<style>", "<svg>"):
            hidden_by = piece
        elif hidden_by and piece == hidden_by.replace("<", "</"):
            hidden_by = ""
        elif not hidden_by and piece.isalpha():
            shown += piece
    assert shown == mime.html_text("".join(pieces))
