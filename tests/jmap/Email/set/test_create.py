"""Email/set create: every rule by which a message is composed (RFC 8621 §4.6)."""

from __future__ import annotations

from email import policy
from email.parser import BytesParser
from typing import Any

import pytest

from mailroom.room import Room, message
from posthouse.capabilities.mail import write

TEXT = {"textBody": [{"partId": "t"}], "bodyValues": {"t": {"value": "Hello\nyou"}}}


def refused(room: Room, **values: Any) -> dict[str, Any]:
    plain = {"mailboxIds": {room.role["drafts"]: True}}
    return room.refused("Email/set", "create", {"k": plain | values})


def written(room: Room, id: str) -> str:
    return room.bytes_of(room.one("Email", id, "blobId")["blobId"]).decode()


def test_created_tells_id_blob_thread_and_size(room: Room) -> None:
    answered = room.ask("Email/set", create={"k": {"mailboxIds": {room.role["drafts"]: True}, **TEXT}})
    created = answered["created"]["k"]
    assert {"id", "blobId", "threadId", "size"} <= created.keys()
    assert len(room.bytes_of(created["blobId"])) == created["size"]


def test_the_draft_of_the_standard(room: Room) -> None:
    id = room.created(
        keywords={"$seen": True, "$draft": True},
        subject="World domination",
        receivedAt="2018-07-10T01:03:11Z",
        sentAt="2018-07-10T11:03:11+10:00",
        bodyStructure={"type": "text/plain", "partId": "bd48", "header:Content-Language": "en"},
        bodyValues={"bd48": {"value": "I have the most brilliant plan.", "isTruncated": False}},
        **{"from": [{"name": "Joe Bloggs", "email": "joe@example.com"}]},
    )
    found = room.one("Email", id, "from", "subject", "sentAt", "receivedAt", "keywords", "bodyStructure")
    assert [{"name": "Joe Bloggs", "email": "joe@example.com"}] == found["from"]
    assert "World domination" == found["subject"]
    assert "2018-07-10T11:03:11+10:00" == found["sentAt"]
    assert "2018-07-10T01:03:11Z" == found["receivedAt"]
    assert {"$seen": True, "$draft": True} == found["keywords"]
    assert ["en"] == found["bodyStructure"]["language"]


def test_message_id_and_date_are_made_if_missing(room: Room) -> None:
    id = room.created(**TEXT, **{"from": [{"email": "ann@example.org"}]})
    found = room.one("Email", id, "messageId", "sentAt")
    assert found["messageId"][0].endswith("@example.org")
    assert found["sentAt"] is not None


def test_message_id_and_date_are_kept_if_given(room: Room) -> None:
    id = room.created(**TEXT, messageId=["one@x"], sentAt="2020-02-29T12:00:00+01:00")
    assert {"id": id, "messageId": ["one@x"], "sentAt": "2020-02-29T12:00:00+01:00"} == room.one(
        "Email", id, "messageId", "sentAt"
    )


def test_received_at_is_now_if_missing(room: Room) -> None:
    assert room.one("Email", room.created(**TEXT), "receivedAt")["receivedAt"] > "2024"


def test_every_convenience_property_is_read_back(room: Room) -> None:
    given: dict[str, Any] = {
        name: [{"name": f'Jöe, "{name}"', "email": f"{name.lower()}@example.org"}]
        for name in ("sender", "from", "to", "cc", "bcc", "replyTo")
    }
    given |= {"inReplyTo": ["a@x"], "references": ["a@x", "b@x"], "messageId": ["c@x"]}
    given |= {"subject": "Ünïcode =?utf-8?q?not_a_word?= " + "long " * 40 + "end"}
    id = room.created(**TEXT, **given)
    assert given == {name: room.one("Email", id, *given)[name] for name in given}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("header:X-Raw", " just so"),
        ("header:X-Text:asText", "Grüße"),
        ("header:X-Who:asAddresses", [{"name": "Jö", "email": "a@b.c"}]),
        ("header:To:asGroupedAddresses", [{"name": "us", "addresses": [{"name": None, "email": "a@b.c"}]}]),
        ("header:X-Ids:asMessageIds", ["a@b", "c@d"]),
        ("header:X-Date:asDate", "2020-01-01T00:00:00Z"),
        ("header:List-Post:asURLs", ["mailto:a@b.c"]),
        ("header:X-Many:asText:all", ["one", "two"]),
    ],
)
def test_a_header_property_is_written_and_read_back(room: Room, name: str, value: Any) -> None:
    id = room.created(**TEXT, **{name: value})
    assert value == room.one("Email", id, name)[name]


def test_text_and_html_become_alternatives(room: Room) -> None:
    id = room.created(
        textBody=[{"partId": "t", "type": "text/plain"}],
        htmlBody=[{"partId": "h", "type": "text/html"}],
        bodyValues={"t": {"value": "Grüße"}, "h": {"value": "<b>Grüße</b>"}},
    )
    found = room.one("Email", id, "bodyStructure", "bodyValues", "hasAttachment", fetchAllBodyValues=True)
    assert "multipart/alternative" == found["bodyStructure"]["type"]
    assert ["Grüße", "<b>Grüße</b>"] == [value["value"] for value in found["bodyValues"].values()]
    assert not found["hasAttachment"]


def test_attachments_follow_the_body_and_pictures_stay_with_the_html(room: Room) -> None:
    picture, document = room.upload(b"\x89PNG"), room.upload(b"%PDF-1.4")
    id = room.created(
        htmlBody=[{"partId": "h"}],
        bodyValues={"h": {"value": '<img src="cid:p@x">'}},
        attachments=[
            {"blobId": picture, "type": "image/png", "cid": "p@x", "disposition": "inline"},
            {"blobId": document, "type": "application/pdf", "name": "Plän für Jürgen.pdf", "size": 3},
        ],
    )
    found = room.one("Email", id, "bodyStructure", "attachments", "hasAttachment")
    related, attached = found["bodyStructure"]["subParts"]
    assert ["text/html", "image/png"] == [part["type"] for part in related["subParts"]]
    assert ("p@x", "inline") == (related["subParts"][1]["cid"], related["subParts"][1]["disposition"])
    assert ("Plän für Jürgen.pdf", "attachment", 8) == (
        attached["name"],
        attached["disposition"],
        attached["size"],
    )
    assert found["hasAttachment"]


def test_an_attached_message_is_attached_as_it_is(room: Room) -> None:
    inner = message("Inner", "Line\n")
    id = room.created(attachments=[{"blobId": room.upload(inner), "type": "message/rfc822"}])
    [part] = room.one("Email", id, "attachments")["attachments"]
    parsed = room.ask("Email/parse", blobIds=[part["blobId"]], properties=["subject", "size"])["parsed"]
    assert {"subject": "Inner", "size": len(inner)} == parsed[part["blobId"]]


def test_without_a_body_the_text_is_empty(room: Room) -> None:
    id = room.created(subject="nothing")
    found = room.one("Email", id, "textBody", "bodyValues", fetchTextBodyValues=True)
    assert [""] == [value["value"] for value in found["bodyValues"].values()]


def test_the_standard_library_reads_what_was_written(room: Room) -> None:
    id = room.created(
        subject="Grüße aus Köln",
        to=[{"name": "Müller, Jörg", "email": "j@example.org"}],
        textBody=[{"partId": "t"}],
        bodyValues={"t": {"value": "Ä" * 1000 + "\n.\nFrom here\n"}},
    )
    read = BytesParser(policy=policy.default).parsebytes(written(room, id).encode())
    assert "Grüße aus Köln" == read["subject"]
    assert "Müller, Jörg" == read["to"].addresses[0].display_name
    assert "Ä" * 1000 + "\n.\nFrom here\n" == read.get_content().replace("\r\n", "\n")
    assert all(len(line) <= 998 for line in written(room, id).splitlines())


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({"headers": []}, ["headers"]),
        ({"blobId": "b"}, ["blobId"]),
        ({"subject": "a", "header:subject": " b"}, ["header:subject", "subject"]),
        ({"header:X-A": " a", "header:x-a:asText": "b"}, ["header:X-A", "header:x-a:asText"]),
        ({"header:From:asDate": "2020-01-01T00:00:00Z"}, ["header:From:asDate"]),
        ({"header:Content-Type": " text/html"}, ["header:Content-Type"]),
        ({"header:X-A": " a\r\nBcc: x@y"}, ["header:X-A"]),
        ({"header:X-A:asDate": "yesterday"}, ["header:X-A:asDate"]),
        ({"header:X-A:all": " a"}, ["header:X-A:all"]),
        ({"messageId": ["<a b>"]}, ["messageId"]),
        ({"subject": 5}, ["subject"]),
        ({"from": [{"name": "x"}]}, ["from"]),
        ({"mailboxIds": {}}, ["mailboxIds"]),
        ({"mailboxIds": {"m999": True}}, ["mailboxIds"]),
        ({"mailboxIds": {"m1": False}}, ["mailboxIds"]),
        ({"keywords": {"a b": True}}, ["keywords"]),
        ({"keywords": {"": True}}, ["keywords"]),
        ({"keywords": {"$seen": False}}, ["keywords"]),
        ({"receivedAt": "2020-01-01T00:00:00+01:00"}, ["receivedAt"]),
        ({"unknown": 1}, ["unknown"]),
    ],
)
def test_what_is_wrong_is_named(room: Room, values: dict[str, Any], wrong: list[str]) -> None:
    error = refused(room, **values)
    assert ("invalidProperties", wrong) == (error["type"], error["properties"])


BLOB = "b" + "A" * 43


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({"bodyStructure": {"partId": "t"}, "textBody": [{"partId": "t"}]}, ["textBody"]),
        ({"bodyStructure": {"partId": "t", "headers": []}}, ["bodyStructure/headers"]),
        ({"bodyStructure": {"partId": "t", "header:Subject": " a"}, "subject": "b"}, ["bodyStructure/header:Subject"]),
        ({"textBody": []}, ["textBody"]),
        ({"textBody": [{"partId": "t"}, {"partId": "t"}]}, ["textBody"]),
        ({"textBody": [{"partId": "t", "type": "text/html"}]}, ["textBody/0/type"]),
        ({"htmlBody": [{"partId": "t", "type": "text/plain"}]}, ["htmlBody/0/type"]),
        ({"textBody": [{"partId": "t", "blobId": BLOB}]}, ["textBody/0/partId"]),
        ({"textBody": [{}]}, ["textBody/0/partId"]),
        ({"textBody": [{"partId": "u"}]}, ["bodyValues/u"]),
        ({"textBody": [{"partId": "t", "charset": "utf-8"}]}, ["textBody/0/charset"]),
        ({"textBody": [{"partId": "t", "size": 3}]}, ["textBody/0/size"]),
        ({"textBody": [{"partId": "t", "unknown": 1}]}, ["textBody/0/unknown"]),
        ({"textBody": [{"partId": "t", "cid": "a b"}]}, ["textBody/0"]),
        ({"textBody": [{"partId": "t", "header:Content-Transfer-Encoding": " 8bit"}]},
         ["textBody/0/header:Content-Transfer-Encoding"]),
        ({"textBody": [{"partId": "t", "type": "text/plain", "header:Content-Type": " text/plain"}]},
         ["textBody/0/header:Content-Type", "textBody/0/type"]),
        ({"bodyStructure": {"type": "multipart/mixed"}}, ["bodyStructure/subParts"]),
        ({"bodyStructure": {"type": "multipart/mixed", "subParts": [{"partId": "t"}], "partId": "t"}},
         ["bodyStructure/partId"]),
        ({"bodyStructure": {"type": "text/plain", "partId": "t", "subParts": [{"partId": "t"}]}},
         ["bodyStructure/subParts"]),
        ({"bodyStructure": {"type": "no type", "blobId": BLOB}}, ["bodyStructure"]),
        ({"attachments": [{"partId": "t", "type": "image/png"}]}, ["attachments/0/type"]),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_body_is_named(room: Room, values: dict[str, Any], wrong: list[str]) -> None:
    error = refused(room, **{"bodyValues": {"t": {"value": "x"}}} | values)
    assert ("invalidProperties", wrong) == (error["type"], error["properties"])


@pytest.mark.parametrize("flaw", ["isEncodingProblem", "isTruncated"])
def test_a_body_value_is_whole(room: Room, flaw: str) -> None:
    error = refused(room, textBody=[{"partId": "t"}], bodyValues={"t": {"value": "x", flaw: True}})
    assert ["bodyValues/t"] == error["properties"]


def test_a_structure_may_not_be_bottomless(room: Room) -> None:
    part: dict[str, Any] = {"partId": "t"}
    for _ in range(40):
        part = {"type": "multipart/mixed", "subParts": [part]}
    assert "invalidProperties" == refused(room, bodyStructure=part, bodyValues={"t": {"value": "x"}})["type"]


def test_blobs_that_are_not_there_are_all_named(room: Room) -> None:
    there = room.upload(b"x")
    other = "b" + "B" * 42 + "A"
    error = refused(room, attachments=[{"blobId": BLOB}, {"blobId": there}, {"blobId": other}])
    assert ("blobNotFound", [BLOB, other]) == (error["type"], error["notFound"])


def test_another_accounts_blob_is_not_there(room: Room) -> None:
    id = room.imported(message())
    blob = room.one("Email", id, "blobId")["blobId"]
    box = room.ask("Mailbox/get", accountId="a2")["list"][0]["id"]
    create = {"k": {"mailboxIds": {box: True}, "attachments": [{"blobId": blob}]}}
    answered = room.ask("Email/set", accountId="a2", create=create)
    assert "blobNotFound" == answered["notCreated"]["k"]["type"]


@pytest.mark.parametrize("parts", [1, 40])
def test_content_that_is_too_large_together_is_refused(room: Room, parts: int) -> None:
    """A blob or a text that stands many times counts many times."""
    blob = room.upload(b"x" * (50_000_000 // parts + 1))
    error = refused(room, attachments=[{"blobId": blob}] * parts)
    assert ("tooLarge", 50_000_000) == (error["type"], error["maxSize"])
    texts = [{"partId": "t", "type": "text/plain"}] * 60
    error = refused(room, attachments=texts, bodyValues={"t": {"value": "x" * 1_000_000}})
    assert "tooLarge" == error["type"]


def test_too_many_keywords(room: Room) -> None:
    error = refused(room, keywords={f"k{number}": True for number in range(257)})
    assert "tooManyKeywords" == error["type"]


def test_keywords_are_kept_in_lower_case(room: Room) -> None:
    id = room.created(**TEXT, keywords={"$Seen": True, "MyTag": True})
    assert {"$seen": True, "mytag": True} == room.one("Email", id, "keywords")["keywords"]


def test_one_that_fails_leaves_the_others_alone(room: Room) -> None:
    box = {"mailboxIds": {room.role["drafts"]: True}}
    answered = room.ask("Email/set", create={"good": box | TEXT, "bad": box | {"headers": []}})
    assert (["good"], ["bad"]) == (list(answered["created"]), list(answered["notCreated"]))


def test_a_reply_created_in_the_same_call_joins_the_thread(room: Room) -> None:
    box = {"mailboxIds": {room.role["drafts"]: True}}
    created = room.ask(
        "Email/set",
        create={
            "one": box | {"subject": "Plan", "messageId": ["1@x"]},
            "two": box | {"subject": "Re: Plan", "inReplyTo": ["1@x"]},
        },
    )["created"]
    assert created["one"]["threadId"] == created["two"]["threadId"]
    room.check_counts()


def test_a_new_draft_takes_the_place_of_the_old_in_its_thread(room: Room) -> None:
    old = room.created(subject="Plan", inReplyTo=["1@x"])
    thread = room.one("Email", old, "threadId")["threadId"]
    new = {"mailboxIds": {room.role["drafts"]: True}, "subject": "Plan", "inReplyTo": ["1@x"]}
    answered = room.ask("Email/set", create={"k": new}, destroy=[old])
    assert thread == answered["created"]["k"]["threadId"]
    assert [answered["created"]["k"]["id"]] == room.one("Thread", thread)["emailIds"]
    room.check_counts()


def test_one_call_does_not_compose_without_end(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "_MOST_COMPOSED", 1000)
    one = {"mailboxIds": {room.role["drafts"]: True}, "subject": "x" * 600}
    answered = room.ask("Email/set", create={f"k{number}": one for number in range(4)})
    assert {"rateLimit"} == {error["type"] for error in answered["notCreated"].values()}
    assert ["k0", "k1"] == list(answered["created"])
