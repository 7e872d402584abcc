"""Email: a message in the store and what is known of it (RFC 8621 §4)."""

from __future__ import annotations

from typing import Final

from posthouse.capabilities.mail import header, part
from posthouse.capabilities.mail.keyword import Keyword, is_unread
from posthouse.formats import mime
from posthouse.kit.json import Json, JsonObject
from posthouse.model.condition import (
    Argument,
    Filter,
    Rank,
    Sort,
    Test,
    at_least,
    below,
    equals,
    member,
    not_member,
    search,
)
from posthouse.model.condition import header as header_filter
from posthouse.model.kind import (
    Anything,
    Boolean,
    Column,
    Date,
    Id,
    Kind,
    ListOf,
    MapOf,
    Record,
    Ref,
    SetOf,
    String,
    UnsignedInt,
    UTCDate,
    sort_key,
)
from posthouse.model.property import Part, Property
from posthouse.model.type import Tally, Type

ADDRESS: Final = Record({"name": String() | None, "email": String()}, required=frozenset({"email"}))
"""EmailAddress (RFC 8621 §4.1.2.3)."""
UNREAD: Final = "!unread"
"""The derived word of an Email that is neither seen nor a draft."""
LONE: Final = "!lone"
"""The derived word of an unread Email that is in one Mailbox only."""

_ADDRESSES = ListOf(ADDRESS, at_most=10_000) | None
_MESSAGE_IDS = ListOf(String(), at_most=1000) | None
_PARTS = ListOf(MapOf(String(), Anything()), at_most=1000) | None
_VALUES = MapOf(String(), MapOf(String(), Anything()))


def _first_address(value: Json) -> Column:
    """Give the name, or else the address, by which a sort compares (RFC 8621 §4.4.2)."""
    return sort_key(value[0]["name"] or value[0]["email"]) or None if value else None


def _base_subject(value: Json) -> Column:
    return sort_key(mime.base_subject(value)) or None


def derived_words(values: JsonObject) -> frozenset[str]:
    """Give `UNREAD`, and `LONE` if it is so in one Mailbox only: what unreadThreads is made of."""
    if not is_unread(values["keywords"]):
        return frozenset()
    return frozenset((UNREAD, LONE) if len(values["mailboxIds"]) == 1 else (UNREAD,))


def _stored(name: str, kind: Kind, *, part: Part = Part.FIXED, by_default: bool = True) -> Property:
    """Declare what a message says of itself: a client may give it to create one, and it never changes."""
    return Property(name, kind, immutable=True, default=None, part=part, by_default=by_default)


email = Type(
    "Email",
    letter="e",
    methods="get changes set copy query queryChanges",
    within="mailboxIds",
    group="threadId",
    search="from to cc bcc subject body attachments",
    tally=Tally(words="keywords", derived=derived_words),
    arrivals="EmailDelivery",
    needs={
        "create": "mayAddItems",
        "destroy": "mayRemoveItems",
        "keywords/$seen": "maySetSeen",
        "keywords": "maySetKeywords",
    },
    # Neighbours are cut out of a row together, so what a list of messages shows stands first.
    properties=[
        Property("threadId", Ref("Thread"), server=True, immutable=True, index=True),
        Property("from", _ADDRESSES, immutable=True, default=None, column=_first_address, sorted=True),
        Property("to", _ADDRESSES, immutable=True, default=None, column=_first_address),
        Property("subject", String() | None, immutable=True, default=None, column=_base_subject, sorted=True),
        Property("receivedAt", UTCDate(), immutable=True, sorted=True),
        Property("size", UnsignedInt(), server=True, immutable=True, index=True),
        Property("hasAttachment", Boolean(), server=True, immutable=True, index=True),
        Property("preview", String(), server=True, immutable=True),
        Property("blobId", Id(), server=True, immutable=True),
        _stored("messageId", _MESSAGE_IDS),
        _stored("inReplyTo", _MESSAGE_IDS),
        _stored("references", _MESSAGE_IDS),
        _stored("sender", _ADDRESSES),
        _stored("cc", _ADDRESSES),
        _stored("bcc", _ADDRESSES),
        _stored("replyTo", _ADDRESSES),
        Property("sentAt", Date() | None, immutable=True, default=None, index=True),
        Property("mailboxIds", SetOf(Ref("Mailbox")), required=True, ordered_by="receivedAt"),
        Property("keywords", SetOf(Keyword()), default={}, ordered_by="receivedAt"),
        Property("headers", Anything(), server=True, immutable=True, part=Part.RARE, by_default=False),
        _stored("bodyStructure", MapOf(String(), Anything()) | None, part=Part.RARE, by_default=False),
        _stored("textBody", _PARTS, part=Part.RARE),
        _stored("htmlBody", _PARTS, part=Part.RARE),
        _stored("attachments", _PARTS, part=Part.RARE),
        Property("bodyValues", _VALUES, immutable=True, default={}, part=Part.COMPUTED),
    ],
    filters=[
        member("inMailbox", "mailboxIds"),
        Filter("inMailboxOtherThan", Test.OUTSIDE, ("mailboxIds",)),
        below("before", "receivedAt"),
        at_least("after", "receivedAt"),
        at_least("minSize", "size"),
        below("maxSize", "size"),
        Filter("allInThreadHaveKeyword", Test.ALL_IN_GROUP, ("keywords",)),
        Filter("someInThreadHaveKeyword", Test.ANY_IN_GROUP, ("keywords",)),
        Filter("noneInThreadHaveKeyword", Test.NONE_IN_GROUP, ("keywords",)),
        member("hasKeyword", "keywords"),
        not_member("notKeyword", "keywords"),
        equals("hasAttachment"),
        search("text", "from to cc bcc subject body attachments"),
        search("from", "from"),
        search("to", "to"),
        search("cc", "cc"),
        search("bcc", "bcc"),
        search("subject", "subject"),
        search("body", "body"),
        header_filter("header", "headers"),
    ],
    sorts=[
        Sort("receivedAt", "receivedAt"),
        Sort("size", "size"),
        Sort("from", "from"),
        Sort("to", "to"),
        Sort("subject", "subject"),
        Sort("sentAt", "sentAt"),
        Sort("hasKeyword", "keywords", Rank.MEMBER, "keyword"),
        Sort("allInThreadHaveKeyword", "keywords", Rank.ALL_IN_GROUP, "keyword"),
        Sort("someInThreadHaveKeyword", "keywords", Rank.ANY_IN_GROUP, "keyword"),
    ],
    arguments={
        "get": [
            Argument("bodyProperties", ListOf(String()) | None, list(part.DEFAULTS)),
            Argument("fetchTextBodyValues", Boolean(), False),
            Argument("fetchHTMLBodyValues", Boolean(), False),
            Argument("fetchAllBodyValues", Boolean(), False),
            Argument("maxBodyValueBytes", UnsignedInt(), 0),
        ],
        "query": [Argument("collapseThreads", Boolean(), False)],
    },
    pattern=header.is_property,
)
