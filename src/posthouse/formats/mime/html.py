"""HTML to the text a reader would see, for previews and search; not for display.

A document is cut into text and tags in time linear in its length: a tag is never looked for past the next
``<``. Where nothing but tags has a ``<`` or ``>``, the cut is plain splitting, many times faster than the
regular expression that cuts anything. A tree-building parser was tried: it needs 25 s for 500 kB of nested
``<div>``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from html import unescape

_LONGEST = 1_000_000

# A quoted attribute may hold a ">"; a quote that is not closed before the next "<" is a sign like others.
_MARKUP = re.compile(
    r"<((?:/?[a-zA-Z][a-zA-Z0-9]*+|[!?/])"
    r"""[^<>"']*+(?:"[^"<]*+"[^<>"']*+|'[^'<]*+'[^<>"']*+)*+[^<>]*+)(?:>|\Z)"""
)
_NAME = re.compile(r"/?[a-zA-Z][a-zA-Z0-9]*+|[!?/]")
_COMMENT = re.compile(r"<!--(?:[^-]++|-(?!->))*+(?:-->|\Z)")
_NO_TAG = "<!>"  # stands where a comment was: it shows nothing, and no tag goes past it
# A tag without its "<", after the ">" of another one, that ends at its first ">" whatever comes behind.
_WHOLE_TAG = re.compile(
    r"""(?<![^>])(/?[a-zA-Z][a-zA-Z0-9]*+|[!?/])[^>"']*+(?:"[^">]*+"[^>"']*+|'[^'>]*+'[^>"']*+)*+>"""
)
_BUT_BRACKETS = bytes(set(range(256)) - set(b"<>"))
_BLOCKS = (
    "p div br hr tr table tbody thead tfoot li ul ol dl dt dd h1 h2 h3 h4 h5 h6 blockquote center pre form section "
    "article header footer aside main nav address figure figcaption option body html head meta link"
)
# What a tag puts between the texts at its sides; nothing for those not named.
_BREAKS = {slash + name: "\n" for name in _BLOCKS.split() for slash in ("", "/")} | {
    slash + name: " " for name in ("td", "th", "img") for slash in ("", "/")
}
# What is between these tags is not text. One that is never closed reaches to the end, as in a browser.
_UNSEEN = ("script", "style", "title", "template", "textarea", "svg")
_HIDES = "hides"  # stands where one begins till it is taken out
_BREAKS |= dict.fromkeys(_UNSEEN, _HIDES)
# One that is empty, as the many pictures have that only keep rows apart, is none.
_HINT = re.compile(
    r"""[\s"'](?:alt|title)\s*+=\s*+(?:"([^"<]*+)"|'([^'<]*+)'|([^\s"'<>]++))""", re.IGNORECASE
)


def html_text(html: str) -> str:
    """Return the text of an HTML document: a line feed where a block begins or ends, entities decoded.

    White space inside a block is left as it stands. Only the first million characters are read; it never
    fails, and takes time linear in them.
    """
    return html_text_and_hints(html)[0]


def html_text_and_hints(html: str) -> tuple[str, str]:
    """Return `html_text`, and what the tags say of pictures and links in ``alt`` and ``title`` (RFC 8621 §4.4.1).

    The hints stand one a line; those of tags that are alike stand once.
    """
    html = html[:_LONGEST]
    hints = ""
    if "<" in html:
        html, hints = _without_markup(html)
    return _without_entities(html), _without_entities(hints)


def _without_markup(html: str) -> tuple[str, str]:
    """Give the texts between the tags, and the hints in those; entities are still to be decoded."""
    if "<!--" in html:
        html = _COMMENT.sub(_NO_TAG, html)
    pieces, name_of = _cut(html)
    tags = pieces[1::2]
    between = {tag: _BREAKS.get(name, "") for tag, name in name_of.items()}
    pieces[1::2] = map(between.__getitem__, tags)
    if _HIDES in between.values():
        _drop_unseen(tags, name_of, pieces)
    return "".join(pieces), "\n".join(_hints(name_of))


def _cut(html: str) -> tuple[list[str], dict[str, str]]:
    """Cut a document into text, tag, text, tag ... text; also give the name of each tag, in lower case.

    The tags come without their brackets.
    """
    brackets = html.encode("utf-8", "surrogatepass").translate(None, _BUT_BRACKETS)
    if brackets == b"<>" * (len(brackets) // 2):
        pieces = html.replace("<", ">").split(">")
        kinds = list(dict.fromkeys(pieces[1::2]))
        names = _WHOLE_TAG.findall(">".join((*kinds, "")))
        if len(names) == len(kinds):
            return pieces, dict(zip(kinds, map(str.lower, names), strict=True))
    pieces = _MARKUP.split(html)
    return pieces, {tag: name[0].lower() for tag in pieces[1::2] if (name := _NAME.match(tag))}


def _hints(tags: Iterable[str]) -> Iterator[str]:
    """Yield what tags say in ``alt`` and ``title``; to look for the words first is many times faster."""
    for tag in tags:
        lower = tag.lower()
        if "alt" in lower or "title" in lower:
            for quoted, single_quoted, bare in _HINT.findall(tag):
                if hint := quoted or single_quoted or bare:
                    yield hint


def _drop_unseen(tags: list[str], name_of: Mapping[str, str], pieces: list[str]) -> None:
    """Empty what lies in elements that are not shown; tag n and the text after it are pieces 2n + 1, 2n + 2."""
    breaks = [*pieces[1::2], _HIDES]  # the last one ends the search
    # Documents have hundreds of tags, of which few are meant: no step of Python for each.
    start = breaks.index(_HIDES)
    while start < len(tags):
        closing = f"/{name_of[tags[start]]}"
        later = range(start, len(tags))
        end = next((number for number in later if name_of[tags[number]] == closing), len(tags))
        pieces[2 * start + 1 : 2 * end + 1] = [""] * (2 * (end - start))
        start = breaks.index(_HIDES, end)


def _without_entities(text: str) -> str:
    """Decode entities; the commonest by plain replacement, which is many times faster."""
    if "&" not in text:
        return text
    text = text.replace("&nbsp;", "\xa0").replace("&lt;", "<").replace("&gt;", ">")
    text = text.replace("&quot;", '"').replace("&#39;", "'")
    if text.count("&") == text.count("&amp;"):
        return text.replace("&amp;", "&")
    return unescape(text)
