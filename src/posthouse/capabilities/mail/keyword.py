"""Keywords: the words that mark an Email, such as ``$seen`` (RFC 8621 §4.1.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from posthouse.kit.json import Json, JsonObject
from posthouse.model.kind import Column, Kind

# 1 to 255 characters from %x21 to %x7e but for these eight.
_KEYWORD = re.compile(r'[^\x00-\x20\x7f-\U0010ffff(){\]%*"\\]{1,255}')


class Keyword(Kind):
    """One keyword in any case; it is kept in lower case."""

    def accepts(self, value: Json) -> bool:
        """Accept 1 to 255 of the characters that RFC 8621 §4.1.1 allows."""
        return type(value) is str and _KEYWORD.fullmatch(value) is not None

    def column(self, value: Json) -> Column:
        """Give the keyword in lower case."""
        return str(value).lower()

    def resolved(self, value: Json, created: Mapping[str, str]) -> Json:
        """Give the keyword as it is kept: in lower case."""
        return str(value).lower()


def is_unread(keywords: JsonObject) -> bool:
    """Say whether an Email with these keywords counts as unread (RFC 8621 §2)."""
    return "$seen" not in keywords and "$draft" not in keywords
