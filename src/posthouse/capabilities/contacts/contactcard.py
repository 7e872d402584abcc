"""ContactCard: a JSContact Card in one or more AddressBooks (RFC 9610 §3, RFC 9553 §2).

What a Card may be is known to `formats.jscard`; here stands what the server makes of it: which of its values
are columns, which of its texts are searched, and which blobs it keeps.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from posthouse.capabilities.contacts import media, words
from posthouse.kit import ids
from posthouse.kit.json import Json
from posthouse.model.condition import Filter, Sort, Test, at_least, below, equals, member, search
from posthouse.model.kind import (
    Anything,
    Column,
    Ref,
    SetOf,
    String,
    Text,
    UnsignedInt,
    UTCDate,
    sort_key,
)
from posthouse.model.property import Property, column_of
from posthouse.model.type import Tally, Type

VERSION: Final = "2.0"
"""The version of JSContact that a card has whose maker says none (RFC 9982 §3)."""
DEFAULT_KIND: Final = "individual"
"""The kind of a card that says none (RFC 9553 §2.1.4)."""

_EXACT: Final = Text(lambda text: True)
_UNDECLARED: Final = re.compile(r"[^*/\x00-\x1f\x7f]{1,255}")
_VALIDATED: Final = (
    *("kind", "language", "prodId", "relatedTo"),
    *("name", "nicknames", "organizations", "speakToAs", "titles"),
    *("emails", "onlineServices", "phones", "preferredLanguages"),
    *("calendars", "schedulingAddresses", "addresses"),
    *("cryptoKeys", "directories", "links", "media"),
    *("localizations", "anniversaries", "keywords", "notes", "personalInfo", "vCardProps"),
)
"""Properties of a Card that `formats.jscard` judges, since it can say which part of one is wrong."""


def _number(wire: Json) -> Column:
    return ids.decode(wire[1:])


def _kind(value: Json) -> Column:
    return str(value or DEFAULT_KIND)


def _component(kind: str) -> Callable[[Json], Column]:
    """Make what finds the first NameComponent of a kind in a Name (RFC 9610 §3.3.2)."""

    def find(name: Json) -> Column:
        components = (name or {}).get("components") or ()
        return next((sort_key(one["value"]) for one in components if one.get("kind") == kind), None)

    return find


contact_card = Type(
    "ContactCard",
    letter="d",
    methods="get changes set copy query queryChanges",
    within="addressBookIds",
    search=words.COLUMNS,
    words=words.words,
    tally=Tally(),
    keeps=media.kept,
    open=lambda name: _UNDECLARED.fullmatch(name) is not None,
    needs={"create": "mayWrite", "update": "mayWrite", "destroy": "mayWrite"},
    properties=[
        Property("addressBookIds", SetOf(Ref("AddressBook")), required=True, ordered_by="id/number"),
        Property("@type", String(), default="Card"),
        Property("version", String(), default=VERSION),
        Property("uid", _EXACT, optional=True, sorted=True),
        Property("created", UTCDate(), optional=True, sorted=True),
        Property("updated", UTCDate(), optional=True, sorted=True),
        Property("members", SetOf(_EXACT), optional=True, ordered_by="id/number"),
        *(Property(name, Anything(), optional=True) for name in _VALIDATED),
        column_of("id", "id/number", UnsignedInt(), _number),
        column_of("kind", "kind/default", String(), _kind),
        column_of("name", "name/given", String() | None, _component("given")),
        column_of("name", "name/surname", String() | None, _component("surname")),
        column_of("name", "name/surname2", String() | None, _component("surname2")),
    ],
    filters=[
        member("inAddressBook", "addressBookIds"),
        equals("uid"),
        member("hasMember", "members"),
        Filter("kind", Test.EQUALS, ("kind/default",)),
        below("createdBefore", "created"),
        at_least("createdAfter", "created"),
        below("updatedBefore", "updated"),
        at_least("updatedAfter", "updated"),
        search("text", words.COLUMNS),
        search("name", "name"),
        search("name/given", "given"),
        search("name/surname", "surname"),
        search("name/surname2", "surname2"),
        search("nickname", "nickname"),
        search("organization", "organization"),
        search("email", "email"),
        search("phone", "phone"),
        search("onlineService", "service"),
        search("address", "address"),
        search("note", "note"),
    ],
    sorts=[
        Sort("created", "created"),
        Sort("updated", "updated"),
        Sort("name/given", "name/given", then="name/surname"),
        Sort("name/surname", "name/surname", then="name/given"),
        Sort("name/surname2", "name/surname2"),
    ],
)
