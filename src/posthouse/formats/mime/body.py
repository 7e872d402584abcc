"""What to show of a message: its text and HTML bodies and its attachments (RFC 8621 §4.1.4)."""

from __future__ import annotations

from posthouse.formats.mime.message import Body, Message, Part

_MEDIA = ("image/", "audio/", "video/")
# Processed by clients on their own, and no use to download.
_SIGNATURES = frozenset(
    ("application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature")
)


def body(message: Message) -> Body:
    """Sort the leaves of a message by the algorithm that RFC 8621 §4.1.4 suggests.

    The message remembers the answer, which is not to be changed.
    """
    if message.body is None:
        found = message.body = Body([], [], [])
        _sort([message.root], "mixed", False, found.text, found.html, found.attachments)
    return message.body


def _sort(
    parts: list[Part],
    multipart: str,
    in_alternative: bool,
    text: list[Part] | None,
    html: list[Part] | None,
    attachments: list[Part],
) -> None:
    """Sort the parts of one multipart; `text` or `html` is None inside an alternative that is not for it."""
    texts = -1 if text is None else len(text)
    htmls = -1 if html is None else len(html)
    for index, part in enumerate(parts):
        if part.is_multipart:
            kind = part.type.partition("/")[2]
            _sort(part.sub_parts, kind, in_alternative or kind == "alternative", text, html, attachments)
        elif not _is_inline(part, index, multipart):
            attachments.append(part)
        elif multipart == "alternative":
            chosen = {"text/plain": text, "text/html": html}.get(part.type)
            (attachments if chosen is None else chosen).append(part)
        else:
            if in_alternative:
                if part.type == "text/plain":
                    html = None
                if part.type == "text/html":
                    text = None
            if text is not None:
                text.append(part)
            if html is not None:
                html.append(part)
            if (text is None or html is None) and part.type.startswith(_MEDIA):
                attachments.append(part)
    if multipart == "alternative" and text is not None and html is not None:
        if texts == len(text) and htmls != len(html):
            text.extend(html[htmls:])
        elif htmls == len(html) and texts != len(text):
            html.extend(text[texts:])


def _is_inline(part: Part, index: int, multipart: str) -> bool:
    """Tell whether a leaf is part of the body and not an attachment."""
    is_media = part.type.startswith(_MEDIA)
    if part.disposition == "attachment" or not (is_media or part.type in ("text/plain", "text/html")):
        return False
    return index == 0 or (multipart != "related" and (is_media or not part.name))


def has_attachment(message: Message) -> bool:
    """Tell whether the message has a part that a client should offer for download (RFC 8621 §4.1.4).

    That is an attachment not marked as inline, but for signatures, and images with a Content-ID that stand
    with an HTML body, whose disposition is left open: they are pictures in the text.
    """
    sorted_ = body(message)
    has_html = any(part.type == "text/html" for part in sorted_.html)
    return any(_is_download(part, has_html) for part in sorted_.attachments)


def _is_download(part: Part, has_html: bool) -> bool:
    if part.disposition == "inline" or part.type in _SIGNATURES:
        return False
    return not (has_html and part.cid and part.disposition is None and part.type.startswith("image/"))
