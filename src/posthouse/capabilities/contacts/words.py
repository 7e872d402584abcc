"""Words: the text of a card that searches look at, by column (RFC 9610 §3.3.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from posthouse.kit.json import Json, JsonObject

COLUMNS: Final = "name given surname surname2 nickname organization email phone service address note other"
"""The columns, with spaces between; ``other`` is what only the filter ``text`` looks at."""

_BY_NAME_PART: Final = ("given", "surname", "surname2")
_NOT_DIGITS: Final = re.compile(r"\D+", re.ASCII)
# What is covered by a column of its own, says nothing to people, or is no text.
_APART: Final = frozenset(
    (
        *("id", "addressBookIds", "@type", "version", "uid", "created", "updated", "members", "kind"),
        *("language", "prodId", "relatedTo", "name", "nicknames", "emails", "onlineServices", "phones"),
        *("preferredLanguages", "addresses", "cryptoKeys", "directories", "media", "notes", "vCardProps"),
    )
)
_MOST_OTHER: Final = 10_000
"""Texts that are gathered for the column ``other``."""


def words(card: JsonObject) -> dict[str, str]:
    """Give the text of a valid card by search column."""
    name = card.get("name") or {}
    components = name.get("components") or ()
    parts: dict[str, list[str]] = {part: [] for part in _BY_NAME_PART}
    for one in components:
        if one["kind"] in parts:
            parts[one["kind"]].append(one["value"])
    found = {
        "name": _joined([*_values(components), name.get("full")]),
        **{part: _joined(values) for part, values in parts.items()},
        "nickname": _joined(_members(card, "nicknames", "name")),
        "organization": _joined(_members(card, "organizations", "name")),
        "email": _joined(_members(card, "emails", "address", "label")),
        "phone": _joined(_phones(card)),
        "service": _joined(_members(card, "onlineServices", "service", "uri", "user", "label")),
        "address": _joined(_addresses(card)),
        "note": _joined(_members(card, "notes", "note")),
        "other": _joined(_others(card)),
    }
    return {column: text for column, text in found.items() if text}


def _joined(texts: Iterable[str | None]) -> str:
    """Put each text on a line of its own."""
    return "\n".join([text for text in texts if text])


def _values(components: Iterable[JsonObject]) -> list[str]:
    """Give the values of components; a separator joins and is no word."""
    return [one["value"] for one in components if one["kind"] != "separator"]


def _members(card: JsonObject, name: str, *wanted: str) -> Iterator[str | None]:
    """Give some properties of each object in a map."""
    for one in (card.get(name) or {}).values():
        for key in wanted:
            yield one.get(key)


def _phones(card: JsonObject) -> Iterator[str | None]:
    """Give each number as it is written and as its digits alone, so that both are found."""
    for one in (card.get("phones") or {}).values():
        yield one["number"]
        yield _NOT_DIGITS.sub("", one["number"])
        yield one.get("label")


def _addresses(card: JsonObject) -> Iterator[str | None]:
    for one in (card.get("addresses") or {}).values():
        yield from _values(one.get("components") or ())
        yield one.get("full")


def _others(card: JsonObject) -> list[str]:
    """Give every text in what has no column of its own, and in localizations."""
    found: list[str] = []
    waiting: list[Json] = [value for name, value in card.items() if name not in _APART]
    while waiting and len(found) < _MOST_OTHER:
        value = waiting.pop()
        if isinstance(value, str):
            if not value.startswith("data:"):
                found.append(value)
        elif isinstance(value, dict):
            waiting += [member for name, member in value.items() if name != "@type"]
            waiting += [name for name, member in value.items() if member is True]
        elif isinstance(value, list):
            waiting += value
    return found
