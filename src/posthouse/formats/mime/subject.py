"""The base subject, by which replies and forwards belong together (RFC 5256 §2.1)."""

from __future__ import annotations

import re

_LONGEST = 1000
_SPACES = re.compile(r"\s+")
_BLOB = r"\[[^\[\]]*+\]\s*+"
_LEADER = re.compile(rf"\s+|(?:{_BLOB})*+(?:re|fwd?)\s*+(?:{_BLOB})?:", re.I)
_BLOB_PREFIX = re.compile(rf"{_BLOB}(?=\S)")


def base_subject(subject: str) -> str:
    """Strip a subject of ``Re:``, ``Fwd:``, ``(fwd)``, ``[list]`` and their kind (RFC 5256 §2.1).

    Only the first thousand characters are read. Compare results without regard to case.

    :param subject: a Subject in Text form, encoded-words decoded.
    """
    text = _SPACES.sub(" ", subject[:_LONGEST])
    while True:
        text = _without_trailers(text)
        at = 0
        while (match := _LEADER.match(text, at)) or (match := _BLOB_PREFIX.match(text, at)):
            at = match.end()
        text = text[at:]
        if not (text[:5].lower() == "[fwd:" and text[-1:] == "]"):
            return text
        text = text[5:-1]


def _without_trailers(text: str) -> str:
    text = text.rstrip()
    while text[-5:].lower() == "(fwd)":
        text = text[:-5].rstrip()
    return text
