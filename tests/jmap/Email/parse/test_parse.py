"""Email/parse (RFC 8621 §4.9)."""

from __future__ import annotations

import pytest

from mailroom.room import Room, message
from posthouse.capabilities.mail import parse


def test_the_default_properties(room: Room) -> None:
    blob = room.upload(message("Parsed", id="a@x"))
    [parsed] = room.ask("Email/parse", blobIds=[blob])["parsed"].values()
    assert [
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
    ] == list(parsed)
    assert ("Parsed", ["a@x"], {}) == (parsed["subject"], parsed["messageId"], parsed["bodyValues"])


def test_any_bytes_are_a_message(room: Room) -> None:
    blob = room.upload(b"\0\xff no message at all")
    answered = room.ask("Email/parse", blobIds=[blob])
    assert ([blob], None, None) == (list(answered["parsed"]), answered["notParsable"], answered["notFound"])


def test_what_is_not_there_is_named(room: Room) -> None:
    answered = room.ask("Email/parse", blobIds=["b" + "A" * 43, "x"])
    assert (None, ["b" + "A" * 43, "x"]) == (answered["parsed"], answered["notFound"])


def test_the_parts_of_an_attached_message_can_be_parsed_in_turn(room: Room) -> None:
    innermost = message("Innermost")
    inner = room.created(
        subject="Inner", attachments=[{"blobId": room.upload(innermost), "type": "message/rfc822"}]
    )
    blob = room.one("Email", inner, "blobId")["blobId"]
    outer = room.created(attachments=[{"blobId": blob, "type": "message/rfc822"}])
    [attached] = room.one("Email", outer, "attachments")["attachments"]
    names = ["subject", "attachments"]
    [parsed] = room.ask("Email/parse", blobIds=[attached["blobId"]], properties=names)["parsed"].values()
    assert "Inner" == parsed["subject"]
    [attached] = parsed["attachments"]
    [parsed] = room.ask("Email/parse", blobIds=[attached["blobId"]], properties=names)["parsed"].values()
    assert "Innermost" == parsed["subject"]


def test_blobs_that_are_too_large_together_are_refused(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse, "_MOST_OCTETS", 1000)
    blobs = [room.upload(letter * 600) for letter in (b"a", b"b")]
    assert "requestTooLarge" == room.refusal("Email/parse", blobIds=blobs)["type"]
    large = room.upload(b"c" * 2000)
    assert [large] == list(room.ask("Email/parse", blobIds=[large])["parsed"])
