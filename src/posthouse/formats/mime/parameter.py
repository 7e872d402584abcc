"""Structured values ``token; name=value``: Content-Type and Content-Disposition (RFC 2045 §5.1, RFC 2183)."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote_to_bytes

from posthouse.formats.mime.charset import codec, decode_octets, decode_word
from posthouse.formats.mime.encodedword import decode_words

_TOKEN = r"[!#$%&'*+.^_`|{}~0-9A-Za-z-]"
_MEDIA_TYPE = re.compile(rf"\s*({_TOKEN}+)\s*/\s*({_TOKEN}+)\s*(?:;|\Z|(?=\s))")
_DISPOSITION = re.compile(rf"\s*({_TOKEN}+)")
# A value is a quoted string, else all up to the next ";": mailers forget to quote names with spaces.
_PARAMETER = re.compile(r";\s*([^\s;=\"]+)\s*=\s*(?:\"((?:[^\"\\]|\\.)*+)(?:\"|\Z)|([^;\"]*))", re.S)
# Only these are ever escaped; another backslash belongs to a path such as C:\TEMP.
_QUOTED_PAIR = re.compile(r"\\([\"\\])")
_SECTION = re.compile(r"(.+?)(?:\*(\d{1,3}))?(\*)?", re.S)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_MAX_PARAMETERS = 500
_LONGEST = 100_000


def without_comments(value: str) -> str:
    """Replace comments, nested ones too, by a space; quoted strings are left alone (RFC 5322 §3.2.2).

    A parenthesis that is never closed is text.
    """
    if "(" not in value:
        return value
    closing = closing_parentheses(value)
    kept: list[str] = []
    at = begin = 0
    quoted = False
    while at < len(value):
        character = value[at]
        if character == "\\":
            at += 1
        elif character == '"':
            quoted = not quoted
        elif character == "(" and not quoted and at in closing:
            kept.append(value[begin:at])
            at = closing[at]
            begin = at + 1
        at += 1
    kept.append(value[begin:])
    return " ".join(kept)


_PARENTHESIS = re.compile(r"\\.|[()]", re.S)


def closing_parentheses(text: str) -> dict[int, int]:
    """Map the offset of each parenthesis that is closed to the offset of the one that closes it."""
    closing: dict[int, int] = {}
    opened: list[int] = []
    for match in _PARENTHESIS.finditer(text):
        if match[0] == "(":
            opened.append(match.start())
        elif match[0] == ")" and opened:
            closing[opened.pop()] = match.start()
    return closing


def media_type(value: str) -> tuple[str, dict[str, str]] | None:
    """Read a Content-Type: the type in lower case without CFWS, and its parameters; None if malformed."""
    value = without_comments(value[:_LONGEST])
    match = _MEDIA_TYPE.match(value)
    if match is None:
        return None
    return f"{match[1]}/{match[2]}".lower(), parameters(value)


def disposition(value: str) -> tuple[str | None, dict[str, str]]:
    """Read a Content-Disposition: the word in lower case, or None if there is none, and its parameters."""
    value = without_comments(value[:_LONGEST])
    match = _DISPOSITION.match(value)
    return (match[1].lower() if match else None), parameters(value)


def parameters(value: str) -> dict[str, str]:
    """Read the parameters of a value without comments; names come in lower case, the first of twins counts.

    Continuations are joined and extended values decoded (RFC 2231 §3, §4); an extended one wins over a plain
    one of the same name. Encoded-words in quoted values are decoded, as mailers write them (RFC 8621 §4.1.4).
    """
    if ";" not in value:
        return {}
    plain: dict[str, str] = {}
    sections: dict[str, dict[int, tuple[str, bool]]] = {}
    for count, match in enumerate(_PARAMETER.finditer(value)):
        if count == _MAX_PARAMETERS:
            break
        name = match[1].lower()
        quoted = match[2]
        text = (
            match[3].strip()
            if quoted is None
            else _QUOTED_PAIR.sub(r"\1", quoted)
            if "\\" in quoted
            else quoted
        )
        if "\n" in text:
            text = re.sub(r"\r?\n", "", text)
        if "*" not in name:
            plain.setdefault(name, text)
        elif parts := _SECTION.fullmatch(name):
            sections.setdefault(parts[1], {}).setdefault(int(parts[2] or 0), (text, parts[3] is not None))
    for name, text in plain.items():
        if "=?" in text or not text.isascii():
            plain[name] = decode_words(text, anywhere=True)
    for name, numbered in sections.items():
        plain[name] = _join(numbered)
    return plain


def _join(sections: dict[int, tuple[str, bool]]) -> str:
    """Join the numbered sections of a value up to the first that is missing (RFC 2231 §3).

    Encoded-words are decoded only where no section is extended, for there they cannot be meant.
    """
    charset = ""
    is_extended = False
    joined: list[bytes] = []
    for number in range(len(sections)):
        if number not in sections:
            break
        text, extended = sections[number]
        if extended:
            is_extended = True
            if not number and text.count("'") >= 2:
                charset, _, text = text.split("'", 2)
            joined.append(unquote_to_bytes(text))
        else:
            joined.append(text.encode("utf-8"))
    octets = b"".join(joined)
    name = codec(charset) if charset else None
    text = _CONTROL.sub("", decode_word(octets, name) if name else decode_octets(octets))
    return unicodedata.normalize("NFC", text) if is_extended else decode_words(text, anywhere=True)
