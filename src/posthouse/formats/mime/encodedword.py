"""Encoded-words, ``=?charset?B?...?=``: how headers carry text beyond ASCII (RFC 2047)."""

from __future__ import annotations

import re
import unicodedata
from binascii import a2b_qp, b2a_base64

from posthouse.formats.mime.charset import codec, decode_word
from posthouse.formats.mime.decode import decode_word_base64

# An encoded-word stands between white space or the ends of the text; elsewhere it MUST NOT be decoded
# (RFC 2047 §5, RFC 8621 §4.1.2.2). Neighbours parted by white space only are taken as one run.
_WORD = r"=\?[^\s?\"(),.:;<>@\[\]\\]+\?[bBqQ]\?[^\s?]*\?="
_RUN = re.compile(rf"(?<!\S){_WORD}(?!\S)(?:\s+{_WORD}(?!\S))*")
# In a parameter nothing is right by RFC 2047, so there placement does not matter.
_LOOSE_RUN = re.compile(rf"{_WORD}(?:\s*{_WORD})*")
_PARTS = re.compile(r"=\?([^?*]+)(?:\*[^?]*)?\?([bBqQ])\?([^?]*)\?=")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")

_Q_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_LONGEST_WORD = 75


def decode_words(text: str, anywhere: bool = False) -> str:
    """Decode the encoded-words of unfolded text and bring it to Unicode form C (RFC 8621 §4.1.2.2).

    White space between two encoded-words goes. The bytes of neighbours in one charset are joined before they
    are decoded, so a character may be split between them. A word in an unknown charset stays as it is.
    Control characters are dropped from what was decoded.

    :param anywhere: decode also where RFC 2047 allows no encoded-word, as mailers need it in file names.
    """
    if "=?" in text:
        text = (_LOOSE_RUN if anywhere else _RUN).sub(_decode_run, text)
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _decode_run(match: re.Match[str]) -> str:
    decoded: list[str] = []
    pending = b""
    pending_name: str | None = None
    after_unknown = False
    for charset, how, text in _PARTS.findall(match[0]):
        name = codec(charset)
        if name != pending_name and pending_name is not None:
            decoded.append(_CONTROL.sub("", decode_word(pending, pending_name)))
            pending = b""
        if name is None:
            decoded.append(f"{' ' if decoded else ''}=?{charset}?{how}?{text}?=")
        else:
            if after_unknown:
                decoded.append(" ")
            # What is not ASCII has no place here; it was written in the charset that the word names.
            raw = text.encode("ascii" if text.isascii() else name, "replace")
            pending += decode_word_base64(raw) if how in "bB" else a2b_qp(raw, header=True)
        pending_name = name
        after_unknown = name is None
    if pending_name is not None:
        decoded.append(_CONTROL.sub("", decode_word(pending, pending_name)))
    return "".join(decoded)


def encode_words(text: str, first_room: int = _LONGEST_WORD) -> list[str]:
    """Write text as encoded-words in UTF-8, each at most 75 characters and of whole characters (RFC 2047 §2).

    The shorter of the Q and B encodings is chosen. The words are to be joined by white space, which a reader
    drops.

    :param first_room: characters that the first word may have, if at least 24, since it shares its line.
    """
    octets = text.encode("utf-8", "replace")
    escaped = sum(1 for octet in octets if octet not in _Q_SAFE and octet != 0x20)
    as_q = escaped * 3 + len(octets) - escaped <= (len(octets) + 2) // 3 * 4
    frame = len("=?utf-8?q??=")
    room = (first_room if 24 <= first_room <= _LONGEST_WORD else _LONGEST_WORD) - frame
    words: list[str] = []
    chunk: list[str] = []
    used = 0
    for character in text:
        raw = character.encode("utf-8", "replace")
        cost = len(_q(raw)) if as_q else len(raw)
        full = used + cost > room if as_q else (used + cost + 2) // 3 * 4 > room
        if full:
            words.append(_word("".join(chunk), as_q))
            chunk, used = [], 0
            room = _LONGEST_WORD - frame
        chunk.append(character)
        used += cost
    if chunk:
        words.append(_word("".join(chunk), as_q))
    return words


def _q(raw: bytes) -> str:
    return "".join(
        chr(octet) if octet in _Q_SAFE else "_" if octet == 0x20 else f"={octet:02X}" for octet in raw
    )


def _word(text: str, as_q: bool) -> str:
    raw = text.encode("utf-8", "replace")
    if as_q:
        return f"=?utf-8?q?{_q(raw)}?="
    return f"=?utf-8?b?{b2a_base64(raw, newline=False).decode('ascii')}?="
