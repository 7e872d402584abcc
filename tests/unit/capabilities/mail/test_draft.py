"""Drafts of any shape are composed or refused, and nothing else (RFC 8621 §4.6)."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.capabilities.mail import draft
from posthouse.capabilities.mail.email import email
from posthouse.formats import mime
from posthouse.proto.jmap.errors import SetError

WORDS = (
    st.text(max_size=12)
    | st.sampled_from(["text/plain", "text/html", "multipart/mixed", "multipart/related", "message/rfc822"])
    | st.sampled_from(["image/png", "1", "2", "attachment", "inline", "utf-8", "a@b", "<a@b>", "en"])
    | st.sampled_from([" x\r\n y", "a\r\nBcc: z", "2020-01-01T00:00:00Z"])
)
ADDRESS = st.fixed_dictionaries({"email": WORDS}, optional={"name": WORDS | st.none()})
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 10) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
HEADER_NAMES = st.builds(
    lambda name, form, all: f"header:{name}{form}{all}",
    st.sampled_from(
        ["Subject", "From", "to", "X-A", "x-a", "Date", "Message-ID", "Content-Type", "Content-ID"]
    )
    | st.sampled_from(["Content-Transfer-Encoding", "Content-Disposition", "List-Post", "MIME-Version"]),
    st.sampled_from(
        ["", ":asText", ":asAddresses", ":asGroupedAddresses", ":asDate", ":asURLs", ":asMessageIds"]
    ),
    st.sampled_from(["", ":all"]),
)
HEADER_VALUES = VALUES | st.lists(ADDRESS, max_size=2) | st.lists(st.lists(ADDRESS, max_size=2), max_size=2)
BLOBS = {"b" + letter * 43: octets for letter, octets in (("A", b"\x89PNG\0"), ("B", b"Subject: x\r\n\r\ny"))}
LEAF = st.fixed_dictionaries(
    {},
    optional={
        "partId": st.sampled_from(["1", "2", "3"]) | VALUES,
        "blobId": st.sampled_from([*BLOBS, "x"]) | VALUES,
        "type": WORDS | VALUES,
        "charset": WORDS | VALUES,
        "size": VALUES,
        "name": WORDS | VALUES,
        "disposition": WORDS | VALUES,
        "cid": WORDS | VALUES,
        "language": st.lists(WORDS, max_size=2) | VALUES,
        "location": WORDS | VALUES,
        "header:X-A": WORDS | VALUES,
        "header:Content-Type": WORDS | VALUES,
        "headers": VALUES,
        "subParts": VALUES,
    },
)
PART = st.recursive(
    LEAF,
    lambda inner: st.fixed_dictionaries(
        {"type": st.sampled_from(["multipart/mixed", "multipart/alternative", "text/plain"])},
        optional={"subParts": st.lists(inner, max_size=3)},
    ),
    max_leaves=5,
)
PARTS = st.lists(PART, max_size=3)
BODY_VALUE = st.fixed_dictionaries({"value": WORDS}, optional={"isTruncated": VALUES}) | VALUES
OBJECTS = st.builds(
    lambda known, fields: known | fields,
    st.fixed_dictionaries(
        {},
        optional={
            "subject": WORDS,
            "from": st.lists(ADDRESS, max_size=2),
            "messageId": st.lists(WORDS, max_size=2),
            "sentAt": st.sampled_from(["2020-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"]),
            "bodyStructure": PART,
            "textBody": PARTS,
            "htmlBody": PARTS,
            "attachments": PARTS,
            "bodyValues": st.dictionaries(st.sampled_from(["1", "2", "x"]), BODY_VALUE, max_size=3),
        },
    ),
    st.dictionaries(HEADER_NAMES, HEADER_VALUES, max_size=3),
)


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    """Keep what the engine lets through: values of their property's kind."""
    properties = email.properties
    return {
        name: value
        for name, value in values.items()
        if name not in properties or properties[name].kind.accepts(value)
    }


@given(OBJECTS)
@settings(max_examples=300)
def test_any_object_is_composed_or_refused(values: dict[str, Any]) -> None:
    try:
        read = draft.read(_checked(values), 1_700_000_000)
    except SetError as error:
        assert ("invalidProperties", True) == (error.type, bool(error.properties))
        return
    contents = dict.fromkeys(read.body.blobs(), b"\x89PNG\0\r\n--x\r\n")
    message = mime.parse(read.compose(contents))
    found = mime.convenience(message)
    assert found["messageId"]
    if values.get("subject"):
        assert found["subject"] is not None


def test_a_part_is_named_by_its_path() -> None:
    part = {"type": "multipart/mixed", "subParts": [{"partId": "1"}, {"partId": "2", "charset": "x"}]}
    try:
        draft.read({"bodyStructure": part, "bodyValues": {"1": {"value": ""}, "2": {"value": ""}}}, 0)
    except SetError as error:
        assert ["bodyStructure/subParts/1/charset"] == error.properties
