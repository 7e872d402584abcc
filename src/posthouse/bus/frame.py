"""Frames: how news travel in a stream of bytes.

A frame is a length in four octets, and as many octets of JSON: an array of news. ``[1, {"Email": 7}]`` is a
`Moved`, ``[1, 2]`` or ``[1, null]`` a `SignedOut`, ``[1]`` a `Subscribed`, ``1`` a `Reached`, ``null`` a `Missed`. A
frame without content is a goodbye: who ends his stream with it has said all that he had to say.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from posthouse.bus.port import Missed, Moved, News, Reached, SignedOut, Subscribed
from posthouse.kit.json import Json, NotJSON, dumps, loads

LONGEST: Final = 256 * 1024
"""The most octets of a frame's content."""

_HEAD: Final = 4
GOODBYE: Final = bytes(_HEAD)


class Malformed(ValueError):
    """The bytes are not what one of our processes sends."""


def encode(news: Iterable[News]) -> bytes:
    """Write news as a frame; as `Missed` if they are too many for one."""
    content = dumps([_plain(item) for item in news])
    if len(content) > LONGEST:
        content = dumps([_plain(Missed())])
    return len(content).to_bytes(_HEAD, "big") + content


def _plain(item: News) -> Json:
    if isinstance(item, Moved):
        return [item.account, dict(item.levels)]
    if isinstance(item, SignedOut):
        return [item.person, item.token]
    if isinstance(item, Subscribed):
        return [item.person]
    if isinstance(item, Reached):
        return item.person
    return None


class Reader:
    """Takes news out of the bytes that one peer sends.

    is_over: he has said goodbye.
    """

    __slots__ = ("_rest", "is_over")

    def __init__(self) -> None:
        self._rest = bytearray()
        self.is_over = False

    def read(self, data: bytes) -> list[News]:
        """Take the next bytes and give the news that they complete. Raises `Malformed`."""
        self._rest += data
        news: list[News] = []
        start = 0
        while not self.is_over and len(self._rest) >= start + _HEAD:
            content = start + _HEAD
            length = int.from_bytes(self._rest[start:content], "big")
            if length > LONGEST:
                raise Malformed("a frame is too long")
            if len(self._rest) < content + length:
                break
            start = content + length
            if length:
                news += _decode(self._rest[content:start])
            else:
                self.is_over = True
        del self._rest[:start]
        return news


def _decode(content: bytearray) -> list[News]:
    try:
        items = loads(content)
    except NotJSON as error:
        raise Malformed(str(error)) from None
    if not isinstance(items, list):
        raise Malformed("a frame is not an array")
    return [_item(item) for item in items]


def _item(item: Json) -> News:
    match item:
        case [int(account), dict(levels)] if all(isinstance(level, int) for level in levels.values()):
            return Moved(account, levels)
        case [int(person), int() | None as token]:
            return SignedOut(person, token)
        case [int(person)]:
            return Subscribed(person)
        case int(person):
            return Reached(person)
        case None:
            return Missed()
    raise Malformed("a frame has an item that is no news")
