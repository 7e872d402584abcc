"""Email/get: every property of a message (RFC 8621 §4.1, §4.2)."""

from __future__ import annotations

from typing import Any

import pytest

from mailroom.room import Room, message

MIXED = b"""\
From: "=?utf-8?q?J=C3=B6?=" <jo@example.org>, Friends: a@b.c, D <d@e.f>;
Subject: =?utf-8?b?R3LDvMOfZQ==?=
Received: from a by b; Tue, 2 Jan 2024 10:00:00 +0000
Received: from c by d; Mon, 1 Jan 2024 10:00:00 +0000
X-Twice: one
X-Twice: two
Message-ID: <m@x>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=o

--o
Content-Type: multipart/alternative; boundary=i

--i
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Gr=C3=BC=C3=9Fe
--i
Content-Type: text/html; charset=iso-8859-1

<p>Gr\xfc\xdfe <a href="https://example.org/">more</a></p>
--i--
--o
Content-Type: application/pdf; name=old.pdf
Content-Disposition: attachment; filename=new.pdf
Content-ID: <cid@x>
Content-Language: de, en
Content-Location: https://example.org/a
Content-Transfer-Encoding: base64

JVBERi0=
--o--
""".replace(b"\n", b"\r\n")

DEFAULTS = [
    "id",
    "blobId",
    "threadId",
    "mailboxIds",
    "keywords",
    "size",
    "receivedAt",
    "messageId",
    "inReplyTo",
    "references",
    "sender",
    "from",
    "to",
    "cc",
    "bcc",
    "replyTo",
    "subject",
    "sentAt",
    "hasAttachment",
    "preview",
    "bodyValues",
    "textBody",
    "htmlBody",
    "attachments",
]
PART = ["partId", "blobId", "size", "name", "type", "charset", "disposition", "cid", "language", "location"]


@pytest.fixture
def mixed(room: Room) -> str:
    """The id of a message with alternatives and an attachment."""
    return room.imported(MIXED)


def test_the_default_properties_are_those_of_the_standard(room: Room, mixed: str) -> None:
    found = room.one("Email", mixed)
    assert sorted(DEFAULTS) == sorted(found)
    assert {} == found["bodyValues"]
    assert PART == list(found["textBody"][0])


def test_an_attachment_tells_all_its_properties(room: Room, mixed: str) -> None:
    [part] = room.one("Email", mixed, "attachments")["attachments"]
    assert {
        "partId": "3",
        "blobId": part["blobId"],
        "size": 5,
        "name": "new.pdf",
        "type": "application/pdf",
        "charset": None,
        "disposition": "attachment",
        "cid": "cid@x",
        "language": ["de", "en"],
        "location": "https://example.org/a",
    } == part


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("header:subject", " =?utf-8?b?R3LDvMOfZQ==?="),
        ("header:SUBJECT:asText", "Grüße"),
        ("header:X-Twice", " two"),
        ("header:X-Twice:all", [" one", " two"]),
        ("header:X-Twice:asText:all", ["one", "two"]),
        ("header:Nothing", None),
        ("header:Nothing:all", []),
        ("header:Nothing:asAddresses", None),
        ("header:Message-ID:asMessageIds", ["m@x"]),
        (
            "header:From:asAddresses",
            [
                {"name": "Jö", "email": "jo@example.org"},
                {"name": None, "email": "a@b.c"},
                {"name": "D", "email": "d@e.f"},
            ],
        ),
        (
            "header:From:asGroupedAddresses",
            [
                {"name": None, "addresses": [{"name": "Jö", "email": "jo@example.org"}]},
                {
                    "name": "Friends",
                    "addresses": [{"name": None, "email": "a@b.c"}, {"name": "D", "email": "d@e.f"}],
                },
            ],
        ),
    ],
)
def test_a_header_field_in_any_form(room: Room, mixed: str, name: str, value: Any) -> None:
    """The name in the answer has the same capital letters as in the question (RFC 8621 §4.2)."""
    expected = value
    if name == "header:From:asAddresses":
        # A quoted string holds no encoded-word (RFC 2047 §5).
        expected = [{"name": "=?utf-8?q?J=C3=B6?=", "email": "jo@example.org"}, *value[1:]]
    if name == "header:From:asGroupedAddresses":
        expected = [
            {"name": None, "addresses": [{"name": "=?utf-8?q?J=C3=B6?=", "email": "jo@example.org"}]},
            value[1],
        ]
    assert {"id": mixed, name: expected} == room.one("Email", mixed, name)


@pytest.mark.parametrize(
    "name",
    [
        "header:From:asDate",
        "header:Subject:asAddresses",
        "header:Date:asText",
        "header:From:all:asText",
        "header:From:asNothing",
        "header:",
        "header:a b",
        "header:a:b",
        "Header:From",
        "header:From:asRaw:all:all",
        "unknown",
    ],
)
def test_a_property_that_can_not_be_is_refused(room: Room, mixed: str, name: str) -> None:
    for method, asked in (("Email/get", {"ids": [mixed]}), ("Email/parse", {"blobIds": []})):
        assert "invalidArguments" == room.refusal(method, properties=[name], **asked)["type"]


@pytest.mark.parametrize("name", ["unknown", "header:From:asDate", "header:"])
def test_a_body_property_that_can_not_be_is_refused(room: Room, mixed: str, name: str) -> None:
    error = room.refusal("Email/get", ids=[mixed], properties=["id"], bodyProperties=[name])
    assert ("invalidArguments", ["bodyProperties"]) == (error["type"], error["arguments"])


def test_headers_come_in_order_with_their_own_names(room: Room, mixed: str) -> None:
    headers = room.one("Email", mixed, "headers")["headers"]
    assert ["From", "Subject", "Received", "Received", "X-Twice", "X-Twice"] == [
        one["name"] for one in headers[:6]
    ]
    assert " two" == headers[5]["value"]


def test_octets_that_are_no_utf8_are_replaced_when_raw_and_read_when_parsed(room: Room) -> None:
    id = room.imported(b"Subject: Gr\xfc\xdfe\r\nX-A: caf\xe9\r\n\r\n")
    found = room.one(
        "Email", id, "subject", "header:Subject:asText", "header:X-A", "header:X-A:asText", "headers"
    )
    assert ("Grüße", "Grüße") == (found["subject"], found["header:Subject:asText"])
    assert (" caf\ufffd", "café") == (found["header:X-A"], found["header:X-A:asText"])
    assert " caf\ufffd" == found["headers"][1]["value"]


def test_the_structure_is_full_and_has_the_properties_asked_for(room: Room, mixed: str) -> None:
    wanted = ["type", "partId", "header:Content-Language:asText", "headers"]
    structure = room.one("Email", mixed, "bodyStructure", bodyProperties=wanted)["bodyStructure"]
    alternative, pdf = structure["subParts"]
    assert ("multipart/mixed", None, 9) == (structure["type"], structure["partId"], len(structure["headers"]))
    assert ["1", "2"] == [part["partId"] for part in alternative["subParts"]]
    assert {"type": "application/pdf", "partId": "3", "header:Content-Language:asText": "de, en"} == {
        name: pdf[name] for name in pdf if name != "headers"
    }
    assert "Content-Type" == pdf["headers"][0]["name"]


def test_lists_of_parts_have_the_properties_asked_for(room: Room, mixed: str) -> None:
    found = room.one(
        "Email", mixed, "textBody", "attachments", bodyProperties=["cid", "subParts", "header:content-id"]
    )
    assert [{"cid": None, "subParts": None, "header:content-id": None}] == found["textBody"]
    assert [{"cid": "cid@x", "subParts": None, "header:content-id": " <cid@x>"}] == found["attachments"]


@pytest.mark.parametrize(
    ("argument", "ids"),
    [("fetchTextBodyValues", ["1"]), ("fetchHTMLBodyValues", ["2"]), ("fetchAllBodyValues", ["1", "2"])],
)
def test_body_values_are_those_asked_for(room: Room, mixed: str, argument: str, ids: list[str]) -> None:
    values = room.one("Email", mixed, "bodyValues", **{argument: True})["bodyValues"]
    assert ids == list(values)
    texts = {"1": "Grüße", "2": '<p>Grüße <a href="https://example.org/">more</a></p>'}
    assert {id: texts[id] for id in ids} == {id: value["value"] for id, value in values.items()}


def test_body_values_are_cut_between_characters_and_before_a_tag(room: Room, mixed: str) -> None:
    values = room.one("Email", mixed, "bodyValues", fetchAllBodyValues=True, maxBodyValueBytes=14)[
        "bodyValues"
    ]
    assert {"value": "Grüße", "isEncodingProblem": False, "isTruncated": False} == values["1"]
    assert {"value": "<p>Grüße ", "isEncodingProblem": False, "isTruncated": True} == values["2"]
    values = room.one("Email", mixed, "bodyValues", fetchTextBodyValues=True, maxBodyValueBytes=3)[
        "bodyValues"
    ]
    assert ("Gr", True) == (values["1"]["value"], values["1"]["isTruncated"])


def test_the_same_properties_come_from_parse(room: Room, mixed: str) -> None:
    """Email/parse and Email/get answer alike where both know (RFC 8621 §4.9)."""
    shared = [*DEFAULTS, "headers", "bodyStructure", "header:X-Twice:all"]
    arguments = {
        "fetchAllBodyValues": True,
        "bodyProperties": ["partId", "type", "size", "blobId", "headers"],
    }
    got = room.one("Email", mixed, *shared, **arguments)
    answered = room.ask("Email/parse", blobIds=[got["blobId"]], properties=shared, **arguments)
    parsed = answered["parsed"][got["blobId"]]
    unknown = dict.fromkeys(("id", "threadId", "mailboxIds", "keywords", "receivedAt"))
    assert got | unknown == parsed


def test_a_uuencoded_part_has_the_size_of_what_is_downloaded(room: Room) -> None:
    data = message(body="begin 644 a\n#0V%T\n`\nend\n", Content_Transfer_Encoding="x-uuencode")
    id = room.imported(data)
    found = room.one("Email", id, "textBody", "bodyValues", fetchTextBodyValues=True)
    [part] = found["textBody"]
    assert (3, "Cat") == (part["size"], found["bodyValues"]["1"]["value"])
    assert part["blobId"].endswith("-u")


def test_a_plain_list_is_not_computed(room: Room) -> None:
    """What a list of messages shows comes out of the row as it stands."""
    id = room.imported(message("Plain"))
    found = room.one(
        "Email", id, "threadId", "from", "to", "subject", "receivedAt", "size", "preview", "keywords"
    )
    assert ("Plain", "A short text.", {}) == (found["subject"], found["preview"], found["keywords"])
