"""Threading: what makes two messages belong to one conversation (RFC 8621 §3, DESIGN D17).

Two messages share a Thread if a message id stands in both, in Message-ID, In-Reply-To or References, and
their base subjects are the same. So each pair of message id and base subject is one *key*, a 64-bit hash,
and messages belong together when they share a key.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

from posthouse.formats import mime
from posthouse.formats.mime.field import as_message_ids
from posthouse.formats.mime.header import as_text, scan

_MOST_REFERENCES: Final = 100
_LONGEST_ID: Final = 1000


def keys(
    subject: str | None,
    message_id: list[str] | None,
    in_reply_to: list[str] | None,
    references: list[str] | None,
) -> list[int]:
    """Give a message's thread keys, signed 64-bit integers, its own first.

    Of very many references the first and the last ones count: the root and the nearest.
    """
    base = "".join(mime.base_subject(subject or "").casefold().split())
    cited = references or []
    if len(cited) > _MOST_REFERENCES:
        cited = cited[: _MOST_REFERENCES // 2] + cited[-_MOST_REFERENCES // 2 :]
    ids = dict.fromkeys([*(message_id or [])[:1], *(in_reply_to or [])[:_MOST_REFERENCES], *cited])
    tail = f"\0{base}".encode("utf-8", "surrogatepass")
    return [
        int.from_bytes(
            blake2b(id[:_LONGEST_ID].encode("utf-8", "surrogatepass") + tail, digest_size=8).digest(),
            "big",
            signed=True,
        )
        for id in ids
    ]


def keys_of(data: bytes) -> list[int]:
    """Give the thread keys of a message of which only the header is read."""
    headers, _ = scan(data, 0, len(data))
    value = {name.lower(): value for name, _, value in headers}  # the last of a name counts
    ids = (as_message_ids(value.get(name, "")) for name in ("message-id", "in-reply-to", "references"))
    return keys(as_text(value.get("subject", "")), *ids)


class Grouping:
    """The conversations of a whole source, found before any of its messages is filed.

    A message that joins two halves of a conversation may come last in a file; told of all messages first,
    `key` gives each of them the same number, whatever their order. Takes about 100 bytes for each key.
    """

    def __init__(self) -> None:
        self._parent: dict[int, int] = {}

    def add(self, keys: Iterable[int]) -> None:
        """Take note of a message with these thread keys."""
        roots = {self._root(key) for key in keys}
        if roots:
            first = min(roots)
            for root in roots:
                self._parent[root] = first

    def key(self, keys: Iterable[int]) -> int | None:
        """Give the number of the conversation of a message that was added; None if it has no keys.

        It is one of the conversation's keys, the smallest, so a second look at the same source gives it again.
        """
        for key in keys:
            return self._root(key)
        return None

    def _root(self, key: int) -> int:
        parent = self._parent
        root = parent.setdefault(key, key)
        while parent[root] != root:
            # Each look halves the way, so that none is ever long.
            parent[root] = parent[parent[root]]
            root = parent[root]
        return root
