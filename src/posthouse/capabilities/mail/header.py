"""Properties named after header fields: ``header:{name}[:as{form}][:all]`` (RFC 8621 §4.1.3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from posthouse.formats import mime
from posthouse.kit.json import Json

_PATTERN = re.compile(r"header:([!-9;-~]{1,255})(?::as([A-Za-z]{1,20}))?(:all)?")

_READERS: Final[dict[str, Callable[[str], Json]]] = {
    "Text": mime.as_text,
    "Addresses": mime.as_addresses,
    "GroupedAddresses": mime.as_grouped_addresses,
    "MessageIds": mime.as_message_ids,
    "Date": mime.as_date,
    "URLs": mime.as_urls,
}


@dataclass(frozen=True, slots=True)
class HeaderProperty:
    """A property that stands for a header field.

    name: the field's, as the client wrote it. form: one of ``Raw``, ``Text``, ``Addresses``,
    ``GroupedAddresses``, ``MessageIds``, ``Date`` and ``URLs``. all: every instance of the field, not the last.
    """

    name: str
    form: str
    all: bool

    def value(self, fields: Sequence[mime.Header]) -> Json:
        """Read the property from the fields of a message or part, in their order."""
        lower = self.name.lower()
        if self.all:
            return [self._read(field) for field in fields if field.name.lower() == lower]
        for field in reversed(fields):
            if field.name.lower() == lower:
                return self._read(field)
        return None

    def _read(self, field: mime.Header) -> Json:
        return field.raw if self.form == "Raw" else _READERS[self.form](field.value)


@lru_cache(maxsize=1024)
def read(text: str) -> HeaderProperty | None:
    """Read a property's name; None if it names no header field, or one in a form that the field can't have."""
    match = _PATTERN.fullmatch(text)
    if match is None:
        return None
    name, form = match[1], match[2] or "Raw"
    if not mime.header_form(name, form):
        return None
    return HeaderProperty(name, form, match[3] is not None)


def is_property(text: str) -> bool:
    """Say whether a property's name is that of a header field in a form which the field can have."""
    return text.startswith("header:") and read(text) is not None
