"""Real messages go through import, every property, download and export, and nothing is lost or malformed."""

from __future__ import annotations

import email
import email.policy
import re
from email.message import Message
from pathlib import Path
from typing import Any

from corpora.conftest import BATCH, Taken
from wire import email_shape

KNOWN = {"7bit", "8bit", "base64", "quoted-printable"}
ASCII_CHARSETS = {"us-ascii", "utf-8", "iso-8859-1", "iso-8859-15", "windows-1252"}


def test_each_message_comes_back_as_it_was(taken: Taken) -> None:
    assert sorted(taken.names.values()) == sorted(name for name, _, _ in taken.whole)
    for name, data, one in taken.whole:
        assert len(data) == one["size"], name


def test_each_property_is_well_formed(taken: Taken) -> None:
    faults = [
        f"{name}: {fault}"
        for name, data, one in taken.whole
        for fault in email_shape.message_faults(one, data)
    ]
    assert not faults, "\n".join(faults)


def test_the_default_properties_are_the_same_ones(taken: Taken) -> None:
    every = {one["id"]: one for _, _, one in taken.whole}
    _, answer = taken.person.call("Email/get", ids=list(every)[:BATCH])
    part = {
        "partId",
        "blobId",
        "size",
        "name",
        "type",
        "charset",
        "disposition",
        "cid",
        "language",
        "location",
    }
    for one in answer["list"]:
        assert set(email_shape.MESSAGE_PROPERTIES) - {"headers", "bodyStructure"} == set(one)
        assert {} == one["bodyValues"]
        for name in ("textBody", "htmlBody", "attachments"):
            expected = [{key: known[key] for key in part} for known in every[one["id"]][name]]
            assert expected == one[name]
        for name in set(one) - {"textBody", "htmlBody", "attachments", "bodyValues"}:
            assert every[one["id"]][name] == one[name]


def test_header_fields_are_those_of_the_message(taken: Taken) -> None:
    compared = 0
    for name, data, one in taken.whole:
        expected = email_shape.fields(data)
        if expected is not None:
            compared += 1
            assert expected == [(field["name"], field["value"]) for field in one["headers"]], name
    assert compared > len(taken.names) / 2 or not taken.is_sound


def test_each_field_has_each_of_its_forms(taken: Taken) -> None:
    faults = []
    for _, _, one in taken.whole:
        asked = email_shape.header_properties(one["headers"])
        got = {}
        for at in range(0, len(asked), 500):
            _, answer = taken.person.call("Email/get", ids=[one["id"]], properties=asked[at : at + 500])
            got |= answer["list"][0]
        faults += email_shape.header_faults(got, asked, one["headers"])
        known = {property.lower(): property for property in asked}
        for convenient, property in email_shape.CONVENIENT.items():
            same = got.get(known.get(property.lower(), ""))
            if same != one[convenient]:
                faults.append(f"{convenient}: {one[convenient]!r:.200} but {property}: {same!r:.200}")
    assert not faults, "\n".join(faults)


def test_each_part_comes_decoded(taken: Taken) -> None:
    """Held against the standard library where that one finds nothing to object to."""
    compared = 0
    for name, data, one in taken.whole:
        parts = list(email_shape.leaves(one["bodyStructure"]))
        contents = [taken.download(part["blobId"]) for part in parts]
        assert [part["size"] for part in parts] == [len(content) for content in contents], name
        known = _known_parts(email.message_from_bytes(data, policy=email.policy.compat32))
        if known is not None:
            compared += 1
            assert known == list(zip((part["type"] for part in parts), contents, strict=True)), name
    assert compared > len(taken.names) / 3 or not taken.is_sound


def test_each_plain_text_is_its_bytes(taken: Taken) -> None:
    compared = 0
    for name, _, one in taken.whole:
        for part in email_shape.leaves(one["bodyStructure"]):
            value = one["bodyValues"].get(part["partId"])
            if value is None or part["charset"].lower() not in ASCII_CHARSETS or _encoding(part) not in KNOWN:
                continue
            content = taken.download(part["blobId"])
            if content.isascii() and b"\0" not in content:
                compared += 1
                assert content.decode().replace("\r\n", "\n") == value["value"], name
                assert not value["isEncodingProblem"], name
    assert compared > len(taken.names) / 4 or not taken.is_sound


def _encoding(part: Any) -> str:
    fields = [
        field["value"] for field in part["headers"] if field["name"].lower() == "content-transfer-encoding"
    ]
    return fields[-1].strip().lower() if fields else "7bit"


def _known_parts(message: Message) -> list[tuple[str, bytes]] | None:
    """The types and contents of a message's leaves; None where the standard library is no oracle."""
    if message.defects or not re.fullmatch(r"[\w.+-]+/[\w.+-]+", message.get_content_type()):
        return None
    if message.get_content_maintype() == "multipart":
        found = []
        for child in message.get_payload():
            parts = _known_parts(child) if isinstance(child, Message) else None
            if parts is None:
                return None
            found += parts
        return found
    encoding = message.get("Content-Transfer-Encoding", "7bit").lower()
    if message.is_multipart() or encoding not in KNOWN:
        return None  # message/*, and what it would decode that RFC 2045 does not know
    if encoding == "quoted-printable" and re.search(r"[ \t]\r?(\n|\Z)", message.get_payload()):
        return None  # it keeps blanks at the ends of lines, against RFC 2045 §6.7
    content = message.get_payload(decode=True)
    assert isinstance(content, bytes)
    return None if message.defects else [(message.get_content_type(), content)]


def test_an_export_has_the_same_messages(taken: Taken, tmp_path: Path) -> None:
    taken.export(tmp_path / "out")
    found = [
        path.read_bytes() for path in (tmp_path / "out").rglob("*") if re.search(r"/(cur|new)/", str(path))
    ]
    assert sorted(taken.names) == sorted(found)


def test_an_import_over_http_makes_the_same_email(taken: Taken) -> None:
    """Email/import and Email/parse see in a message what ``posthouse import`` saw."""
    person = taken.person
    _, answer = person.call("Mailbox/get", properties=["role"])
    [archive] = [box["id"] for box in answer["list"] if box["role"] == "archive"]
    same = ["blobId", "size", "messageId", "from", "subject", "sentAt", "hasAttachment", "preview"]
    known = {one["blobId"]: {name: one[name] for name in same} for _, _, one in taken.whole[:BATCH]}
    for data in [data for _, data, _ in taken.whole[:BATCH]]:
        person.upload(data, "message/rfc822").raise_for_status()
    _, parsed = person.call("Email/parse", blobIds=list(known), properties=same)
    assert known == parsed["parsed"]
    emails = {f"i{at}": {"blobId": blob, "mailboxIds": {archive: True}} for at, blob in enumerate(known)}
    _, imported = person.call("Email/import", emails=emails)
    assert imported["notCreated"] is None
    ids = [one["id"] for one in imported["created"].values()]
    _, got = person.call("Email/get", ids=ids, properties=same)
    _, answer = person.call("Email/set", destroy=ids)  # the account is that of other tests as well
    assert set(ids) == set(answer["destroyed"])
    assert list(known.values()) == [{name: one[name] for name in same} for one in got["list"]]
