"""HTML to the text a reader would see, for previews and search; not for display.

A document is cut into text and tags in time linear in its length: a tag is never looked for past the next
``<``. Where nothing but tags has a ``<`` or ``>``, the cut is plain splitting, many times faster than the
regular expression that cuts anything. A tree-building parser was tried: it needs 25 s for 500 kB of nested
``<div>``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import unescape

_LONGEST = 1_000_000

_MARKUP = re.compile(
    r"<(!--|/?[a-zA-Z][a-zA-Z0-9]*+|[!?/])"
    r"(?:(?<=<!--)(?:[^-]++|-(?!->))*+(?:-->|\Z)"
    # A quoted attribute may hold a ">"; a quote that is not closed before the next "<" is a sign like others.
    r"""|[^<>"']*+(?:"[^"<]*+"[^<>"']*+|'[^'<]*+'[^<>"']*+)*+[^<>]*+(?:>|\Z))"""
)
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
_UNSEEN = frozenset(("script", "style", "title", "template", "textarea", "svg"))
# A tag begins at most so many characters before an attribute that is looked at.
_LONGEST_TAG = 2000
# One that is empty, as the many pictures have that only keep rows apart, is none.
_HINT = re.compile(
    r"""[\s"'](?:alt|title)\s*+=\s*+(?:"([^"<]*+)"|'([^'<]*+)'|([^\s"'<>]++))""", re.IGNORECASE
)


def html_text(html: str) -> str:
    """Return the text of an HTML document: a line feed where a block begins or ends, entities decoded.

    White space inside a block is left as it stands. Only the first million characters are read; it never
    fails, and takes time linear in them.
    """
    html = html[:_LONGEST]
    if "<" in html:
        html = _without_markup(html)
    return _without_entities(html) if "&" in html else html


def html_hints(html: str) -> str:
    """Return what a document says of pictures and links in ``alt`` and ``title``, one a line (RFC 8621 §4.4.1).

    Only the first million characters are read; it never fails, and takes time linear in them.
    """
    html = html[:_LONGEST]
    hints = [
        found[1] or found[2] or found[3] for found in _attributes(html) if _is_in_tag(html, found.start())
    ]
    return _without_entities("\n".join(hint for hint in hints if hint))


def _attributes(html: str) -> Iterator[re.Match[str]]:
    """Yield what looks like an ``alt`` or ``title``; to look for the words first is many times faster."""
    lower = html.replace("\u0130", "I").lower()  # the only letter that would become two
    alt, title = lower.find("alt"), lower.find("title")
    read = 1
    while alt >= 0 or title >= 0:
        if title < 0 or 0 <= alt < title:
            at, alt = alt, lower.find("alt", alt + 1)
        else:
            at, title = title, lower.find("title", title + 1)
        if at >= read and (found := _HINT.match(html, at - 1)):
            yield found
            read = found.end() + 1


def _is_in_tag(html: str, at: int) -> bool:
    start = max(0, at - _LONGEST_TAG)
    return html.rfind("<", start, at) > html.rfind(">", start, at)


def _without_markup(html: str) -> str:
    if "<!--" in html:
        html = _COMMENT.sub(_NO_TAG, html)
    pieces, name_of = _cut(html)
    tags = pieces[1::2]
    between = {tag: _BREAKS.get(name, "") for tag, name in name_of.items()}
    pieces[1::2] = map(between.__getitem__, tags)
    if not _UNSEEN.isdisjoint(name_of.values()):
        _drop_unseen(tags, name_of, pieces)
    return "".join(pieces)


def _cut(html: str) -> tuple[list[str], dict[str, str]]:
    """Cut a document into text, tag, text, tag ... text; also give the name of each tag, in lower case."""
    brackets = html.encode("utf-8", "surrogatepass").translate(None, _BUT_BRACKETS)
    if brackets == b"<>" * (len(brackets) // 2):
        pieces = html.replace("<", ">").split(">")
        kinds = list(dict.fromkeys(pieces[1::2]))
        names = _WHOLE_TAG.findall(">".join((*kinds, "")))
        if len(names) == len(kinds):
            return pieces, dict(zip(kinds, map(str.lower, names), strict=True))
    pieces = _MARKUP.split(html)
    return pieces, {name: name.lower() for name in set(pieces[1::2])}


def _drop_unseen(tags: list[str], name_of: Mapping[str, str], pieces: list[str]) -> None:
    """Empty the texts inside of elements that are not shown; tag n and the text after it are 2n + 1, 2n + 2."""
    closing_of = {tag: f"/{name}" for tag, name in name_of.items() if name in _UNSEEN}
    end = 0
    for start in [number for number, tag in enumerate(tags) if tag in closing_of]:
        if start >= end:
            closing = closing_of[tags[start]]
            later = range(start, len(tags))
            end = next((number for number in later if name_of[tags[number]] == closing), len(tags))
            pieces[2 * start + 1 : 2 * end + 1] = [""] * (2 * (end - start))


def _without_entities(text: str) -> str:
    """Decode entities; the commonest by plain replacement, which is many times faster."""
    text = text.replace("&nbsp;", "\xa0").replace("&lt;", "<").replace("&gt;", ">")
    text = text.replace("&quot;", '"').replace("&#39;", "'")
    if text.count("&") == text.count("&amp;"):
        return text.replace("&amp;", "&")
    return unescape(text)
